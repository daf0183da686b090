import Foundation

/// The HDF5 C library, loaded when a file is to be written: the program runs
/// without it.
///
/// Only files, datasets and attributes of numbers and text are needed here. The
/// library writes the file's structure from one process; the samples are
/// written into it by all ranks through MPI-IO, so that its serial and its
/// parallel builds both serve.
struct HDF5Library {
  typealias Identifier = Int64

  /// The loaded file.
  let path: String
  private let handle: UnsafeMutableRawPointer
  /// Its high-level part, which has the dimensions that NetCDF-4 reads.
  private let highLevel: UnsafeMutableRawPointer

  /// What mends a missing library on Debian.
  static let installation = "apt-get install hdf5-tools"

  /// Sonames of the versions 1.10, 1.12 and 1.14, then builds of a site's own.
  private static let names = [
    "libhdf5_serial.so.103", "libhdf5_serial.so.310", "libhdf5.so.103", "libhdf5.so.200", "libhdf5.so.310",
    "libhdf5_serial.so", "libhdf5.so", "libhdf5_openmpi.so.103", "libhdf5_mpich.so.103",
  ]

  /// Loads `PIADM_HDF5` where that is set, else the first library that the
  /// dynamic loader finds.
  ///
  /// - Throws: `MissingLibrary`, with what was tried and the command that installs it.
  init() throws(MissingLibrary) {
    let named = ProcessInfo.processInfo.environment["PIADM_HDF5"] ?? ""
    for name in named.isEmpty ? Self.names : [named] {
      guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
      guard dlsym(handle, "H5Dget_offset") != nil, let highLevel = Self.highLevel(beside: name) else { continue }
      self.handle = handle
      self.highLevel = highLevel
      path = name
      _ = call("H5open", as: (@convention(c) () -> Int32).self)()
      // Errors are told by this program, once.
      _ = call("H5Eset_auto2", as: (@convention(c) (Identifier, Int, Int) -> Int32).self)(0, 0, 0)
      return
    }
    let tried = named.isEmpty ? Self.names.joined(separator: ", ") : "PIADM_HDF5=\(named)"
    throw MissingLibrary(
      """
      the HDF5 library, with its high-level part, was not found; --hdf5 needs it.
      Install it:  \(Self.installation)
      or name it in PIADM_HDF5. Tried: \(tried)
      """)
  }

  /// The high-level library of the same build, whose version numbers differ.
  private static func highLevel(beside name: String) -> UnsafeMutableRawPointer? {
    let folder = name.contains("/") ? URL(fileURLWithPath: name).deletingLastPathComponent().path + "/" : ""
    let file = name.split(separator: "/").last.map { String($0) } ?? name
    guard let end = file.range(of: ".so") else { return nil }
    let stem = String(file[..<end.lowerBound])
    // Debian puts the build's name before `_hl`, others have libhdf5_hl.
    for stem in [stem + "_hl", stem.replacing("libhdf5", with: "libhdf5_hl")] {
      for version in ["", ".100", ".310", ".200", ".101"] {
        guard let handle = dlopen(folder + stem + ".so" + version, RTLD_NOW | RTLD_LOCAL) else { continue }
        if dlsym(handle, "H5DSattach_scale") != nil { return handle }
      }
    }
    return nil
  }

  /// - Precondition: the library has this function, with this type.
  func call<Function>(_ name: String, as type: Function.Type) -> Function {
    guard let symbol = dlsym(name.hasPrefix("H5DS") ? highLevel : handle, name) else {
      preconditionFailure("\(path) has no \(name)")
    }
    return unsafeBitCast(symbol, to: type)
  }

  /// The identifier that a global variable of the library holds.
  func identifier(_ name: String) -> Identifier {
    guard let symbol = dlsym(handle, name) else { preconditionFailure("\(path) has no \(name)") }
    return symbol.load(as: Identifier.self)
  }
}

/// A library that is needed for what was asked is not installed.
public struct MissingLibrary: Error, CustomStringConvertible, Sendable {
  public let description: String
  init(_ description: String) { self.description = description }

  /// `EX_UNAVAILABLE` of BSD's `sysexits.h`.
  public var exitCode: Int32 { 69 }
}
