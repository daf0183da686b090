import ArgumentParser

/// How many samples are drawn by several runs, or by parts of one.
struct EnsembleOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Number of the first sample: sample i of a seed is the same in every run, so that an ensemble can be split over jobs and extended.",
      valueName: "n"))
  var firstSample = 0

  @Option(
    help: ArgumentHelp(
      "Samples at a time. Groups of so many are drawn one after another and each is written at once: memory is that of a group, and a kill costs one. (default: all)",
      valueName: "n"))
  var atOnce: Int?

  @Option(
    help: ArgumentHelp(
      "Cases, a JSON object a line with seed, samples and conditions (NAME: FILE.npy), drawn with one network.", valueName: "file.jsonl"))
  var cases: String?

  @Option(
    help: ArgumentHelp(
      "Draws steps times in a row; the result of each is the condition of the next. --condition has the first.", valueName: "name=steps"))
  var rollOut: RollOut?

  /// The condition that each step takes from the one before, and the steps.
  struct RollOut: ExpressibleByArgument, Hashable, CustomStringConvertible {
    let condition: String
    let steps: Int

    init?(argument: String) {
      guard let equals = argument.lastIndex(of: "="), equals != argument.startIndex,
        let steps = Int(argument[argument.index(after: equals)...]), 1...most ~= steps
      else { return nil }
      self.condition = String(argument[..<equals])
      self.steps = steps
    }

    var description: String { "\(condition)=\(steps)" }
  }

  func validate() throws {
    try require(
      0...Int(UInt32.max) ~= firstSample, "--first-sample must be from 0 to below 2^32, not \(firstSample)")
    if let atOnce { try require(1...most ~= atOnce, "--at-once must be from 1 to \(most), not \(atOnce)") }
    try require(cases == nil || rollOut == nil, "--cases and --roll-out exclude each other")
    try require(cases == nil || firstSample == 0, "--cases number their samples from 0: omit --first-sample")
    try require(
      rollOut == nil || atOnce == nil, "--roll-out draws all samples of a step at once: omit --at-once")
  }
}

extension RunConfiguration {
  /// Samples are drawn in groups, which are written as they are done.
  var isGrouped: Bool {
    ensemble.atOnce != nil || ensemble.rollOut != nil || ensemble.cases != nil || writesStore
  }

  /// The samples stay in a Zarr store.
  var writesStore: Bool { output.out.hasSuffix(".zarr") }

  /// The most samples that are in memory at a time.
  var samplesAtOnce: Int { min(sampler.samples, ensemble.atOnce ?? sampler.samples) }

  /// What of the options says nothing of one group alone.
  func validateEnsemble() throws {
    try require(
      ensemble.firstSample + sampler.samples <= Int(UInt32.max),
      "--first-sample \(ensemble.firstSample) and --samples \(sampler.samples) must be below 2^32 together")
    guard isGrouped else { return }
    for (option, file) in [("decode", decoding.decode), ("plot", pictures.plot), ("trace", pictures.trace), ("hdf5", pictures.hdf5)] {
      try require(
        file == nil,
        "--\(option) shows one run: omit it, or --at-once, --cases and --roll-out"
          + (option == "hdf5" ? "; --out NAME.zarr opens in xarray too" : ""))
    }
    try require(
      output.images == nil || !writesStore, "--images needs the samples in a .npy file: name one in --out")
    try require(
      ensemble.cases == nil && ensemble.rollOut == nil || sampler.initial == nil && sampler.noise == nil,
      "--initial and --noise are of one run: omit them, or --cases and --roll-out")
    if let rollOut = ensemble.rollOut {
      try require(
        network.conditionNames.contains(rollOut.condition),
        "--roll-out \(rollOut) needs what its first step is given: --condition \(rollOut.condition)=FILE.npy")
    }
  }
}
