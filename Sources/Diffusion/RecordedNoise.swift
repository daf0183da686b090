/// A source whose initial states have a standard deviation other than 1.
public struct ScaledStart: NoiseSource {
  let source: any NoiseSource
  let deviation: Double

  /// The numbers of `source`, initial states times `deviation`.
  public init(_ source: any NoiseSource, deviation: Double) {
    self.source = source
    self.deviation = deviation
  }

  public func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    source.fill(&output, stream: stream, step: step, sample: sample)
    guard stream == .initialState else { return }
    for k in 0..<output.count { output[k] *= Scalar(deviation) }
  }
}

/// A source whose initial states have the first step's churn.
public struct ChurnedStart: NoiseSource {
  let source: any NoiseSource
  let churn: StartChurn

  /// The numbers of `source`, initial states as the churn leaves them.
  public init(_ source: any NoiseSource, churn: StartChurn) {
    self.source = source
    self.churn = churn
  }

  public func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    source.fill(&output, stream: stream, step: step, sample: sample)
    guard stream == .initialState else { return }
    let noise: [Scalar] = source.normals(output.count, stream: .step, step: 0, sample: sample)
    for k in 0..<output.count { output[k] = Scalar(churn.factor) * output[k] + Scalar(churn.deviation) * noise[k] }
  }
}

/// Initial states and step noise from elsewhere, for comparisons with other
/// programs; numbers that were not recorded are drawn.
public struct RecordedNoise: NoiseSource, Sendable {
  /// Samples x dimension.
  let initialStates: [Double]?
  /// Steps x samples x dimension.
  let stepNoise: [Double]?
  let samples: Int
  /// The number of the first sample that was recorded.
  let firstSample: Int
  let drawn: CounterNoise

  /// - Parameters:
  ///   - initialStates: samples x dimension; `nil` draws them.
  ///   - stepNoise: steps x samples x dimension, standard normal; `nil` draws it.
  ///   - samples: number of samples that were recorded.
  ///   - firstSample: the number of the first of them.
  ///   - drawn: where numbers come from that were not recorded.
  public init(
    initialStates: [Double]?, stepNoise: [Double]?, samples: Int, firstSample: Int = 0, otherwise drawn: CounterNoise
  ) {
    self.initialStates = initialStates
    self.stepNoise = stepNoise
    self.samples = samples
    self.firstSample = firstSample
    self.drawn = drawn
  }

  /// Fills `output` with the recorded numbers of this stream, or draws them.
  public func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    let recorded: [Double]?
    let row: Int
    switch stream {
    case .initialState: (recorded, row) = (initialStates, sample - firstSample)
    case .step: (recorded, row) = (stepNoise, step * samples + sample - firstSample)
    default: (recorded, row) = (nil, 0)
    }
    guard let recorded else {
      drawn.fill(&output, stream: stream, step: step, sample: sample)
      return
    }
    let first = row * output.count
    for k in 0..<output.count { output[k] = Scalar(recorded[first + k]) }
  }
}
