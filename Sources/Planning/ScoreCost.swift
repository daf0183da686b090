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

  /// The same without the sizes above one of them.
  public func limited(to size: Int) -> ScoreCost {
    let count = max(1, rows.count { $0 <= size })
    return ScoreCost(rows: Array(rows.prefix(count)), seconds: Array(seconds.prefix(count)))
  }

  private func interpolated(_ count: Int) -> Double {
    guard let above = rows.firstIndex(where: { $0 >= count }) else { return seconds[rows.count - 1] }
    guard above > 0, rows[above] != count else { return seconds[above] }
    let fraction = Double(count - rows[above - 1]) / Double(rows[above] - rows[above - 1])
    return seconds[above - 1] + fraction * (seconds[above] - seconds[above - 1])
  }
}
