import Foundation

/// The law of PIADM-SDE's sequential sampler in one dimension where the target
/// is a pair of normal components at plus and minus `offset`.
///
/// A density on equally spaced points is carried from step to step by the
/// steps' normal transitions. What the sampler does to a mixture of two
/// isotropic components in more dimensions is this along the line between
/// their means, and `GaussianLaw` across it.
public struct PairLaw: Sendable {
  /// Distance of the components' means from the origin.
  public let offset: Double
  /// Variance of either component.
  public let variance: Double
  /// Weight of the component at `+offset`.
  public let weight: Double
  /// Where the density is known.
  public let points: [Double]
  /// The sampler's density at the last node, at each point.
  public let density: [Double]
  /// The target's density there.
  public let target: [Double]

  private var spacing: Double { points[1] - points[0] }

  /// - Parameters:
  ///   - offset: distance of the components' means from the origin.
  ///   - variance: of either component.
  ///   - weight: of the component at `+offset`, between 0 and 1.
  ///   - grid: the sampler's steps.
  /// - Throws: `DiffusionError` where the exponential map does not suit the grid.
  public init(offset: Double, variance: Double, weight: Double, on grid: TimeGrid) throws {
    let map = try StepMap(.exponential, on: grid, noiseLevel: 1)
    let components = [
      (mean: offset, weight: weight), (mean: -offset, weight: 1 - weight),
    ]
    func spread(_ node: NoiseTime) -> Double {
      node.alpha * node.alpha * variance + node.sigma * node.sigma
    }
    func targetDensity(_ x: Double, _ node: NoiseTime) -> Double {
      components.reduce(0) { $0 + $1.weight * normal(x - node.alpha * $1.mean, spread(node)) }
    }
    func score(_ x: Double, _ node: NoiseTime) -> Double {
      let (mean, v) = (node.alpha * offset, spread(node))
      return (mean * tanh(mean * x / v + 0.5 * log(weight / (1 - weight))) - x) / v
    }

    // The trapezoidal rule is exact to rounding for normal densities that are
    // two spacings wide; the narrowest here is a step's noise.
    let narrowest = map.steps.map(\.noise).min() ?? 1
    let reach = max(8, offset + 8 * variance.squareRoot())
    let half = Int((reach / min(narrowest / 2, 0.05)).rounded(.up))
    let spacing = reach / Double(half)
    points = (-half...half).map { Double($0) * spacing }
    var density = points.map { normal($0, 1) }
    for (step, node) in zip(map.steps, grid.nodes) {
      var next = [Double](repeating: 0, count: points.count)
      let width = Int((9 * step.noise / spacing).rounded(.up))
      for (x, value) in zip(points, density) where value > 1e-30 {
        let mean = step.state * x + step.value * score(x, node)
        let middle = half + Int((mean / spacing).rounded())
        let (low, high) = (max(0, middle - width), min(points.count - 1, middle + width))
        guard low <= high else { continue }
        for k in low...high {
          next[k] += value * spacing * normal(points[k] - mean, step.noise * step.noise)
        }
      }
      density = next
    }
    self.density = density
    self.offset = offset
    self.variance = variance
    self.weight = weight
    target = points.map { targetDensity($0, grid.nodes[grid.steps]) }
  }

  /// The sampler's error: the divergence of the target from its law, and the
  /// squared distance of the two.
  public var error: DiscretizationError {
    let divergence = zip(target, density).reduce(0) { sum, pair in
      pair.0 > 1e-25 ? sum + spacing * pair.0 * log(pair.0 / max(pair.1, 1e-300)) : sum
    }
    let levels = (0..<20_000).map { (Double($0) + 0.5) / 20_000 }
    let moved = zip(quantiles(of: target, levels), quantiles(of: density, levels)).reduce(0) {
      $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
    }
    return DiscretizationError(divergence: divergence, squaredDistance: moved / 20_000)
  }

  /// The points below which shares of the sampler's probability lie.
  ///
  /// - Parameter levels: shares between 0 and 1, increasing.
  public func quantiles(_ levels: [Double]) -> [Double] { quantiles(of: density, levels) }

  private func quantiles(of density: [Double], _ levels: [Double]) -> [Double] {
    let total = density.reduce(0, +)
    var (k, below) = (0, 0.0)
    return levels.map { level in
      while k < density.count - 1, below + density[k] / total < level {
        below += density[k] / total
        k += 1
      }
      let mass = density[k] / total
      return points[k] + spacing * ((mass > 0 ? (level - below) / mass : 0.5) - 0.5)
    }
  }
}

/// The density of `N(0, variance)`.
private func normal(_ x: Double, _ variance: Double) -> Double {
  exp(-x * x / (2 * variance)) / (2 * Double.pi * variance).squareRoot()
}
