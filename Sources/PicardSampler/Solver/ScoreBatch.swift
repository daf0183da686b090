public import Diffusion
import Foundation

/// Evaluates a model on time slices, in calls of a few sizes.
///
/// Counts rows and calls, and checks that a row's bits are those of the row
/// alone, whatever is evaluated in the same call (`ScoreBatch.checkRows`).
public final class ScoreBatch<Scalar: StateScalar> {
  /// What is evaluated.
  public let model: any ScoreModel<Scalar>
  /// What the model says of itself. Kept here: a round of a small model may take
  /// no longer than to ask for it.
  let dimension: Int
  private let parametrization: Parametrization
  private let bound: EstimateBound?
  /// The model predicts the variances of steps too.
  private let hasVariances: Bool
  /// Rows of a call at most; the calls of a run may have fewer.
  public let limit: Int
  /// The limit was chosen here, so that calls may be kept shorter.
  let choosesRows: Bool
  /// Numbers of rows of the run's calls.
  @exclusivity(unchecked) var sizes: CallSizes
  /// Rows of the largest call.
  public var rows: Int { sizes.full }
  /// What the check has found; `nil` before it.
  @exclusivity(unchecked) public internal(set) var check: RowCheck?
  /// Rows of a round that it was made for, by several ranks together and by this one alone.
  @exclusivity(unchecked) var agreedLoad = 0
  @exclusivity(unchecked) var ownLoad = 0
  /// Rows of the run that are evaluated again at its end.
  @exclusivity(unchecked) var witnesses: Witnesses<Scalar>?

  /// Rows that were asked for.
  @exclusivity(unchecked) public private(set) var evaluations = 0
  /// Calls of the model for them.
  @exclusivity(unchecked) public private(set) var calls = 0

  /// Seconds that are waited in every call of a run.
  @exclusivity(unchecked) public var latency: Double
  @exclusivity(unchecked) private var memory: Rows<Scalar>
  @exclusivity(unchecked) private var times: [NoiseTime]
  /// The sample that each row belongs to.
  @exclusivity(unchecked) private var samples: [Int]

  /// - Parameters:
  ///   - model: what is evaluated.
  ///   - rows: rows of a call at most, as far as memory for them goes; with 1 every
  ///     row is evaluated alone. `nil` for `defaultRows`, and for less where a
  ///     call would take longer than half a second.
  ///   - latency: seconds added to every call, for scaling studies.
  public init(_ model: any ScoreModel<Scalar>, rows: Int? = nil, latency: Double = 0) {
    precondition(rows ?? 1 > 0)
    self.model = model
    self.latency = latency
    dimension = model.dimension
    parametrization = model.parametrization
    bound = model.bound
    hasVariances = model.variance != nil
    limit = rows ?? Self.defaultRows(dimension: model.dimension)
    choosesRows = rows == nil
    sizes = CallSizes(full: limit)
    memory = Rows(2, of: 0)
    times = []
    samples = []
  }

  /// Rows of a call unless chosen otherwise: past 64 a row gets little cheaper,
  /// and matrix kernels begin to round differently; large states are batched in
  /// 16 MiB of single precision at most.
  public static func defaultRows(dimension: Int) -> Int { max(1, min(64, (1 << 22) / dimension)) }

  /// Rows of states in the model's scaling, one after another.
  private var input: Row<Scalar> { memory[0] }
  /// Their predictions.
  private var output: Row<Scalar> { memory[1] }
  /// What it says of the variances of steps, where it does.
  private var variances: Row<Scalar> { memory[2] }

  private func row(_ row: Int, of rows: Row<Scalar>) -> Row<Scalar> {
    Row(rebasing: rows[(row * dimension)..<((row + 1) * dimension)])
  }

  /// Makes room for a call.
  private func reserve(_ count: Int) {
    guard count > times.count else { return }
    memory = Rows(hasVariances ? 3 : 2, of: count * dimension)
    times = [NoiseTime](repeating: .clean, count: count)
    samples = [Int](repeating: 0, count: count)
  }

