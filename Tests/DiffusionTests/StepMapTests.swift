import Diffusion
import Foundation
import Testing

@Suite struct StepMapTests {
  /// The posterior mean and variance of Ho, Jain and Abbeel (NeurIPS 2020), equations 6 and 7.
  @Test func thePosteriorMapAtNoiseLevelOneIsDDPM() throws {
    let schedule = DiscreteSchedule(
      betas: DiscreteSchedule.linearBetas(count: 100, from: 1e-3, to: 0.2))
    let map = try StepMap(.posterior, on: .model(schedule, steps: 100), noiseLevel: 1)
    for (step, timestep) in zip(map.steps, (0..<100).reversed()) {
      let now = schedule.alphaBar[timestep]
      let before = timestep > 0 ? schedule.alphaBar[timestep - 1] : 1
      let beta = 1 - now / before
      #expect(abs(step.value - before.squareRoot() * beta / (1 - now)) < 1e-13)
      #expect(abs(step.state - (1 - beta).squareRoot() * (1 - before) / (1 - now)) < 1e-13)
      #expect(abs(step.noise - (beta * (1 - before) / (1 - now)).squareRoot()) < 1e-13)
    }
  }

  /// Song, Meng and Ermon (ICLR 2021), equation 12 with sigma = 0.
  @Test func thePosteriorMapAtNoiseLevelZeroIsDDIM() throws {
    let grid = try TimeGrid.shrinking(steps: 50, horizon: 8, earlyStop: 1e-3)
    let map = try StepMap(.posterior, on: grid, noiseLevel: 0)
    for (index, step) in map.steps.enumerated() {
      let (now, next) = (grid.nodes[index], grid.nodes[index + 1])
      let (y, x0) = (0.7, -0.4)
      let eps = (y - now.alpha * x0) / now.sigma
      #expect(abs(step.state * y + step.value * x0 - (next.alpha * x0 + next.sigma * eps)) < 1e-13)
      #expect(step.noise == 0)
    }
  }

  /// For normal data of unit variance `x0 = alpha y` and the score is `-y`, so that a step
  /// multiplies a change by `A + alpha B` or `A - B`: in all the reach, up to the order of the map.
  @Test(arguments: [StepMap.Kind.posterior, .exponential], [0, 0.5, 1])
  func theReachOfAChangeIsThatOfNormalData(kind: StepMap.Kind, noiseLevel: Double) throws {
    func error(_ steps: Int) throws -> Double {
      let map = try StepMap(kind, on: .uniform(steps: steps, horizon: 6, earlyStop: 0.5), noiseLevel: noiseLevel)
      var (product, error) = (1.0, 0.0)
      for index in map.steps.indices.reversed() {
        error = max(error, abs(product - map.sensitivity(ofNode: index + 1)))
        let slope = kind == .exponential ? -1 : map.grid.nodes[index].alpha
        product *= map.steps[index].state + map.steps[index].value * slope
      }
      return error
    }
    let (coarse, fine) = (try error(500), try error(1000))
    #expect(fine < 0.01)
    // Of order 1 or better.
    #expect(fine <= 0.6 * coarse || fine < 1e-12)
  }

  @Test func everyParametrizationGivesTheSameScoreAndEstimate() {
    let (x0, eps) = (0.8, -1.3)
    for s in [1e-3, 0.3, 2, 9.0] {
      let time = NoiseTime(s: s)
      let y = time.alpha * x0 + time.sigma * eps
      let level = time.edmSigma
      let variance = level * level + 0.25
      let preconditioned = (x0 - 0.25 / variance * (x0 + level * eps)) * variance.squareRoot() / (0.5 * level)
      let predictions: [(Parametrization, Double)] = [
        (.score, -eps / time.sigma), (.noise, eps),
        (.velocity, time.alpha * eps - time.sigma * x0), (.sample, x0), (.denoiser, x0),
        (.flow(isNegated: false), eps - x0), (.flow(isNegated: true), x0 - eps), (.explodingScore, -eps / time.edmSigma),
        // With c_skip and c_out for data of deviation 1/2, and sigma_E = sigma / alpha.
        (.preconditioned(dataDeviation: 0.5, isNegated: false), preconditioned),
        (.preconditioned(dataDeviation: 0.5, isNegated: true), -preconditioned),
      ]
      for (parametrization, prediction) in predictions {
        let score = parametrization.conversion(to: .score, at: time)
        let denoised = parametrization.conversion(to: .denoised, at: time)
        // Both divide numbers of order one by sigma^2 or alpha.
        let bound = 16 * Double.ulpOfOne / min(time.sigma * time.sigma, time.alpha)
        #expect(abs(score.state * y + score.prediction * prediction + eps / time.sigma) < bound)
        #expect(abs(denoised.state * y + denoised.prediction * prediction - x0) < bound)
      }
    }
  }

  @Test func mapsAreHarmlessAtPureNoiseAndCleanData() throws {
    let grid = try TimeGrid(nodes: [
      NoiseTime(alpha: 0, sigma: 1), NoiseTime(s: 4), NoiseTime(s: 1), .clean,
    ])
    for (kind, level) in [(StepMap.Kind.posterior, 1.0), (.posterior, 0), (.multistep, 0)] {
      for step in try StepMap(kind, on: grid, noiseLevel: level).steps {
        for number in [step.state, step.value, step.noise] + step.history {
          #expect(number.isFinite)
        }
      }
    }
    #expect(throws: DiffusionError.self) { try StepMap(.exponential, on: grid, noiseLevel: 1) }
  }

  @Test func wrongNoiseLevelsAreRefused() throws {
    let grid = try TimeGrid.uniform(steps: 4, horizon: 3, earlyStop: 0.1)
    for level in [-0.1, 1.1, .nan] {
      #expect(throws: DiffusionError.self) {
        try StepMap(.posterior, on: grid, noiseLevel: level)
      }
    }
    for kind in [StepMap.Kind.unipc(order: 2), .deis(order: 2), .lms, .heun(.noiseLevel), .middle, .pairs] {
      #expect(throws: DiffusionError.self) { try StepMap(kind, on: grid, noiseLevel: 1) }
    }
  }

  /// Halving the steps divides the error of one trajectory of the probability
  /// flow by 2^order; the fitted order is within 0.15 at these step sizes.
  @Test(arguments: [(StepMap.Kind.exponential, 1.0), (.posterior, 1.0), (.multistep, 2.0)])
  func theProbabilityFlowConvergesAtTheOrderOfItsMap(kind: StepMap.Kind, order: Double) throws {
    let variance = 2.0
    func end(_ steps: Int) throws -> Double {
      let grid = try TimeGrid.uniform(steps: steps, horizon: 3, earlyStop: 0.2)
      let map = try StepMap(kind, on: grid, noiseLevel: 0)
      var (y, earlier) = (1.0, 0.0)
      for (step, node) in zip(map.steps, grid.nodes) {
        let score = -y / (node.alpha * node.alpha * variance + node.sigma * node.sigma)
        let (p, q) = Parametrization.score.conversion(to: map.quantity, at: node)
        let f = p * y + q * score
        (y, earlier) = (step.state * y + step.value * f + (step.history.first ?? 0) * earlier, f)
      }
      return y
    }
    func deviation(_ s: Double) -> Double { (1 - exp(-s) * (1 - variance)).squareRoot() }
    let exact = deviation(0.2) / deviation(3)
    let errors = try [64, 128, 256].map { abs(try end($0) - exact) }
    for (coarse, fine) in zip(errors, errors.dropFirst()) {
      #expect(abs(log2(coarse / fine) - order) < 0.15)
    }
  }
}
