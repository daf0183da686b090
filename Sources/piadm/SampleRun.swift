import Diffusion
import Foundation
import InputFiles
import MPI
import PicardSamplerMPI
import PicardSampler
import Results
import ScoreModels

/// One run of `piadm sample`, on one rank.
struct SampleRun<Scalar: StateScalar & MPI.Scalar> {
  /// As stated; once the run has been tuned, with nothing left to choose.
  private(set) var command: Sample
  /// Where the model is read: MODEL, or a copy of it.
  let model: String
  let world: Communicator

  init(_ command: Sample, model: String, _ world: Communicator) {
    self.command = command
    self.model = model
    self.world = world
  }

  mutating func run() throws {
    let begin = ContinuousClock.now
    let date = Date.now
    var timers = PhaseTimers()
    timers.enter(.setup)
    let cases = try world.agree { try command.ensemble.cases.map { try CaseList(contentsOf: $0) } }
    if let cases { command.take(cases) }
    try world.agree {
      guard command.solver.groups <= world.size else {
        throw WrongUsage(
          "--replicas \(command.solver.groups) needs as many ranks, and there are \(world.size)")
      }
    }
    _ = try world.agree(on: 0) { try checkOutputs() }
    let placement = try Placement(world)
    let memory = HostMemory(ranks: placement.ranksBeside(world.rank))
    let setup = try world.agree {
      try Setup<Scalar>(
        command, model: model, ranks: world.size, processors: placement.threads(of: world.rank), memory: memory)
    }
    let stored = try storedRun()
    let store = try storedSamples()
    let messages = try rehearse()
    let tuned = try RunTuning(command: command, setup: setup, world: world)
      .choose(stored: stored?.header.fingerprint ?? store?.fingerprint, messages: messages)
    command = tuned.command
    let (sampler, groups) = (command.sampler, command.solver.groups)
    let replica = world.rank * groups / world.size
    let first = command.ensemble.firstSample
    let samples = share(of: first..<(first + sampler.samples), replica, groups)
    let picard = command.solver.picard(setup.trajectory)
    try checkRows(setup, picard)
    let resolved = ResolvedOptions(command, setup: setup, picard: picard)
    // What the run itself would fail with is not told here.
    let conventions = world.rank == 0 ? (try? ConventionCheck.of(setup.model))?.warnings(bound: setup.model.bound) ?? [] : []
    try world.agree { try cases?.record(in: setup.files) }
    let identity = RunIdentity(
      files: setup.files, options: resolved.values, versions: setup.versions,
      rowsAlone: command.solver.batch == 1 && command.network.guidance != nil)
    try identity.requireSameOnAllRanks(of: world)
    let node = NodeKind(host: world.processorName, openvino: setup.versions.openvino)
    let nodes = try world.gather(encoded: node, root: 0)
    let provenance = Report.Provenance(
      date: date, hosts: placement.hosts, processor: node.processor, cLibrary: node.libc,
      commandLine: CommandLine.arguments,
      files: setup.files.entries.map { Report.Provenance.File(path: $0.path, sha256: $0.digest) })
    let keeper = command.isGrouped ? nil : try keeper(identity, node, stored, since: begin)
    if world.rank == 0 {
      try write(RunHeader(
        versions: setup.versions, model: command.model, shape: setup.model.shape,
        scheduler: setup.scheduler, seed: sampler.seed, hosts: placement.hosts, threadsPerRank: setup.threads,
        options: resolved.values).text + "\n")
      if let note = setup.rowNote { try write(note) }
      // Idle processors are a loss only where the model could use them.
      for warning in placement.crowding + (setup.usesManyThreads ? placement.idleness : []) {
        try write("warning: \(warning)\n")
      }
      for warning in conventions { try write("warning: \(warning)\n") }
      try warnOfIdleRanks(setup.trajectory, picard)
      if let warning = NodeKind.warning(of: nodes) { try write(warning) }
      if let message = keeper?.beginning { try write(message) }
      if let message = tuned.message { try write(message) }
    }
    let context = RunContext(
      setup: setup, picard: picard, resolved: resolved, identity: identity, node: node, provenance: provenance, begin: begin)
    if command.isGrouped {
      return try runGroups(context, cases: cases, stored: stored, store: store, &timers)
    }

    let recording = try RunRecording(
      command, slices: setup.trajectory.slices, blocks: setup.trajectory.blocks, over: world)
    let outcome = try world.withSplit(color: replica, key: world.rank) { ranks in
      timers.enter(nil)
      defer { timers.enter(.output) }
      return try solve(setup, picard, samples, noise: setup.noise, ranks, keeper, recording) { evaluations, rounds in
        try recording.endRounds()
        try reportStop(context, keeper, evaluations, rounds, timers.seconds)
      }
    }

    let solved = ContinuousClock.now
    try world.agree { try recording.endRounds() }
    let scale = Scalar(setup.grid.finalScale)
    let rows = outcome.solution.samples.flatMap { $0.state.map { scale * $0 } }
    let file = SampleFile(command.output.out, samples: sampler.samples, shape: setup.model.shape)
    let digest = try file.write(
      rows.span, firstSample: (outcome.solution.samples.first?.number ?? first) - first, over: world,
      hints: command.shared.hints)
    let decoded = command.decoding.file(beside: command.output.out)
    if let decoder = setup.decoder, let decoded {
      try decode(outcome.solution.samples.map { ($0.number, $0.state) }, with: decoder, to: decoded)
    }
    _ = try world.agree(on: 0) { try drawSheet(setup) }
    timers.enter(nil)
    var seconds = timers.seconds
    seconds.add(outcome.solution.record.seconds)
    if let trace = command.pictures.trace {
      try recording.writeTrace(to: trace, since: begin, solved: solved, hosts: placement.hosts, over: world)
    }
    let residuals = try recording.residuals?.merged(over: world)
    let summary = try report(
      context, try totals(of: outcome, keeper), residuals, digest: digest ?? "", seconds: seconds, keeper?.cost)
    if let path = command.pictures.hdf5, let residuals {
      try HDF5File(path).write(
        summary?.report, noiseTimes: setup.grid.nodes.map(\.s), residuals: residuals, rows: rows.span,
        firstRow: (outcome.solution.samples.first?.number ?? first) - first, shape: setup.model.shape,
        conditions: try world.agree { try command.network.arrays() }, over: world)
    }
    try world.agree { if let summary { try write("\n" + summary.text) } }
  }

