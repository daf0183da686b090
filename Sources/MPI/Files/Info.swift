internal import CMPI

/// Hints for the library, as pairs of a key and a value.
///
/// Which keys mean something depends on the library and the file system, for
/// example `striping_factor` and `cb_nodes` for files; unknown keys are
/// ignored by MPI.
public struct Info: ExpressibleByDictionaryLiteral {
  let hints: [(key: String, value: String)]

  /// Hints by name, in order.
  public init(_ hints: [(key: String, value: String)]) { self.hints = hints }

  public init(dictionaryLiteral elements: (String, String)...) {
    hints = elements.map { (key: $0.0, value: $0.1) }
  }

  /// Runs `body` with MPI's own object of these hints.
  func withHandle<Result>(_ body: (cmpi_info) throws(MPIError) -> Result) throws(MPIError) -> Result {
    if hints.isEmpty { return try body(cmpi_info_null()) }
    var handle = cmpi_info()
    try check(MPI_Info_create(&handle.raw), "MPI_Info_create")
    defer { MPI_Info_free(&handle.raw) }
    for hint in hints {
      try check(MPI_Info_set(handle.raw, hint.key, hint.value), "MPI_Info_set", subject: hint.key)
    }
    return try body(handle)
  }
}
