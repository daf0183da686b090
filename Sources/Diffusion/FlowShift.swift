import Foundation

/// Moves flow times towards the noise: `q -> shift q / (1 + (shift - 1) q)`
/// (Esser et al., ICML 2024).
public enum FlowShift: Hashable, Sendable {
  /// By this factor; 1 leaves flow times where they are.
  case fixed(Double)
  /// By `exp(mu)` or `mu`, where `mu` depends on the size of a sample.
  case dynamic(DynamicFlowShift)

  /// The factor.
  ///
  /// - Throws: `DiffusionError` where it depends on what is not known.
  func factor() throws -> Double {
    switch self {
    case .fixed(let factor): return factor
    case .dynamic(let dynamic):
      guard let mu = dynamic.mu else {
        if let factor = dynamic.otherwise { return factor }
        throw DiffusionError(
          "the model shifts its flow times by the number of tokens of a sample (use_dynamic_shifting): give "
            + "`sequenceLength`, or the shift itself as `mu`")
      }
      let factor = dynamic.isExponential ? exp(mu) : mu
      guard factor > 0, factor.isFinite else {
        throw DiffusionError("`mu` \(mu) shifts flow times by \(factor); a positive number is needed")
      }
      return factor
    }
  }
}

/// A shift of flow times that grows with the number of tokens that a
/// transformer sees of a sample.
public struct DynamicFlowShift: Hashable, Sendable {
  /// `mu` for one sequence length.
  public struct Anchor: Hashable, Sendable {
    /// Tokens.
    public var length: Int
    /// The shift there.
    public var mu: Double

    /// The shift at this length.
    public init(length: Int, mu: Double) {
      self.length = length
      self.mu = mu
    }
  }

  /// The factor is `exp(mu)`, not `mu`.
  public var isExponential: Bool
  /// Through these two `mu` is linear in the length; their lengths differ.
  public var anchors: (Anchor, Anchor) {
    get { (first, second) }
    set { (first, second) = newValue }
  }
  private var first: Anchor
  private var second: Anchor
  /// The factor where no `mu` is chosen; `nil` where one must be.
  public var otherwise: Double?
  /// What has been chosen.
  public var mu: Double?

  /// The defaults are those of FLUX.1 (Black Forest Labs, 2024).
  public init(
    isExponential: Bool = true,
    anchors: (Anchor, Anchor) = (Anchor(length: 256, mu: 0.5), Anchor(length: 4096, mu: 1.15)),
    otherwise: Double? = nil
  ) {
    self.isExponential = isExponential
    (first, second) = anchors
    self.otherwise = otherwise
  }

  /// `mu` for a sequence of this length.
  public func mu(ofLength length: Int) -> Double {
    let slope = (second.mu - first.mu) / Double(second.length - first.length)
    return first.mu + slope * Double(length - first.length)
  }
}
