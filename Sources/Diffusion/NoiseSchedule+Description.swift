extension DiscreteSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(alphaBar: alphaBar[0]), NoiseTime(alphaBar: alphaBar[alphaBar.count - 1]))
  }

  /// The schedule in a few words.
  public var description: String {
    var text = "\(alphaBar.count) training timesteps, \(spacing.rawValue) spacing"
    if stepsOffset != 0 { text += ", offset \(stepsOffset)" }
    return text + (finalAlphaBar == 1 ? ", down to clean data" : ", down to alpha^2 = \(finalAlphaBar)")
  }
}

extension DenoiserSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(edmSigma: least), NoiseTime(edmSigma: greatest))
  }

  /// The schedule in a few words.
  public var description: String { "noise levels sigma_E from \(greatest) to \(least)" }
}

extension FlowSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(flowTime: 1 / Double(count)), NoiseTime(flowTime: 1))
  }

  /// The schedule in a few words.
  public var description: String { "flow times from 1 to 1/\(count)" + (shift == 1 ? "" : ", shifted by \(shift)") }
}
