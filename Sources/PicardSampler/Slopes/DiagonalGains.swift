import Diffusion

/// `A + B j_k`: what becomes of a change of element `k` in one step, with the
/// slope `j_k` between minus two and four times the slice's own. To be used once
/// the slopes are found.
struct DiagonalGains<Scalar: StateScalar> {
  let state: Scalar
  let value: Scalar
  let numerators: Row<Scalar>
  let denominators: Row<Scalar>
  /// How much the slice's own slope counts, in units of the denominators.
  let weight: Scalar
  let slope: Scalar
  /// `j`.
  let slopes: Row<Scalar>

  /// Those of some of the elements.
  subscript(elements: Range<Int>) -> DiagonalGains {
    DiagonalGains(
      state: state, value: value, numerators: Row(rebasing: numerators[elements]),
      denominators: Row(rebasing: denominators[elements]), weight: weight, slope: slope,
      slopes: Row(rebasing: slopes[elements]))
  }

  /// Bounded, so that products stay finite and vanish with what they multiply.
  @inline(__always)
  func gain(_ k: Int) -> Scalar { max(-8, min(8, state + value * slopes[k])) }
}

// MARK: Loops

/// Finds the slopes.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func findSlopes<Scalar: StateScalar>(_ gains: DiagonalGains<Scalar>) {
  let (slopes, numerators, denominators) = (gains.slopes, gains.numerators, gains.denominators)
  let (weight, slope) = (gains.weight, gains.slope)
  let (least, most) = (slope - 3 * slope.magnitude, slope + 3 * slope.magnitude)
  for k in 0..<slopes.count {
    let quotient = (numerators[k] + weight * slope) / (denominators[k] + weight)
    slopes[k] = max(least, min(most, quotient))
  }
}

/// Sums over the elements of a state that a rank-two correction needs, with
/// `r = dg - j dy` and `d` the state's change: `dy.d`, `r.d` and `r.dy`.
struct RankTwoProducts {
  var along = 0.0
  var across = 0.0
  var missed = 0.0

  static func += (sum: inout RankTwoProducts, other: RankTwoProducts) {
    sum.along += other.along
    sum.across += other.across
    sum.missed += other.missed
  }
}

/// The products of some elements.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func rankTwoProducts<Scalar: StateScalar>(
  _ gains: DiagonalGains<Scalar>, _ new: Row<Scalar>, minus old: Row<Scalar>,
  _ secant: ElementSecant<Scalar>
) -> RankTwoProducts {
  let count = new.count
  let (dg, y, x) = (secant.estimateChange, secant.state, secant.earlier)
  precondition(old.count == count && dg.count == count && y.count == count && x.count == count)
  var products = RankTwoProducts()
  inBlocks(count) { vectors in
    var (along, across, missed) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
    for k in vectors {
      let change = lanes(new, k) - lanes(old, k)
      let dy = lanes(y, k) - lanes(x, k)
      let r = lanes(dg, k) - lanes(gains.slopes, k) * dy
      along += dy * change
      across += r * change
      missed += r * dy
    }
    products.along += Double(along.sum())
    products.across += Double(across.sum())
    products.missed += Double(missed.sum())
  } rest: { elements in
    for k in elements {
      let (change, dy) = (Double(new[k] - old[k]), Double(y[k] - x[k]))
      let r = Double(dg[k]) - Double(gains.slopes[k]) * dy
      products.along += dy * change
      products.across += r * change
      products.missed += r * dy
    }
  }
  return products
}

/// `output += gain (y+ - y) + B K (y+ - y)` for some elements; leaves its bits
/// where `y+ == y`.
///
/// `K` is the least change of a symmetric Jacobian that makes it meet the
/// secant (Powell 1970): with `r = dg - j dy` what the diagonal misses of it,
/// `K d = ((dy.d) (r - (dy.r)/(dy.dy) dy) + (r.d) dy) / (dy.dy)`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ gains: DiagonalGains<Scalar>, _ new: Row<Scalar>,
  minus old: Row<Scalar>, _ secant: ElementSecant<Scalar>?, _ products: RankTwoProducts
) {
  guard let secant else {
    for k in 0..<output.count { output[k] += gains.gain(k) * (new[k] - old[k]) }
    return
  }
  let (dg, y, x) = (secant.estimateChange, secant.state, secant.earlier)
  let (b, square) = (Double(gains.value), secant.squaredChange)
  let ofMissed = Scalar(b * products.along / square)
  let ofChange = Scalar(b * (products.across - products.along * products.missed / square) / square)
  for k in 0..<output.count {
    let dy = y[k] - x[k]
    let r = dg[k] - gains.slopes[k] * dy
    output[k] += gains.gain(k) * (new[k] - old[k]) + (ofMissed * r + ofChange * dy)
  }
}

/// `response = gain`, or `gain response`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func chain<Scalar: StateScalar>(
  _ response: Row<Scalar>, _ gains: DiagonalGains<Scalar>, isFirst: Bool
) {
  let count = response.count
  // A loop of its own for each: with the choice inside it is not vectorized.
  if isFirst {
    for k in 0..<count { response[k] = gains.gain(k) }
  } else {
    for k in 0..<count { response[k] = max(-1e6, min(1e6, gains.gain(k) * response[k])) }
  }
}

/// `change = gain change`, `output += change`, and `sum (output - z)^2`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func carry<Scalar: StateScalar>(
  _ change: Row<Scalar>, _ gains: DiagonalGains<Scalar>, into output: Row<Scalar>,
  squaredDistanceTo z: Row<Scalar>
) -> Double {
  for k in 0..<change.count {
    let next = max(-1e6, min(1e6, gains.gain(k) * change[k]))
    change[k] = next
    output[k] += next
  }
  return squaredDistance(output, z)
}

/// `output += response (x - y)`; leaves its bits where `x == y`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ response: Row<Scalar>, _ x: Row<Scalar>, minus y: Row<Scalar>
) {
  for k in 0..<output.count { output[k] += response[k] * (x[k] - y[k]) }
}
