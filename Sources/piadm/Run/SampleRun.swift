import Diffusion
import Foundation
import InputFiles
import MPI
import PicardSampler
import Results
import ScoreModels

/// One run of `piadm sample`, on one rank.
struct SampleRun<Scalar: StateScalar & MPI.Scalar> {
  /// As stated; once the run has been tuned, with nothing left to choose.
  private(set) var configuration: RunConfiguration
  /// Where the model is read: MODEL, or a copy of it.
  let model: String
  let world: Communicator

  init(_ configuration: RunConfiguration, model: String, _ world: Communicator) {
    self.configuration = configuration
    self.model = model
    self.world = world
  }

  mutating func run() throws {
    let begin = ContinuousClock.now
    let date = Date.now
    let clock = PhaseClock()
    clock.enter(.setup)
    let cases = try world.agree { try configuration.ensemble.cases.map { try CaseList(contentsOf: $0) } }
    if let cases { configuration.take(cases) }
    try world.agree {
      guard configuration.solver.groups <= world.size else {
        throw WrongUsage(
          "--replicas \(configuration.solver.groups) needs as many ranks, and there are \(world.size)")
      }
    }
    _ = try world.agree(on: 0) { try checkOutputs() }
    let placement = try Placement(world)
    let memory = HostMemory(ranks: placement.ranksBeside(world.rank))
    let setup = try world.agree {
      try Setup<Scalar>(
        configuration, model: model, ranks: world.size, processors: placement.threads(of: world.rank), memory: memory)
    }
    let stored = try storedRun()
    let store = try storedSamples()
    let messages = try Rehearsal<Scalar>(configuration: configuration, world: world).run()
    let tuned = try RunTuning(configuration: configuration, setup: setup, world: world)
      .choose(stored: stored?.header.fingerprint ?? store?.fingerprint, messages: messages)
    configuration = tuned.configuration
    let (sampler, groups) = (configuration.sampler, configuration.solver.groups)
    let replica = world.rank * groups / world.size
    let first = configuration.ensemble.firstSample
    let samples = share(of: first..<(first + sampler.samples), replica, groups)
    let picard = configuration.solver.picard(setup.trajectory)
    try checkRows(setup, picard)
    let resolved = ResolvedOptions(configuration, setup: setup, picard: picard)
    // What the run itself would fail with is not told here.
    let conventions = world.rank == 0 ? (try? ConventionCheck.of(setup.model))?.warnings(bound: setup.model.bound) ?? [] : []
    try world.agree { try cases?.record(in: setup.files) }
    let identity = RunIdentity(
      files: setup.files, options: resolved.values, versions: setup.versions,
      rowsAlone: configuration.solver.batch == 1 && configuration.network.guidance != nil)
    try identity.requireSameOnAllRanks(of: world)
    let node = NodeKind(host: world.processorName, openvino: setup.versions.openvino)
    let nodes = try world.gather(encoded: node, root: 0)
    let provenance = Report.Provenance(
      date: date, hosts: placement.hosts, processor: node.processor, cLibrary: node.libc,
      commandLine: CommandLine.arguments,
      files: setup.files.entries.map { Report.Provenance.File(path: $0.path, sha256: $0.digest) })
    let keeper = configuration.isGrouped ? nil : try keeper(identity, node, stored, since: begin)
    if world.rank == 0 {
      try write(
        RunHeader(
          versions: setup.versions, model: configuration.model, shape: setup.model.shape,
          scheduler: setup.scheduler, seed: sampler.seed, hosts: placement.hosts, threadsPerRank: setup.threads,
          options: resolved.values
        ).text + "\n")
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
    if configuration.isGrouped {
      return try runGroups(context, cases: cases, stored: stored, store: store, clock)
    }

    let recording = try RunRecording(
      configuration, slices: setup.trajectory.slices, blocks: setup.trajectory.blocks, over: world)
    let outcome = try world.withSplit(color: replica, key: world.rank) { ranks in
      clock.enter(nil)
      defer { clock.enter(.output) }
      return try solve(setup, picard, samples, noise: setup.noise, ranks, keeper, recording, clock) { evaluations, rounds in
        try recording.endRounds()
        try reportStop(context, keeper, evaluations, rounds, clock.seconds)
      }
    }

    let solved = ContinuousClock.now
    try world.agree { try recording.endRounds() }
    let scale = Scalar(setup.grid.finalScale)
    let rows = outcome.solution.samples.flatMap { $0.state.map { scale * $0 } }
    let firstRow = (outcome.solution.samples.first?.number ?? first) - first
    let file = SampleFile(configuration.output.out, samples: sampler.samples, shape: setup.model.shape)
    let digest = try file.write(
      rows.span, firstSample: firstRow, over: world,
      hints: configuration.shared.hints)
    let decoded = configuration.decoding.file(beside: configuration.output.out)
    if let decoder = setup.decoder, let decoded {
      try decode(outcome.solution.samples.map { ($0.number, $0.state) }, with: decoder, to: decoded)
    }
    _ = try world.agree(on: 0) { try drawSheet(setup) }
    clock.enter(nil)
    let seconds = clock.seconds
    if let trace = configuration.pictures.trace {
      try recording.writeTrace(to: trace, since: begin, solved: solved, hosts: placement.hosts, over: world)
    }
    let residuals = try recording.residuals?.merged(over: world)
    let summary = try report(
      context, try totals(of: outcome, keeper), residuals, digest: digest ?? "", seconds: seconds, keeper?.cost)
    if let path = configuration.pictures.hdf5, let residuals {
      try HDF5File(path).write(
        summary?.report, noiseTimes: setup.grid.nodes.map(\.s), residuals: residuals, rows: rows.span,
        firstRow: firstRow, shape: setup.model.shape,
        conditions: try world.agree { try configuration.network.arrays() }, over: world)
    }
    try world.agree { if let summary { try write("\n" + summary.text) } }
  }

  /// The run to go on with, the same on all ranks; `nil` where it starts from the beginning.
  private func storedRun() throws -> Checkpoint<SampleProgress>? {
    guard let folder = configuration.checkpoints.checkpoint, configuration.checkpoints.resume else { return nil }
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
    guard configuration.isGrouped, configuration.checkpoints.resume else { return nil }
    let stored = try world.agree(on: 0) { try SampleStore.description(at: configuration.storePath) }
    return try world.broadcast(encoded: stored.flatMap { $0 }, root: 0)
  }

  /// Draws the sheet of the samples that the run has written; on rank 0.
  func drawSheet(_ setup: Setup<Scalar>) throws {
    let shape = setup.decoder?.shape ?? setup.model.shape
    guard let images = configuration.output.images, let layout = ImageLayout(shape: shape) else { return }
    let (samples, first) = (configuration.sampler.samples, configuration.ensemble.firstSample)
    let steps = configuration.ensemble.rollOut?.steps
    try ContactSheet(
      layout: layout, samples: samples * (steps ?? 1),
      labels: steps == nil ? .numbers(from: first) : .steps(of: samples, from: first)
    )
    .write(samplesOf: configuration.decoding.file(beside: configuration.output.out) ?? configuration.output.out, to: images)
  }

  func keeper(
    _ identity: RunIdentity, _ node: NodeKind, _ stored: Checkpoint<SampleProgress>?,
    since begin: ContinuousClock.Instant
  ) throws -> CheckpointKeeper? {
    guard let folder = configuration.checkpoints.checkpoint else { return nil }
    if let stored {
      try world.agree {
        try identity.requireSame(as: stored.header.fingerprint, in: CheckpointFile(folder).path)
      }
    }
    return CheckpointKeeper(
      configuration.checkpoints, folder: folder, identity: identity, processor: node.processor,
      goingOnFrom: stored, over: world, stallTimeout: configuration.solver.stallTimeout, since: begin)
  }

  /// Checks, in calls of all sizes that the run makes, that a row's prediction does
  /// not depend on its call.
  private func checkRows(_ setup: Setup<Scalar>, _ picard: PicardOptions) throws {
    let groups = configuration.solver.groups
    let ranks = world.size / groups
    let samples = (configuration.samplesAtOnce + groups - 1) / groups
    let isSequential = configuration.solver.solver == .sequential
    let load =
      isSequential
      ? samples
      : picard.largestLoad(setup.trajectory, samples: samples, ranks: ranks, dimension: setup.model.dimension)
    // A group's first rank draws its samples one step after another.
    let isIdle =
      isSequential && (world.rank - 1) * groups / world.size == world.rank * groups / world.size
      && world.rank > 0
    try setup.checkRows(load: isIdle ? 0 : load, samples: configuration.samplesAtOnce, over: world, configuration.solver)
  }

  private func checkOutputs() throws {
    let output = configuration.output
    let file = configuration.writesStore ? nil : output.out
    for path in [file, configuration.decoding.file(beside: output.out), output.images, output.report].compactMap({ $0 })
      + configuration.pictures.files
    {
      try WholeFile(path).checkWritable()
    }
    if let folder = configuration.checkpoints.checkpoint { try CheckpointFile.prepare(folder) }
    if let path = configuration.pictures.hdf5 { try HDF5File(path).checkWritable() }
  }

  /// The samples of one of several groups: consecutive, loads differing by at most one.
  func share(of samples: Range<Int>, _ group: Int, _ groups: Int) -> [Int] {
    Array(samples.dropFirst(group * samples.count / groups).dropLast(samples.count - (group + 1) * samples.count / groups))
  }
}
