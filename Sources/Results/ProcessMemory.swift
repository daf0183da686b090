import Foundation

/// The largest resident memory this process has had, in bytes.
public func peakMemoryBytes() -> Int {
  var usage = rusage()
  getrusage(RUSAGE_SELF.rawValue, &usage)
  return Int(usage.ru_maxrss) * 1024
}
