import Diffusion
import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import ScoreModels

/// The rounds of a run, and how its ranks end.
extension SampleRun {
  struct Outcome {
    var solution: Solution<Scalar>
    var bytesSent: Int
  }

  func solve(
    _ setup: Setup<Scalar>, _ picard: PicardOptions, _ samples: [Int], noise: any NoiseSource, _ ranks: Communicator,
    _ keeper: CheckpointKeeper?, _ recording: RunRecording, _ clock: PhaseClock,
    stopping: (_ evaluations: Int, _ rounds: Int) throws -> Void
  ) throws -> Outcome {
    recording.beginRounds(firstRank: world.rank - ranks.rank)
    // Messages end before the run does, in whatever way.
    func run(
      _ solver: some ResumableSolver<Scalar>, finishMessages: () throws -> Void
    ) throws -> Solution<Scalar> {
      let solution = try inTurn(finishMessages) {
        guard let keeper else { return try solver.run { try recording.show($0) } }
        return try keeper.run(solver, speaks: ranks.rank == 0, observe: { try recording.show($0) }) {
          try finishMessages()
          try stopping($0, $1)
        }
      }
      try finishMessages()
      return solution
    }
    if configuration.solver.solver == .sequential {
      let solver = SequentialSolver(
        setup.trajectory, batch: setup.batch, noise: noise,
        samples: ranks.rank == 0 ? samples : [], clock: clock)
      if recording.observesPhases { solver.observer = recording }
      return Outcome(solution: try run(solver) {}, bytesSent: 0)
    }
    let ring = MPIRing(ranks, stallTimeout: configuration.solver.stallTimeout)
    let solver = PicardSolver(
      setup.trajectory, options: picard, batch: setup.batch, ring: ring, noise: noise,
      samples: samples, clock: clock)
    if recording.observesPhases { solver.observer = recording }
    let solution = try run(solver) { try ring.finish() }
    return Outcome(solution: solution, bytesSent: ring.bytesSent)
  }

  /// Lets one of the ranks that meet a bad score speak. Where all ranks agree
  /// on every round they meet it together. Ranks that iterate a fixed number
  /// of times, and replicas, do not wait for each other: the lowest of them
  /// ends the job before the turn of the next one.
  private func inTurn<Result>(
    _ finishMessages: () throws -> Void, _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch  where error is SamplingError || error is RowDependence || error is ScoreModelError {
      let isAgreed = error is RowDependence || (error is SamplingError && configuration.solver.iterations == nil)
      if isAgreed, configuration.solver.solver == .picard, configuration.solver.groups == 1 {
        try finishMessages()
        try world.agree { throw error }
      }
      Thread.sleep(forTimeInterval: 0.5 * Double(min(world.rank, 10)))
      throw error
    }
  }
}