  /// Evaluates the model at states, as many at a time as a call takes.
  ///
  /// - Parameter absorb: is handed the number of a visit, the prediction there,
  ///   how it becomes `f`, and what the model says of the variances of the step
  ///   (`nil` where it says nothing), and returns whether all is well with it.
  /// - Returns: the number of the first visit with which it is not.
  func evaluate(
    _ visits: [Visit<Scalar>],
    absorb: (
      _ visit: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, _ variances: Row<Scalar>?
    ) -> Bool
  ) throws -> Int? {
    var failed: Int?
    var first = 0
    while first < visits.count {
      let size = sizes.next(for: visits.count - first)
      let count = min(size, visits.count - first)
      reserve(size)
      for row in 0..<count {
        let visit = visits[first + row]
        (times[row], samples[row]) = (visit.time, visit.sample)
        let factor = Scalar(parametrization.inputScale(at: visit.time))
        scale(self.row(row, of: input), factor, visit.state)
      }
      fill(count..<size)
      let seconds = try call(size)
      calls += 1
      sizes.note(size, seconds: seconds)
      if latency > 0 { Thread.sleep(forTimeInterval: latency) }
      if rows > 1 { keepWitnesses(count, of: size) }
      for row in 0..<count {
        let prediction = self.row(row, of: output)
        let conversion = conversion(of: prediction, visits[first + row])
        let variances = hasVariances ? self.row(row, of: variances) : nil
        if !absorb(first + row, prediction, conversion, variances), failed == nil { failed = first + row }
      }
      evaluations += count
      first += count
    }
    return failed
  }

  /// Fills a call up with copies of its first row.
  private func fill(_ places: Range<Int>) {
    for row in places {
      (times[row], samples[row]) = (times[0], samples[0])
      copy(self.row(0, of: input), to: self.row(row, of: input))
    }
  }

  /// Some of the rows that were just evaluated, among those that are kept.
  private func keepWitnesses(_ count: Int, of size: Int) {
    for row in 0..<count {
      witnesses?.offer(from: size) {
        TestRow(time: times[row], sample: samples[row], input: Array(self.row(row, of: input)))
      } prediction: {
        Array(self.row(row, of: output))
      }
    }
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

  /// One call of the model with rows that are not the run's.
  func predictions(of rows: [TestRow<Scalar>]) throws -> (rows: [[Scalar]], seconds: Double) {
    reserve(rows.count)
    for (place, row) in rows.enumerated() {
      (times[place], samples[place]) = (row.time, row.sample)
      row.input.withUnsafeBufferPointer { _ = self.row(place, of: input).update(fromContentsOf: $0) }
    }
    let seconds = try call(rows.count)
    return (rows.indices.map { Array(row($0, of: output)) }, seconds)
  }

  /// Seconds of one call of `count` rows, whatever the batch holds.
  ///
  /// - Throws: what the model throws.
  public func time(_ count: Int, at node: NoiseTime) throws -> Double {
    reserve(count)
    for row in 0..<count { (times[row], samples[row]) = (node, 0) }
    return try call(count) + latency
  }

  /// Seconds of the calls for so many rows, by what the run's own calls have taken.
  public func expectedSeconds(of count: Int) -> Double {
    let cost = sizes.cost(of: count)
    return cost.seconds + Double(cost.calls) * latency
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

  /// - Returns: the seconds that it took.
  private func call(_ count: Int) throws -> Double {
    let elements = 0..<(count * dimension)
    let (times, samples) = (times, samples)
    var predictions = Row(rebasing: output[elements]).mutableSpan
    let start = ContinuousClock.now
    let states = Row(rebasing: input[elements]).span
    let (rowTimes, rowSamples) = (times.span.extracting(0..<count), samples.span.extracting(0..<count))
    if hasVariances {
      var variances = Row(rebasing: variances[elements]).mutableSpan
      try model.predict(states, at: rowTimes, of: rowSamples, into: &predictions, variances: &variances)
    } else {
      try model.predict(states, at: rowTimes, of: rowSamples, into: &predictions)
    }
    return (ContinuousClock.now - start) / .seconds(1)
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
