import ArgumentParser
import Diffusion
import Foundation
import MPI
import PicardSampler
import Results

struct BenchRounds: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rounds",
    abstract: "Measure rounds, evaluations and error of every linearization, window and tolerance.",
    discussion: """
      Takes the model and options of `piadm sample`, with lists where several values are to be \
      tried, and draws each sample on its own with every combination. The model is `digits` \
      unless one comes first, and there are 4 samples unless --samples says otherwise. Nothing \
      but --json is written.

      Rounds are score evaluations one after another, mean and largest over samples; \
      evaluations are rows of these, over the steps of the trajectory. The error is the \
      distance of the final state from the sequential solver's with the same noise, root mean \
      square over elements, of the sample where it is largest. Seconds are of a sample, from \
      the first round to the last, the median over samples.

      With --error, only the largest tolerance is shown with which all samples are within it: \
      what a method costs at the same error as another one.

      Examples:
        piadm bench rounds
        piadm bench rounds digits --steps 1000 --window all,128,16 --error 2e-4
        piadm bench rounds --linearization increment --anderson off,1,2,3
        piadm bench rounds --method ddim --steps 100 --probes off,1,2,4
        mpirun -n 2 piadm bench rounds target.json --chunk 1,4,16 --json rounds.json
      """)

  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp("The model and all options, as for `piadm sample`.", valueName: "MODEL and options"))
  var words: [String] = []

  @Option(
    help: ArgumentHelp(
      "Slopes of a correction. (default: all, but none only where a sample takes at most 2^14 evaluations; with --probes elementwise)",
      valueName: "name,..."))
  var linearization: RoundsChoice?

  @Option(
    help: ArgumentHelp(
      "Steps of the sliding window, w or w:m, or all for whole blocks. (default: all,128,32,8 as far as there are steps)", valueName: "w,..."))
  var window: RoundsChoice?

  @Option(
    help: ArgumentHelp("Tolerances. (default: 0.01,0.001,0.0001; with --error 1, 2, 5 of every decade from 0.05 to 0.000001)", valueName: "x,..."))
  var tolerance: RoundsChoice?

  @Option(help: ArgumentHelp("Iterates that Anderson mixing takes, or off.", valueName: "history,..."))
  var anderson = RoundsChoice(["off"])

  @Option(help: ArgumentHelp("Further rows a slice and round that measure the Jacobian, or off.", valueName: "n,..."))
  var probes = RoundsChoice(["off"])

  @Option(help: ArgumentHelp("Slices of a chunk, or auto for the program's choice.", valueName: "c,..."))
  var chunk = RoundsChoice(["auto"])

  @Option(help: ArgumentHelp("Show only the largest tolerance with which errors are so small.", valueName: "x"))
  var error: Double?

  @Option(help: ArgumentHelp("The table's numbers.", valueName: "file.json"))
  var json: String?

  func validate() throws {
    if let error {
      guard error >= 0, error.isFinite else {
        throw ValidationError("--error must be 0 or more, not \(error)")
      }
      guard try base().solver.iterations == nil else {
        throw ValidationError("--error chooses among tolerances: leave --iterations away")
      }
    }
    guard json != "" else { throw ValidationError("--json: an output file needs a name") }
    let solver = try base().solver
    guard solver.solver != .sequential else {
      throw ValidationError("bench rounds counts rounds, of which --solver sequential has none: leave it away")
    }
    guard window?.words.contains("auto") != true else {
      throw ValidationError("--window auto depends on the machine: name the windows that are to be compared")
    }
    guard solver.groups == 1 else {
      throw ValidationError("bench rounds measures one group of ranks: leave --replicas away")
    }
    // What `sample` refuses is refused before anything is measured.
    for row in settings(window: window ?? RoundsChoice(["all"])) {
      for tolerance in tolerances(solver) { _ = try sample(row + tolerance) }
    }
  }

  mutating func run() throws {
    let command = self
    let base = try base()
    try Failure.underMPI(stallTimeout: base.solver.stallTimeout) { world in
      try world.agree {
        if world.rank == 0, let json = command.json { try WholeFile(json).checkWritable() }
      }
      switch base.sampler.precision {
      case .single: try command.measure(base, as: Float.self, world)
      case .double: try command.measure(base, as: Double.self, world)
      }
    }
  }

  // MARK: What is to be measured

  /// The run without what is varied.
  private func base() throws -> RunConfiguration { try sample([]) }

  /// The run of `piadm sample` with further options.
  /// - Throws: a `ValidationError` with what `piadm sample` would say.
  private func sample(_ settings: [String]) throws -> RunConfiguration {
    let model = words.first.map { $0.hasPrefix("-") } ?? true ? ["digits"] : []
    do {
      return try Sample.parse(model + ["--samples", "4"] + words + settings).settings
    } catch {
      throw ValidationError(Sample.message(for: error))
    }
  }

  /// Options of the rows, but for the tolerance.
  private func settings(window: RoundsChoice) -> [[String]] {
    let all = RoundsChoice(
      probes.words == ["off"] ? ["elementwise", "secant", "frozen", "increment", "none"] : ["elementwise"])
    let window = window.options("--window", leftAway: "all")
    let linearization = (linearization ?? all).options("--linearization")
    let anderson = anderson.options("--anderson", leftAway: "off")
    let chunk = chunk.options("--chunk", leftAway: "auto")
    let probes = probes.options("--probes", leftAway: "off")
    return [window, linearization, anderson, probes, chunk].reduce([[]]) { rows, options in
      rows.flatMap { row in options.map { row + $0 } }
    }
  }

  /// The tolerances, largest first; one of no option where the stop rule is
  /// another one.
  private func tolerances(_ solver: SolverOptions) -> [[String]] {
    if solver.iterations != nil, tolerance == nil { return [[]] }
    var choice = tolerance ?? RoundsChoice(["1e-2", "1e-3", "1e-4"])
    if tolerance == nil, error != nil {
      choice = RoundsChoice((2...6).flatMap { decade in [5, 2, 1].map { "\($0)e-\(decade)" } })
    }
    let ordered = choice.words.sorted { (Double($0) ?? 0) > (Double($1) ?? 0) }
    return RoundsChoice(ordered).options("--tolerance")
  }

  /// The run that needs the most memory.
  private func largest(_ base: RunConfiguration) -> RunConfiguration {
    var largest = base
    if let window, !window.words.contains("all") {
      let most = window.words.compactMap { Extent(text: $0)?.largestSize(of: .max) }.max() ?? 1
      largest.solver.window = .stated(.window(most))
    }
    func most(_ choice: RoundsChoice) -> Int? { choice.words.compactMap { Int($0) }.max() }
    largest.solver.probes = most(probes)
    largest.solver.anderson = most(anderson)
    return largest
  }

  // MARK: Measuring

  private func measure<Scalar: StateScalar & MPI.Scalar>(
    _ base: RunConfiguration, as: Scalar.Type, _ world: Communicator
  ) throws {
    let study = try RoundsStudy<Scalar>(largest(base), over: world)
    let trajectory = study.setup.trajectory
    let shorter = [128, 32, 8].filter { $0 < trajectory.longestStage }
    let rows = settings(window: window ?? RoundsChoice(["all"] + shorter.map { "\($0)" }))
    var record = RoundsRecord(
      arguments: Array(CommandLine.arguments.dropFirst(3)), model: base.model,
      method: study.setup.method.name.rawValue, steps: trajectory.slices, samples: base.sampler.samples,
      ranks: world.size, sequentialSeconds: study.sequentialSeconds, runs: [])
    func show(_ text: String) throws { if world.rank == 0 { try write(text) } }
    func add(_ run: RoundsRow) throws {
      record.runs.append(run)
      try show(run.line(sequentialSeconds: study.sequentialSeconds))
    }
    try show(
      String(format: "sequential: %d steps, %.4f s a sample\n\n", record.steps, record.sequentialSeconds)
        + RoundsRow.head)
    var isRehearsed = false
    for row in rows where try linearization != nil || study.isShort(sample(row).solver) {
      var last: RoundsRow?
      for tolerance in tolerances(base.solver) {
        let solver = try sample(row + tolerance).solver
        if !isRehearsed { _ = try study.measure(solver, isRehearsal: true) }
        isRehearsed = true
        let run = try study.measure(solver, limit: error ?? .infinity)
        last = run
        if error != nil, run.error == nil { continue }
        try add(run)
        last = nil
        if error != nil { break }
      }
      if error != nil, let last { try show("\(last.setting)   no tolerance gives this error\n") }
    }
    try world.agree {
      if world.rank == 0, let json { try writeJSON(record, to: json) }
    }
  }
}

/// Values of an option of `piadm sample` that are tried in turn.
struct RoundsChoice: ExpressibleByArgument {
  let words: [String]

  init(_ words: [String]) { self.words = words }

  init?(argument: String) {
    words = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard !words.contains("") else { return nil }
  }

  var defaultValueDescription: String { words.joined(separator: ",") }

  /// - Parameter word: stands for leaving the option away.
  func options(_ name: String, leftAway word: String? = nil) -> [[String]] {
    words.map { $0 == word ? [] : [name, $0] }
  }
}

/// What `--json` stores.
private struct RoundsRecord: Encodable {
  let arguments: [String]
  let model: String
  let method: String
  let steps: Int
  let samples: Int
  let ranks: Int
  let sequentialSeconds: Double
  var runs: [RoundsRow]
}
