import ArgumentParser
import Diffusion
import Foundation
import InputFiles
import MPI
import Results
import ScoreModels

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show what a model is, and check that it runs.",
    discussion: """
      Prints the model's shape, prediction, schedule, inputs, noise times and parameters; then \
      evaluates it at noise times from its range, and checks that its numbers are finite, repeat, \
      and depend on their own row only, and for a closed-form target that its score is the gradient \
      of its log-density. A network is also measured against its declaration. A model that fails, or fits another \
      declaration clearly better, is of no use to a sampler: exit code 65.
      """)

  @Argument(help: ArgumentHelp("The model, as for `piadm sample`.", valueName: "MODEL"))
  var model: String

  @OptionGroup(title: "Model")
  var modelOptions: ModelOptions

  @Option(
    help: ArgumentHelp(
      "Evaluate a row of an ONNX file by onnxruntime too, where Python has that package, and print the largest difference.", valueName: "runtime"))
  var against: Runtime?

  enum Runtime: String, ExpressibleByArgument, CaseIterable {
    case onnxruntime
  }

  @Option(help: ArgumentHelp("Also store what was found.", valueName: "file.json"))
  var json: String?

  mutating func run() throws {
    let command = self
    try Failure.underMPI { world in
      try world.agree { if world.rank == 0 { try command.inspect() } }
    }
  }

  private func inspect() throws {
    if let json { try WholeFile(json).checkWritable() }
    let source = try ModelSource(model)
    let files = InputFiles()
    let opened = try source.open(
      as: Float.self, conditions: modelOptions.conditions(samples: 1), sampleShape: modelOptions.shape?.lengths,
      output: modelOptions.networkOutput, files: files)
    var description = ModelDescription(opened, named: model, source, files)
    try write(description.text)
    let check = try ModelCheck(opened, named: model)
    try write(check.text)
    description.check = check
    if against != nil {
      let comparison = try RuntimeComparison(opened, named: model, at: check.middle)
      try write(comparison.text)
      description.against = comparison
    }
    if let json { try description.write(to: json) }
    guard check.isUsable else {
      let failed = check.findings.filter { !$0.holds }.map(\.property)
      throw BadData("\(model): is of no use to a sampler: no \(failed.joined(separator: ", no "))")
    }
    if let better = check.convention?.better {
      throw BadData("\(model): is declared wrongly: it looks like \(better); correct its declaration")
    }
    try write("status: usable\n")
  }
}
