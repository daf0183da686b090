import Foundation

/// The training timesteps of a discrete-time model: `alphaBar[i] = alpha^2` at
/// timestep `i`, decreasing; timestep `i` sits at noise time `-log alphaBar[i]`.
public struct DiscreteSchedule: Hashable, Sendable {
  /// How sampling steps are chosen among the training timesteps (the names of
  /// Lin et al., WACV 2024, and of diffusers).
  public enum Spacing: String, Hashable, Sendable, CaseIterable {
    /// Multiples of `count / steps`, from 0.
    case leading
    /// Multiples of `count / steps`, down from the last timestep.
    case trailing
    /// Evenly from the first to the last timestep, both included.
    case linspace
  }

  public let alphaBar: [Double]
  public var spacing: Spacing
  /// Added to every timestep of `leading` spacing.
  public var stepsOffset: Int
  /// `alpha^2` after the last step; 1 is clean data.
  public var finalAlphaBar: Double

  public init(
    alphaBar: [Double], spacing: Spacing = .leading, stepsOffset: Int = 0, finalAlphaBar: Double = 1
  ) {
    self.alphaBar = alphaBar
    self.spacing = spacing
    self.stepsOffset = stepsOffset
    self.finalAlphaBar = finalAlphaBar
  }

  /// Cumulative products of `1 - beta`.
  public init(
    betas: [Double], spacing: Spacing = .leading, stepsOffset: Int = 0, finalAlphaBar: Double = 1
  ) {
    var product = 1.0
    let alphaBar = betas.map { beta in
      product *= 1 - beta
      return product
    }
    self.init(
      alphaBar: alphaBar, spacing: spacing, stepsOffset: stepsOffset, finalAlphaBar: finalAlphaBar)
  }

  /// Betas evenly from `start` to `end` (Ho, Jain and Abbeel, NeurIPS 2020).
  public static func linearBetas(count: Int, from start: Double, to end: Double) -> [Double] {
    (0..<count).map { start + (end - start) * Double($0) / Double(max(count - 1, 1)) }
  }

  /// The timesteps of a run of `steps` steps, from noise to data.
  ///
  /// - Throws: `DiffusionError` where there are fewer training timesteps than
  ///   steps, or where `stepsOffset` leads past the last one.
  public func timesteps(_ steps: Int) throws -> [Int] {
    let count = alphaBar.count
    guard steps >= 1, steps <= count else {
      throw DiffusionError(
        "the model has \(count) training timesteps: --steps must be from 1 to \(count), not \(steps)")
    }
    let ascending: [Int]
    switch spacing {
    case .leading:
      ascending = (0..<steps).map { $0 * (count / steps) + stepsOffset }
    case .trailing:
      let ratio = Double(count) / Double(steps)
      ascending = (0..<steps).map {
        Int((Double(count) - Double($0) * ratio).rounded(.toNearestOrEven)) - 1
      }.reversed()
    case .linspace:
      let ratio = Double(count - 1) / Double(max(steps - 1, 1))
      ascending = (0..<steps).map { Int((Double($0) * ratio).rounded(.toNearestOrEven)) }
    }
    guard let first = ascending.first, let last = ascending.last, first >= 0, last < count else {
      throw DiffusionError(
        "steps_offset \(stepsOffset) leads past the last training timestep at \(steps) steps")
    }
    return ascending.reversed()
  }

  /// The timestep, possibly fractional, at which the model was trained for
  /// this noise time: exact at the training timesteps, between them
  /// interpolated linearly in noise time, clamped outside.
  public func timestep(at time: NoiseTime) -> Double {
    let target = time.alpha * time.alpha
    var (low, high) = (0, alphaBar.count - 1)
    if target >= alphaBar[low] { return 0 }
    if target <= alphaBar[high] { return Double(high) }
    while high - low > 1 {
      let middle = (low + high) / 2
      if alphaBar[middle] > target { low = middle } else { high = middle }
    }
    let fraction = log(target / alphaBar[low]) / log(alphaBar[high] / alphaBar[low])
    let timestep = Double(low) + fraction
    // alpha is a rounded square root: a training timestep comes back to within
    // a few units in the last place, and must be hit exactly.
    let nearest = timestep.rounded()
    return abs(timestep - nearest) < 1e-6 ? nearest : timestep
  }
}
