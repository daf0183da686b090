extension DiscreteSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(alphaBar: alphaBar[0]), NoiseTime(alphaBar: alphaBar[alphaBar.count - 1]))
  }

  /// The schedule in a few words.
  public var description: String {
    var text = "\(alphaBar.count) training timesteps"
    if case .distilled(let count) = choice {
      text += ", distilled to \(count)"
    } else {
      text += ", \(spacing.rawValue) spacing"
      if stepsOffset != 0 { text += ", offset \(stepsOffset)" }
    }
    text += levels.text
    switch end {
    case .alphaBar(1): return text + ", down to clean data"
    case .alphaBar(let end): return text + ", down to alpha^2 = \(end)"
    case .lastNode: return text + ", down to the last of them"
    }
  }
}

extension NoiseLevels {
  fileprivate var text: String {
    switch self {
    case .trained: ""
    case .karras(let rho): ", Karras levels of rho \(rho)"
    case .exponential: ", exponential levels"
    case .beta: ", levels at quantiles of a beta distribution"
    }
  }
}

extension DenoiserSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(edmSigma: least), NoiseTime(edmSigma: greatest))
  }

  /// The schedule in a few words.
  public var description: String { "noise levels sigma_E from \(greatest) to \(least)" + levels.text }
}

extension FlowSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(flowTime: 1 / Double(count)), NoiseTime(flowTime: 1))
  }

  /// The schedule in a few words.
  public var description: String {
    var text = "flow times from 1 to 1/\(count)"
    switch shift {
    case .fixed(1): break
    case .fixed(let factor): text += ", shifted by \(factor)"
    case .dynamic(let dynamic):
      text += ", shifted by the number of tokens" + (dynamic.mu.map { " (mu = \($0))" } ?? " (`sequenceLength` or `mu`)")
    }
    text += levels.text
    return isReversed ? text + "; the network's time runs from the noise to the data" : text
  }
}

extension VarianceExplodingSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(edmSigma: least), NoiseTime(edmSigma: greatest))
  }

  /// The schedule in a few words.
  public var description: String { "variance exploding, noise levels from \(greatest) to \(least), geometric in time" }
}

extension VariancePreservingSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) {
    (NoiseTime(s: lastTime * (least + (greatest - least) * lastTime / 2)), NoiseTime(s: (least + greatest) / 2))
  }

  /// The schedule in a few words.
  public var description: String { "variance preserving, beta from \(greatest) to \(least), linear in time" }
}

extension CrashSchedule: CustomStringConvertible {
  /// The least and the greatest noise time of training.
  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) { (.clean, NoiseTime(alpha: 0, sigma: 1)) }

  /// The schedule in a few words.
  public var description: String { "sigma = sin(pi t / 2)^2, t from 1 to 0" }
}
