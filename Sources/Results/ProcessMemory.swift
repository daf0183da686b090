import Foundation

/// The largest resident memory this process has had, in bytes.
public func peakMemoryBytes() -> Int {
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return Int(usage.ru_maxrss) * 1024
}

/// The resident memory that is this process's alone now, in bytes: without
/// files that it has mapped, such as the weights of a network and the program
/// itself, which the processes of a host share. `nil` where the kernel does not
/// tell.
public func privateMemoryBytes() -> Int? {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let line = status.split(separator: "\n").first { $0.hasPrefix("RssAnon:") }
  return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
}
