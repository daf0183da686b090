import Diffusion
import Testing

/// A Gaussian of mean 1 and variance 0.1 in three dimensions, with one fault.
private final class FaultyModel<Scalar: StateScalar>: ScoreModel, LogDensity {
  enum Fault: Hashable {
    case none
    case emptyShape, zeroLength
    case unsetElement, nanNearTheData, infinity
    case memory
    case otherRows
    case batchSize
    case forgottenAlpha, wrongSign, oneElement
  }

  let fault: Fault
  private var calls = 0

  init(_ fault: Fault) { self.fault = fault }

  var shape: [Int] {
    switch fault {
    case .emptyShape: []
    case .zeroLength: [3, 0]
    default: [3]
    }
  }
  var parametrization: Parametrization { .score }

  func predict(_ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>) {
    calls += 1
    for row in 0..<times.count {
      let (alpha, sigma) = (times[row].alpha, times[row].sigma)
      for k in 3 * row..<3 * row + 3 {
        var mean = fault == .forgottenAlpha ? 1 : alpha
        if fault == .otherRows { mean += 1e-3 * Double(states[3 * (times.count - 1)]) }
        var score = (mean - Double(states[k])) / (0.1 * alpha * alpha + sigma * sigma)
        if fault == .memory { score += 1e-3 * Double(calls) }
        if fault == .batchSize { score *= 1 + 1e-6 * Double(times.count) }
        if fault == .wrongSign { score = -score }
        if fault == .oneElement, k % 3 == 1 { score *= 1.02 }
        if fault == .nanNearTheData, sigma < 0.2 { score = .nan }
        if fault == .infinity { score = .infinity }
        if fault == .unsetElement, k == 5 { continue }
        output[k] = Scalar(score)
      }
    }
  }

  func logDensity(of state: [Double], at time: NoiseTime) -> Double {
    let (alpha, sigma) = (time.alpha, time.sigma)
    return state.reduce(0) { $0 - ($1 - alpha) * ($1 - alpha) / (2 * (0.1 * alpha * alpha + sigma * sigma)) }
  }
}

@Suite struct SelfTestTests {
  private let times = [1e-3, 0.01, 0.1, 1, 5].map { NoiseTime(s: $0) }

  @Test func `models with exact scores pass in both precisions`() throws {
    func check<Scalar: StateScalar>(_: Scalar.Type) throws {
      let models: [any ScoreModel<Scalar>] = [
        FaultyModel<Scalar>(.none),
        try Gaussian<Scalar>(mean: [1, -2, 0.5, 0], variances: [0.1, 1, 4, 1e-4]),
        try GaussianMixture<Scalar>(means: [[2, 0, 1], [-2, 0, 1], [0, 1, 1]], variance: 0.05, weights: [1, 2, 3]),
      ]
      for model in models {
        let test = try SelfTest(of: model, at: times)
        #expect(test.passed && test.isUsable, "\(test)")
        #expect(
          test.findings.map(\.property)
            == [.shape, .finiteness, .repeatability, .independence, .batchInvariance, .score])
      }
    }
    try check(Float.self)
    try check(Double.self)
  }

  @Test func `without a log-density the score is not looked at`() throws {
    struct Unknown: ScoreModel {
      let shape = [2, 3]
      let parametrization = Parametrization.denoiser
      func predict(_ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>) {
        for index in 0..<states.count { output[index] = states[index] / 2 }
      }
    }
    let test = try SelfTest(of: Unknown(), at: times, rows: 2)
    #expect(test.passed)
    #expect(test.findings.map(\.property) == [.shape, .finiteness, .repeatability, .independence, .batchInvariance])
  }

  @Test(
    arguments: [
      (.emptyShape, .shape), (.zeroLength, .shape),
      (.unsetElement, .finiteness), (.nanNearTheData, .finiteness), (.infinity, .finiteness),
      (.memory, .repeatability),
      (.otherRows, .independence),
      (.batchSize, .batchInvariance),
      (.forgottenAlpha, .score), (.wrongSign, .score), (.oneElement, .score),
    ] as [(FaultyModel<Double>.Fault, SelfTest.Property)])
  private func `a fault is found, and named by the property it breaks`(
    fault: FaultyModel<Double>.Fault, property: SelfTest.Property
  ) throws {
    let test = try SelfTest(of: FaultyModel<Double>(fault), at: times)
    #expect(test.findings.first { !$0.holds }?.property == property, "\(test)")
    #expect(!test.passed)
    #expect(test.isUsable == (property == .batchInvariance))
    #expect(test.description.contains("\(property.rawValue): DOES NOT HOLD"))
  }

  @Test func `a prediction of another kind is brought to the score before it is compared`() throws {
    /// The noise in a state that is standard normal at every noise time.
    struct Noise: ScoreModel, LogDensity {
      let shape = [4]
      let parametrization: Parametrization
      func predict(_ states: Span<Double>, at times: Span<NoiseTime>, into output: inout MutableSpan<Double>) {
        for index in 0..<states.count { output[index] = times[index / 4].sigma * states[index] }
      }
      func logDensity(of state: [Double], at time: NoiseTime) -> Double { -state.reduce(0) { $0 + $1 * $1 } / 2 }
    }
    #expect(try SelfTest(of: Noise(parametrization: .noise), at: times).passed)
    #expect(try !SelfTest(of: Noise(parametrization: .velocity), at: times).passed)
  }
}
