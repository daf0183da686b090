import ArgumentParser
import Foundation

struct Piadm: ParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "piadm",
    abstract: "Samples diffusion models in parallel over time, on any number of MPI ranks.",
    discussion: """
      The steps of a sampler are guessed all at once and corrected together by Picard \
      iterations (PIADM; Chen, Ren, Ying and Rotskoff, NeurIPS 2024). The result does not depend \
      on the number of ranks, and at tolerance 0 it is the sequential sampler's to the bit.

      Every command runs alone or under a launcher:
        piadm sample digits
        mpirun -n 4 piadm sample digits --samples 8 --images digits.png
      """,
    version: version,
    subcommands: [Sample.self, Inspect.self, Plan.self, Bench.self, Cite.self, Doctor.self])
}

/// An option's value that begins with a minus sign belongs to the option, not to be taken for
/// an option itself: `--seed -1` becomes `--seed=-1`.
func joiningNegativeNumbers(_ arguments: some Sequence<String>) -> [String] {
  arguments.reduce(into: []) { joined, argument in
    let isNegative = argument.hasPrefix("-") && Double(argument) != nil
    if isNegative, let last = joined.last, last.hasPrefix("--"), last.count > 2, !last.contains("=") {
      joined[joined.count - 1] = last + "=" + argument
    } else {
      joined.append(argument)
    }
  }
}

@main
enum Program {
  static func main() {
    let launcher = Launcher.atStart
    // A limit on file sizes and a closed pipe are errors of the write that
    // meets them, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    openClosedStreams()
    do {
      var command = try Piadm.parseAsRoot(joiningNegativeNumbers(CommandLine.arguments.dropFirst()))
      try command.run()
    } catch {
      if launcher.speaks() { Piadm.exit(withError: error) }
      Piadm.exit(withError: ExitCode(Piadm.exitCode(for: error).rawValue))
    }
  }

  /// Standard streams that were closed by whoever started this process become
  /// the null device; a file would otherwise get their number, and the log.
  private static func openClosedStreams() {
    for stream in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO] where fcntl(stream, F_GETFD) == -1 {
      _ = open("/dev/null", O_RDWR)
    }
  }
}
