import Diffusion
import Foundation

/// The law of PIADM-SDE's sequential sampler in one dimension where the target
/// is a pair of normal components at plus and minus `offset`: a density on
/// points, carried from step to step by its normal transitions.
struct PairLaw {
  let offset: Double
  let variance: Double

  /// The error against the target at the grid's last node.
  func error(on grid: TimeGrid) throws -> DiscretizationError {
    let map = try StepMap(.exponential, on: grid, noiseLevel: 1)
    // The trapezoidal rule is exact to rounding for normal densities that are
    // two spacings wide; the narrowest here is a step's noise.
    let narrowest = map.steps.map(\.noise).min() ?? 1
    let reach = 8.0
    let count = 2 * Int(reach / min(narrowest / 2, 0.05)) + 1
    let spacing = 2 * reach / Double(count - 1)
    let points = (0..<count).map { Double($0) * spacing - reach }
    var density = points.map { normal($0, 1) }
    for (step, node) in zip(map.steps, grid.nodes) {
      var next = [Double](repeating: 0, count: count)
      let half = Int((9 * step.noise / spacing).rounded(.up))
      for (x, weight) in zip(points, density) where weight > 1e-30 {
        let mean = step.state * x + step.value * score(x, at: node)
        let middle = Int(((mean + reach) / spacing).rounded())
        for k in max(0, middle - half)...max(0, min(count - 1, middle + half)) {
          next[k] += weight * spacing * normal(points[k] - mean, step.noise * step.noise)
        }
      }
      density = next
    }
    let target = points.map { self.density($0, at: grid.nodes[grid.steps]) }
    return DiscretizationError(
      divergence: divergence(target, density, spacing),
      squaredDistance: squaredDistance(target, density, points, spacing))
  }

  private func normal(_ x: Double, _ variance: Double) -> Double {
    exp(-x * x / (2 * variance)) / (2 * Double.pi * variance).squareRoot()
  }

  private func density(_ x: Double, at node: NoiseTime) -> Double {
    let v = node.alpha * node.alpha * variance + node.sigma * node.sigma
    return 0.5 * (normal(x - node.alpha * offset, v) + normal(x + node.alpha * offset, v))
  }

  private func score(_ x: Double, at node: NoiseTime) -> Double {
    let v = node.alpha * node.alpha * variance + node.sigma * node.sigma
    let mean = node.alpha * offset
    return (mean * tanh(mean * x / v) - x) / v
  }

  private func divergence(_ p: [Double], _ q: [Double], _ spacing: Double) -> Double {
    zip(p, q).reduce(0) { sum, pair in
      pair.0 > 1e-25 ? sum + spacing * pair.0 * log(pair.0 / max(pair.1, 1e-300)) : sum
    }
  }

  /// `integral (F^-1(u) - G^-1(u))^2 du`, by moving the mass of `p` in order.
  private func squaredDistance(
    _ p: [Double], _ q: [Double], _ points: [Double], _ spacing: Double
  ) -> Double {
    func quantiles(_ density: [Double], _ levels: [Double]) -> [Double] {
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
    let levels = (0..<20_000).map { (Double($0) + 0.5) / 20_000 }
    return zip(quantiles(p, levels), quantiles(q, levels)).reduce(0) { sum, pair in
      sum + (pair.0 - pair.1) * (pair.0 - pair.1) / 20_000
    }
  }
}
