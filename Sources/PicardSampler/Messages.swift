import Diffusion

extension Ring {
  /// Sends runs of numbers, all of one length, as one message.
  func send<Scalar: StateScalar>(_ runs: [[Scalar]], to destination: Int) throws {
    let message = runs.count == 1 ? runs[0] : Array(runs.joined())
    try send(message.span.bytes, to: destination)
  }

  /// Waits for a message of `count` runs of `length` numbers each.
  func receive<Scalar: StateScalar>(
    _ count: Int, of length: Int, from source: Int
  ) throws -> [[Scalar]] {
    var message = [Scalar](repeating: 0, count: count * length)
    var span = message.mutableSpan
    var bytes = span.mutableBytes
    try receive(into: &bytes, from: source)
    guard count > 1 else { return [message] }
    return (0..<count).map { Array(message[($0 * length)..<(($0 + 1) * length)]) }
  }
}
