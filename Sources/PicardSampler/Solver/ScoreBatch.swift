public import Diffusion
import Foundation

/// Evaluates a model on time slices, in batches of rows.
///
/// Counts rows and calls, and makes sure that a row's bits do not depend on
/// the rest of its batch.
public final class ScoreBatch<Scalar: StateScalar> {
  /// What is evaluated.
  public let model: any ScoreModel<Scalar>
  /// What the model says of itself. Kept here: a round of a small model may take
  /// no longer than to ask for it.
  let dimension: Int
  private let parametrization: Parametrization
  private let bound: EstimateBound?
  /// Rows a call at most.
  public let rows: Int
  /// A row alone gave the bits of the same row in a batch. Where it did not,
  /// every call is filled up to `rows` rows.
  @exclusivity(unchecked) public private(set) var isInvariant = true
  /// Rows that were asked for.
  @exclusivity(unchecked) public private(set) var evaluations = 0
  /// Calls of the model.
  @exclusivity(unchecked) public private(set) var calls = 0

  /// Seconds that are waited in every call.
  public let latency: Double
  /// Numbers of rows that calls have had, ascending.
  @exclusivity(unchecked) private var usedSizes: [Int] = []
  /// Seconds a row of the last call took.
  @exclusivity(unchecked) private var rowSeconds = Double.infinity
  private let memory: Rows<Scalar>
  @exclusivity(unchecked) private var times: [NoiseTime]
  /// The sample that each row belongs to.
  @exclusivity(unchecked) private var samples: [Int]

  /// - Parameters:
  ///   - model: what is evaluated.
  ///   - rows: rows a call at most.
  ///   - latency: seconds added to every call, for scaling studies.
  public init(_ model: any ScoreModel<Scalar>, rows: Int, latency: Double = 0) {
    precondition(rows > 0)
    self.model = model
    self.rows = rows
    self.latency = latency
    dimension = model.dimension
    parametrization = model.parametrization
    bound = model.bound
    memory = Rows(2, of: rows * dimension)
    times = [NoiseTime](repeating: .clean, count: rows)
    samples = [Int](repeating: 0, count: rows)
  }

  /// Rows of states in the model's scaling, one after another.
  private var input: Row<Scalar> { memory[0] }
  /// Their predictions.
  private var output: Row<Scalar> { memory[1] }

  private func row(_ row: Int, of rows: Row<Scalar>) -> Row<Scalar> {
    Row(rebasing: rows[(row * dimension)..<((row + 1) * dimension)])
  }

