/// What a model promises to its samplers, checked: for models of one's own.
///
///     let test = try SelfTest(of: RingModel(), at: [0.01, 0.1, 1, 5].map { NoiseTime(s: $0) })
///     print(test)
///
/// The states are standard normal numbers, the same in every run. Where the
/// model is a `LogDensity`, its score is compared with differences of that.
public struct SelfTest: Hashable, Sendable, CustomStringConvertible {
  /// What a model promises.
  public enum Property: String, Hashable, Sendable {
    /// At least one axis, all lengths positive.
    case shape
    /// Every element of the output is set, to a finite number.
    case finiteness
    /// The same call gives the same bits again.
    case repeatability
    /// A row keeps its bits when the other rows of its batch change.
    case independence
    /// A row has the same bits in batches of other sizes. Samplers fill
    /// batches up to one size where it does not.
    case batchInvariance = "batch invariance"
    /// The score is the gradient of the log-density.
    case score
  }

  /// What became of one promise.
  public struct Finding: Hashable, Sendable {
    /// The promise.
    public let property: Property
    /// Whether it is kept.
    public let holds: Bool
    /// What was seen, in words.
    public let detail: String
  }

  /// What was checked, in the order of `Property`; a wrong shape or a number
  /// that is not finite ends the test.
  public private(set) var findings: [Finding] = []

  /// Every property holds.
  public var passed: Bool { findings.allSatisfy(\.holds) }

  /// Samplers give right results: every property holds, batch invariance
  /// aside.
  public var isUsable: Bool { findings.allSatisfy { $0.holds || $0.property == .batchInvariance } }

  public var description: String {
    findings.map { "\($0.property.rawValue): \($0.holds ? "holds" : "DOES NOT HOLD"), \($0.detail)" }
      .joined(separator: "\n")
  }

  /// Evaluates the model some dozen times.
  ///
  /// - Parameters:
  ///   - model: what is tested.
  ///   - times: noise times that the model is for, `sigma > 0`; at least one.
  ///   - rows: rows of the largest batch, at least 2.
  /// - Throws: `DiffusionError` for no noise time or fewer than two rows; what `predict`
  ///   throws.
  public init<Model: ScoreModel>(
    of model: Model, at times: [NoiseTime], rows: Int = 64
  ) throws {
    guard !times.isEmpty, times.allSatisfy({ $0.sigma > 0 }) else {
      throw DiffusionError("a model is tested at one noise time at least, all of them with noise")
    }
    guard rows >= 2 else { throw DiffusionError("a model is tested with 2 `rows` at least, not \(rows)") }
    let shape = model.shape
    guard !shape.isEmpty, shape.allSatisfy({ $0 > 0 }) else {
      note(.shape, false, "\(shape): at least one axis and positive lengths are needed")
      return
    }
    note(.shape, true, "\(shape), \(model.dimension) elements")

    let batch = TestBatch(model, times: times, rows: rows)
    // Two calls that find different numbers in the output they are to fill.
    let together = try batch.predict(0..<rows, filling: 0)
    let again = try batch.predict(0..<rows, filling: 1)
    let unset = together.indices.first { together[$0] == 0 && again[$0] == 1 }
    let bad = together.indices.first { !together[$0].isFinite || !again[$0].isFinite }
    if let index = unset ?? bad {
      let what = unset == nil ? "is \(together[index])" : "was left unset"
      note(.finiteness, false, "element \(index % model.dimension) of the output \(what), \(batch.place(index))")
      return
    }
    note(.finiteness, true, "in \(rows) rows at \(min(times.count, rows)) noise times")
    note(.repeatability, together == again, Self.difference(together, again))

    // Half of the rows in place beside others: larger ones, which decide what a batch shares by
    // its largest element, and smaller ones, which leave that to each half in turn.
    let (first, second) = (0..<rows / 2, rows / 2..<rows)
    var changed: (expected: ArraySlice<Model.Scalar>, found: ArraySlice<Model.Scalar>)?
    for (kept, company) in [(first, TestBatch<Model>.Company.larger), (first, .smaller), (second, .smaller)] {
      let mixed = try batch.predict((0..<rows).map { kept.contains($0) ? $0 : $0 + rows * company.rawValue }, filling: 0)
      let elements = kept.lowerBound * model.dimension..<kept.upperBound * model.dimension
      if changed == nil, mixed[elements] != together[elements] { changed = (together[elements], mixed[elements]) }
    }
    note(
      .independence, changed == nil,
      changed.map { Self.difference($0.expected, $0.found) } ?? "the same bits beside larger and smaller rows")

    var largest = ("the same bits in every batch", 0.0)
    // Sizes at which matrix kernels are known to change, and uneven ones.
    for size in [1, 2, 3, 8, 31, 48] where size < rows {
      let expected = Array(together.suffix(size * model.dimension))
      let found = try batch.predict((rows - size)..<rows, filling: 0)
      let change = Self.relativeDifference(expected, found)
      if expected != found, change >= largest.1 {
        largest = ("up to \(change) of the largest element off in batches of \(size) and of \(rows) rows", change)
      }
      if expected != found, largest.1 == 0 { largest.1 = .leastNonzeroMagnitude }
    }
    note(.batchInvariance, largest.1 == 0, largest.0)

    if let density = model as? any LogDensity {
      let (difference, place) = batch.scoreDifference(together, density)
      // Rounding of the state's type, amplified by 1/sigma; wrong scores are
      // off by much more.
      let limit = Model.Scalar.significandBitCount > 23 ? 1e-4 : 1e-3
      note(.score, difference <= limit, "\(difference) of its size from differences of the log-density, \(place)")
    }
  }

