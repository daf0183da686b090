import Diffusion
import Foundation
import NumPyFormat
import ScoreModels
import Testing

/// The built-in model. These tests need OpenVINO and fail, naming it and the
/// command that installs it, where it is missing.
@Suite(.tags(.needsOpenVINO)) struct DigitsModelTests {
  private func fixture(_ name: String) throws -> NumPyArray {
    try NumPyArray(contentsOf: fixturePath(name))
  }

  @Test func `predicts what another runtime predicts`() throws {
    let model = try ModelSource("digits").open(as: Float.self)
    let states = try fixture("digits-states.npy").floats
    let expected = try fixture("digits-noise.npy").floats
    let schedule = try #require(model.schedule as? DiscreteSchedule)
    let noise = try fixture("digits-timesteps.npy").doubles.map { timestep in
      let below = Int(timestep)
      let fraction = timestep - Double(below)
      let s = (0...1).map { -log(schedule.alphaBar[min(below + $0, 999)]) }
      return NoiseTime(s: s[0] + fraction * (s[1] - s[0]))
    }
    let predicted = try prediction(model, states, noise)
    // Eight matrix products in a row, each a sum of at most 320 terms of unit
    // size rounded at every term: the worst case of float32 summation.
    let tolerance = 8 * 320 * Float.ulpOfOne / 2
    for (ours, theirs) in zip(predicted, expected) {
      #expect(abs(ours - theirs) <= tolerance)
    }
    #expect(predicted.count == expected.count)
  }

  @Test func `predicts a row with the same bits in every batch of 1 to 64 rows`() throws {
    let model = try ModelSource("digits").open(as: Float.self)
    let schedule = try #require(model.schedule as? DiscreteSchedule)
    let rows = 64
    var generator = SystemRandomNumberGenerator()
    let states = (0..<rows * 64).map { _ in Float.random(in: -2...2, using: &generator) }
    let times = (0..<rows).map { NoiseTime(alphaBar: schedule.alphaBar[$0 * 15]) }
    let alone = try (0..<rows).flatMap { row in
      try prediction(model, Array(states[(row * 64)..<((row + 1) * 64)]), [times[row]])
    }
    for count in 1...rows {
      let together = try prediction(model, Array(states[..<(count * 64)]), Array(times[..<count]))
      #expect(together.map(\.bitPattern) == alone[..<(count * 64)].map(\.bitPattern), "\(count) rows")
    }
  }

  @Test func `serves double precision with the prediction of the rounded state`() throws {
    let states = try fixture("digits-states.npy")
    let times = (0..<states.shape[0]).map { NoiseTime(s: 0.1 * Double($0 + 1)) }
    let single = try prediction(ModelSource("digits").open(as: Float.self), states.floats, times)
    let double = try prediction(ModelSource("digits").open(as: Double.self), states.floats.map { Double($0) }, times)
    #expect(double == single.map { Double($0) })
  }

  @Test func `is an unconditional noise predictor on 1000 linear timesteps`() throws {
    let model = try ModelSource("digits").open(as: Float.self)
    #expect(model.shape == [1, 8, 8])
    #expect(model.parametrization == .noise)
    #expect((model as? OpenVINOModel<Float>).map { $0.parameterCount < 1_000_000 } == true)
    let schedule = try #require(model.schedule as? DiscreteSchedule)
    let exact = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    #expect(schedule.alphaBar.count == 1000 && schedule.spacing == .leading && schedule.end == .alphaBar(1))
    // The schedule's tool has its betas in single precision: each is off by half a unit of
    // the last place, 2^-24 of at most 0.02, and a thousand of them add up in a logarithm.
    for (found, exact) in zip(schedule.alphaBar, exact.alphaBar) {
      #expect(abs(found / exact - 1) <= 1000 * 0.02 * 0x1p-24)
    }
  }
}
