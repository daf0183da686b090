import Diffusion
import PicardSampler
import Testing

/// First and last element of sample 3 of seed 7 * 2^32 + 42, computed by an
/// independent numpy implementation: 40 shrinking steps from 8 to 0.01 on the
/// mixture of these tests.
@Suite struct AgreementTests {
  struct Expected: Sendable {
    var sampler: SamplerCase
    var values: [Int: [Double]]
  }

  static let expected = [
    Expected(
      sampler: SamplerCase(method: .piadmSDE),
      values: [
        1: [0.06951837889946699, 0.06951837889946699], 6: [-0.542535007366253, 0.6074796392091012],
        17: [0.5219841426046076, 0.37776306436451956],
      ]),
    Expected(
      sampler: SamplerCase(method: .ddpm),
      values: [
        1: [-0.12823338166768186, -0.12823338166768186],
        6: [-0.586399408583533, 0.6578345864630252], 17: [0.4760874353128693, 0.44635519919670374],
      ]),
    Expected(
      sampler: SamplerCase(method: .ddim),
      values: [
        1: [-0.8871745588316766, -0.8871745588316766],
        6: [0.05581015130544219, 0.05818892487867586], 17: [0.6997899657242139, 0.41451058994115386],
      ]),
    Expected(
      sampler: SamplerCase(method: .piadmSDE, noiseLevel: 0.5),
      values: [
        1: [-0.5017057826718594, -0.5017057826718594],
        6: [-0.648779230176616, 0.7536164055820062], 17: [0.3790321080203483, 0.3337557068452551],
      ]),
    Expected(
      sampler: SamplerCase(method: .ddpm, noiseLevel: 0.3),
      values: [
        1: [-0.6768639945194976, -0.6768639945194976],
        6: [-0.7448518103912876, 0.8649781538311456], 17: [0.26700566487113736, 0.609190033771858],
      ]),
    Expected(
      sampler: SamplerCase(method: .piadmODE, blocks: 4, correctorSteps: 16),
      values: [
        1: [-1.212797647404462, -1.212797647404462],
        6: [-0.20822036994821463, 0.089224479482325],
        17: [-0.19207620173605044, 0.8995216797135824],
      ]),
  ]

  @Test("both solvers agree with an independent implementation to 1e-9", arguments: expected)
  func agreement(expected: Expected) throws {
    let trajectory = try expected.sampler.trajectory()
    let seed = (UInt64(7) << 32) + 42
    for (dimension, values) in expected.values {
      let sequential: [[Double]] = try sequential(
        trajectory, dimension: dimension, samples: [3], seed: seed)
      let options = PicardOptions(stop: .tolerance(1e-11), extent: .window(16), trajectory: trajectory)
      let parallel = try Drawn<Double>(
        trajectory, options, ranks: 2, dimension: dimension, samples: [3], seed: seed)
      for states in [sequential, parallel.states] {
        #expect(abs(states[0][0] - values[0]) < 1e-9)
        #expect(abs(states[0][dimension - 1] - values[1]) < 1e-9)
      }
    }
  }
}
