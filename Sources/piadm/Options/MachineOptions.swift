import ArgumentParser

/// The network of a machine that is not at hand.
struct NetworkOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Seconds a message takes on a machine that is not at hand. (default: measured between the ranks)", valueName: "seconds"))
  var networkLatency: Double?

  @Option(help: ArgumentHelp("Bytes a second of its network. (default: measured, or 1e10 with --network-latency)", valueName: "bytes/s"))
  var networkBandwidth: Double?

  /// `nil` where it is to be measured.
  var given: (latency: Double, bandwidth: Double)? {
    networkLatency.map { ($0, networkBandwidth ?? 1e10) }
  }

  func validate() throws {
    if let networkLatency {
      try require(networkLatency >= 0 && networkLatency <= 60, "--network-latency must be from 0 to 60 s, not \(networkLatency)")
    }
    if let networkBandwidth {
      try require(
        networkBandwidth > 0 && networkBandwidth.isFinite,
        "--network-bandwidth must be above 0 bytes a second, not \(networkBandwidth)")
      try require(networkLatency != nil, "--network-bandwidth needs --network-latency beside it")
    }
  }
}

/// How long to measure.
struct PilotOptions: ParsableArguments {
  @Option(help: ArgumentHelp("About how long the pilot run may take.", valueName: "seconds"))
  var pilotSeconds = 20.0

  func validate() throws {
    try require(
      pilotSeconds > 0 && pilotSeconds <= 86400,
      "--pilot-seconds must be above 0 and at most 86400, not \(pilotSeconds)")
  }
}

/// The arguments of `piadm sample` that another command takes up.
struct SampleArguments: ParsableArguments {
  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp("The model and all options, as for `piadm sample`.", valueName: "MODEL and options"))
  var words: [String] = []

  /// - Throws: a `ValidationError` with what `piadm sample` would say.
  func sample() throws -> RunConfiguration {
    do {
      return try Sample.parse(words).settings
    } catch {
      throw ValidationError(Sample.message(for: error))
    }
  }

  func validate() throws {
    let sample = try sample()
    guard sample.solver.solver != .sequential else {
      throw ValidationError("--solver sequential runs on one rank: there is nothing to plan")
    }
  }

  /// As a shell takes them.
  var quoted: String {
    words.map { word in
      let isPlain = !word.isEmpty && word.allSatisfy { $0.isLetter || $0.isNumber || "-_./=:,+".contains($0) }
      return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }.joined(separator: " ")
  }
}
