import Foundation
public import PicardSampler

/// The last lines of a run's log: where the time went, and what it bought.
public struct RunSummary: Hashable, Sendable {
  public var report: Report
  /// The seconds of every rank.
  public var ranks: [PhaseSeconds]

  public init(report: Report, ranks: [PhaseSeconds]) {
    self.report = report
    self.ranks = ranks
  }

  /// A phase's share is its mean over the ranks, of the mean total. Waiting for
  /// other ranks is a part of exchange and reduce.
  public var text: String {
    var lines = [
      "Seconds over \(counted(ranks.count, "rank"))",
      "phase            min        mean         max    share",
    ]
    for phase in Phase.allCases {
      lines.append(line("\(phase)", ranks.map { $0[phase] }))
    }
    lines.append(line("other", ranks.map(\.other)))
    lines.append(line("total", ranks.map(\.total)))
    lines.append(line("waiting", ranks.map(\.wait)))
    lines.append("")
    lines.append(
      "rounds       \(report.rounds) for \(counted(report.steps, "step")): "
        + "\(ratio(report.steps * (report.groups?.drawn ?? 1), report.rounds)) times fewer than sequential sampling"
        + (report.replicas > 1 ? ", in each of \(report.replicas) replicas" : ""))
    lines.append(
      "evaluations  \(report.evaluations) for \(counted(report.samples, "sample")): "
        + "\(ratio(report.evaluations, report.samples * report.steps)) a step and sample")
    if let speedUp { lines.append(speedUp) }
    if let check = report.rowCheck { lines.append(line(check)) }
    lines.append("sent         \(bytes(report.bytesSent))")
    let own = report.privateMemoryBytes.map { ", \(bytes($0)) of it not shared with other ranks" } ?? ""
    lines.append("memory       \(bytes(report.peakMemoryBytes)) at most on a rank\(own)")
    if let checkpoints = report.checkpoints { lines.append(line(checkpoints)) }
    lines.append("digest       \(report.digest)")
    lines.append("status: \(report.status.rawValue)")
    return lines.joined(separator: "\n") + "\n"
  }

  private func line(_ check: Report.RowCheck) -> String {
    String(
      format: "row check    %d rows before the run in %.4f s, %d of the run again in %.4f s", check.rowsBefore,
      check.secondsBefore, check.rowsAgain, check.secondsAgain)
  }

  private func line(_ checkpoints: Report.Checkpoints) -> String {
    let share = report.seconds.total > 0 ? 100 * checkpoints.seconds / report.seconds.total : 0
    return "checkpoints  \(checkpoints.written) of \(bytes(checkpoints.bytes)) in "
      + String(format: "%.4f s, %.2f %% of the run", checkpoints.seconds, share)
      + (checkpoints.resumedAfterRound.map { "; resumed after round \($0)" } ?? "")
  }

  /// Against sequential sampling on the same ranks, setting up and writing aside. Of a run
  /// that was taken up again the time before is not known.
  private var speedUp: String? {
    guard report.checkpoints?.resumedAfterRound == nil else { return nil }
    let seconds = ranks.map { $0.total - $0.setup - $0.output }.max() ?? 0
    guard let sequential = report.sequentialSeconds, sequential > 0, seconds > 0 else { return nil }
    let factor = sequential / seconds
    // Ranks that sequential sampling would use, one sample each at least.
    let used = min(report.ranks, report.samples)
    let place = used == 1 ? "one rank" : "\(used) ranks, each with its own samples"
    let line = String(
      format: "speed-up     %.2f over sequential sampling on \(place) (%.4g s by the time of a call), efficiency %.0f %%",
      factor, sequential, 100 * factor * Double(used) / Double(report.ranks))
    let advice = """

                   --solver sequential is faster here; a small --window evaluates less, and
                   piadm plan tells what more ranks would bring
      """
    return factor < 1 ? line + advice : line
  }

  private func line(_ name: String, _ seconds: [Double]) -> String {
    let mean = seconds.reduce(0, +) / Double(seconds.count)
    let total = ranks.reduce(0) { $0 + $1.total } / Double(ranks.count)
    let share = total > 0 ? 100 * mean / total : 0
    return name.padding(toLength: 8, withPad: " ", startingAt: 0)
      + String(
        format: "%12.4f%12.4f%12.4f%7.1f %%", seconds.min() ?? 0, mean, seconds.max() ?? 0, share)
  }
}

private func ratio(_ numerator: Int, _ denominator: Int) -> String {
  denominator > 0 ? String(format: "%.2f", Double(numerator) / Double(denominator)) : "0.00"
}

/// A number of bytes in the largest binary unit that leaves at least 1.
private func bytes(_ count: Int) -> String {
  var value = Double(count)
  for unit in ["B", "KiB", "MiB", "GiB"] {
    if value < 1024 { return unit == "B" ? "\(count) B" : String(format: "%.1f %@", value, unit) }
    value /= 1024
  }
  return String(format: "%.1f TiB", value)
}
