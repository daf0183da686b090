package import Diffusion
package import MPI
package import PicardSampler
import PicardSamplerMPI

/// A short run that tells the rounds which a run takes, and the cost of its updates.
package struct Pilot<Scalar: StateScalar> {
  let trajectory: Trajectory
  let options: PicardOptions
  let batch: ScoreBatch<Scalar>
  let noise: any NoiseSource
  let samples: Int
  let end: End
  let stallTimeout: Double

  package init(
    trajectory: Trajectory, options: PicardOptions, batch: ScoreBatch<Scalar>, noise: any NoiseSource,
    samples: Int, end: End, stallTimeout: Double
  ) {
    self.trajectory = trajectory
    self.options = options
    self.batch = batch
    self.noise = noise
    self.samples = samples
    self.end = end
    self.stallTimeout = stallTimeout
  }

  /// When it ends before it has come to the end of the trajectory.
  package enum End {
    /// After the round in which this time is over, on which the ranks agree.
    case seconds(Double)
    /// After so many rounds, so that the ranks need not wait for each other.
    case rounds(Int)
  }

  package struct Result {
    package internal(set) var pattern = RunPattern()
    /// Visits of slices, of all samples and ranks.
    package internal(set) var visits = 0
    /// Of all ranks together, for states and norms.
    package internal(set) var updateSeconds = 0.0
    /// Of all ranks together, the latency that was added to calls aside.
    package internal(set) var scoreSeconds = 0.0
    /// From the first round to the last one, on the slowest rank.
    package internal(set) var elapsedSeconds = 0.0
  }

  /// Thrown by all ranks after the same round.
  private struct IsOver: Error {}

  /// Collective over the ranks of the pilot.
  package func run(over ranks: Communicator) throws -> Result {
    var result = Result()
    let callsBefore = batch.calls
    let ring = MPIRing(ranks, stallTimeout: stallTimeout)
    let solver = PicardSolver(
      trajectory, options: options, batch: batch, ring: ring, noise: noise,
      samples: Array(0..<samples))
    let clock = WorkClock()
    solver.observer = clock
    try ranks.barrier()
    let start = ContinuousClock.now
    do {
      _ = try solver.run { summary in
        result.pattern.add(summary)
        result.visits += summary.changes.active.reduce(0) { $0 + $1.slices.count }
        switch end {
        case .seconds(let seconds):
          let elapsed = (ContinuousClock.now - start) / .seconds(1)
          if try ranks.allReduce(elapsed, .maximum) > seconds { throw IsOver() }
        case .rounds(let rounds):
          if summary.round >= rounds { throw IsOver() }
        }
      }
    } catch is IsOver {}
    result.elapsedSeconds = try ranks.allReduce((ContinuousClock.now - start) / .seconds(1), .maximum)
    try ring.finish()
    result.updateSeconds = try ranks.allReduce(clock.update, .sum)
    let latency = Double(batch.calls - callsBefore) * batch.latency
    result.scoreSeconds = try ranks.allReduce(max(0, clock.score - latency), .sum)
    return result
  }

  /// Adds up the time of work.
  private final class WorkClock: RunObserver {
    private(set) var score = 0.0
    private(set) var update = 0.0

    func ended(
      _ phase: Phase, since start: ContinuousClock.Instant, at end: ContinuousClock.Instant
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
