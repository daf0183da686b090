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

  /// The smallest window with about the least predicted time: a power of two, or all
  /// steps. One step is sequential sampling, which evaluates each step once.
  ///
  /// A window of `W` of `M` steps was measured to evaluate a step
  /// `1 + 5.15 (W / M)^0.68` times with elementwise slopes (a trained network, `ddpm` and
  /// `piadm-sde` with 100 to 1000 steps, windows from 4 steps to a third of all, each with
  /// the tolerance that brings it within 2e-4 of the sequential sampler), so that it moves
  /// by `W` over that in a round. Neither this nor a measurement is right to a tenth, and of
  /// windows so near to each other the smaller one costs fewer evaluations and, with one
  /// tolerance, ends nearer to the sequential sampler.
  ///
  /// - Parameters:
  ///   - steps: steps of the trajectory.
  ///   - rows: rows of a step in a round: the samples in flight on these ranks, times
  ///     the rows of a slice.
  ///   - ranks: ranks that share the window, a whole number of chunks each.
  ///   - chunk: slices of a chunk; `nil` for what `PicardOptions` takes with each window.
  public func bestWindow(steps: Int, rows: Int, ranks: Int, chunk: Int? = nil) -> Int {
    var candidates = Array(sequence(first: 1) { $0 < steps / 2 ? $0 * 2 : nil }.filter { $0 < steps })
    candidates.append(steps)
    func predicted(_ window: Int) -> Double {
      let visits = window == 1 ? 1 : 1 + 5.15 * pow(Double(window) / Double(steps), 0.68)
      let rounds = Double(steps) * visits / Double(window)
      let chunk = chunk ?? PicardOptions.defaultChunk(window: window, steps: steps)
      let chunks = (window + chunk - 1) / chunk
      let busiest = min(window, (chunks + ranks - 1) / ranks * chunk)
      return rounds * time(of: busiest * rows)
    }
    let least = candidates.map(predicted).min() ?? 0
    return candidates.first { predicted($0) <= 1.1 * least } ?? steps
  }
}

extension ScoreBatch {
  /// Times calls of 1, 2, 4, ... rows: the shortest of three each or, where calls are short,
  /// of up to nine, in seconds. All sizes take turns, so that a time in which the machine
  /// does something else falls on all of them.
  ///
  /// - Throws: what the model throws.
  public func measureCost(at node: NoiseTime) throws -> ScoreCost {
    let sizes = Array(sequence(first: 1) { $0 * 2 }.prefix { $0 < rows }) + [rows]
    var least = sizes.map { _ in Double.infinity }
    var (turns, spent) = (0, 0.0)
    while turns < 3 || (turns < 9 && spent < 0.25) {
      for (index, size) in sizes.enumerated() {
        let seconds = try time(size, at: node)
        least[index] = min(least[index], seconds)
        spent += seconds
      }
      turns += 1
    }
    return ScoreCost(rows: sizes, seconds: least)
  }
}
