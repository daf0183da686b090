import Diffusion

// One-dimensional loops, compiled for `Float` and `Double` apart.
// Every sum runs in a fixed order, so its bits depend on nothing but its terms.

/// `output = a x + b f`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func combine<Scalar: StateScalar>(
  _ output: inout [Scalar], _ a: Scalar, _ x: [Scalar], _ b: Scalar,
  _ f: [Scalar]
) {
  let count = output.count
  precondition(x.count == count && f.count == count)
  let x = x.span
  let f = f.span
  var output = output.mutableSpan
  for k in 0..<count { output[k] = a * x[k] + b * f[k] }
}

/// `output = (a x + b f) + n`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func combine<Scalar: StateScalar>(
  _ output: inout [Scalar], _ a: Scalar, _ x: [Scalar], _ b: Scalar,
  _ f: [Scalar], plus n: [Scalar]
) {
  let count = output.count
  precondition(x.count == count && f.count == count && n.count == count)
  let x = x.span
  let f = f.span
  let n = n.span
  var output = output.mutableSpan
  for k in 0..<count { output[k] = (a * x[k] + b * f[k]) + n[k] }
}

/// `output += a x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: inout [Scalar], _ a: Scalar, _ x: [Scalar]
) {
  let count = output.count
  precondition(x.count == count)
  let x = x.span
  var output = output.mutableSpan
  for k in 0..<count { output[k] += a * x[k] }
}

/// `output += a (x - y)`; leaves the bits of `output` where `x == y`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func accumulate<Scalar: StateScalar>(
  _ output: inout [Scalar], _ a: Scalar, _ x: [Scalar], minus y: [Scalar]
) {
  let count = output.count
  precondition(x.count == count && y.count == count)
  let x = x.span
  let y = y.span
  var output = output.mutableSpan
  for k in 0..<count { output[k] += a * (x[k] - y[k]) }
}

/// `output = a output`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func scale<Scalar: StateScalar>(_ output: inout [Scalar], by a: Scalar) {
  let count = output.count
  var output = output.mutableSpan
  for k in 0..<count { output[k] *= a }
}

/// `output[first...] = a x`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func scale<Scalar: StateScalar>(
  _ output: inout [Scalar], from first: Int, _ a: Scalar, _ x: [Scalar]
) {
  let count = x.count
  precondition(first >= 0 && first + count <= output.count)
  let x = x.span
  var output = output.mutableSpan
  for k in 0..<count { output[first + k] = a * x[k] }
}

/// Elements `k..<k+8` as one vector.
@inline(__always)
private func lanes<Scalar: StateScalar>(_ x: Span<Scalar>, _ k: Int) -> SIMD8<Scalar> {
  SIMD8(x[k], x[k + 1], x[k + 2], x[k + 3], x[k + 4], x[k + 5], x[k + 6], x[k + 7])
}

/// Runs over `0..<count` in blocks of at most 64 vectors of eight, and the
/// elements that are left. Sums run in the state's type within a block and in
/// `Double` over the blocks, so that long states lose no digits.
@inline(__always)
private func inBlocks(_ count: Int, _ block: (_ vectors: StrideTo<Int>) -> Void, rest: (Range<Int>) -> Void) {
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
func squaredDistance<Scalar: StateScalar>(_ x: [Scalar], _ y: [Scalar]) -> Double {
  let count = x.count
  precondition(y.count == count)
  let x = x.span
  let y = y.span
  var sums = SIMD8<Double>.zero
  let whole = count & ~7
  for k in stride(from: 0, to: whole, by: 8) {
    var difference = SIMD8<Double>.zero
    for lane in 0..<8 { difference[lane] = Double(x[k + lane] - y[k + lane]) }
    sums += difference * difference
  }
  var sum = sums.sum()
  for k in whole..<count {
    let difference = Double(x[k] - y[k])
    sum += difference * difference
  }
  return sum
}

/// `sum x y` in `Double`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func innerProduct<Scalar: StateScalar>(_ x: [Scalar], _ y: [Scalar]) -> Double {
  let count = x.count
  precondition(y.count == count)
  let x = x.span
  let y = y.span
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
  _ value: inout [Scalar], p: Scalar, state: [Scalar], q: Scalar, prediction: Span<Scalar>,
  earlier: [Scalar]
) -> SecantProducts {
  let count = value.count
  precondition(state.count == count && prediction.count == count && earlier.count == count)
  let state = state.span
  let earlier = earlier.span
  var value = value.mutableSpan
  var products = SecantProducts()
  inBlocks(count) { vectors in
    var (valueState, stateState) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
    // Zero times a number is zero unless the number is not finite.
    var zero = SIMD8<Scalar>.zero
    for k in vectors {
      let y = lanes(state, k)
      let new = p * y + q * lanes(prediction, k)
      let old = lanes(value.span, k)
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
