import Diffusion
import MPI
import PicardSampler
import PicardSamplerMPI

/// Points on a ring of radius 2. The estimate of the clean point is the ring's
/// nearest one, drawn to the middle by the noise.
struct RingModel: ScoreModel {
  let shape = [2]
  let parametrization = Parametrization.sample

  func predict(
    _ states: Span<Double>, at times: Span<NoiseTime>, into output: inout MutableSpan<Double>
  ) {
    for row in 0..<times.count {
      let (x, y) = (states[2 * row], states[2 * row + 1])
      let factor = 2 / (x * x + y * y + times[row].sigma * times[row].sigma).squareRoot()
      output[2 * row] = factor * x
      output[2 * row + 1] = factor * y
    }
  }
}

try withEnvironment { world in
  let grid = try TimeGrid.shrinking(steps: 200, horizon: 10, earlyStop: 1e-3)
  let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: 1)
  let ring = MPIRing(world, stallTimeout: 60)
  let solver = PicardSolver(
    trajectory, options: PicardOptions(stop: .tolerance(1e-4), trajectory: trajectory),
    batch: ScoreBatch(RingModel(), rows: 64), ring: ring, noise: CounterNoise(seed: 1),
    samples: [0, 1, 2, 3])
  let solution = try solver.run()
  try ring.finish()
  for (number, state) in solution.samples {
    print("sample \(number): \(state), \(solution.record.rounds) rounds for \(grid.steps) steps")
  }
}