  /// The run to go on with, the same on all ranks; `nil` where it starts afresh.
  private func storedRun() throws -> Checkpoint<SampleProgress>? {
    guard let folder = command.checkpoints.checkpoint, command.checkpoints.resume else { return nil }
    let stored = try world.agree { try Checkpoint<SampleProgress>.open(in: folder) }
    let first = try world.broadcast(encoded: stored?.digest, root: 0)
    try world.agree {
      guard stored?.digest == first else {
        throw BadData("\(folder): is another folder here than on rank 0; name one that all hosts share")
      }
    }
    return stored
  }

  /// What the store holds that the run goes on with, the same on all ranks;
  /// `nil` where it begins one.
  private func storedSamples() throws -> SampleStore.Description? {
    guard command.isGrouped, command.checkpoints.resume else { return nil }
    let stored = try world.agree(on: 0) { try SampleStore.description(at: command.storePath) }
    return try world.broadcast(encoded: stored.flatMap { $0 }, root: 0)
  }

  func drawSheet(_ setup: Setup<Scalar>) throws {
    let shape = setup.decoder?.shape ?? setup.model.shape
    guard let images = command.output.images, let layout = ImageLayout(shape: shape) else { return }
    try ContactSheet(layout: layout, samples: command.sampler.samples)
      .write(samplesOf: command.decoding.file(beside: command.output.out) ?? command.output.out, to: images)
  }

  func keeper(
    _ identity: RunIdentity, _ node: NodeKind, _ stored: Checkpoint<SampleProgress>?,
    since begin: ContinuousClock.Instant
  ) throws -> CheckpointKeeper? {
    guard let folder = command.checkpoints.checkpoint else { return nil }
    if let stored {
      try world.agree {
        try identity.requireSame(as: stored.header.fingerprint, in: CheckpointFile(folder).path)
      }
    }
    return CheckpointKeeper(
      command.checkpoints, folder: folder, identity: identity, processor: node.processor,
      goingOnFrom: stored, over: world, stallTimeout: command.solver.stallTimeout, since: begin)
  }

  /// Checks, in calls of all sizes that the run makes, that a row's prediction does
  /// not depend on its call.
  private func checkRows(_ setup: Setup<Scalar>, _ picard: PicardOptions) throws {
    let groups = command.solver.groups
    let ranks = world.size / groups
    let samples = (command.samplesAtOnce + groups - 1) / groups
    let isSequential = command.solver.solver == .sequential
    let load =
      isSequential
      ? samples
      : picard.largestLoad(setup.trajectory, samples: samples, ranks: ranks, dimension: setup.model.dimension)
    // A group's first rank draws its samples one step after another.
    let isIdle = isSequential && (world.rank - 1) * groups / world.size == world.rank * groups / world.size
      && world.rank > 0
    try setup.checkRows(load: isIdle ? 0 : load, samples: command.samplesAtOnce, over: world, command.solver)
  }

