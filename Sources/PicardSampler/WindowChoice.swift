public import Diffusion
import Foundation

/// What a score call costs against its number of rows, as measured.
public struct ScoreCost: Hashable, Sendable {
  /// Increasing numbers of rows, the largest being what one call takes.
  public let rows: [Int]
  /// Seconds of a call with so many rows.
  public let seconds: [Double]

  /// Times as measured, as many as sizes, at least one.
  public init(rows: [Int], seconds: [Double]) {
    precondition(!rows.isEmpty && rows.count == seconds.count)
    self.rows = rows
    self.seconds = seconds
  }

  /// The same with all times longer by a factor.
  public func scaled(by factor: Double) -> ScoreCost {
    ScoreCost(rows: rows, seconds: seconds.map { $0 * factor })
  }

  /// Seconds for any number of rows, in as many calls as it takes.
  public func time(of count: Int) -> Double {
    let largest = rows[rows.count - 1]
    let (calls, rest) = count.quotientAndRemainder(dividingBy: largest)
    return Double(calls) * seconds[rows.count - 1] + (rest > 0 ? interpolated(rest) : 0)
  }

  private func interpolated(_ count: Int) -> Double {
    guard let above = rows.firstIndex(where: { $0 >= count }) else { return seconds[rows.count - 1] }
    guard above > 0, rows[above] != count else { return seconds[above] }
    let fraction = Double(count - rows[above - 1]) / Double(rows[above] - rows[above - 1])
    return seconds[above - 1] + fraction * (seconds[above] - seconds[above - 1])
  }

  /// The window with the least predicted time: a power of two, or all steps.
  ///
  /// A window of `W` steps was measured to evaluate a step `1 + 0.037 W^0.69`
  /// times with elementwise slopes (a trained network, windows of 8 to 128, tolerance
  /// 8e-4), so that it moves by `W` over that in a round.
  ///
  /// - Parameters:
  ///   - steps: steps of the trajectory.
  ///   - rows: rows of a step in a round: the samples in flight on these ranks, times
  ///     the rows of a slice.
  ///   - ranks: ranks that share the window.
  public func bestWindow(steps: Int, rows: Int, ranks: Int) -> Int {
    var candidates = Array(sequence(first: 4) { $0 < steps / 2 ? $0 * 2 : nil }.filter { $0 < steps })
    candidates.append(steps)
    func predicted(_ window: Int) -> Double {
      let visits = 1 + 0.037 * pow(Double(window), 0.69)
      let rounds = Double(steps) * visits / Double(window)
      return rounds * time(of: (window * rows + ranks - 1) / ranks)
    }
    return candidates.min { predicted($0) < predicted($1) } ?? steps
  }
}

extension ScoreBatch {
  /// Times calls of 1, 2, 4, ... rows: the shortest of three each, in seconds.
  ///
  /// - Throws: what the model throws.
  public func measureCost(at node: NoiseTime) throws -> ScoreCost {
    let sizes = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < rows }) + [rows]
    let seconds = try sizes.map { size in
      try (0..<3).map { _ in try time(size, at: node) }.min() ?? 0
    }
    return ScoreCost(rows: sizes, seconds: seconds)
  }
}
