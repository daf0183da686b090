internal import CMPI

/// The MPI library, this processor and its clock.
public struct Library: Equatable, Sendable {
  package let name: String
  let major: Int
  let minor: Int

  package init(name: String, major: Int, minor: Int) {
    self.name = name
    self.major = major
    self.minor = minor
  }

  /// The library whose `mpi.h` the program was compiled with.
  package static var header: Library {
    Library(
      name: String(cString: cmpi_header_library()), major: Int(cmpi_header_major()),
      minor: Int(cmpi_header_minor()))
  }

  /// The library that the program runs with, in its own words.
  public static var runtimeVersion: String {
    let text = string(capacity: MPI_MAX_LIBRARY_VERSION_STRING) {
      MPI_Get_library_version($0, $1)
    }
    return text.prefix { $0 != "\n" }.split { $0.isWhitespace || $0 == "\0" }.joined(separator: " ")
  }

  /// Whether a program compiled for this library can use the one at run time:
  /// it must be of the same name and major version. Handles of another library
  /// are of another kind, and would crash the first call.
  package func matches(runtimeVersion: String) -> Bool {
    guard runtimeVersion.hasPrefix(name) else { return false }
    let digits = runtimeVersion.drop { !$0.isNumber }.prefix { $0.isNumber }
    return Int(digits) == major
  }

  /// The version of the MPI standard that the library follows.
  public static var standard: (major: Int, minor: Int) {
    var major: Int32 = 0
    var minor: Int32 = 0
    MPI_Get_version(&major, &minor)
    return (Int(major), Int(minor))
  }
}

extension Library: CustomStringConvertible {
  public var description: String { "\(name) \(major).\(minor)" }
}

extension Communicator {
  /// The name of the host that this rank runs on.
  public var processorName: String {
    string(capacity: MPI_MAX_PROCESSOR_NAME) { MPI_Get_processor_name($0, $1) }
  }

  /// Seconds since some moment in the past, the same throughout a run of this
  /// rank but not on all ranks.
  @inline(__always)
  public var wallTime: Double { MPI_Wtime() }
}
