import Diffusion
import Foundation

/// Betas of discrete schedules by the names that diffusers gives them.
enum BetaSchedule: String, CaseIterable {
  case linear
  /// Square roots of the betas evenly spaced (Rombach et al., CVPR 2022).
  case scaledLinear = "scaled_linear"
  /// Cumulative product by a squared cosine (Nichol and Dhariwal, ICML 2021).
  case squaredCosine = "squaredcos_cap_v2"

  func betas(count: Int, from start: Double, to end: Double) -> [Double] {
    switch self {
    case .linear:
      return DiscreteSchedule.linearBetas(count: count, from: start, to: end)
    case .scaledLinear:
      return DiscreteSchedule.linearBetas(count: count, from: start.squareRoot(), to: end.squareRoot()).map { $0 * $0 }
    case .squaredCosine:
      func product(_ fraction: Double) -> Double {
        let cosine = cos((fraction + 0.008) / 1.008 * .pi / 2)
        return cosine * cosine
      }
      return (0..<count).map { i in
        min(1 - product(Double(i + 1) / Double(count)) / product(Double(i) / Double(count)), 0.999)
      }
    }
  }
}

/// The `alpha^2` at which DPM-Solver and Euler schedulers start where the
/// signal vanishes: theirs is `sigma_E`, which must stay finite.
let terminalAlphaBar = 0x1p-24

extension JSONObject {
  /// Cumulative products of `1 - beta`.
  ///
  /// - Parameter terminal: the last one, where betas are rescaled to leave no
  ///   signal.
  mutating func alphaBar(terminal: Double = 0) throws -> [Double] {
    let count = try integer("num_train_timesteps", in: 2...1_000_000) ?? 1000
    let start = try number("beta_start") ?? 0.0001
    let end = try number("beta_end") ?? 0.02
    let trained = try numbers("trained_betas")
    let kind = try choice(
      "beta_schedule",
      Dictionary(uniqueKeysWithValues: BetaSchedule.allCases.map { ($0.rawValue, $0) }), default: "linear")
    let betas = trained ?? kind.betas(count: count, from: start, to: end)
    guard betas.count == count else {
      throw ScoreModelError(
        .badData, "\(file): \"trained_betas\" has \(betas.count) numbers for \(count) \"num_train_timesteps\"")
    }
    guard betas.allSatisfy({ $0 > 0 && $0 < 1 }) else {
      throw ScoreModelError(.badData, "\(file): its betas leave the open interval from 0 to 1")
    }
    let alphaBar = DiscreteSchedule(betas: betas).alphaBar
    guard alphaBar[0] < 1, alphaBar[count - 1] >= Double.leastNormalMagnitude else {
      throw ScoreModelError(
        .badData, "\(file): the products of 1 - beta reach 1 or 0; smaller or larger betas are needed")
    }
    return try bool("rescale_betas_zero_snr") == true ? rescaled(alphaBar, terminal) : alphaBar
  }

  /// `alpha` shifted and scaled so that the first one stays and the last one
  /// is 0 (Lin et al., WACV 2024, algorithm 1), its square then `terminal`.
  private func rescaled(_ alphaBar: [Double], _ terminal: Double) -> [Double] {
    let roots = alphaBar.map { $0.squareRoot() }
    let (first, last) = (roots[0], roots[roots.count - 1])
    let rescaled = roots.dropLast().map { root in
      let shifted = (root - last) * first / (first - last)
      return shifted * shifted
    }
    return rescaled + [terminal]
  }
}
