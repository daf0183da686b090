import Diffusion
import MPI
import PicardSampler
import PicardSamplerMPI

/// A short run that tells the rounds which a run takes, and the cost of its updates.
struct Pilot<Scalar: StateScalar> {
  let trajectory: Trajectory
  let options: PicardOptions
  let batch: ScoreBatch<Scalar>
  let noise: any NoiseSource
  let samples: Int
  /// It ends after the round in which this time is over.
  let seconds: Double
  let stallTimeout: Double

  struct Result {
    var pattern = RunPattern()
    /// For every slice and round.
    var updateSeconds = 0.0
    /// Of all calls of all ranks.
    var scoreSeconds = 0.0
  }

  /// Thrown by all ranks after the same round.
  private struct TimeIsOver: Error {}

  /// Collective over the ranks of the pilot.
  func run(over ranks: Communicator) throws -> Result {
    var result = Result()
    var visits = 0
    let ring = MPIRing(ranks, stallTimeout: stallTimeout)
    let solver = PicardSolver(
      trajectory, options: options, batch: batch, ring: ring, noise: noise,
      samples: Array(0..<samples))
    let clock = WorkClock()
    solver.observer = clock
    let start = ContinuousClock.now
    do {
      _ = try solver.run { summary in
        result.pattern.add(summary)
        visits += summary.changes.active.reduce(0) { $0 + $1.slices.count }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        if try ranks.allReduce(elapsed, .maximum) > seconds { throw TimeIsOver() }
      }
    } catch is TimeIsOver {}
    try ring.finish()
    result.updateSeconds = try ranks.allReduce(clock.update, .sum) / Double(max(1, visits))
    result.scoreSeconds = try ranks.allReduce(clock.score, .sum)
    return result
  }

  /// Adds up the time of work.
  private final class WorkClock: RunObserver {
    private(set) var score = 0.0
    private(set) var update = 0.0

    func ended(
      _ phase: SolverPhase, since start: ContinuousClock.Instant, at end: ContinuousClock.Instant
    ) {
      if phase == .score { score += (end - start) / .seconds(1) }
      if phase == .update { update += (end - start) / .seconds(1) }
    }
    func sent(bytes: Int, to rank: Int) {}
    func received(
      bytes: Int, from rank: Int, waitingSince start: ContinuousClock.Instant,
      until end: ContinuousClock.Instant
    ) {}
  }
}
