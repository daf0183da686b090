import Diffusion
import Foundation

/// Betas of discrete schedules by the names that diffusers gives them, in
/// single precision as there.
enum BetaSchedule: String, CaseIterable {
  case linear
  /// Square roots of the betas evenly spaced (Rombach et al., CVPR 2022).
  case scaledLinear = "scaled_linear"
  /// Cumulative product by a squared cosine (Nichol and Dhariwal, ICML 2021).
  case squaredCosine = "squaredcos_cap_v2"
  /// A sigmoid between the two ends (GeoDiff, Xu et al., ICLR 2022).
  case sigmoid
  /// Cumulative product by the logarithm of the signal-to-noise ratio that is
  /// distributed by Laplace's law (Hang et al., 2024).
  case laplace
  /// Cumulative product that decays exponentially.
  case exponential = "exp"

  /// What every class knows.
  static let common: [BetaSchedule] = [.linear, .scaledLinear, .squaredCosine]
  /// What DDPMScheduler knows.
  static let ofDDPM = common + [.sigmoid, .laplace]

  func betas(count: Int, from start: Double, to end: Double) -> [Float] {
    switch self {
    case .linear:
      return evenly(count, from: Float(start), to: Float(end))
    case .scaledLinear:
      return evenly(count, from: Float(start.squareRoot()), to: Float(end.squareRoot())).map { $0 * $0 }
    case .sigmoid:
      return evenly(count, from: -6, to: 6).map { 1 / (1 + exp(-$0)) * Float(end - start) + Float(start) }
    case .squaredCosine:
      return betas(count) { t in
        let cosine = cos((t + 0.008) / 1.008 * .pi / 2)
        return cosine * cosine
      }
    case .laplace:
      return betas(count) { t in
        let logarithm = log(1 - 2 * abs(0.5 - t) + 1e-6) / 2
        let ratio = exp(t <= 0.5 ? -logarithm : logarithm)
        return (ratio / (1 + ratio)).squareRoot()
      }
    case .exponential:
      return betas(count) { t in exp(-12 * t) }
    }
  }

  /// Betas by their cumulative product.
  private func betas(_ count: Int, product: (_ fraction: Double) -> Double) -> [Float] {
    (0..<count).map { i in
      Float(min(1 - product(Double(i + 1) / Double(count)) / product(Double(i) / Double(count)), 0.999))
    }
  }

  /// Evenly spaced, from the nearer end on.
  private func evenly(_ count: Int, from start: Float, to end: Float) -> [Float] {
    let step = (end - start) / Float(count - 1)
    return (0..<count).map { index in
      index < count / 2 ? start.addingProduct(step, Float(index)) : end.addingProduct(-step, Float(count - index - 1))
    }
  }
}

/// The `alpha^2` at which DPM-Solver and Euler schedulers start where the
/// signal vanishes: theirs is `sigma_E`, which must stay finite.
let terminalAlphaBar = 0x1p-24

extension JSONObject {
  /// Cumulative products of `1 - beta`.
  ///
  /// - Parameters:
  ///   - schedules: what the class knows.
  ///   - absent: what it takes where "beta_schedule" is absent.
  ///   - start: and "beta_start".
  ///   - end: and "beta_end".
  ///   - isStated: the class has the keys of betas.
  ///   - mayRescale: it knows "rescale_betas_zero_snr".
  ///   - noiseFactor: what the ratio of the variances of noise and signal is
  ///     multiplied by (CogVideoX; Yang et al., 2024), in double precision.
  ///   - terminal: the last product, where betas are rescaled to leave no
  ///     signal.
  mutating func alphaBar(
    betas schedules: [BetaSchedule] = BetaSchedule.common, default absent: BetaSchedule = .linear,
    from start: Double = 0.0001, to end: Double = 0.02, isStated: Bool = true, mayRescale: Bool = true,
    noiseFactor: Double? = nil, terminal: Double = 0
  ) throws -> [Double] {
    let count = try integer("num_train_timesteps", in: 2...1_000_000) ?? 1000
    let kind = try choice(
      "beta_schedule", Dictionary(uniqueKeysWithValues: schedules.map { ($0.rawValue, $0) }), default: absent.rawValue)
    let first = isStated ? try number("beta_start") ?? start : start
    let last = isStated ? try number("beta_end") ?? end : end
    let trained = isStated ? try numbers("trained_betas") : nil
    let stated = trained.flatMap { $0.isEmpty ? nil : $0 }?.map { Float($0) }
    var betas = stated ?? kind.betas(count: count, from: first, to: last)
    guard betas.count == count else {
      throw ScoreModelError(
        .badData, "\(file): \"trained_betas\" has \(betas.count) numbers for \(count) \"num_train_timesteps\"")
    }
    guard betas.allSatisfy({ $0 > 0 && $0 < 1 }) else {
      throw ScoreModelError(.badData, "\(file): its betas leave the open interval from 0 to 1")
    }
    let alphaBar = products(betas)
    guard alphaBar[0] < 1, alphaBar[count - 1] >= Float.leastNormalMagnitude else {
      throw ScoreModelError(
        .badData, "\(file): the products of 1 - beta reach 1 or 0; smaller or larger betas are needed")
    }
    var rescales = false
    if mayRescale { rescales = try flag("rescale_betas_zero_snr", default: false) }
    if let noiseFactor {
      let roots = DiscreteSchedule.linearBetas(count: count, from: first.squareRoot(), to: last.squareRoot())
      let exact = kind == .scaledLinear && stated == nil ? roots.map { $0 * $0 } : betas.map { Double($0) }
      let shifted = DiscreteSchedule(betas: exact).alphaBar.map { $0 / (noiseFactor + (1 - noiseFactor) * $0) }
      return rescales ? rescaled(shifted) : shifted
    }
    guard rescales else { return alphaBar.map { Double($0) } }
    betas = self.betas(of: rescaled(alphaBar))
    return products(betas).dropLast().map { Double($0) } + [terminal]
  }

  private func products(_ betas: [Float]) -> [Float] {
    var product = 1.0
    return betas.map { beta in
      product *= Double(1 - beta)
      return Float(product)
    }
  }

  /// `alpha` shifted and scaled so that the first one stays and the last one is
  /// 0 (Lin et al., WACV 2024, algorithm 1), squared.
  private func rescaled<Number: BinaryFloatingPoint>(_ alphaBar: [Number]) -> [Number] {
    let roots = alphaBar.map { $0.squareRoot() }
    let (first, last) = (roots[0], roots[roots.count - 1])
    let factor = first / (first - last)
    return roots.map { root in
      let alpha = (root - last) * factor
      return alpha * alpha
    }
  }

  private func betas(of products: [Float]) -> [Float] {
    [1 - products[0]] + zip(products, products.dropFirst()).map { 1 - $1 / $0 }
  }
}