  /// Evaluates rows alone and in batches of other sizes, and compares bits.
  ///
  /// - Parameter nodes: noise times that a run visits.
  /// - Throws: what the model throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func checkInvariance(at nodes: [NoiseTime]) throws {
    let states = Rows<Scalar>(1, of: rows * dimension)
    let noise = CounterNoise(seed: 0x5ca1ab1e)
    for row in 0..<rows {
      var one = self.row(row, of: states[0]).mutableSpan
      noise.fill(&one, stream: .initialState, step: 0, sample: row)
    }
    func load(_ source: Int, into row: Int) {
      times[row] = nodes[source % nodes.count]
      let factor = Scalar(parametrization.inputScale(at: times[row]))
      scale(self.row(row, of: input), factor, self.row(source, of: states[0]))
    }
    for row in 0..<rows { load(row, into: row) }
    try call(rows)
    let together = Array(output)
    // Sizes at which matrix kernels are known to change, and uneven ones.
    for size in [1, 2, 3, 8, 31, 48] where size < rows {
      let first = rows - size
      for row in 0..<size { load(first + row, into: row) }
      try call(size)
      let expected = together[(first * dimension)..<(rows * dimension)]
      if !output[0..<(size * dimension)].elementsEqual(expected) {
        isInvariant = false
        return
      }
    }
  }

  /// Fills every call up, because rows were found to depend on their batch on
  /// another rank.
  public func padEveryCall() { isInvariant = false }

  /// Evaluates the model at states, as many at a time as a call takes.
  ///
  /// - Parameter absorb: is handed the number of a visit, the prediction there
  ///   and how it becomes `f`, and returns whether all is well with it.
  /// - Returns: the number of the first visit with which it is not.
  func evaluate(
    _ visits: [Visit<Scalar>],
    absorb: (_ visit: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool
  ) throws -> Int? {
    var failed: Int?
    var first = 0
    while first < visits.count {
      let count = min(rows, visits.count - first)
      for row in 0..<count {
        let visit = visits[first + row]
        (times[row], samples[row]) = (visit.time, visit.sample)
        let factor = Scalar(parametrization.inputScale(at: visit.time))
        scale(self.row(row, of: input), factor, visit.state)
      }
      try call(padded(count))
      for row in 0..<count {
        let prediction = self.row(row, of: output)
        let conversion = conversion(of: prediction, visits[first + row])
        if !absorb(first + row, prediction, conversion), failed == nil { failed = first + row }
      }
      evaluations += count
      first += count
    }
    return failed
  }

  /// How a prediction becomes `f`. Where the model's estimates are bounded, it
  /// becomes the bounded estimate first.
  private func conversion(of prediction: Row<Scalar>, _ visit: Visit<Scalar>) -> Conversion {
    guard let bound else { return parametrization.conversion(to: visit.quantity, at: visit.time) }
    let estimate = parametrization.conversion(to: .denoised, at: visit.time)
    var span = prediction.mutableSpan
    bound.apply(to: &span, state: visit.state.span, estimate, unbounded: visit.unbounded)
    return Parametrization.sample.conversion(to: visit.quantity, at: visit.time)
  }

  /// Seconds of one call of `count` rows, at most `rows`, whatever the batch holds.
  ///
  /// - Throws: what the model throws.
  public func time(_ count: Int, at node: NoiseTime) throws -> Double {
    for row in 0..<count { (times[row], samples[row]) = (node, 0) }
    let clock = ContinuousClock()
    let start = clock.now
    try call(count)
    return (clock.now - start) / .seconds(1)
  }

  /// Seconds of a call as a run makes them one after another: the median of a
  /// few. A network's first call of a size takes longer, and counts only where
  /// it is so long that the difference is nothing.
  public func typicalTime(_ count: Int, at node: NoiseTime) throws -> Double {
    let first = try time(count, at: node)
    guard first < 0.05 else { return first }
    let times = try (0..<5).map { _ in try time(count, at: node) }
    return times.sorted()[times.count / 2]
  }

  /// Calls the model once with so many rows, so that the run finds it ready.
  ///
  /// - Throws: what the model throws.
  public func prepare(_ count: Int, at node: NoiseTime) throws {
    guard count > 0 else { return }
    _ = try time(min(count, rows), at: node)
  }

  /// Rows of a call for `count` states: all there are where a row depends on its
  /// batch. Otherwise a few more than asked for, where a call of that size has
  /// been made: a network generates code for every new size, about a
  /// millisecond each (OpenVINO 2026 on x86-64).
  private func size(for count: Int) -> Int {
    guard isInvariant else { return rows }
    let firstCallSeconds = 0.0005
    guard let used = usedSizes.first(where: { $0 >= count }),
      Double(used - count) * rowSeconds < firstCallSeconds
    else { return count }
    return used
  }

  /// Fills a batch with copies of its first row.
  /// - Returns: how many rows it then has.
  private func padded(_ count: Int) -> Int {
    let size = size(for: count)
    for row in count..<size {
      (times[row], samples[row]) = (times[0], samples[0])
      copy(self.row(0, of: input), to: self.row(row, of: input))
    }
    return size
  }

  private func call(_ count: Int) throws {
    let elements = 0..<(count * dimension)
    let (times, samples) = (times, samples)
    var predictions = Row(rebasing: output[elements]).mutableSpan
    let start = ContinuousClock.now
    try model.predict(
      Row(rebasing: input[elements]).span, at: times.span.extracting(0..<count),
      of: samples.span.extracting(0..<count), into: &predictions)
    rowSeconds = (ContinuousClock.now - start) / .seconds(1) / Double(count)
    calls += 1
    if let index = usedSizes.firstIndex(where: { $0 >= count }) {
      if usedSizes[index] != count { usedSizes.insert(count, at: index) }
    } else {
      usedSizes.append(count)
    }
    if latency > 0 { Thread.sleep(forTimeInterval: latency) }
  }
}

/// A state at which `f` is to be evaluated.
struct Visit<Scalar: StateScalar> {
  var state: Row<Scalar>
  /// The noise time there.
  let time: NoiseTime
  /// Share of the estimate as predicted in `f`, where estimates are bounded.
  let unbounded: Double
  /// What `f` is.
  let quantity: StepQuantity
  /// The sample's number.
  let sample: Int
}

/// `f = state y + prediction p` at a state `y` with the model's prediction `p`.
package typealias Conversion = (state: Double, prediction: Double)
