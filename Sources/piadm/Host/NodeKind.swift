import Foundation
import MPI
import Results

/// What of a node can change the last bits of a sample.
struct NodeKind: Codable, Hashable {
  var host: String
  var processor: String
  var openvino: String
  var libc: String

  init(host: String, openvino: String) {
    self.host = host
    self.openvino = openvino
    processor = Self.processorName(in: (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? "")
    libc = Self.libraryVersion
  }

  private static var libraryVersion: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { name in
      confstr(Int32(_CS_GNU_LIBC_VERSION), name.baseAddress, name.count) > 0
        ? String(cString: name.baseAddress!) : "unknown"
    }
  }

  /// The first processor's name, as the kernel lists it.
  static func processorName(in cpuinfo: String) -> String {
    let line = cpuinfo.split(separator: "\n").first { $0.hasPrefix("model name") }
    return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  /// A warning for ranks on another kind of node than rank 0's; `nil` where there are none.
  static func warning(of kinds: [NodeKind]) -> String? {
    guard let first = kinds.first else { return nil }
    for (rank, kind) in kinds.enumerated() {
      for (name, here, there) in [
        ("processor", kind.processor, first.processor), ("OpenVINO", kind.openvino, first.openvino),
        ("C library", kind.libc, first.libc),
      ] where here != there {
        return """
          warning: rank \(rank) on \(kind.host) has \(name) \(here), rank 0 on \(first.host) has \(there): \
          the samples' last bits can depend on which rank computes what

          """
      }
    }
    return nil
  }
}
