import Foundation

/// The quantile of the beta distribution: the `x` at which the regularized
/// incomplete beta function `I_x(a, b)` is `probability`.
///
/// Found by bisection, since `I` increases from 0 to 1.
///
/// - Parameters:
///   - probability: from 0 to 1.
///   - a: positive.
///   - b: positive.
func betaQuantile(_ probability: Double, _ a: Double, _ b: Double) -> Double {
  var (low, high) = (0.0, 1.0)
  while true {
    let middle = low + (high - low) / 2
    // Below the rounding of noise levels between 0 and 1.
    guard high - low > 0x1p-60, middle > low, middle < high else { return middle }
    if regularizedBeta(middle, a, b) < probability { low = middle } else { high = middle }
  }
}

/// The regularized incomplete beta function `I_x(a, b)` by its continued
/// fraction (Press, Teukolsky, Vetterling and Flannery, Numerical Recipes,
/// section 6.4; Abramowitz and Stegun 26.5.8), evaluated by the modified method
/// of Lentz (1976).
func regularizedBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
  guard x > 0 else { return 0 }
  guard x < 1 else { return 1 }
  // The fraction converges fast on this side of the mean.
  guard x <= (a + 1) / (a + b + 2) else { return 1 - regularizedBeta(1 - x, b, a) }
  let front = tgamma(a + b) / (tgamma(a) * tgamma(b)) * pow(x, a) * pow(1 - x, b) / a
  let tiny = Double.leastNormalMagnitude
  func nonzero(_ value: Double) -> Double { abs(value) < tiny ? tiny : value }
  var (c, d) = (1.0, 1 / nonzero(1 - (a + b) * x / (a + 1)))
  var fraction = d
  for m in 1...300 {
    let k = Double(m)
    for coefficient in [
      k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
      -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1)),
    ] {
      d = 1 / nonzero(1 + coefficient * d)
      c = nonzero(1 + coefficient / c)
      fraction *= c * d
    }
    if abs(c * d - 1) < Double.ulpOfOne { break }
  }
  return front * fraction
}
