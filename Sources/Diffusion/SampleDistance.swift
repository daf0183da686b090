import Foundation

/// A distance between two distributions, estimated from samples of them.
public struct DistanceEstimate: Hashable, Sendable {
  /// The distance.
  public var value: Double
  /// Standard error by the delete-one-group jackknife.
  public var standardError: Double
}

/// Distances between samples of a model and samples of data, which need no features and no
/// further network.
///
/// Sample `i` belongs to group `i mod groups`. Each distance is computed again without one
/// group at a time, and the spread of the results gives its standard error.
public struct SampleDistance: Sendable {
  private let dimension: Int
  private let reference: [Double]
  private let groups: Int
  private let meanReferenceDistance: BlockSums

  /// - Parameters:
  ///   - reference: samples of the data, one after another.
  ///   - dimension: numbers of a sample.
  ///   - groups: groups of the jackknife; at least two samples are needed in each.
  public init(to reference: [Double], dimension: Int, groups: Int = 10) {
    precondition(dimension > 0 && groups > 1 && reference.count % dimension == 0)
    precondition(reference.count / dimension >= 2 * groups, "two samples a group are needed")
    self.dimension = dimension
    self.reference = reference
    self.groups = groups
    meanReferenceDistance = BlockSums(reference, reference, dimension: dimension, groups: groups)
  }

  /// The energy distance `2 E|X - Y| - E|X - X'| - E|Y - Y'|` (Székely and Rizzo, *Energy
  /// statistics*, Journal of Statistical Planning and Inference 143, 2013), in the unit of the
  /// data: zero for equal distributions. The estimate is unbiased, and so may be below zero.
  public func energy(of samples: [Double]) -> DistanceEstimate {
    let own = BlockSums(samples, samples, dimension: dimension, groups: groups)
    let mixed = BlockSums(samples, reference, dimension: dimension, groups: groups)
    return jackknife { omitted in
      2 * mixed.mean(without: omitted, isSelf: false) - own.mean(without: omitted, isSelf: true)
        - meanReferenceDistance.mean(without: omitted, isSelf: true)
    }
  }

  /// The sliced Wasserstein distance of order 1: the mean over random directions of the
  /// distance between the projected distributions (Bonneel, Rabin, Peyré and Pfister, *Sliced
  /// and Radon Wasserstein barycenters of measures*, Journal of Mathematical Imaging and Vision
  /// 51, 2015). Two finite sets of equal law have a distance above zero, which falls with
  /// the square root of their number: compare with that of two sets of data.
  public func slicedWasserstein(of samples: [Double], directions: Int = 128) -> DistanceEstimate {
    let noise = CounterNoise(seed: 0x51ced)
    var direction = [Double](repeating: 0, count: dimension)
    // By direction, the sorted projections with the group of each.
    let projections = (0..<directions).map { number -> (own: [Projection], reference: [Projection]) in
      var span = direction.mutableSpan
      noise.fill(&span, stream: .initialState, step: 0, sample: number)
      let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return (sorted(samples, direction, length), sorted(reference, direction, length))
    }
    return jackknife { omitted in
      projections.reduce(0) { $0 + wasserstein($1.own, $1.reference, without: omitted) } / Double(directions)
    }
  }

  private typealias Projection = (value: Double, group: Int)

  private func sorted(_ samples: [Double], _ direction: [Double], _ length: Double) -> [Projection] {
    (0..<(samples.count / dimension)).map { sample -> Projection in
      var sum = 0.0
      for k in 0..<dimension { sum += direction[k] * samples[sample * dimension + k] }
      return (sum / length, sample % groups)
    }.sorted { $0.value < $1.value }
  }

  /// The integral of the difference of both quantile functions.
  private func wasserstein(_ first: [Projection], _ second: [Projection], without omitted: Int?) -> Double {
    let (a, b) = (first.filter { $0.group != omitted }, second.filter { $0.group != omitted })
    var (i, j, level, sum) = (0, 0, 0.0, 0.0)
    while i < a.count, j < b.count {
      let (endA, endB) = (Double(i + 1) / Double(a.count), Double(j + 1) / Double(b.count))
      let end = min(endA, endB)
      sum += (end - level) * abs(a[i].value - b[j].value)
      level = end
      // Both quantile functions step where their counts have a common divisor.
      let (stepsA, stepsB) = ((i + 1) * b.count <= (j + 1) * a.count, (j + 1) * a.count <= (i + 1) * b.count)
      if stepsA { i += 1 }
      if stepsB { j += 1 }
    }
    return sum
  }

  private func jackknife(_ estimate: (_ omitted: Int?) -> Double) -> DistanceEstimate {
    let parts = (0..<groups).map { estimate($0) }
    let mean = parts.reduce(0, +) / Double(groups)
    let squares = parts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return DistanceEstimate(
      value: estimate(nil), standardError: (Double(groups - 1) / Double(groups) * squares).squareRoot())
  }
}

/// Sums of distances between the samples of two lists, by the groups of both.
private struct BlockSums {
  private var sums: [[Double]]
  private var counts: [[Int]]

  init(_ first: [Double], _ second: [Double], dimension: Int, groups: Int) {
    sums = Array(repeating: Array(repeating: 0, count: groups), count: groups)
    counts = Array(repeating: Array(repeating: 0, count: groups), count: groups)
    let (rows, columns) = (first.count / dimension, second.count / dimension)
    for row in 0..<rows {
      for column in 0..<columns {
        var square = 0.0
        for k in 0..<dimension {
          let difference = first[row * dimension + k] - second[column * dimension + k]
          square += difference * difference
        }
        sums[row % groups][column % groups] += square.squareRoot()
        counts[row % groups][column % groups] += 1
      }
    }
  }

  /// The mean distance without one group of both lists.
  ///
  /// - Parameter isSelf: both lists are one, whose samples have no distance from themselves.
  func mean(without omitted: Int?, isSelf: Bool) -> Double {
    var (sum, count) = (0.0, 0)
    for row in sums.indices where row != omitted {
      for column in sums.indices where column != omitted {
        sum += sums[row][column]
        count += counts[row][column]
        if isSelf, row == column { count -= diagonal(row) }
      }
    }
    return sum / Double(max(1, count))
  }

  /// Samples of a group of a list beside itself.
  private func diagonal(_ group: Int) -> Int { Int(Double(counts[group][group]).squareRoot().rounded()) }
}
