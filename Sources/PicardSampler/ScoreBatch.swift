public import Diffusion
import Foundation

/// Evaluates a model on time slices, in batches of rows.
///
/// Counts rows and calls, and makes sure that a row's bits do not depend on
/// the rest of its batch.
public final class ScoreBatch<Scalar: StateScalar> {
  public let model: any ScoreModel<Scalar>
  /// Rows a call at most.
  public let rows: Int
  /// A row alone gave the bits of the same row in a batch. Where it did not,
  /// every call is filled up to `rows` rows.
  public private(set) var isInvariant = true
  /// Rows that were asked for.
  public private(set) var evaluations = 0
  public private(set) var calls = 0

  private let latency: Double
  private var input: [Scalar]
  private var output: [Scalar]
  private var times: [NoiseTime]
  /// The sample that each row belongs to.
  private var samples: [Int]

  /// - Parameters:
  ///   - rows: rows a call at most.
  ///   - latency: seconds added to every call, for scaling studies.
  public init(_ model: any ScoreModel<Scalar>, rows: Int, latency: Double = 0) {
    precondition(rows > 0)
    self.model = model
    self.rows = rows
    self.latency = latency
    input = [Scalar](repeating: 0, count: rows * model.dimension)
    output = input
    times = [NoiseTime](repeating: .clean, count: rows)
    samples = [Int](repeating: 0, count: rows)
  }

  /// Evaluates rows alone and in batches of other sizes, and compares bits.
  ///
  /// - Parameter nodes: noise times that a run visits.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func checkInvariance(at nodes: [NoiseTime]) throws {
    let dimension = model.dimension
    var states = [Scalar](repeating: 0, count: rows * dimension)
    let noise = CounterNoise(seed: 0x5ca1ab1e)
    for row in 0..<rows {
      var all = states.mutableSpan
      var one = all._mutatingExtracting((row * dimension)..<((row + 1) * dimension))
      noise.fill(&one, stream: .initialState, step: 0, sample: row)
    }
    func load(_ source: Int, into row: Int) {
      times[row] = nodes[source % nodes.count]
      let scale = Scalar(model.parametrization.inputScale(at: times[row]))
      for k in 0..<dimension { input[row * dimension + k] = scale * states[source * dimension + k] }
    }
    for row in 0..<rows { load(row, into: row) }
    try call(rows)
    let together = output
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

  /// Evaluates `f` on slices and hands it to them.
  ///
  /// - Returns: the index of the first slice whose value is not finite.
  func evaluate(
    _ slices: [(slice: TimeSlice<Scalar>, quantity: StepQuantity, sample: Int)]
  ) throws -> Int? {
    let dimension = model.dimension
    var failed: Int?
    var first = 0
    while first < slices.count {
      let count = min(rows, slices.count - first)
      for row in 0..<count {
        let (slice, _, sample) = slices[first + row]
        times[row] = slice.map.time
        samples[row] = sample
        let factor = model.parametrization.inputScale(at: slice.map.time)
        scale(&input, from: row * dimension, Scalar(factor), slice.state.position)
      }
      try call(isInvariant ? count : padded(count))
      for row in 0..<count {
        let (slice, quantity, _) = slices[first + row]
        let conversion = conversion(row, slice, to: quantity)
        let output = output
        let prediction = output.span.extracting((row * dimension)..<((row + 1) * dimension))
        if !slice.absorb(prediction, conversion), failed == nil { failed = first + row }
      }
      evaluations += count
      first += count
    }
    return failed
  }

  /// The coefficients that turn a row's prediction into `quantity`. Where the
  /// model's estimates are bounded, the prediction becomes the bounded estimate
  /// first.
  private func conversion(
    _ row: Int, _ slice: TimeSlice<Scalar>, to quantity: StepQuantity
  ) -> (state: Double, prediction: Double) {
    let time = slice.map.time
    guard let bound = model.bound else { return model.parametrization.conversion(to: quantity, at: time) }
    let estimate = model.parametrization.conversion(to: .denoised, at: time)
    bound.apply(
      to: &output, from: row * model.dimension, state: slice.state.position, estimate,
      unbounded: slice.map.unbounded)
    return Parametrization.sample.conversion(to: quantity, at: time)
  }

  /// Seconds of one call.
  func time(_ count: Int, at node: NoiseTime) throws -> Double {
    for row in 0..<count { (times[row], samples[row]) = (node, 0) }
    let clock = ContinuousClock()
    let start = clock.now
    try call(count)
    return (clock.now - start) / .seconds(1)
  }

  /// Fills the rest of the batch with copies of its first row.
  private func padded(_ count: Int) -> Int {
    let dimension = model.dimension
    for row in count..<rows {
      (times[row], samples[row]) = (times[0], samples[0])
      for k in 0..<dimension { input[row * dimension + k] = input[k] }
    }
    return rows
  }

  private func call(_ count: Int) throws {
    let dimension = model.dimension
    let (input, times, samples) = (input, times, samples)
    // Moved out and back, since a span cannot be taken of a class's property.
    var output: [Scalar] = []
    swap(&output, &self.output)
    defer { swap(&output, &self.output) }
    var span = output.mutableSpan
    var predictions = span._mutatingExtracting(0..<(count * dimension))
    try model.predict(
      input.span.extracting(0..<(count * dimension)), at: times.span.extracting(0..<count),
      of: samples.span.extracting(0..<count), into: &predictions)
    calls += 1
    if latency > 0 { Thread.sleep(forTimeInterval: latency) }
  }
}
