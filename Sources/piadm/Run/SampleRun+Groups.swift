import Diffusion
import Foundation
import MPI
import PicardSampler
import Results
import ScoreModels

/// An ensemble: a run for each group of samples, which is written as it is done.
extension SampleRun {
  /// Draws the groups that are missing. Collective.
  ///
  /// - Parameters:
  ///   - stored: the checkpoint of a group that was cut.
  ///   - store: what the store holds that the run goes on with.
  func runGroups(
    _ context: RunContext<Scalar>, cases: CaseList?, stored: Checkpoint<SampleProgress>?,
    store: SampleStore.Description?, _ clock: PhaseClock
  ) throws {
    let plan = EnsemblePlan(configuration, stored: store.map { ($0.firstSample, $0.samples, $0.chunk) })
    let samples = SampleStore(
      configuration.storePath, leading: plan.leading, shape: context.setup.model.shape, chunk: plan.chunk,
      elementSize: MemoryLayout<Scalar>.size)
    _ = try world.agree(on: 0) { try open(samples, plan, context, cases, store) }
    let isThere = try world.broadcast(
      encoded: world.agree(on: 0) { try plan.groups.map { try samples.hasRows($0.rows) } } ?? [], root: 0)
    if world.rank == 0, isThere.contains(true) {
      try write("found    \(isThere.count { $0 }) of \(plan.groups.count) groups in \(samples.path)\n")
    }

    var totals = RunTotals()
    var cost: Report.Checkpoints?
    for (number, group) in plan.groups.enumerated() where !isThere[number] {
      if world.rank == 0, configuration.output.progress != .none {
        try write(
          "group    \(number + 1) of \(plan.groups.count): "
            + (plan.leading.count > 1 ? "step \(group.step)" : "samples \(group.samples.lowerBound) to \(group.samples.upperBound - 1)") + "\n")
      }
      try world.agree { try setConditions(context.setup, group, plan, samples, cases) }
      let (outcome, keeper) = try draw(group, context, cases, stored, clock)
      let own = outcome.solution.samples
      let scale = Scalar(context.setup.grid.finalScale)
      let rows = own.flatMap { $0.state.map { scale * $0 } }
      try samples.write(
        rows.span, first: group.rows.lowerBound + (own.first?.number ?? group.samples.lowerBound) - group.samples.lowerBound,
        group: group.rows, over: world, hints: configuration.shared.hints)
      let drawn = try self.totals(of: outcome, keeper)
      totals.rounds += drawn.rounds
      totals.evaluations = max(totals.evaluations, drawn.evaluations)
      totals.change = max(totals.change, drawn.change)
      totals.blocks = drawn.blocks
      totals.bytesSent += drawn.bytesSent
      cost = keeper?.cost ?? cost
    }

    let digest = try world.agree(on: 0) { try finish(samples, plan, context.setup) }
    clock.enter(nil)
    let summary = try report(
      context, totals, nil, digest: digest ?? "", seconds: clock.seconds, cost,
      groups: Report.Groups(
        samples: plan.chunk, drawn: isThere.count { !$0 }, found: isThere.count { $0 }))
    try world.agree { if let summary { try write("\n" + summary.text) } }
  }

  /// Makes the store, or lets it grow; on rank 0.
  private func open(
    _ samples: SampleStore, _ plan: EnsemblePlan, _ context: RunContext<Scalar>, _ cases: CaseList?,
    _ stored: SampleStore.Description?
  ) throws {
    // What says how many samples there are is not what their bits depend on.
    let identity = context.identity.with(["--samples": nil, "--first-sample": nil, "--roll-out": configuration.ensemble.rollOut?.condition])
    let path = samples.path
    if let stored {
      try identity.requireSame(as: stored.fingerprint, in: path)
      if let atOnce = configuration.ensemble.atOnce, atOnce != stored.chunk {
        throw WrongUsage("--at-once \(atOnce): \(path) holds groups of \(stored.chunk); give --at-once \(stored.chunk) or omit it")
      }
      guard configuration.ensemble.firstSample >= stored.firstSample else {
        throw WrongUsage(
          "--first-sample \(configuration.ensemble.firstSample): \(path) begins with sample \(stored.firstSample); name another store for earlier ones"
        )
      }
    } else if try SampleStore.description(at: path) != nil {
      guard !configuration.writesStore else {
        throw BadData("\(path): is there already; --resume goes on with it, or name another")
      }
      // Left by a run that was killed, as a file that is not whole would be.
      try samples.remove()
    }
    let numbers = Array(plan.origin..<(plan.origin + (plan.leading.last ?? 0)))
    var coordinates = [
      SampleStore.Coordinate(ofSamples: "sample", numbers),
      SampleStore.Coordinate("noise_time", context.setup.grid.nodes.map(\.s)),
    ]
    if let cases {
      coordinates.append(SampleStore.Coordinate(ofSamples: "case", numbers.map { cases.number(of: $0) }))
    }
    try samples.prepare(
      SampleStore.Description(
        fingerprint: identity.values, firstSample: plan.origin, samples: plan.leading.last ?? 0, chunk: plan.chunk),
      attributes: [
        "title": .text("Samples of a diffusion model"), "source": .text("piadm \(context.setup.versions.piadm)"),
        "history": .text("\(context.provenance.date) \(context.provenance.commandLine.joined(separator: " "))"),
        "model": .text(configuration.model), "method": .text(context.setup.method.name.rawValue),
        "seed": .unsigned(configuration.sampler.seed),
      ],
      coordinates: coordinates)
  }

