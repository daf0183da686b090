import Foundation

/// A range of noise that a network was trained on, how a run steps through it, and what
/// the network is told of the noise.
public struct ContinuousSchedule: NoiseSchedule {
  /// What is equally spaced over the nodes.
  public enum Spacing: Hashable, Sendable {
    /// `sigma_E^(1/rho)` (Karras et al., NeurIPS 2022); `rho = 1` is `sigma_E` itself.
    case karras(rho: Double)
    /// `log(sigma_E)`.
    case exponential
    /// The time of a variance-preserving process.
    case processTime(VariancePreservingTime)
    /// The flow time `sigma / (alpha + sigma)`.
    case flowTime
  }

  /// What the network is told.
  public var input: TimeInput
  /// The least noise of training.
  public var least: NoiseTime
  /// The greatest one.
  public var greatest: NoiseTime
  /// How the nodes lie between.
  public var spacing: Spacing
  /// A last step leads from the least noise to clean data.
  public var endsClean: Bool

  /// - Parameters:
  ///   - input: what the network is told.
  ///   - least: the least noise of training, `sigma > 0`.
  ///   - greatest: the greatest one, of more noise.
  ///   - spacing: how the nodes lie between.
  ///   - endsClean: a last step leads to clean data.
  public init(input: TimeInput, least: NoiseTime, greatest: NoiseTime, spacing: Spacing, endsClean: Bool = true) {
    self.input = input
    self.least = least
    self.greatest = greatest
    self.spacing = spacing
    self.endsClean = endsClean
  }

  /// The schedule with other noise levels `sigma_E` at its ends, and another exponent of
  /// Karras' spacing; `nil` where it has no such spacing, or the ends are not in order.
  public func between(least: Double?, greatest: Double?, rho: Double?) -> ContinuousSchedule? {
    var schedule = self
    if let least { schedule.least = NoiseTime(edmSigma: least) }
    if let greatest { schedule.greatest = NoiseTime(edmSigma: greatest) }
    if let rho {
      guard case .karras = spacing else { return nil }
      schedule.spacing = .karras(rho: rho)
    }
    return schedule.least.s < schedule.greatest.s ? schedule : nil
  }

  public var trainedTimes: (least: NoiseTime, greatest: NoiseTime) { (least, greatest) }

  public func grid(steps: Int) throws -> TimeGrid {
    guard steps >= 1 else { throw DiffusionError("`steps` must be at least 1, not \(steps)") }
    // With a clean end, one node fewer lies in the range.
    let count = endsClean ? steps : steps + 1
    let nodes = (0..<count).map { index -> NoiseTime in
      let share = Double(index) / Double(max(count - 1, 1))
      var node = index == 0 ? greatest : index == count - 1 ? least : node(at: share)
      node.timestep = input.value(at: node)
      return node
    }
    return try TimeGrid(nodes: nodes + (endsClean ? [.clean] : []))
  }

  private func node(at share: Double) -> NoiseTime {
    func between(_ value: (NoiseTime) -> Double) -> Double {
      let (first, last) = (value(greatest), value(least))
      return first + share * (last - first)
    }
    switch spacing {
    case .karras(let rho): return NoiseTime(edmSigma: pow(between { pow($0.edmSigma, 1 / rho) }, rho))
    case .exponential: return NoiseTime(edmSigma: exp(between { log($0.edmSigma) }))
    case .processTime(let process): return process.noiseTime(at: between { process.time(at: $0) })
    case .flowTime: return NoiseTime(flowTime: between { $0.sigma / ($0.alpha + $0.sigma) })
    }
  }

  /// Outside of the range of training the network is told the range's end.
  public func timestep(at time: NoiseTime) -> Double {
    let s = time.s
    return input.value(at: s < least.s ? least : s > greatest.s ? greatest : time)
  }

  public var description: String {
    func level(_ time: NoiseTime) -> String { time.alpha == 0 ? "infinite" : String(format: "%.4g", time.edmSigma) }
    let spaced =
      switch spacing {
      case .karras(let rho): "sigma^(1/\(rho)) equally spaced"
      case .exponential: "log(sigma) equally spaced"
      case .processTime: "t equally spaced"
      case .flowTime: "flow time equally spaced"
      }
    return "noise levels sigma from \(level(greatest)) to \(level(least)), \(spaced)"
      + (endsClean ? ", then clean data" : "")
  }
}
