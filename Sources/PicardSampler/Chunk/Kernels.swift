import Diffusion

// One-dimensional loops, compiled for `Float` and `Double` apart. An update
// moves more memory than it computes, so what can be done in one pass is.
// Every sum runs in a fixed order, so its bits depend on nothing but its terms.

/// Runs over `0..<count` in pieces of several pages, of which a dozen fit in the
/// cache of a core.
@inline(__always)
func inPieces(_ count: Int, _ body: (Range<Int>) -> Void) {
  let length = 4096
  var first = 0
  while first < count {
    let end = min(first + length, count)
    body(first..<end)
    first = end
  }
}

/// `output = x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func copy<Scalar: StateScalar>(_ x: Row<Scalar>, to output: Row<Scalar>) {
  precondition(x.count == output.count)
  _ = output.update(fromContentsOf: x)
}

/// `output = a x + b f`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func combine<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>, _ b: Scalar, _ f: Row<Scalar>
) {
  let count = output.count
  precondition(x.count == count && f.count == count)
  for k in 0..<count { output[k] = a * x[k] + b * f[k] }
}

/// `output = (a x + b f) + n`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func combine<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>, _ b: Scalar, _ f: Row<Scalar>,
  plus n: Row<Scalar>
) {
  let count = output.count
  precondition(x.count == count && f.count == count && n.count == count)
  for k in 0..<count { output[k] = (a * x[k] + b * f[k]) + n[k] }
}

/// `output = ((a x + b f) + n) + g (y - x)`; where `y == x` with the bits of
/// `combine`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func combine<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>, _ b: Scalar, _ f: Row<Scalar>,
  plus n: Row<Scalar>, _ g: Scalar, _ y: Row<Scalar>
) {
  let count = output.count
  precondition(
    x.count == count && f.count == count && n.count == count && y.count == count)
  for k in 0..<count { output[k] = ((a * x[k] + b * f[k]) + n[k]) + g * (y[k] - x[k]) }
}

/// `output += a x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(_ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>) {
  let count = output.count
  precondition(x.count == count)
  for k in 0..<count { output[k] += a * x[k] }
}

/// `output += a (x - y)`; leaves the bits of `output` where `x == y`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>, minus y: Row<Scalar>
) {
  let count = output.count
  precondition(x.count == count && y.count == count)
  for k in 0..<count { output[k] += a * (x[k] - y[k]) }
}

/// `output = x - y`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func subtract<Scalar: StateScalar>(_ output: Row<Scalar>, _ x: Row<Scalar>, _ y: Row<Scalar>) {
  let count = output.count
  precondition(x.count == count && y.count == count)
  for k in 0..<count { output[k] = x[k] - y[k] }
}

/// `output = a (f - g) + b (x - y)`; `output` may be `g`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func subtract<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ f: Row<Scalar>, _ g: Row<Scalar>, plus b: Scalar,
  _ x: Row<Scalar>, _ y: Row<Scalar>
) {
  let count = output.count
  precondition(f.count == count && g.count == count && x.count == count && y.count == count)
  for k in 0..<count { output[k] = a * (f[k] - g[k]) + b * (x[k] - y[k]) }
}

/// `output = a output`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func scale<Scalar: StateScalar>(_ output: Row<Scalar>, by a: Scalar) {
  for k in 0..<output.count { output[k] *= a }
}

/// `output = a x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func scale<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>
) {
  let count = output.count
  precondition(x.count == count)
  for k in 0..<count { output[k] = a * x[k] }
}

/// Elements `k..<k+8` as one vector.
@inline(__always)
func lanes<Scalar: StateScalar>(_ x: Row<Scalar>, _ k: Int) -> SIMD8<Scalar> {
  SIMD8(x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7])
}

/// The differences of elements `k..<k+8`, in `Double`.
@inline(__always)
private func differences<Scalar: StateScalar>(
  _ x: Row<Scalar>, _ y: Row<Scalar>, _ k: Int
) -> SIMD8<Double> {
  var result = SIMD8<Double>.zero
  for lane in 0..<8 { result[lane] = Double(x[k + lane] - y[k + lane]) }
  return result
}