  /// Gives the model the conditions of a group.
  private func setConditions(
    _ setup: Setup<Scalar>, _ group: EnsemblePlan.Group, _ plan: EnsemblePlan, _ samples: SampleStore, _ cases: CaseList?
  ) throws {
    let conditioned = setup.model as? any ConditionedModel
    var rows: [String: ConditionRows] = [:]
    if let cases { rows = try cases.conditions(of: group.samples, ranks: conditioned?.conditionRanks ?? [:]) }
    if let rollOut = configuration.ensemble.rollOut, group.step > 0 {
      rows[rollOut.condition] = ConditionRows(
        rowShape: setup.model.shape, values: try samples.floats(ofRows: plan.groups[group.step - 1].rows))
    }
    guard !rows.isEmpty else { return }
    guard let model = conditioned else {
      throw WrongUsage("MODEL \(configuration.model) has no further inputs: omit --cases and --roll-out, or their conditions")
    }
    try model.setConditions(rows, samples: group.samples)
    setup.batch.forgetRows()
  }

  private func draw(
    _ group: EnsemblePlan.Group, _ context: RunContext<Scalar>, _ cases: CaseList?,
    _ stored: Checkpoint<SampleProgress>?, _ clock: PhaseClock
  ) throws -> (Outcome, CheckpointKeeper?) {
    let setup = context.setup
    let identity = context.identity.with([
      "--samples": "\(group.samples.count)", "--first-sample": "\(group.samples.lowerBound)",
      "--roll-out": configuration.ensemble.rollOut.map { "\($0.condition), step \(group.step)" },
    ])
    // Of a group that has been written since, nothing is left to go on with.
    let places = ["--first-sample", "--samples", "--roll-out"]
    let isOfGroup = places.allSatisfy { identity.values[$0] == stored?.header.fingerprint[$0] }
    let keeper = try keeper(identity, context.node, isOfGroup ? stored : nil, since: context.begin)
    if world.rank == 0, let message = keeper?.beginning { try write(message) }
    let replica = world.rank * configuration.solver.groups / world.size
    let own = share(of: group.samples, replica, configuration.solver.groups)
    var source: any NoiseSource = setup.noise
    if let cases { source = Setup<Scalar>.scaled(CaseNoise(cases: cases, seed: configuration.sampler.seed), setup.grid, setup.trajectory) }
    if group.step > 0 {
      source = Setup<Scalar>.scaled(CounterNoise(seed: configuration.sampler.seed &+ UInt64(group.step)), setup.grid, setup.trajectory)
    }
    let recording = try RunRecording(
      configuration, slices: setup.trajectory.slices, blocks: setup.trajectory.blocks, over: world)
    let outcome = try world.withSplit(color: replica, key: world.rank) { ranks in
      clock.enter(nil)
      defer { clock.enter(.output) }
      return try solve(setup, context.picard, own, noise: source, ranks, keeper, recording, clock) { evaluations, rounds in
        try recording.endRounds()
        try reportStop(context, keeper, evaluations, rounds, clock.seconds)
      }
    }
    try world.agree { try recording.endRounds() }
    return (outcome, keeper)
  }

  /// Leaves the samples under the name that was asked for, and draws their
  /// sheet; on rank 0.
  /// - Returns: the digest of this run's samples.
  private func finish(_ samples: SampleStore, _ plan: EnsemblePlan, _ setup: Setup<Scalar>) throws -> String {
    guard !configuration.writesStore else { return try samples.digest(ofRows: plan.rows) }
    let leading = plan.leading.count > 1 ? plan.leading : [plan.rows.count]
    let file = SampleFile(configuration.output.out, samples: plan.rows.count, shape: setup.model.shape)
    let digest = try file.write(from: samples, rows: plan.rows, leading: leading)
    try drawSheet(setup)
    try samples.remove()
    return digest
  }
}

extension RunConfiguration {
  /// Where groups are stored: the store that was asked for, or one beside the file.
  var storePath: String { writesStore ? output.out : output.out + ".groups" }

  /// Takes samples and conditions from cases.
  mutating func take(_ cases: CaseList) {
    sampler.samples = cases.samples
    network.condition += cases.firstConditions
  }
}
