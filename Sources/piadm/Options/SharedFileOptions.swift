import ArgumentParser
import MPI

/// What network file systems that many ranks share ask for.
struct SharedFileOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A hint to MPI-IO for writing the samples, such as romio_ds_write=disable or ind_wr_buffer_size=16777216; may be given several times. Unknown hints are ignored.",
      valueName: "name=value"))
  var ioHint: [Hint] = []

  @Flag(
    help:
      "Lets rank 0 alone read the model, and copies it to a folder in the TMPDIR of every host, for models that very many ranks would read from one file system."
  )
  var broadcastModel = false

  /// A key and a value of MPI's info objects.
  struct Hint: ExpressibleByArgument {
    let key: String
    let value: String

    /// Keys and values have at least one character, and at most as many as the
    /// MPI standard lets every library take: `MPI_MAX_INFO_KEY` is 32 or more.
    init?(argument: String) {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, 1..<32 ~= parts[0].utf8.count, 1..<256 ~= parts[1].utf8.count else { return nil }
      (key, value) = (String(parts[0]), String(parts[1]))
    }
  }

  var hints: Info { Info(ioHint.map { ($0.key, $0.value) }) }
}