/// Runs over `0..<count` in blocks of at most 64 vectors of eight, and the
/// elements that are left. Sums run in the state's type within a block and in
/// `Double` over the blocks, so that long states lose no digits.
@inline(__always)
func inBlocks(
  _ count: Int, _ block: (_ vectors: StrideTo<Int>) -> Void, rest: (Range<Int>) -> Void
) {
  let whole = count & ~7
  var first = 0
  while first < whole {
    let end = min(first + 512, whole)
    block(stride(from: first, to: end, by: 8))
    first = end
  }
  rest(whole..<count)
}

/// `sum (x - y)^2`, squared and summed in `Double`, which no difference of
/// single-precision numbers overflows.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func squaredDistance<Scalar: StateScalar>(_ x: Row<Scalar>, _ y: Row<Scalar>) -> Double {
  let count = x.count
  precondition(y.count == count)
  var sums = SIMD8<Double>.zero
  let whole = count & ~7
  for k in stride(from: 0, to: whole, by: 8) {
    let difference = differences(x, y, k)
    sums += difference * difference
  }
  var sum = sums.sum()
  for k in whole..<count {
    let difference = Double(x[k] - y[k])
    sum += difference * difference
  }
  return sum
}

/// `output += a (x - y)`, then `sum (output - z)^2` as `squaredDistance` has it.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: Row<Scalar>, _ a: Scalar, _ x: Row<Scalar>, minus y: Row<Scalar>,
  squaredDistanceTo z: Row<Scalar>
) -> Double {
  let count = output.count
  precondition(x.count == count && y.count == count && z.count == count)
  var sums = SIMD8<Double>.zero
  let whole = count & ~7
  for k in stride(from: 0, to: whole, by: 8) {
    for lane in k..<(k + 8) { output[lane] += a * (x[lane] - y[lane]) }
    let difference = differences(output, z, k)
    sums += difference * difference
  }
  var sum = sums.sum()
  for k in whole..<count {
    output[k] += a * (x[k] - y[k])
    let difference = Double(output[k] - z[k])
    sum += difference * difference
  }
  return sum
}

/// `sum x y` in `Double`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func innerProduct<Scalar: StateScalar>(_ x: Row<Scalar>, _ y: Row<Scalar>) -> Double {
  let count = x.count
  precondition(y.count == count)
  var sum = 0.0
  inBlocks(count) { vectors in
    var block = SIMD8<Scalar>.zero
    for k in vectors { block += lanes(x, k) * lanes(y, k) }
    sum += Double(block.sum())
  } rest: { elements in
    for k in elements { sum += Double(x[k]) * Double(y[k]) }
  }
  return sum
}

/// What `absorb` finds out about a new value of `f`.
struct SecantProducts {
  /// `<df, dy>` and `<dy, dy>` since the last evaluation.
  var valueState = 0.0
  var stateState = 0.0
  /// All elements of the new value are finite.
  var isFinite = true
}

/// `value = p state + q prediction`, with the secant products of the change of
/// `value` and `state` against their last ones.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func absorb<Scalar: StateScalar>(
  _ value: Row<Scalar>, p: Scalar, state: Row<Scalar>, q: Scalar, prediction: Row<Scalar>,
  earlier: Row<Scalar>
) -> SecantProducts {
  let count = value.count
  precondition(state.count == count && prediction.count == count && earlier.count == count)
  var products = SecantProducts()
  inBlocks(count) { vectors in
    var (valueState, stateState) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
    // Zero times a number is zero unless the number is not finite.
    var zero = SIMD8<Scalar>.zero
    for k in vectors {
      let y = lanes(state, k)
      let new = p * y + q * lanes(prediction, k)
      let old = lanes(value, k)
      let dy = y - lanes(earlier, k)
      valueState += (new - old) * dy
      stateState += dy * dy
      zero += new * 0
      for lane in 0..<8 { value[k + lane] = new[lane] }
    }
    products.valueState += Double(valueState.sum())
    products.stateState += Double(stateState.sum())
    if zero.sum() != 0 { products.isFinite = false }
  } rest: { elements in
    for k in elements {
      let new = p * state[k] + q * prediction[k]
      let dy = Double(state[k] - earlier[k])
      products.valueState += Double(new - value[k]) * dy
      products.stateState += dy * dy
      if !new.isFinite { products.isFinite = false }
      value[k] = new
    }
  }
  return products
}
