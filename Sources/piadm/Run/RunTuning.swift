import Diffusion
import Foundation
import MPI
import PicardSampler
import Planning
import PicardSamplerMPI
import Results

/// Chooses what of solver, window, chunk and replicas a person has not stated: from a short
/// measurement on all ranks, or from what a run that is resumed was stored with.
struct RunTuning<Scalar: StateScalar & MPI.Scalar> {
  let configuration: RunConfiguration
  let setup: Setup<Scalar>
  let world: Communicator

  /// What was chosen, and what it is predicted to take beside sequential sampling.
  struct Outcome {
    var configuration: RunConfiguration
    /// What rank 0 says of it; `nil` where nothing was left to choose.
    var message: String?
  }

  /// Collective.
  ///
  /// - Parameters:
  ///   - stored: the fingerprint of the run that goes on.
  ///   - roundTrip: seconds of the messages of a round, and of one hop.
  func choose(stored: [String: String]?, messages: RoundMessages) throws -> Outcome {
    var configuration = configuration
    if let stored { configuration.solver.take(stored) }
    if configuration.solver.solver == .auto, configuration.solver.meansPicard { configuration.solver.solver = .picard }
    guard !configuration.solver.isStated else { return Outcome(configuration: configuration) }
    // With the window stated, the rest follows from the numbers of ranks and samples.
    let needsCost = configuration.solver.window == .auto && configuration.solver.solver != .sequential
    let cost = needsCost ? try measure() : ScoreCost(rows: [1, 2], seconds: [1, 2])
    let tuner = RunTuner(configuration, setup, cost, messages, ranks: world.size)
    // The ranks have the same numbers; one of them decides all the same.
    let best = tuner.best
    configuration.solver.state(try world.broadcast(encoded: best.choice, root: 0))
    return Outcome(configuration: configuration, message: message(configuration.solver, needsCost ? best.seconds : nil, tuner))
  }

  /// Times calls of 1, 4, 16, ... rows while all ranks make one, for a third of a second or
  /// three calls, whichever is more; larger calls are extrapolated.
  private func measure() throws -> ScoreCost {
    let node = setup.grid.nodes[setup.grid.steps / 2]
    let most = setup.batch.rows
    var spent = 0.0
    func seconds(_ rows: Int, times: Int) throws -> Double {
      var least = Double.infinity
      for _ in 0..<times {
        let own = try world.agree { try setup.batch.time(rows, at: node) }
        let slowest = try world.allReduce(own, .maximum)
        least = min(least, slowest)
        spent += slowest
      }
      return least
    }
    let budget = 0.3
    var rows = [1]
    // The first call of a size generates code.
    var times = [try seconds(1, times: 2)]
    let isSlow = spent > budget
    var next = isSlow ? 2 : 4
    while next <= most, rows.count == 1 || spent + 3 * times[times.count - 1] * 4 < budget {
      rows.append(next)
      times.append(try seconds(next, times: isSlow ? 1 : 3))
      next *= 4
    }
    if rows.count > 1, let last = rows.last, last < most {
      let (before, here) = (times[times.count - 2], times[times.count - 1])
      let slope = max(0, here - before) / Double(last - rows[rows.count - 2])
      rows.append(most)
      times.append(here + slope * Double(most - last))
    }
    return ScoreCost(rows: rows, seconds: times)
  }

  /// - Parameter seconds: predicted for the choice; `nil` where nothing was measured.
  private func message(_ solver: SolverOptions, _ seconds: Double?, _ tuner: RunTuner) -> String {
    let groups = solver.groups > 1 ? " --replicas \(solver.groups)" : ""
    var line = "auto     \(solver.bitOptions)\(groups)"
    if let seconds { line += ", predicted \(duration(seconds))" }
    if seconds != nil, solver.solver != .sequential {
      let sequential = RunChoice(solver: .sequential, replicas: min(world.size, tuner.samples))
      line += ", sequential sampling \(duration(tuner.seconds(sequential)))"
    }
    return line + "\n         \(solver.bitOptions) gives the same bits on any number of ranks\n"
  }
}

extension RunTuner {
  /// - Parameters:
  ///   - configuration: the run, of which some is stated.
  ///   - cost: of a call, any latency included.
  init<Scalar>(
    _ configuration: RunConfiguration, _ setup: Setup<Scalar>, _ cost: ScoreCost, _ messages: RoundMessages, ranks: Int
  ) {
    let (solver, trajectory) = (configuration.solver, setup.trajectory)
    // Of one slice: a constant, and some twelve rows of its numbers read and written
    // (`bench kernels`).
    let update = 0.4e-6 + Double(12 * setup.model.dimension * MemoryLayout<Scalar>.stride) / 5e9
    self.init(
      steps: trajectory.slices, blockSteps: trajectory.longestStage,
      isRandom: trajectory.isRandom,
      samples: configuration.samplesAtOnce, ranks: ranks, score: cost, roundSeconds: messages.round,
      hopSeconds: messages.hop, updateSeconds: update, rowsOfSlice: 1 + (solver.probes ?? 0),
      roundsFactor: PicardOptions.roundsFactor(solver.resolvedLinearization, solver.stop), stated: solver.stated)
  }
}

/// What the messages of a round take, in seconds: beside hops, and a boundary state's hop
/// to the next rank.
struct RoundMessages {
  var round: Double
  var hop: Double
}

extension SolverOptions {
  /// What a tuner must keep.
  fileprivate var stated: RunTuner.Stated {
    var stated = RunTuner.Stated()
    stated.solver = solver == .sequential ? .sequential : meansPicard ? .picard : .any
    stated.extent = window.extent
    (stated.chunk, stated.replicas) = (chunk, replicas)
    return stated
  }

  /// Nothing is left to choose.
  fileprivate var isStated: Bool {
    guard replicas != nil else { return false }
    return solver == .sequential || (meansPicard && window != .auto && chunk != nil)
  }

  /// The options on which the bits depend, of those that can be chosen.
  var bitOptions: String {
    guard solver != .sequential else { return "--solver sequential" }
    return "--solver picard --window \(window)" + (chunk.map { " --chunk \($0)" } ?? "")
  }

  /// States a choice, as far as nothing else is stated.
  mutating func state(_ choice: RunChoice) {
    replicas = replicas ?? choice.replicas
    switch choice.solver {
    case .sequential: solver = .sequential
    case .picard(let extent, let chosenChunk):
      solver = .picard
      if window == .auto { window = .stated(extent) }
      chunk = chunk ?? chosenChunk
    }
  }

  /// What a stored run was chosen to have, where nothing is stated.
  fileprivate mutating func take(_ stored: [String: String]) {
    if solver == .auto, !meansPicard, let name = stored["--solver"], let value = Solver(rawValue: name) { solver = value }
    guard solver != .sequential else { return }
    if window == .auto, let text = stored["--window"] {
      window = text == "none" ? .stated(.blocks) : WindowRequest(argument: text) ?? .auto
    }
    if chunk == nil, let text = stored["--chunk"], let value = Int(text) { chunk = value }
  }
}
