public import ArgumentParser
public import PicardSampler
import Results

extension Linearization: ExpressibleByArgument {}

/// How the samples are computed.
struct SolverOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The solver: picard, sequential (one step after another, samples shared out over the ranks), or auto.", valueName: "name"))
  var solver = Solver.auto

  @Option(help: ArgumentHelp("Blocks that the steps are cut into. (default: 4 for piadm-ode, else 1)", valueName: "n"))
  var blocks: Int?

  @Option(
    help: ArgumentHelp(
      "A sliding window of w steps (of w evaluations, where a step has more than one). w:m lets the window double, up to m, as long as new steps converge in their first round. off: whole blocks. auto: chosen from a measurement.",
      valueName: "w|w:m|off|auto"))
  var window = WindowRequest.auto

  @Option(
    help: ArgumentHelp(
      "Largest change at which a slice is done, root mean square over a sample, in a sliding window times what it moves the last state by (alpha^(v^2) at noise level v); 0 gives the sequential sampler's bits. (default: 0.001)",
      valueName: "x"))
  var tolerance: Double?

  @Option(help: ArgumentHelp("A fixed number of iterations instead of a tolerance.", valueName: "k"))
  var iterations: Int?

  @Option(
    help: ArgumentHelp(
      "Slope of a correction: elementwise (fewest rounds), secant, frozen (the paper's), increment (ParaDiGMS) or none. (default: elementwise)",
      valueName: "name"))
  var linearization: Linearization?

  @Option(help: ArgumentHelp("Triangular Anderson mixing over so many iterates. (default: off)", valueName: "history"))
  var anderson: Int?

  @Option(
    help: ArgumentHelp(
      "Further rows of the score for every slice and round, which measure its Jacobian: up to a fifth fewer rounds for 1 + n times the evaluations. (default: off)",
      valueName: "n"))
  var probes: Int?

  @Option(
    help: ArgumentHelp(
      "For studies: a slice is evaluated again once its state has moved by x times the tolerance, weighted by its effect on the final sample; 0 evaluates every slice whose state has changed. (default: 0.1)",
      valueName: "x"))
  var movement: Double?

  @Option(
    help: ArgumentHelp(
      "For studies: the first round of a block evaluates every n-th slice of a chunk, the next one every n/2-th, ... (default: chosen, and reported)",
      valueName: "n"))
  var stride: Int?

  @Option(help: ArgumentHelp("Slices of a chunk, the unit of ownership and of messages. (default: chosen, and reported)", valueName: "c"))
  var chunk: Int?

  @Option(help: ArgumentHelp("Rows of a score call. (default: chosen, and reported)", valueName: "rows"))
  var batch: Int?

  @Option(help: ArgumentHelp("Groups of ranks, each with its own samples. (default: chosen, and reported)", valueName: "r"))
  var replicas: Int?

  @Option(help: ArgumentHelp("Threads of a score call, or auto.", valueName: "n|auto"))
  var threads = ThreadRequest.auto

  @Option(help: ArgumentHelp("A rank that has waited so long for another one ends the job.", valueName: "seconds"))
  var stallTimeout = 300.0

  @Option(help: ArgumentHelp("Wait added to every score call, for scaling studies on few cores.", valueName: "seconds"))
  var scoreLatency = 0.0

  enum Solver: String, ExpressibleByArgument, CaseIterable {
    case auto, picard, sequential
  }

  /// The steps that are iterated at a time, as asked for.
  enum WindowRequest: Hashable, ExpressibleByArgument, CustomStringConvertible {
    /// Chosen from a measurement.
    case auto
    case stated(Extent)

    init?(argument: String) {
      if argument == "auto" {
        self = .auto
      } else if let extent = Extent(text: argument) {
        self = .stated(extent)
      } else {
        return nil
      }
    }

    var description: String { extent?.text ?? "auto" }

    /// What is stated.
    var extent: Extent? { if case .stated(let extent) = self { extent } else { nil } }
  }

  enum ThreadRequest: Hashable, ExpressibleByArgument, CustomStringConvertible {
    case auto
    case count(Int)

    init?(argument: String) {
      if argument == "auto" {
        self = .auto
      } else if let count = Int(argument) {
        self = .count(count)
      } else {
        return nil
      }
    }

    var description: String { if case .count(let count) = self { "\(count)" } else { "auto" } }
  }

  var stop: StopRule { iterations.map { .iterations($0) } ?? .tolerance(tolerance ?? 1e-3) }

  /// The option that gives a rule, by name.
  static func values(of stop: StopRule) -> [String: OptionValue] {
    switch stop {
    case .tolerance(let tolerance): ["tolerance": .number(tolerance)]
    case .iterations(let iterations): ["iterations": .integer(iterations)]
    }
  }

  /// Groups of ranks, as stated.
  var groups: Int { replicas ?? 1 }

  /// An option is stated that only the parallel solver has, so that nothing else is meant.
  /// At tolerance 0 every solver gives the same bits.
  var meansPicard: Bool {
    solver == .picard || window != .auto || chunk != nil || tolerance.map { $0 > 0 } ?? false || iterations != nil
      || linearization != nil || anderson != nil || probes != nil || movement != nil || stride != nil
  }

  /// The slope of corrections, as stated or by default.
  var resolvedLinearization: Linearization { linearization ?? .elementwise }

  /// Options of the parallel solver, with whole blocks where no window is stated.
  func picard(_ trajectory: Trajectory) -> PicardOptions {
    var options = PicardOptions(
      linearization: resolvedLinearization, stop: stop, extent: window.extent ?? .blocks, chunk: chunk,
      anderson: anderson.map { AndersonMixing(history: $0) }, probes: probes ?? 0, trajectory: trajectory)
    options.movement = movement ?? PicardOptions.defaultMovement
    options.stride = stride
    return options
  }

  func validate() throws {
    try require(
      tolerance == nil || iterations == nil, "--tolerance and --iterations exclude each other")
    if let tolerance {
      try require(
        tolerance >= 0 && tolerance.isFinite, "--tolerance must be 0 or more, not \(tolerance)")
    }
    for (name, value) in [
      ("blocks", blocks), ("iterations", iterations), ("chunk", chunk),
      ("anderson", anderson), ("probes", probes), ("stride", stride), ("batch", batch), ("replicas", replicas), ("threads", Int(threads.description)),
    ] {
      if let value { try require(1...most ~= value, "--\(name) must be from 1 to \(most), not \(value)") }
    }
    if case .stated(.window(let slices, let maximum)) = window {
      for value in [slices, maximum] {
        try require(1...most ~= value, "--window must be from 1 to \(most), not \(value)")
      }
      try require(slices <= maximum, "--window \(window) must grow: its second number is not above its first")
      try require(
        slices == maximum || iterations == nil,
        "--window \(window) grows by what converges at once, which --iterations does not ask for")
    }
    if let movement {
      try require(0...10 ~= movement, "--movement must be from 0 to 10 times the tolerance, not \(movement)")
    }
    if let anderson {
      try require(anderson <= 32, "--anderson mixes at most 32 iterates, not \(anderson)")
    }
    if let probes {
      try require(probes <= 64, "--probes takes at most 64 rows a slice, not \(probes)")
      try require(
        resolvedLinearization == .elementwise,
        "--probes measures what --linearization elementwise uses, not what \(resolvedLinearization.rawValue) does")
    }
    if let batch {
      try require(batch <= 1 << 20, "--batch must be at most 1048576 rows, not \(batch)")
    }
    try require(
      stallTimeout > 0 && stallTimeout <= longest,
      "--stall-timeout must be above 0 and at most \(longest) s, not \(stallTimeout)")
    try require(
      scoreLatency >= 0 && scoreLatency <= longest,
      "--score-latency must be from 0 to \(longest) s, not \(scoreLatency)")
    if solver == .sequential {
      try require(
        window == .auto && tolerance == nil && iterations == nil && chunk == nil && linearization == nil && anderson == nil
          && probes == nil && movement == nil && stride == nil,
        "--solver sequential has nothing to iterate: omit --window, --tolerance, --iterations, --chunk, --linearization, --anderson, --probes, --movement and --stride"
      )
    }
  }
}
