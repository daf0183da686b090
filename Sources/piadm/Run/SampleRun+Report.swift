import Diffusion
import MPI
import PicardSampler
import Results

/// The record of a run, put together of what its ranks know.
extension SampleRun {
  /// What the ranks of an outcome did together. Collective.
  func totals(of outcome: Outcome, _ keeper: CheckpointKeeper?) throws -> RunTotals {
    let record = outcome.solution.record
    let merged = try merge(record)
    return RunTotals(
      rounds: merged.rounds,
      evaluations: try world.allReduce(record.evaluations, .sum) + (keeper?.earlierEvaluations ?? 0),
      change: merged.change, blocks: merged.blocks, bytesSent: try world.allReduce(outcome.bytesSent, .sum))
  }

  /// Writes report and picture. Collective.
  /// - Returns: what is to be told at the end, on rank 0.
  func report(
    _ context: RunContext<Scalar>, _ totals: RunTotals, _ residuals: ResidualMap?, digest: String,
    seconds: PhaseSeconds, _ checkpoints: Report.Checkpoints?, groups: Report.Groups? = nil
  ) throws -> RunSummary? {
    let setup = context.setup
    let sequentialSeconds = try sequentialSeconds(setup)
    let ranks = try gather(seconds)
    let memory = try world.allReduce(peakMemoryBytes(), .maximum)
    let own = try world.allReduce(privateMemoryBytes() ?? 0, .maximum)
    let check = setup.batch.check
    let rowCheck = Report.RowCheck(
      rowsBefore: try world.allReduce(check?.rowsBefore ?? 0, .maximum),
      secondsBefore: try world.allReduce(check?.secondsBefore ?? 0, .maximum),
      rowsAgain: try world.allReduce(check?.rowsAgain ?? 0, .maximum),
      secondsAgain: try world.allReduce(check?.secondsAgain ?? 0, .maximum))
    return try world.agree {
      guard world.rank == 0 else { return nil }
      var report = Report(
        status: .completed, model: configuration.model, method: setup.method.name.rawValue,
        options: context.resolved.values, ranks: world.size, replicas: configuration.solver.groups,
        steps: setup.trajectory.steps, samples: configuration.sampler.samples,
        shape: setup.model.shape, rounds: totals.rounds, evaluations: totals.evaluations,
        blocks: totals.blocks, finalChange: totals.change, batchInvariant: setup.isBatchInvariant,
        digest: digest, seconds: .slowest(of: ranks), bytesSent: totals.bytesSent,
        peakMemoryBytes: memory, versions: setup.versions, privateMemoryBytes: own > 0 ? own : nil,
        checkpoints: checkpoints,
        sequentialSeconds: sequentialSeconds, rowCheck: rowCheck)
      report.take(context)
      report.groups = groups
      if let path = configuration.output.report { try report.write(to: path) }
      if let residuals { try draw(report, ranks, residuals) }
      return RunSummary(report: report, ranks: ranks)
    }
  }

  /// The report of a run that was stopped after a round, its state stored.
  func reportStop(
    _ context: RunContext<Scalar>, _ keeper: CheckpointKeeper?,
    _ evaluations: Int, _ rounds: Int, _ seconds: PhaseSeconds
  ) throws {
    let setup = context.setup
    let ranks = try gather(seconds)
    let memory = try world.allReduce(peakMemoryBytes(), .maximum)
    _ = try world.agree(on: 0) {
      var report = Report(
        status: .checkpointed, model: configuration.model, method: setup.method.name.rawValue,
        options: context.resolved.values, ranks: world.size, replicas: configuration.solver.groups,
        steps: setup.trajectory.steps, samples: configuration.sampler.samples,
        shape: setup.model.shape, rounds: rounds, evaluations: evaluations, blocks: [],
        finalChange: 0, batchInvariant: setup.isBatchInvariant, digest: "",
        seconds: .slowest(of: ranks), bytesSent: 0, peakMemoryBytes: memory,
        versions: setup.versions, checkpoints: keeper?.cost)
      report.take(context)
      if let path = configuration.output.report { try report.write(to: path) }
      try write("\nstatus: checkpointed\n")
    }
  }

  private func draw(
    _ report: Report, _ ranks: [PhaseSeconds], _ residuals: ResidualMap
  ) throws {
    guard let file = configuration.pictures.plot.flatMap({ PictureFile($0) }) else { return }
    var tolerance: Double?
    if case .tolerance(let limit) = configuration.solver.stop { tolerance = limit }
    try RunPicture(
      report: report, ranks: ranks, residuals: residuals, tolerance: tolerance,
      samples: SampleRows(file: configuration.output.out, samples: report.samples, shape: report.shape)
    ).write(to: file)
  }

  /// What the sequential sampler would take on these ranks: the calls of the model for the
  /// samples of one of them, for every step, by the times of the run's own calls; where
  /// those of a row are too short for one measurement, by the median of a few. `nil` on
  /// other ranks, and where it was the sampler.
  private func sequentialSeconds(_ setup: Setup<Scalar>) throws -> Double? {
    guard configuration.solver.solver == .picard else { return nil }
    var seconds: Double?
    try world.agree {
      guard world.rank == 0 else { return }
      let batch = setup.batch
      let samples = (configuration.sampler.samples + world.size - 1) / world.size
      let node = setup.grid.nodes[setup.grid.steps / 2]
      let isShort = batch.expectedSeconds(of: 1) - batch.latency < 0.005
      let step =
        isShort && samples <= batch.rows
        ? try batch.typicalTime(samples, at: node) : batch.expectedSeconds(of: samples)
      seconds = step * Double(setup.trajectory.slices)
    }
    return seconds
  }

  /// Rounds and changes of the slowest replica.
  private func merge(
    _ record: RunRecord
  ) throws -> (rounds: Int, change: Double, blocks: [Report.Block]) {
    let rounds = try world.allReduce(record.rounds, .maximum)
    let change = try world.allReduce(record.largestChange, .maximum)
    let blocks = try record.blocks.map { block in
      Report.Block(
        first: block.first, steps: block.steps,
        iterations: try world.allReduce(block.iterations, .maximum),
        change: try world.allReduce(block.change, .maximum))
    }
    return (rounds, change, blocks)
  }

  private func gather(_ seconds: PhaseSeconds) throws -> [PhaseSeconds] {
    let own = [seconds.total] + Phase.allCases.map { seconds[$0] } + [seconds.wait]
    let all = try world.gather(own, root: 0)
    return stride(from: 0, to: all.count, by: own.count).map { first in
      var seconds = PhaseSeconds(total: all[first], wait: all[first + own.count - 1])
      for (index, phase) in Phase.allCases.enumerated() { seconds[phase] = all[first + 1 + index] }
      return seconds
    }
  }
}

/// What a run is about, resolved before its first round.
struct RunContext<Scalar: StateScalar> {
  let setup: Setup<Scalar>
  let picard: PicardOptions
  let resolved: ResolvedOptions
  let identity: RunIdentity
  let node: NodeKind
  let provenance: Report.Provenance
  let begin: ContinuousClock.Instant
}

/// What all ranks did together.
struct RunTotals {
  var rounds = 0
  /// Of all that this process drew: a score batch counts them.
  var evaluations = 0
  var change = 0.0
  var blocks: [Report.Block] = []
  var bytesSent = 0
}

extension Report {
  fileprivate mutating func take<Scalar>(_ context: RunContext<Scalar>) {
    provenance = context.provenance
    noiseTimes = context.setup.grid.nodes.map(\.s)
  }
}
