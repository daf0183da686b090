import ArgumentParser
import Diffusion
import Foundation
import MPI
import NumPyFormat
import PicardSampler
import Results

struct BenchQuality: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "quality",
    abstract: "Measure how near samples are to data, beside the rounds and evaluations they take.",
    discussion: """
      Takes the model and options of `piadm sample`, with lists of methods, steps and tolerances, \
      and draws --samples samples with every combination. The reference is an array of data, \
      samples x shape; its first half is compared with its second half, which is what a perfect \
      sampler would reach. Ranks share the samples out.

      Steps are evaluations one after another of the sequential sampler, rounds those of the \
      parallel one, mean and largest over samples. Energy distance and sliced Wasserstein \
      distance are in the unit of the data, with standard errors by the jackknife.

      Examples:
        piadm bench quality digits --reference data.npy --method dpm++2m,ddim --steps 10,20,50
        mpirun -n 2 piadm bench quality digits --reference data.npy --method ddpm --steps 1000 --samples 1000
      """)

  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp("The model and all options, as for `piadm sample`.", valueName: "MODEL and options"))
  var words: [String] = []

  @Option(help: ArgumentHelp("Samples of the data, an array of samples x shape.", valueName: "file.npy"))
  var reference: String

  @Option(help: ArgumentHelp("Methods. (default: the model's)", valueName: "name,..."))
  var method: RoundsChoice?

  @Option(help: ArgumentHelp("Numbers of steps.", valueName: "m,..."))
  var steps = RoundsChoice(["20", "50", "100"])

  @Option(help: ArgumentHelp("Tolerances of the parallel solver.", valueName: "x,..."))
  var tolerance = RoundsChoice(["0.001"])

  @Option(help: ArgumentHelp("The table's numbers.", valueName: "file.json"))
  var json: String?

  func validate() throws {
    guard json != "" else { throw ValidationError("--json: an output file needs a name") }
    for setting in settings { _ = try sample(setting) }
  }

  private var settings: [[String]] {
    let methods = method?.options("--method") ?? [[]]
    return methods.flatMap { method in
      steps.options("--steps").flatMap { steps in tolerance.options("--tolerance").map { method + steps + $0 } }
    }
  }

  /// - Throws: a `ValidationError` with what `piadm sample` would say.
  private func sample(_ setting: [String]) throws -> RunConfiguration {
    do {
      return try Sample.parse(["--samples", "200", "--window", "off"] + words + setting).settings
    } catch {
      throw ValidationError(Sample.message(for: error))
    }
  }

  mutating func run() throws {
    let command = self
    let first = try sample(settings[0])
    try Failure.underMPI(stallTimeout: first.solver.stallTimeout) { world in
      try world.agree {
        if world.rank == 0, let json = command.json { try WholeFile(json).checkWritable() }
      }
      switch first.sampler.precision {
      case .single: try command.measure(as: Float.self, world)
      case .double: try command.measure(as: Double.self, world)
      }
    }
  }

  private func measure<Scalar: StateScalar & MPI.Scalar>(as: Scalar.Type, _ world: Communicator) throws {
    let data = try world.agree { try QualityReference(file: reference) }
    var rows: [QualityRow] = []
    func show(_ text: String) throws { if world.rank == 0 { try write(text) } }
    try show(
      "data       \(data.samples) samples; one half beside the other: energy \(data.own.energy), sliced Wasserstein \(data.own.wasserstein)\n\n"
        + QualityRow.head)
    for setting in settings {
      let study = try QualityStudy<Scalar>(try sample(setting), over: world)
      let drawn = try study.draw()
      let row = try world.agree { () throws -> QualityRow? in
        guard world.rank == 0 else { return nil }
        return try study.row(drawn, beside: data)
      }
      if let row {
        rows.append(row)
        try show(row.line)
      }
    }
    try world.agree {
      if world.rank == 0, let json {
        try writeJSON(
          QualityRecord(
            arguments: Array(CommandLine.arguments.dropFirst(3)), data: data.own, dataSamples: data.samples, runs: rows),
          to: json)
      }
    }
  }
}

/// What `--json` stores.
private struct QualityRecord: Encodable {
  let arguments: [String]
  /// One half of the data beside the other.
  let data: Distances
  let dataSamples: Int
  let runs: [QualityRow]
}