  private mutating func note(_ property: Property, _ holds: Bool, _ detail: String) {
    findings.append(Finding(property: property, holds: holds, detail: detail))
  }

  private static func difference<Scalar: StateScalar>(
    _ a: some Collection<Scalar>, _ b: some Collection<Scalar>
  ) -> String {
    a.elementsEqual(b) ? "the same bits" : "off by up to \(relativeDifference(a, b)) of the largest element"
  }

  /// The largest difference over the largest element.
  private static func relativeDifference<Scalar: StateScalar>(
    _ a: some Collection<Scalar>, _ b: some Collection<Scalar>
  ) -> Double {
    let size = a.reduce(0) { max($0, Double(abs($1))) }
    return zip(a, b).reduce(0) { max($0, Double(abs($1.0 - $1.1))) } / max(size, .leastNormalMagnitude)
  }
}

/// Rows of noise, and a model's predictions for any selection of them.
private struct TestBatch<Model: ScoreModel> {
  typealias Scalar = Model.Scalar

  let model: Model
  let times: [NoiseTime]
  let rows: Int
  private let noise = CounterNoise(seed: 0x5e1f)

  init(_ model: Model, times: [NoiseTime], rows: Int) {
    (self.model, self.times, self.rows) = (model, times, rows)
  }

  /// Rows that stand in for others: row `i + n rows` is another state than row `i`, at the same
  /// noise time.
  enum Company: Int {
    case larger = 1
    case smaller
  }

  func time(_ row: Int) -> NoiseTime { times[row % rows % times.count] }

  func state(_ row: Int) -> [Scalar] {
    let state: [Scalar] = noise.normals(model.dimension, stream: .initialState, step: 0, sample: row)
    switch Company(rawValue: row / rows) {
    case nil: return state
    case .larger: return state.map { 8 * $0 }
    case .smaller: return state.map { $0 / 8 }
    }
  }

  func place(_ index: Int) -> String { "at noise time \(time(index / model.dimension).s)" }

  func predict(_ selection: some Collection<Int>, filling value: Scalar) throws -> [Scalar] {
    let input = selection.flatMap { row in
      let scale = Scalar(model.parametrization.inputScale(at: time(row)))
      return state(row).map { scale * $0 }
    }
    let times = selection.map { time($0) }
    // All of the first sample: where rows have conditions, there may be one only.
    let samples = selection.map { _ in 0 }
    var output = [Scalar](repeating: value, count: input.count)
    var span = output.mutableSpan
    try model.predict(input.span, at: times.span, of: samples.span, into: &span)
    return output
  }

  /// The root mean square over random directions of the difference between
  /// the score and a central difference of the log-density, in units of a
  /// score's component: the largest of the rows, and where.
  func scoreDifference(_ predictions: [Scalar], _ density: any LogDensity) -> (Double, String) {
    let dimension = model.dimension
    let directions = 8
    var worst = (0.0, "at every noise time")
    for row in 0..<min(rows, 16) {
      let time = time(row)
      let (p, q) = model.parametrization.conversion(to: .score, at: time)
      let state = state(row).map { Double($0) }
      let score = (0..<dimension).map { p * state[$0] + q * Double(predictions[row * dimension + $0]) }
      // Well below the distance over which a density with noise sigma changes,
      // well above the rounding of its logarithm.
      let step = 1e-5 * time.sigma
      var sum = 0.0
      for number in 0..<directions {
        let raw: [Double] = noise.normals(dimension, stream: .step, step: number, sample: row)
        let length = raw.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let direction = raw.map { $0 / length }
        func density(_ sign: Double) -> Double {
          logDensity(zip(state, direction).map { $0 + sign * step * $1 }, time)
        }
        let slope = (density(1) - density(-1)) / (2 * step)
        let along = zip(score, direction).reduce(0) { $0 + $1.0 * $1.1 }
        sum += (along - slope) * (along - slope)
      }
      let size = (score.reduce(0) { $0 + $1 * $1 } / Double(dimension)).squareRoot()
      let difference = (sum / Double(directions)).squareRoot() / max(size, .leastNormalMagnitude)
      if !(difference <= worst.0) { worst = (difference.isNaN ? .infinity : difference, place(row * dimension)) }
    }
    return worst

    func logDensity(_ state: [Double], _ time: NoiseTime) -> Double { density.logDensity(of: state, at: time) }
  }
}
