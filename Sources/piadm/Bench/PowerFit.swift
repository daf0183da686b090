import Foundation

/// `y = c x^exponent` by least squares in the logarithms.
struct PowerFit: Encodable {
  let exponent: Double
  /// Of the exponent, from the scatter about the line.
  let standardError: Double

  /// - Precondition: three points or more, of different positive `x`.
  init(_ x: [Double], _ y: [Double]) {
    let (u, v) = (x.map { log($0) }, y.map { log($0) })
    let n = Double(u.count)
    let (meanU, meanV) = (u.reduce(0, +) / n, v.reduce(0, +) / n)
    let spread = u.reduce(0) { $0 + ($1 - meanU) * ($1 - meanU) }
    let slope = zip(u, v).reduce(0) { $0 + ($1.0 - meanU) * ($1.1 - meanV) } / spread
    let residual = zip(u, v).reduce(0) { sum, point in
      let deviation = point.1 - meanV - slope * (point.0 - meanU)
      return sum + deviation * deviation
    }
    exponent = slope
    standardError = (residual / (n - 2) / spread).squareRoot()
  }
}
