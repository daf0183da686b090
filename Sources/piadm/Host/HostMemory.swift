import Foundation

/// The memory that the ranks of this host share: the machine's, or what the
/// batch system allots, where that is less.
struct HostMemory {
  let bytes: Double
  /// Ranks on this host.
  let ranks: Int

  init(ranks: Int) {
    self.ranks = ranks
    bytes = min(Double(ProcessInfo.processInfo.physicalMemory), Self.allotment() ?? .infinity)
  }

  /// What the kernel allots to this process's control group, or to one that
  /// this is part of.
  ///
  /// - Parameters:
  ///   - groups: the kernel's list of this process's groups.
  ///   - root: where the groups' folders are.
  static func allotment(
    groups: String = text("/proc/self/cgroup") ?? "", root: String = "/sys/fs/cgroup"
  ) -> Double? {
    var limits: [Double] = []
    for line in groups.split(separator: "\n") {
      // Number, controllers (none in version 2), and path.
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isMemory = parts[1].split(separator: ",").contains("memory")
      guard parts[1].isEmpty || isMemory else { continue }
      let folder = isMemory ? root + "/memory" : root
      let file = isMemory ? "memory.limit_in_bytes" : "memory.max"
      var path = String(parts[2])
      while true {
        if let limit = text("\(folder)\(path)/\(file)").flatMap({ Double($0) }), limit > 0 { limits.append(limit) }
        guard let slash = path.lastIndex(of: "/"), path != "/" else { break }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
    return limits.min()
  }
}

private func text(_ file: String) -> String? {
  (try? String(contentsOfFile: file, encoding: .utf8))?.trimmingCharacters(in: .whitespacesAndNewlines)
}