  /// A run in two dimensions that nobody sees: it opens the connections between
  /// the ranks, and has the program's types set up. Without it the first rounds
  /// take some milliseconds longer.
  ///
  /// - Returns: what its messages took, a round.
  private func rehearse() throws -> RoundMessages {
    let chunksOfRank = 2
    let grid = try TimeGrid.uniform(steps: max(8, 2 * chunksOfRank * world.size), horizon: 1, earlyStop: 0.5)
    let trajectory = try Trajectory(.posterior, on: grid, noiseLevel: 1)
    let options = PicardOptions(
      stop: .tolerance(1e-9), extent: .window(grid.steps / 2), chunk: 1, trajectory: trajectory)
    let target = try Gaussian<Scalar>(mean: [0, 0], variances: [1, 2])
    let batch = ScoreBatch(target, rows: grid.steps)
    let ring = MPIRing(world, stallTimeout: command.solver.stallTimeout)
    let solver = PicardSolver(
      trajectory, options: options, batch: batch, ring: ring, noise: CounterNoise(seed: 0),
      samples: [0])
    var progress = Progress(
      world.rank == 0 ? command.output.progress : .none,
      Progress.Pace(stop: options.stop, blocks: 1, window: true))
    // The first round opens the connections.
    var (first, last) = (ContinuousClock.now, ContinuousClock.now)
    var rounds = 0
    _ = try solver.run {
      progress.rehearse($0)
      if $0.round == 1 { first = .now }
      (rounds, last) = ($0.round - 1, .now)
    }
    try ring.finish()
    let seconds = try world.allReduce((last - first) / .seconds(1) / Double(max(1, rounds)), .maximum)
    let chunks = Double(grid.steps / 2)
    return world.size == 1
      ? RoundMessages(round: seconds, hop: 0)
      : RoundMessages(round: seconds / chunks, hop: seconds / chunks)
  }

  struct Outcome {
    var solution: Solution<Scalar>
    var bytesSent: Int
  }

  func solve(
    _ setup: Setup<Scalar>, _ picard: PicardOptions, _ samples: [Int], noise: any NoiseSource, _ ranks: Communicator,
    _ keeper: CheckpointKeeper?, _ recording: RunRecording,
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
    if command.solver.solver == .sequential {
      let solver = SequentialSolver(
        setup.trajectory, batch: setup.batch, noise: noise,
        samples: ranks.rank == 0 ? samples : [])
      if recording.observesPhases { solver.observer = recording }
      return Outcome(solution: try run(solver) {}, bytesSent: 0)
    }
    let ring = MPIRing(ranks, stallTimeout: command.solver.stallTimeout)
    let solver = PicardSolver(
      setup.trajectory, options: picard, batch: setup.batch, ring: ring, noise: noise,
      samples: samples)
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
    } catch where error is SamplingError || error is RowDependence || error is ScoreModelError {
      let isAgreed = error is RowDependence || (error is SamplingError && command.solver.iterations == nil)
      if isAgreed, command.solver.solver == .picard, command.solver.groups == 1 {
        try finishMessages()
        try world.agree { throw error }
      }
      Thread.sleep(forTimeInterval: 0.5 * Double(min(world.rank, 10)))
      throw error
    }
  }

  private func checkOutputs() throws {
    let output = command.output
    let file = command.writesStore ? nil : output.out
    for path in [file, command.decoding.file(beside: output.out), output.images, output.report].compactMap({ $0 }) + command.pictures.files {
      try WholeFile(path).checkWritable()
    }
    if let folder = command.checkpoints.checkpoint { try CheckpointFile.prepare(folder) }
    if let path = command.pictures.hdf5 { try HDF5File(path).checkWritable() }
  }

  /// The samples of one of several groups: consecutive, loads differing by at most one.
  func share(of samples: Range<Int>, _ group: Int, _ groups: Int) -> [Int] {
    samples.dropFirst(group * samples.count / groups)
      .prefix((group + 1) * samples.count / groups - group * samples.count / groups).map { $0 }
  }

  private func warnOfIdleRanks(_ trajectory: Trajectory, _ picard: PicardOptions) throws {
    let (samples, replicas) = (command.sampler.samples, command.solver.groups)
    if replicas > samples {
      try write(
        """
        warning: \(replicas) groups of ranks share \(samples) sample\(samples == 1 ? "" : "s"), so \(replicas - samples) of them \
        \(replicas - samples == 1 ? "has" : "have") nothing to do; with --replicas \(samples) more ranks draw each sample

        """)
    }
    let ranks = world.size / replicas
    let useful = command.solver.solver == .sequential ? 1 : picard.activeChunks(trajectory)
    guard ranks > useful else { return }
    let (idle, have) = (ranks - useful, ranks - useful == 1 ? "has" : "have")
    if command.solver.solver == .sequential {
      try write(
        """
        warning: a sequential run works on one rank, so \(idle) of \(ranks) \(have) nothing to do; \
        --replicas draws several samples at once

        """)
    } else {
      let shrunk = picard.extent.grows ? ", while the window has not grown" : ""
      try write(
        """
        warning: \(ranks) ranks share \(useful) chunk\(useful == 1 ? "" : "s"), so \(idle) of them \(have) nothing to do\(shrunk); \
        --replicas draws several samples at once, a smaller --chunk gives more chunks

        """)
    }
  }
}
