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

/// `sum (x - y)^2` in `Double`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
func squaredDistance<Scalar: StateScalar>(_ x: [Scalar], _ y: [Scalar]) -> Double {
  let count = x.count
  precondition(y.count == count)
  let x = x.span
  let y = y.span
  var lanes = SIMD8<Double>.zero
  let whole = count & ~7
  var k = 0
  while k < whole {
    var difference = SIMD8<Double>.zero
    for lane in 0..<8 { difference[lane] = Double(x[k + lane] - y[k + lane]) }
    lanes += difference * difference
    k += 8
  }
  var sum = lanes.sum()
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
  var lanes = SIMD8<Double>.zero
  let whole = count & ~7
  var k = 0
  while k < whole {
    var products = SIMD8<Double>.zero
    for lane in 0..<8 { products[lane] = Double(x[k + lane]) * Double(y[k + lane]) }
    lanes += products
    k += 8
  }
  var sum = lanes.sum()
  for k in whole..<count { sum += Double(x[k]) * Double(y[k]) }
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
  _ value: inout [Scalar], p: Scalar, state: [Scalar], q: Scalar,
  prediction: Span<Scalar>, earlier: [Scalar]
) -> SecantProducts {
  let count = value.count
  precondition(state.count == count && prediction.count == count && earlier.count == count)
  let state = state.span
  let earlier = earlier.span
  var value = value.mutableSpan
  var (valueState, stateState, zero) = (SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero)
  let whole = count & ~7
  var k = 0
  while k < whole {
    var (df, dy, f) = (SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero)
    for lane in 0..<8 {
      let new = p * state[k + lane] + q * prediction[k + lane]
      f[lane] = Double(new)
      df[lane] = Double(new - value[k + lane])
      dy[lane] = Double(state[k + lane] - earlier[k + lane])
      value[k + lane] = new
    }
    valueState += df * dy
    stateState += dy * dy
    zero += f * 0
    k += 8
  }
  var products = SecantProducts(
    valueState: valueState.sum(), stateState: stateState.sum(), isFinite: zero.sum() == 0)
  for k in whole..<count {
    let new = p * state[k] + q * prediction[k]
    let dy = Double(state[k] - earlier[k])
    products.valueState += Double(new - value[k]) * dy
    products.stateState += dy * dy
    if !new.isFinite { products.isFinite = false }
    value[k] = new
  }
  return products
}
