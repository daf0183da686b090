import Foundation

/// A set of a host's processors, by the kernel's numbers.
typealias ProcessorSet = Set<Int>

extension Set<Int> {
  /// From the kernel's way to write a set, such as `0-3,8`; what is not such a
  /// text is left out.
  init(_ text: String) {
    self = []
    for part in text.split(separator: ",") {
      let ends = part.split(separator: "-").compactMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
      if let first = ends.first, let last = ends.last, first <= last { formUnion(first...last) }
    }
  }

  /// As the kernel writes it.
  var text: String {
    var runs: [ClosedRange<Int>] = []
    for number in sorted() {
      if let last = runs.last, number == last.upperBound + 1 {
        runs[runs.count - 1] = last.lowerBound...number
      } else {
        runs.append(number...number)
      }
    }
    return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }

  /// Those that this process may run on: its affinity mask.
  static var allowed: ProcessorSet {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    let list = line?.split(whereSeparator: \.isWhitespace).last.map { ProcessorSet(String($0)) } ?? []
    return list.isEmpty ? ProcessorSet(0..<ProcessInfo.processInfo.activeProcessorCount) : list
  }

  /// Those that this process's job may use: of its control group where batch
  /// systems set one up, else of the host.
  static var availableToJob: ProcessorSet {
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    // number:controllers:path; version 2 has number 0 and no controllers.
    let places = groups.split(separator: "\n").map { $0.split(separator: ":", omittingEmptySubsequences: false) }
      .compactMap { fields -> String? in
        guard fields.count == 3 else { return nil }
        if fields[0] == "0" { return "/sys/fs/cgroup\(fields[2])/cpuset.cpus.effective" }
        return fields[1].split(separator: ",").contains("cpuset")
          ? "/sys/fs/cgroup/cpuset\(fields[2])/cpuset.effective_cpus" : nil
      }
    for place in places + ["/sys/devices/system/cpu/online"] {
      if let text = try? String(contentsOfFile: place, encoding: .utf8), case let set = ProcessorSet(text), !set.isEmpty {
        return set
      }
    }
    return allowed
  }

  /// The first processor of each core that these processors belong to.
  var cores: ProcessorSet {
    ProcessorSet(
      map { processor in
        let place = "/sys/devices/system/cpu/cpu\(processor)/topology/thread_siblings_list"
        let siblings = (try? String(contentsOfFile: place, encoding: .utf8)).map { ProcessorSet($0) }
        return siblings?.min() ?? processor
      })
  }
}
