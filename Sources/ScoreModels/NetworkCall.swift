public import Diffusion

/// One call of a network with one row, as a runtime gets and answers it: to be compared
/// with another runtime's.
public struct NetworkCall: Sendable {
  /// Numbers of an input or output, in single precision whatever the type in the file.
  public struct Tensor: Hashable, Sendable {
    /// Of the input or output in the file.
    public let name: String
    /// Lengths of the axes, that of the rows first.
    public let shape: [Int]
    /// The numbers, the last axis fastest.
    public let values: [Float]
  }

  /// The network's file.
  public let file: String
  /// What the network was given.
  public let inputs: [Tensor]
  /// The prediction.
  public let output: Tensor
}

extension OpenVINOModel {
  /// Evaluates one row and says what the network was given and what came of it. Guidance is
  /// left out; a network with a fixed batch gets copies of the row.
  ///
  /// - Parameters:
  ///   - state: in the model's scaling, as many numbers as a sample has.
  ///   - time: where it is.
  /// - Throws: `ScoreModelError`.
  public func call(_ state: [Scalar], at time: NoiseTime) throws -> NetworkCall {
    var recorded: NetworkCall?
    recorder = { file, output, inputs, shape, values in
      func tensor(_ name: String, _ shape: [Int], _ values: UnsafePointer<Float>) -> NetworkCall.Tensor {
        let count = shape.reduce(1, *)
        return NetworkCall.Tensor(
          name: name, shape: shape, values: Array(UnsafeBufferPointer(start: values, count: count)))
      }
      recorded = NetworkCall(
        file: file, inputs: inputs.map { tensor($0.port.name, $0.shape, $0.values) },
        output: tensor(output, shape, values))
    }
    defer { recorder = nil }
    var prediction = state
    let times = [time]
    try withoutGuidance {
      var span = prediction.mutableSpan
      try predict(state.span, at: times.span, into: &span)
    }
    guard let recorded else { throw ScoreModelError(.evaluation, "the network was not called") }
    return recorded
  }
}
