import ArgumentParser
import Foundation
import PicardSampler
import Results

enum ProgressKind: String, ExpressibleByArgument, CaseIterable {
  case auto, bar, lines, none
}

/// Tells how far a run is: a bar in a terminal, or a line now and then.
struct Progress {
  private let kind: ProgressKind
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?
  private var lastTenth = 0

  init(_ kind: ProgressKind) {
    guard kind == .auto else {
      self.kind = kind
      return
    }
    // Standard output looks like a terminal under a launcher even when it is a file.
    self.kind = Launcher.atStart.name == nil && isatty(STDOUT_FILENO) != 0 ? .bar : .lines
  }

  /// - Throws: `OutputError` where standard output cannot be written.
  mutating func show(_ summary: RoundSummary) throws {
    let now = ContinuousClock.now
    let isDone = summary.finishedSteps == summary.steps
    switch kind {
    case .auto, .none:
      return
    case .bar:
      guard isDone || isDue(now, after: .milliseconds(100)) else { return }
      let width = 30
      let filled = width * summary.finishedSteps / summary.steps
      let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      try show("\r[\(bar)] \(line(summary, now))\u{1B}[K" + (isDone ? "\n" : ""), at: now)
    case .lines:
      let tenth = 10 * summary.finishedSteps / summary.steps
      guard isDone || tenth > lastTenth || isDue(now, after: .seconds(5)) else { return }
      lastTenth = tenth
      try show(line(summary, now) + "\n", at: now)
    }
  }

  private func line(_ summary: RoundSummary, _ now: ContinuousClock.Instant) -> String {
    let seconds = String(format: "%.1f", (now - start) / .seconds(1))
    return "round \(summary.round)  steps \(summary.finishedSteps)/\(summary.steps)  "
      + String(format: "change %.1e", summary.largestChange) + "  \(seconds) s"
  }

  private func isDue(_ now: ContinuousClock.Instant, after pause: Duration) -> Bool {
    now - (lastShown ?? start) > pause
  }

  private mutating func show(_ text: String, at now: ContinuousClock.Instant) throws {
    lastShown = now
    try write(text)
  }
}

/// Writes to standard output at once.
///
/// - Throws: `OutputError` where it cannot be written: a full disk, a closed pipe.
func write(_ text: String) throws {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    if count < 0, errno == EINTR { continue }
    guard count >= 0 else {
      throw OutputError(
        file: "standard output", "cannot be written: \(String(cString: strerror(errno)))")
    }
    rest = rest.dropFirst(count)
  }
}
