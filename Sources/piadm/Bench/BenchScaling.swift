import ArgumentParser
import Diffusion
import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import Planning
import Results

struct BenchScaling: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scaling",
    abstract: "Measure the wall time of sampling over ranks, beside what plan predicts.",
    discussion: """
      Takes the model and options of `piadm sample`, and runs it on the first 1, 2, 4, ... and \
      all of the ranks, while the others sleep. The predictions are those of `piadm plan` on \
      the same ranks, made before anything is run. Times are of sampling, from the first round \
      to the last.

      Examples:
        mpirun -n 2 piadm bench scaling digits --method ddpm --steps 1000 --samples 8
        mpirun -n 32 piadm bench scaling digits --chunk 2 --score-latency 0.05
      """)

  @OptionGroup var arguments: SampleArguments

  @OptionGroup var pilot: PilotOptions

  @Option(help: ArgumentHelp("Numbers of ranks to run on. (default: 1,2,4,... and all)", valueName: "p,p,..."))
  var ranks: String?

  @Option(help: ArgumentHelp("Runs on each number of ranks; the median counts.", valueName: "n"))
  var repeats = 1

  @Option(help: ArgumentHelp("The table's numbers, in seconds.", valueName: "file.json"))
  var json: String?

  @Option(help: ArgumentHelp("Time and efficiency over ranks, PNG or SVG.", valueName: "file"))
  var plot: String?

  func validate() throws {
    guard (1...1000).contains(repeats) else {
      throw ValidationError("--repeats must be from 1 to 1000, not \(repeats)")
    }
    if let ranks {
      guard let counts, counts.allSatisfy({ $0 >= 1 }) else {
        throw ValidationError("--ranks takes numbers such as 1,2,4, not \(ranks)")
      }
    }
    try ScalingOutputs(json: json, plot: plot).validate()
  }

  private var counts: [Int]? {
    guard let words = ranks?.split(separator: ",") else { return nil }
    let numbers = words.compactMap { Int($0) }
    return numbers.count == words.count && !numbers.isEmpty ? numbers : nil
  }

  mutating func run() throws {
    let command = self
    let sample = try arguments.sample()
    try Failure.underMPI { world in
      try ScalingOutputs(json: command.json, plot: command.plot).checkWritable(world)
      try world.agree {
        if let most = command.counts?.max(), most > world.size {
          throw WrongUsage("--ranks \(most) needs as many ranks, and there are \(world.size): mpirun -n \(most)")
        }
        guard sample.solver.groups == 1 else {
          throw WrongUsage("bench scaling measures one group of ranks: leave --replicas away")
        }
      }
      switch sample.sampler.precision {
      case .single: try command.measure(sample, as: Float.self, world)
      case .double: try command.measure(sample, as: Double.self, world)
      }
    }
  }

  private func measure<Scalar: StateScalar & MPI.Scalar>(
    _ sample: RunConfiguration, as: Scalar.Type, _ world: Communicator
  ) throws {
    let run = try PlannedRun<Scalar>(sample, pilotSeconds: pilot.pilotSeconds, over: world)
    let all = Set(sequence(first: 1) { $0 * 2 }.prefix { $0 < world.size }).union([world.size]).sorted()
    func show(_ text: String) throws { if world.rank == 0 { try write(text) } }
    try show(" ranks   measured [s]  predicted [s]   ratio  speed-up  efficiency  rounds\n")
    var points: [ScalingPoint] = []
    for count in counts ?? all {
      let runs = try (0..<repeats).map { _ in try seconds(run, on: count, world) }
      let middle = runs.sorted { $0.seconds < $1.seconds }[repeats / 2]
      guard world.rank == 0 else { continue }
      let point = ScalingPoint(
        ranks: count, seconds: middle.seconds, predictedSeconds: run.seconds(ranks: count),
        rounds: middle.rounds)
      let speedUp = run.sequentialSeconds / point.seconds
      try show(
        String(format: "%6d%15.4f", count, point.seconds)
          + leftPadded(point.predictedSeconds.map { String(format: "%.4f", $0) } ?? "unknown", 15)
          + leftPadded(point.ratio.map { String(format: "%.3f", $0) } ?? "", 8)
          + String(format: "%10.2f%10.1f %%%8d\n", speedUp, 100 * speedUp / Double(count), point.rounds))
      points.append(point)
    }
    try world.agree {
      guard world.rank == 0 else { return }
      if let farthest = points.compactMap(\.ratio).max(by: { abs(log($0)) < abs(log($1)) }) {
        try show(String(format: "farthest prediction: %.3f of the measured time\n", farthest))
      }
      if let json {
        try writeJSON(
          ScalingRecord(
            arguments: arguments.words, sequentialSeconds: run.sequentialSeconds, scaling: points,
            machine: .init(run.cost, isMeasured: true)), to: json)
      }
      if let file = plot.flatMap({ PictureFile($0) }) {
        try ScalingPicture(
          title: "\(run.sample.model), \(run.setup.method.name.rawValue): \(run.setup.trajectory.steps) steps, \(run.sample.sampler.samples) samples",
          sequentialSeconds: run.sequentialSeconds,
          predicted: points.compactMap { point in
            point.predictedSeconds.map { .init(ranks: point.ranks, seconds: $0) }
          },
          measured: points.map { .init(ranks: $0.ranks, seconds: $0.seconds) }, ranksAtHand: world.size
        ).write(to: file)
      }
    }
  }

  /// Seconds of sampling on the first ranks, the slowest of them counting. Collective.
  private func seconds<Scalar>(
    _ run: PlannedRun<Scalar>, on count: Int, _ world: Communicator
  ) throws -> (seconds: Double, rounds: Int) {
    let own = try world.withSplit(color: world.rank < count ? 0 : 1, key: world.rank) { ranks in
      try world.onFirst(count) {
        let batch = ScoreBatch(run.setup.model, rows: run.sample.solver.batch, latency: run.cost.latency)
        let ring = MPIRing(ranks, stallTimeout: run.sample.solver.stallTimeout)
        let solver = PicardSolver(
          run.setup.trajectory, options: run.picard, batch: batch, ring: ring, noise: run.setup.noise,
          samples: Array(0..<run.sample.sampler.samples))
        try solver.checkRows()
        try ranks.barrier()
        let start = ContinuousClock.now
        let solution = try solver.run()
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        try ring.finish()
        return (seconds, solution.record.rounds)
      }
    }
    return (
      try world.allReduce(own?.0 ?? 0, .maximum), try world.allReduce(own?.1 ?? 0, .maximum)
    )
  }
}

/// Measured and predicted time of sampling on a number of ranks.
struct ScalingPoint: Encodable {
  let ranks: Int
  let seconds: Double
  let predictedSeconds: Double?
  let rounds: Int

  var ratio: Double? { predictedSeconds.map { $0 / seconds } }
}

/// What `bench scaling --json` stores.
private struct ScalingRecord: Encodable {
  let arguments: [String]
  let sequentialSeconds: Double
  let scaling: [ScalingPoint]
  let machine: PlanRecord.Machine
}
