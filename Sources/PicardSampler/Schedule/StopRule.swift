import Foundation

/// When the iteration of a slice ends.
public enum StopRule: Hashable, Sendable {
  /// When the root mean square over a sample's elements of its last change, in a
  /// sliding window times what it moves the last state by, is at most this (absolute;
  /// data have unit scale). 0 means: when no bit changes, which is the sequential
  /// sampler's result.
  case tolerance(Double)
  /// After this many rounds (the paper's rule); needs no reduction over ranks.
  case iterations(Int)
}

extension StopRule {
  /// The ranks have to tell each other the changes of their slices.
  public var needsAgreement: Bool {
    switch self {
    case .tolerance: true
    case .iterations: false
    }
  }

  /// A change in a sliding window is weighted by what it moves the last state by. At
  /// tolerance 0 every bit counts, also where a product with the smallest number would
  /// vanish.
  var weighsChanges: Bool {
    switch self {
    case .tolerance(let tolerance): tolerance > 0
    case .iterations: false
    }
  }

  /// All slices of a window converge in the same round.
  var convergesAtOnce: Bool {
    switch self {
    case .tolerance: false
    case .iterations: true
    }
  }

  /// How many slices in a row, from the first one, have converged.
  ///
  /// - Parameters:
  ///   - changes: of the active slices of a sample, weighted.
  ///   - rounds: since slices were last opened.
  package func converged(_ changes: some RandomAccessCollection<Double>, after rounds: Int) -> Int {
    switch self {
    case .tolerance(let tolerance): changes.prefix { $0 <= tolerance }.count
    case .iterations(let limit): rounds >= limit ? changes.count : 0
    }
  }

  /// How many rounds a block takes, as far as its first ones tell; `nil` where they do not.
  ///
  /// - Parameters:
  ///   - changes: the largest one of every round so far.
  ///   - slices: of the block, which takes no more rounds than that.
  package func expectedRounds(_ changes: [Double], slices: Int) -> Double? {
    switch self {
    case .iterations(let rounds):
      return Double(min(rounds, slices))
    case .tolerance(let tolerance):
      // They are taken to fall on as they have fallen lately.
      let recent = changes.suffix(6)
      guard tolerance > 0, let first = recent.first, let last = recent.last, last < first, last > 0
      else { return nil }
      let rate = log(first / last) / Double(recent.count - 1)
      return min(Double(changes.count) + max(0, log(last / tolerance) / rate), Double(slices))
    }
  }
}
