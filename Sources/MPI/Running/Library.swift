internal import CMPI

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// An MPI library: the one that the program was built for, and what is known of
/// the one that it runs with.
public struct Library: Equatable, Sendable {
  /// "Open MPI" or "MPICH".
  public let name: String
  /// The first number of its version.
  public let major: Int
  /// The second number of its version.
  public let minor: Int

  /// A library of this name and version.
  public init(name: String, major: Int, minor: Int) {
    self.name = name
    self.major = major
    self.minor = minor
  }

  /// The library whose `mpi.h` the program was compiled with.
  public static var header: Library {
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
  public func matches(runtimeVersion: String) -> Bool {
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

extension Library {
  /// Open MPI 4 writes a long message that is copied straight from the memory of
  /// its sender into the buffer in full, however short that is, and only then
  /// reports that it was too long. Unless the user has chosen otherwise, messages
  /// on a node pass through shared memory. Before MPI starts.
  static func avoidOverruns() {
    guard header.name == "Open MPI", header.major == 4 else { return }
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0)
    setenv("OMPI_MCA_btl_self_flags", "send,inplace", 0)
  }
}

extension Library: CustomStringConvertible {
  public var description: String { "\(name) \(major).\(minor)" }
}

extension Communicator {
  /// The name of the host that this rank runs on.
  public var processorName: String { job.processorName }

  /// Seconds since some moment in the past, the same throughout a run of this
  /// rank but not on all ranks.
  @inline(__always)
  public var wallTime: Double { MPI_Wtime() }
}
