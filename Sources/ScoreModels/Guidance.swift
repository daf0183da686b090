/// Classifier-free guidance (Ho and Salimans, 2022): `null + scale (conditional - null)`.
public struct Guidance: Hashable, Sendable {
  /// `G`; 1 is the conditional branch.
  public var scale: Double
  /// The share, from 0 to 1, of the guided prediction that is brought to the standard
  /// deviation of the conditional one, sample by sample (Lin et al., WACV 2024).
  public var rescale: Double
  /// The noise levels `sigma_E` that are guided; others take the conditional branch alone
  /// (Kynkaanniemi et al., NeurIPS 2024).
  public var interval: ClosedRange<Double>

  /// The defaults guide everywhere and rescale nothing.
  public init(scale: Double, rescale: Double = 0, interval: ClosedRange<Double> = 0 ... .infinity) {
    self.scale = scale
    self.rescale = rescale
    self.interval = interval
  }

  /// Puts the guided prediction of one row in place of its conditional one.
  ///
  /// - Parameters:
  ///   - predictions: of all rows.
  ///   - row: the elements of the conditional branch.
  ///   - null: those of the unconditional branch.
  func combine(_ predictions: inout [Float], _ row: Range<Int>, null: Range<Int>) {
    let own = rescale > 0 ? Self.deviation(predictions[row]) : 0
    let factor = Float(scale)
    for (k, j) in zip(row, null) {
      predictions[k] = predictions[j] + factor * (predictions[k] - predictions[j])
    }
    guard rescale > 0 else { return }
    let guided = Self.deviation(predictions[row])
    guard guided > 0 else { return }
    let ratio = Float(rescale * own / guided + 1 - rescale)
    for k in row { predictions[k] *= ratio }
  }

  private static func deviation(_ row: ArraySlice<Float>) -> Double {
    let mean = row.reduce(0.0) { $0 + Double($1) } / Double(row.count)
    return (row.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / Double(row.count)).squareRoot()
  }
}
