/// The numbers of rows that a run's calls of the model have, and how a round's
/// rows are dealt out to them.
///
/// Few sizes: each is checked before the run, and a network generates code for
/// every new one, which takes about a millisecond (OpenVINO 2026 on x86-64).
package struct CallSizes: Hashable, Sendable {
  /// Descending; the last one is a row alone.
  package private(set) var sizes: [Int]
  /// Seconds that a call of each size is taken for; `nil` until one was timed.
  private var seconds: [Double?]

  /// A full call, a half, a quarter, and a row alone.
  ///
  /// A quarter is rounded down from one row less, and up to four rows have no half, so
  /// that a call of each size and a second one of a quarter have no more rows than two
  /// full ones.
  package init(full: Int) {
    precondition(full > 0)
    sizes = [full, full > 4 ? full / 2 : 0, (full - 1) / 4, 1].filter { $0 > 0 }.reduce(into: []) {
      if $0.last != $1 { $0.append($1) }
    }
    seconds = sizes.map { _ in nil }
  }

  /// Rows of the largest call.
  package var full: Int { sizes[0] }

  /// Leaves the sizes below one, which is more than 1.
  package mutating func keep(below size: Int) {
    let dropped = sizes.count { $0 >= size }
    sizes.removeFirst(dropped)
    seconds.removeFirst(dropped)
  }

  /// Takes note of what a call took. What is known of the other sizes is forgotten by and
  /// by, so that one which was disturbed when it was timed is tried again.
  package mutating func note(_ size: Int, seconds new: Double) {
    for index in sizes.indices {
      guard let old = seconds[index] else {
        if sizes[index] == size { seconds[index] = new }
        continue
      }
      seconds[index] = sizes[index] == size ? min(new, (3 * old + new) / 4) : 0.995 * old
    }
  }

  /// Rows of the next call where so many are left: the size that takes the least
  /// time for a row of them. Of two that take the same, the larger one.
  package func next(for rows: Int) -> Int {
    var best = (size: sizes[0], seconds: Double.infinity)
    for size in sizes {
      let each = expectedSeconds(size) / Double(min(size, rows))
      if each < best.seconds { best = (size, each) }
    }
    return best.size
  }

  /// The calls for so many rows, and their seconds.
  package func cost(of rows: Int) -> (calls: Int, seconds: Double) {
    var (rest, calls, sum) = (rows, 0, 0.0)
    while rest > 0 {
      let size = next(for: rest)
      sum += expectedSeconds(size)
      calls += 1
      rest -= size
    }
    return (calls, sum)
  }

  /// Seconds of a call of one of the sizes: as measured, but no more than its rows take
  /// one by one. Otherwise on the line through a row alone and the largest size that was
  /// measured; as long as there is none, further rows count nothing, so that one is tried.
  private func expectedSeconds(_ size: Int) -> Double {
    let alone = seconds[seconds.count - 1] ?? 1
    let measured = sizes.firstIndex(of: size).flatMap { seconds[$0] }
    if let measured { return min(measured, Double(size) * alone) }
    guard let known = sizes.indices.dropLast().first(where: { seconds[$0] != nil }), let time = seconds[known]
    else { return alone }
    let line = alone + (time - alone) * Double(size - 1) / Double(sizes[known] - 1)
    return min(max(alone, line), Double(size) * alone)
  }
}

extension PicardOptions {
  /// Rows of the model in a round on the rank that has most, unless windows lie
  /// worst: the same on all ranks.
  ///
  /// - Parameters:
  ///   - trajectory: the steps.
  ///   - samples: samples that the ranks draw together.
  ///   - ranks: ranks that share the work.
  ///   - dimension: numbers of a sample.
  public func largestLoad(_ trajectory: Trajectory, samples: Int, ranks: Int, dimension: Int) -> Int {
    let slices = activeSlices(trajectory)
    let chunks = (slices + chunk - 1) / chunk
    let busiest = min(slices, (chunks + ranks - 1) / ranks * chunk)
    return samples * rows(ofSlices: busiest, dimension: dimension)
  }
}
