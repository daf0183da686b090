import ArgumentParser

/// How a run is stopped and taken up again.
struct CheckpointOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Stores the state in this folder, so that the run can be taken up again. SIGUSR1 and SIGTERM then finish the round, store the state and exit with 75.",
      valueName: "dir"))
  var checkpoint: String?

  @Option(
    help: ArgumentHelp(
      "Seconds between two checkpoints; 0 stores every round. (default: 600, or more where storing takes more than 2 % of it)", valueName: "seconds"))
  var every: Double?

  @Flag(help: "Resume from the checkpoint, with bitwise the same result; without a checkpoint, start from the beginning.")
  var resume = false

  @Option(help: ArgumentHelp("Checkpoint and exit 75 after this many seconds.", valueName: "seconds"))
  var maxTime: Double?

  func validate() throws {
    let needs = [("--every", every != nil), ("--max-time", maxTime != nil)]
    if checkpoint == nil, let option = needs.first(where: { $0.1 })?.0 {
      throw ValidationError("\(option) needs --checkpoint DIR, the folder of the checkpoint")
    }
    guard checkpoint != "" else { throw ValidationError("--checkpoint needs the name of a folder") }
    for (option, seconds) in [("--every", every), ("--max-time", maxTime)] {
      guard let seconds else { continue }
      guard seconds >= 0, seconds <= longest else {
        throw ValidationError("\(option) must be from 0 to \(longest) s, not \(seconds)")
      }
    }
  }
}
