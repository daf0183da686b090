import Diffusion
import MPI
import PicardSampler
import PicardSamplerMPI

/// A run in two dimensions that nobody sees: it opens the connections between
/// the ranks, and has the program's types set up. Without it the first rounds
/// take some milliseconds longer.
struct Rehearsal<Scalar: StateScalar & MPI.Scalar> {
  let configuration: RunConfiguration
  let world: Communicator

  /// - Returns: what its messages took, a round.
  func run() throws -> RoundMessages {
    let chunksOfRank = 2
    let grid = try TimeGrid.uniform(steps: max(8, 2 * chunksOfRank * world.size), horizon: 1, earlyStop: 0.5)
    let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: 1)
    let options = PicardOptions(
      stop: .tolerance(1e-9), extent: .window(grid.steps / 2), chunk: 1, trajectory: trajectory)
    let target = try Gaussian<Scalar>(mean: [0, 0], variances: [1, 2])
    let batch = ScoreBatch(target, rows: grid.steps)
    let ring = MPIRing(world, stallTimeout: configuration.solver.stallTimeout)
    let solver = PicardSolver(
      trajectory, options: options, batch: batch, ring: ring, noise: CounterNoise(seed: 0),
      samples: [0])
    var progress = Progress(
      world.rank == 0 ? configuration.output.progress : .none,
      Progress.Pace(stop: options.stop, blocks: 1, window: true))
    // The first round opens the connections.
    var (first, last) = (ContinuousClock.now, ContinuousClock.now)
    var rounds = 0
    _ = try solver.run {
      progress.rehearse($0)
      if $0.round == 1 { first = .now }
      (rounds, last) = ($0.round - 1, .now)
    }
    let seconds = try world.allReduce((last - first) / .seconds(1) / Double(max(1, rounds)), .maximum)
    let chunks = Double(grid.steps / 2)
    return world.size == 1
      ? RoundMessages(round: seconds, hop: 0)
      : RoundMessages(round: seconds / chunks, hop: seconds / chunks)
  }
}
