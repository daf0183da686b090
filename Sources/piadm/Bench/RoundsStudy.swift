import Diffusion
import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import Planning

/// Draws samples with one setting after another, beside the sequential
/// solver's with the same noise.
struct RoundsStudy<Scalar: StateScalar & MPI.Scalar> {
  let setup: Setup<Scalar>
  /// Of the sequential solver on one rank, a sample: median over samples.
  let sequentialSeconds: Double
  private let world: Communicator
  private let samples: Range<Int>
  private let stallTimeout: Double
  /// The sequential solver's states, one after another.
  private let references: [Scalar]
  /// For all runs, so that calls of many sizes have been made before.
  private let batch: ScoreBatch<Scalar>

  /// Opens the model, and draws the samples sequentially. Collective.
  ///
  /// - Parameter sample: the run with the largest window.
  init(_ sample: RunConfiguration, over world: Communicator) throws {
    self.world = world
    let samples = 0..<sample.sampler.samples
    self.samples = samples
    stallTimeout = sample.solver.stallTimeout
    let placement = try Placement(world)
    let memory = HostMemory(ranks: placement.ranksBeside(world.rank))
    let setup = try world.agree {
      try Setup<Scalar>(
        sample, model: sample.model, ranks: world.size,
        processors: placement.threads(of: world.rank), memory: memory)
    }
    self.setup = setup
    let load = sample.solver.picard(setup.trajectory)
      .largestLoad(setup.trajectory, samples: 1, ranks: world.size, dimension: setup.model.dimension)
    try setup.checkRows(load: load, samples: samples.count, over: world, sample.solver)
    batch = setup.batch

    var seconds: [Double] = []
    var states = [Scalar](repeating: 0, count: samples.count * setup.model.dimension)
    _ = try world.onFirst(1) {
      for sample in samples {
        let solver = SequentialSolver(
          setup.trajectory, batch: setup.batch, noise: setup.noise, samples: [sample])
        let start = ContinuousClock.now
        let state = try solver.run().samples[0].state
        seconds.append((ContinuousClock.now - start) / .seconds(1))
        states.replaceSubrange((sample * state.count)..<((sample + 1) * state.count), with: state)
      }
    }
    try world.broadcast(&states, root: 0)
    references = states
    sequentialSeconds = try world.allReduce(median(seconds), .maximum)
  }

  /// A sample takes at most 2^14 evaluations: `none` gains one step a round.
  func isShort(_ solver: SolverOptions) -> Bool {
    let open = (solver.window.extent ?? .blocks).size(of: setup.trajectory.longestStage)
    return solver.resolvedLinearization != .jacobi || open * setup.trajectory.slices <= 1 << 14
  }

  /// Draws every sample on its own. Collective.
  ///
  /// - Parameters:
  ///   - limit: the largest error; where a sample has a larger one there are no numbers.
  ///   - isRehearsal: draws one of them, and so has the network generate its code.
  func measure(
    _ solver: SolverOptions, limit: Double = .infinity, isRehearsal: Bool = false
  ) throws -> RoundsRow {
    let options = solver.picard(setup.trajectory)
    var row = RoundsRow(solver, chunk: options.chunk)
    var (rounds, evaluations, seconds, error) = ([Int](), 0, [Double](), 0.0)
    for sample in isRehearsal ? samples.prefix(1) : samples {
      guard let drawn = try draw(sample, options) else { return row }
      rounds.append(drawn.rounds)
      evaluations += drawn.evaluations
      seconds.append(drawn.seconds)
      error = max(error, try world.allReduce(drawn.distance, .maximum))
      guard error <= limit else { return row }
    }
    row.rounds = Double(rounds.reduce(0, +)) / Double(rounds.count)
    row.mostRounds = rounds.max()
    row.evaluations =
      try Double(world.allReduce(evaluations, .sum))
      / Double(setup.trajectory.slices * rounds.count)
    row.error = error
    row.seconds = try world.allReduce(median(seconds), .maximum)
    return row
  }

  /// - Returns: what this rank saw; `nil` on all ranks where a score was not finite.
  private func draw(
    _ sample: Int, _ options: PicardOptions
  ) throws -> (rounds: Int, evaluations: Int, seconds: Double, distance: Double)? {
    let ring = MPIRing(world, stallTimeout: stallTimeout)
    let solver = PicardSolver(
      setup.trajectory, options: options, batch: batch, ring: ring, noise: setup.noise,
      samples: [sample])
    let earlier = batch.evaluations
    try world.barrier()
    let start = ContinuousClock.now
    // With a fixed number of iterations the ranks do not tell each other.
    var isAgreed = world.size == 1
    if case .tolerance = options.stop { isAgreed = true }
    let solution: Solution<Scalar>
    do {
      solution = try solver.run()
    } catch is SamplingError where isAgreed {
      try ring.finish()
      return nil
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let state = solution.samples.first?.state ?? []
    let reference = references[(sample * setup.model.dimension)...].prefix(state.count)
    let squares = zip(state, reference).reduce(0.0) { $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1) }
    return (
      solution.record.rounds, batch.evaluations - earlier, seconds,
      (squares / Double(setup.model.dimension)).squareRoot()
    )
  }
}

private func median(_ values: [Double]) -> Double {
  values.isEmpty ? 0 : values.sorted()[values.count / 2]
}

/// What one setting takes. Where scores were not finite it has no numbers.
struct RoundsRow: Encodable {
  let linearization: String
  /// `nil` for whole blocks.
  let window: WindowRecord?
  let chunk: Int
  /// Iterates that are mixed; `nil` for none.
  let anderson: Int?
  /// Further rows a slice and round; `nil` for none.
  let probes: Int?
  /// `nil` for a fixed number of iterations.
  let tolerance: Double?
  let iterations: Int?

  /// Mean over samples.
  var rounds: Double?
  var mostRounds: Int?
  /// Rows of the score, a step and sample.
  var evaluations: Double?
  /// The largest distance of a sample from the sequential solver's.
  var error: Double?
  /// Of a sample: median over samples.
  var seconds: Double?

  init(_ solver: SolverOptions, chunk: Int) {
    linearization = solver.resolvedLinearization.rawValue
    window = solver.window.extent.flatMap { WindowRecord($0) }
    self.chunk = chunk
    anderson = solver.anderson
    probes = solver.probes
    iterations = solver.iterations
    if case .tolerance(let limit) = solver.stop { tolerance = limit } else { tolerance = nil }
  }

  static let head =
    "linearization       window  chunk  anderson  probes  tolerance     rounds   most  evaluations     error   seconds  speed-up\n"

  var setting: String {
    let stop = tolerance.map { String(format: "%.2g", $0) } ?? "\(iterations ?? 0) rounds"
    return linearization.padding(toLength: 13, withPad: " ", startingAt: 0)
      + leftPadded(window?.text ?? "all", 13) + leftPadded("\(chunk)", 7)
      + leftPadded(anderson.map { "\($0)" } ?? "off", 10)
      + leftPadded(probes.map { "\($0)" } ?? "off", 8) + leftPadded(stop, 11)
  }

  func line(sequentialSeconds: Double) -> String {
    guard let rounds, let mostRounds, let evaluations, let error, let seconds else {
      return setting + "   not finite\n"
    }
    return setting
      + String(
        format: "%11.1f%7d%13.3f%10.1e%10.4f%10.2f\n", rounds, mostRounds, evaluations, error, seconds,
        sequentialSeconds / seconds)
  }
}
