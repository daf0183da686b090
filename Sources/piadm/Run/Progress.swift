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
  private var pace: Pace
  private let start = ContinuousClock.now
  private var lastShown: ContinuousClock.Instant?
  private var lastTenth = 0
  /// The round with which the run has ended, and when that was.
  private var last: (round: RoundSummary, at: ContinuousClock.Instant)?

  init(_ kind: ProgressKind, _ pace: Pace) {
    self.pace = pace
    guard kind == .auto else {
      self.kind = kind
      return
    }
    // Standard output looks like a terminal under a launcher even when it is a file.
    self.kind = Launcher.atStart.name == nil && isatty(STDOUT_FILENO) != 0 ? .bar : .lines
  }

  /// Tells of a round, where it is time to; of the last one `finish` tells.
  /// - Throws: `OutputError` where standard output cannot be written.
  mutating func show(_ summary: RoundSummary) throws {
    guard kind != .none else { return }
    pace.note(summary)
    guard summary.finishedSteps < summary.steps else {
      last = (summary, .now)
      return
    }
    let now = ContinuousClock.now
    // Nobody reads faster, and to tell of a round may take as long as the round.
    guard isDue(now, after: .milliseconds(100)) else { return }
    if kind == .lines {
      let tenth = 10 * steps(summary) / summary.steps
      guard tenth > lastTenth || isDue(now, after: .seconds(5)) else { return }
      lastTenth = tenth
    }
    try tell(summary, at: now)
  }

  /// Tells of the last round, once all is done.
  /// - Throws: `OutputError` where standard output cannot be written.
  mutating func finish() throws {
    guard let last else { return }
    self.last = nil
    try tell(last.round, at: last.at)
  }

  private mutating func tell(_ summary: RoundSummary, at now: ContinuousClock.Instant) throws {
    lastShown = now
    let line = line(summary, now)
    if kind == .bar {
      let isDone = summary.finishedSteps == summary.steps
      try write("\r\(bar(summary, line, columns: terminalColumns))\u{1B}[K" + (isDone ? "\n" : ""))
    } else {
      try write(line + "\n")
    }
  }

  /// Does what `show` does, but for the writing.
  mutating func rehearse(_ summary: RoundSummary) {
    guard kind != .none else { return }
    pace.note(summary)
    _ = line(summary, .now)
  }

  /// A bar and what is told beside it, on one line of a terminal: a line that
  /// wraps cannot be overwritten.
  private func bar(_ summary: RoundSummary, _ text: String, columns: Int) -> String {
    let width = min(24, columns - 4 - text.count)
    guard width >= 8 else { return String(text.prefix(max(1, columns - 1))) }
    let filled = width * steps(summary) / summary.steps
    return "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
      + "] " + text
  }

  private func line(_ summary: RoundSummary, _ now: ContinuousClock.Instant) -> String {
    let seconds = (now - start) / .seconds(1)
    var parts = ["round \(summary.round)"]
    if pace.blocks > 1 {
      parts.append("\(summary.isCorrector ? "corrector" : "block") \(summary.block + 1)/\(pace.blocks)")
    }
    parts.append("steps \(steps(summary))/\(summary.steps)")
    if summary.largestChange > 0 {
      let factor = pace.factor.map { String(format: " (x%.2g)", $0) } ?? ""
      parts.append(String(format: "change %.1e", summary.largestChange) + factor)
    }
    parts.append(String(format: "%.3g calls/s", Double(summary.calls) / max(seconds, 1e-3)))
    parts.append(
      String(format: "%.1f s", seconds) + (pace.secondsLeft(summary, after: seconds).map { ", \(duration($0)) left" } ?? ""))
    return parts.joined(separator: "  ")
  }

  /// Steps that are done. Those of a block are done together, in its last round:
  /// before, those that have converged count.
  private func steps(_ summary: RoundSummary) -> Int {
    guard !pace.window, summary.finishedSteps < summary.steps else { return summary.finishedSteps }
    return min(summary.finishedSteps + summary.changes.convergedSlices(by: pace.stop), summary.steps)
  }

  private func isDue(_ now: ContinuousClock.Instant, after pause: Duration) -> Bool {
    now - (lastShown ?? start) > pause
  }
}

extension Progress {
  /// How fast a run goes on, and so how long it still takes.
  struct Pace {
    let stop: StopRule
    let blocks: Int
    let window: Bool
    /// The last change over the one before.
    private(set) var factor: Double?
    private var change = 0.0
    private var finished = 0
    /// Changes since slices were last finished.
    private var changes: [Double] = []
    /// Finished steps after every round.
    private var finishes: [Int] = []
    /// All rounds of the run, as the last two rounds let expect them.
    private var expected: (before: Double?, now: Double?) = (nil, nil)

    init(stop: StopRule, blocks: Int, window: Bool) {
      self.stop = stop
      self.blocks = blocks
      self.window = window
    }

    mutating func note(_ summary: RoundSummary) {
      factor = change > 0 && summary.largestChange > 0 ? summary.largestChange / change : nil
      change = summary.largestChange
      if summary.finishedSteps > finished { changes = [] }
      finished = summary.finishedSteps
      changes.append(change)
      finishes.append(finished)
      expected = (expected.now, roundsLeft(summary).map { $0 + Double(summary.round) })
    }

    /// How long the run still takes; `nil` where it cannot be told yet, and at
    /// the end. The first estimates can be many times too long: none is told
    /// before two rounds agree on it.
    func secondsLeft(_ summary: RoundSummary, after seconds: Double) -> Double? {
      guard summary.finishedSteps < summary.steps, let now = expected.now, let before = expected.before,
        abs(now - before) < 0.1 * now
      else { return nil }
      return max(0, now - Double(summary.round)) * seconds / Double(summary.round)
    }

    private func roundsLeft(_ summary: RoundSummary) -> Double? {
      guard summary.finishedSteps < summary.steps else { return nil }
      let (done, all) = (Double(summary.finishedSteps), Double(summary.steps))
      // Finished slices alone tell of a window, and of a sequential run.
      if window || summary.largestChange == 0 {
        // The later half of the rounds tells how fast a full window goes on.
        let half = finishes.count / 2
        guard half > 0, done > Double(finishes[half - 1]) else { return nil }
        return (all - done) * Double(finishes.count - half) / (done - Double(finishes[half - 1]))
      }
      guard let inBlock = stop.expectedRounds(changes, slices: summary.steps) else { return nil }
      let left = max(0, inBlock - Double(changes.count))
      let blocksDone = (done * Double(blocks) / all).rounded(.down)
      let aBlock =
        blocksDone > 0
        ? Double(summary.round - changes.count) / blocksDone : Double(changes.count) + left
      return left + max(0, Double(blocks) - blocksDone - 1) * aBlock
    }
  }
}

/// The width of the terminal that standard output is; unlimited where it is none.
private var terminalColumns: Int {
  var size = winsize()
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return .max }
  return Int(size.ws_col)
}

/// Seconds as a person says them.
func duration(_ seconds: Double) -> String {
  if seconds < 100 { return String(format: seconds < 9.95 ? "%.1f s" : "%.0f s", seconds) }
  if seconds < 5940 { return String(format: "%.0f min", seconds / 60) }
  return String(format: seconds < 360_000 ? "%.1f h" : "%.0f h", seconds / 3600)
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
