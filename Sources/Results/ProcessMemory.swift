import Foundation

/// The largest resident memory this process has had, in bytes.
public func peakMemoryBytes() -> Int {
  if let peak = bytesOfStatus("VmHWM") { return peak }
  // Elsewhere than on Linux. There it counts what started the process, too.
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return Int(usage.ru_maxrss) * 1024
}

/// The resident memory that is this process's alone now, in bytes: without
/// files that it has mapped, such as the weights of a network and the program
/// itself, which the processes of a host share. `nil` where the kernel does not
/// tell.
public func privateMemoryBytes() -> Int? { bytesOfStatus("RssAnon") }

/// A number of what the kernel tells of this process.
private func bytesOfStatus(_ name: String) -> Int? {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix(name + ":") }
  return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
}
