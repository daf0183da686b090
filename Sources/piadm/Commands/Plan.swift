import ArgumentParser
import Diffusion
import Foundation
import MPI
import PicardSampler
import Planning
import Results

struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Predict wall time, speed-up, memory and cost on any number of ranks.",
    discussion: """
      Takes the model and options of `piadm sample`. Measures score calls and, on two or more \
      ranks, the network between them; runs a short pilot for the number of rounds; and follows \
      these rounds on 1, 2, 4, ... ranks. Start it on as much of the machine as is at hand: \
      predictions for more ranks than that are marked.

      Examples:
        piadm plan digits --method ddpm --steps 1000 --samples 8
        mpirun -n 2 piadm plan digits --steps 1000 --plot plan.svg
        piadm plan target.json --steps 2000 --network-latency 2e-6
      """)

  @OptionGroup var arguments: SampleArguments

  @OptionGroup(title: "Machine")
  var network: NetworkOptions

  @OptionGroup var pilot: PilotOptions

  @Option(help: ArgumentHelp("The largest number of ranks to predict.", valueName: "ranks"))
  var mostRanks = 4096

  @Option(help: ArgumentHelp("The predictions.", valueName: "file.json"))
  var json: String?

  @Option(help: ArgumentHelp("Time and efficiency over ranks, PNG or SVG.", valueName: "file"))
  var plot: String?

  func validate() throws {
    guard mostRanks >= 1, mostRanks <= 1 << 20 else {
      throw ValidationError("--most-ranks must be from 1 to 1048576, not \(mostRanks)")
    }
    try ScalingOutputs(json: json, plot: plot).validate()
  }

  mutating func run() throws {
    let command = self
    let sample = try arguments.sample()
    try Failure.underMPI { world in
      try ScalingOutputs(json: command.json, plot: command.plot).checkWritable(world)
      switch sample.sampler.precision {
      case .single: try command.plan(sample, as: Float.self, world)
      case .double: try command.plan(sample, as: Double.self, world)
      }
    }
  }

  private func plan<Scalar: StateScalar & MPI.Scalar>(
    _ sample: RunConfiguration, as: Scalar.Type, _ world: Communicator
  ) throws {
    let run = try PlannedRun<Scalar>(
      sample, network: network.given, pilotSeconds: pilot.pilotSeconds, over: world)
    try world.agree {
      guard world.rank == 0 else { return }
      let counts = Set(sequence(first: 1) { $0 * 2 }.prefix { $0 <= mostRanks })
        .union([run.usefulRanks, world.size].filter { $0 <= mostRanks }).sorted()
      let isHere = network.given == nil
      let predictions = counts.compactMap { ranks in
        run.seconds(ranks: ranks).map {
          Prediction(
            ranks: ranks, seconds: $0 + run.setupSeconds, samplingSeconds: $0,
            speedUp: run.sequentialSeconds / $0, memoryBytes: run.memoryBytes(ranks: ranks),
            coreHours: ($0 + run.setupSeconds) * Double(ranks * run.setup.threads) / 3600,
            isAtHand: isHere && ranks <= world.size)
        }
      }
      guard let fastest = Prediction.fastest(predictions), let thriftiest = Prediction.thriftiest(predictions)
      else {
        throw WrongUsage(
          "the pilot run does not tell how many rounds there are: give it more --pilot-seconds, or a --tolerance above 0")
      }
      try write(
        head(run, world)
          + table(predictions, fastest: fastest, thriftiest: thriftiest, usefulRanks: run.usefulRanks))
      let command = submission(thriftiest, run)
      try write(advice(fastest, thriftiest, command, isHere: isHere, atHand: world.size))
      if let json {
        let record = PlanRecord(
          arguments: arguments.words, sequentialSeconds: run.sequentialSeconds,
          setupSeconds: run.setupSeconds, pilot: .init(run), machine: .init(run.cost, isMeasured: isHere),
          predictions: predictions, fastest: fastest.ranks, bestTimeTimesCost: thriftiest.ranks,
          sbatch: command)
        try record.write(to: json)
      }
      if let file = plot.flatMap({ PictureFile($0) }) {
        try ScalingPicture(
          title: "\(run.sample.model), \(run.setup.method.name.rawValue): \(run.setup.trajectory.steps) steps, \(run.sample.sampler.samples) samples",
          sequentialSeconds: run.sequentialSeconds,
          predicted: predictions.map { .init(ranks: $0.ranks, seconds: $0.samplingSeconds) },
          measured: [], ranksAtHand: isHere ? world.size : 0
        ).write(to: file)
      }
    }
  }

  private func head<Scalar>(_ run: PlannedRun<Scalar>, _ world: Communicator) -> String {
    let pattern = run.pattern
    let rounds = pattern.roundsInAll(of: run.setup.trajectory, stop: run.picard.stop) ?? 0
    let isWhole = pattern.finishedSteps == run.setup.trajectory.slices
    let rows = run.cost.score.rows.last ?? 1
    var lines = [
      "pilot      \(isWhole ? "" : "about ")\(Int(rounds.rounded())) rounds for \(run.setup.trajectory.slices) slices"
        + " (\(run.pilotSamples) of \(run.sample.sampler.samples) samples, \(isWhole ? "all" : "the first \(pattern.count)") rounds run on \(run.pilotRanks) \(run.pilotRanks == 1 ? "rank" : "ranks"))",
      "score      \(milliseconds(run.cost.score.seconds.first ?? 0)) a call of 1 row, \(milliseconds(run.cost.score.seconds.last ?? 0)) of \(rows)"
        + (run.cost.latency > 0 ? ", and \(milliseconds(run.cost.latency)) of --score-latency" : ""),
      "update     \(milliseconds(run.cost.update)) a slice and round",
    ]
    if !isWhole, run.picard.extent.grows {
      lines.append(
        "warning    a window that grows does so at first: there may be far more rounds; --pilot-seconds lets the pilot see more of them")
    }
    if let network = network.given {
      lines.append("network    \(milliseconds(network.latency)) a message, \(String(format: "%.3g", network.bandwidth)) B/s: as given")
    } else if world.size > 1 {
      lines.append(
        "network    \(milliseconds(run.cost.hop.last?.seconds ?? 0)) a message, \(milliseconds(run.cost.agreement.last?.seconds ?? 0)) to agree: measured on \(world.size) ranks"
      )
    } else {
      lines.append("network    not measured on one rank, taken to cost nothing: start plan on 2 ranks or more, or give --network-latency")
    }
    if let crowd = run.cost.slowdown.last, crowd.factor > 1.5 {
      lines.append(
        String(
          format: "warning    score calls take %.1f times longer with all \(crowd.ranks) ranks at work: they share processors or memory", crowd.factor
        ))
    }
    return lines.joined(separator: "\n") + "\n\n"
  }

  private func table(
    _ predictions: [Prediction], fastest: Prediction, thriftiest: Prediction, usefulRanks: Int
  ) -> String {
    var lines = [" ranks     wall [s]  speed-up  efficiency   memory/rank   core-hours"]
    for prediction in predictions {
      let marks = [
        prediction.isAtHand ? nil : "not at hand",
        prediction.ranks > usefulRanks ? "\(prediction.ranks - usefulRanks) idle" : nil, prediction.ranks == fastest.ranks ? "least time" : nil,
        prediction.ranks == thriftiest.ranks ? "best time x cost" : nil,
      ].compactMap { $0 }.joined(separator: ", ")
      let memory = String(format: "%.1f MiB", Double(prediction.memoryBytes) / 0x1p20)
      lines.append(
        String(
          format: "%6d%13.4g%10.2f%10.1f %%", prediction.ranks, prediction.seconds, prediction.speedUp,
          100 * prediction.efficiency) + leftPadded(memory, 14)
          + String(format: "%13.4g", prediction.coreHours) + (marks.isEmpty ? "" : "  \(marks)"))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func advice(
    _ fastest: Prediction, _ thriftiest: Prediction, _ command: String, isHere: Bool, atHand: Int
  ) -> String {
    let basis =
      isHere
      ? "Predictions beyond \(atHand) \(atHand == 1 ? "rank" : "ranks") are for a machine that is not at hand: they take its ranks and network to be like those measured here."
      : "All predictions are for a machine that is not at hand: its network as given, its ranks like those here."
    return """

      \(basis) Wall time is setting up and sampling; speed-up and efficiency are of sampling, over the sequential sampler on one rank.
      least time:        on \(fastest.ranks), \(duration(fastest.seconds))
      best time x cost:  on \(thriftiest.ranks), \(duration(thriftiest.seconds))
        \(command)

      """
  }

  private func submission<Scalar>(_ prediction: Prediction, _ run: PlannedRun<Scalar>) -> String {
    // A third more time, and at least a minute, for what a prediction misses.
    let minutes = Int((prediction.seconds * 4 / 3 / 60).rounded(.up)) + 1
    return "sbatch --ntasks=\(prediction.ranks) --cpus-per-task=\(run.setup.threads) "
      + String(format: "--time=%d:%02d:00 ", minutes / 60, minutes % 60) + "jobs/sample.sbatch \(arguments.quoted)"
  }
}

func leftPadded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(0, width - text.count)) + text
}

/// Three digits of a short time.
func milliseconds(_ seconds: Double) -> String {
  seconds >= 1
    ? String(format: "%.3g s", seconds)
    : seconds >= 1e-3 ? String(format: "%.3g ms", seconds * 1e3) : String(format: "%.3g us", seconds * 1e6)
}
