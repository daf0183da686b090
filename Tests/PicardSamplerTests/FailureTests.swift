import Diffusion
import PicardSampler
import Testing

/// A model that breaks below a noise time.
struct BrokenModel: ScoreModel {
  let shape = [3]
  let parametrization = Parametrization.score
  let below: Double

  func predict(
    _ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>
  ) {
    for row in 0..<times.count {
      for k in 0..<3 {
        output[row * 3 + k] = times[row].s < below ? .nan : -states[row * 3 + k]
      }
    }
  }
}

@Suite struct FailureTests {
  @Test("a score that is not finite ends the run on all ranks with one message")
  func nonFinite() throws {
    let grid = try TimeGrid.uniform(steps: 30, horizon: 3, earlyStop: 0.01)
    let trajectory = try Trajectory(.exponential, on: grid, noiseLevel: 1)
    for extent in [Extent.blocks, .window(8)] {
      let messages = try VirtualRing.run(3) { ring -> String in
        let solver = PicardSolver(
          trajectory, options: PicardOptions(extent: extent, chunk: 2, trajectory: trajectory),
          batch: ScoreBatch<Float>(BrokenModel(below: 1), rows: 8), ring: ring,
          noise: CounterNoise(seed: 1), samples: [0, 1])
        do {
          _ = try solver.run()
          return "no error"
        } catch {
          return "\(error)"
        }
      }
      #expect(Set(messages).count == 1)
      for part in ["sample 0", "step 2", "noise time 0.9", "rank "] {
        #expect(messages[0].contains(part), "\(messages[0])")
      }
    }
  }
}
