import Diffusion

/// Boundary states on their way between ranks.
extension PicardSolver {
  /// Runs of at most 2^17 elements: a chunk's end then leaves while the rest of
  /// what it depends on is still arriving, so that the hops of large states
  /// overlap.
  static func messageSegments(_ dimension: Int) -> [Range<Int>] {
    let length = 1 << 17
    return stride(from: 0, to: dimension, by: length).map { $0..<min($0 + length, dimension) }
  }

  func send(_ row: Row<Scalar>, to destination: Int) throws {
    observer?.sent(bytes: row.span.bytes.byteCount, to: destination)
    try ring.send(row.span.bytes, to: destination)
  }

  func receive(_ row: Row<Scalar>, from source: Int) throws {
    var span = row.mutableSpan
    var bytes = span.mutableBytes
    try clock.awaitMessage(of: bytes.byteCount, from: source) {
      try ring.receive(into: &bytes, from: source) { drawAheadOfMessage() }
    }
  }

  func send(_ state: State<Scalar>, to destination: Int) throws {
    for component in 0..<state.components { try send(state[component], to: destination) }
  }

  func receive(_ state: State<Scalar>, from source: Int) throws {
    for component in 0..<state.components { try receive(state[component], from: source) }
  }

  /// An edge travels as one message, since it is a whole round's last wait: the
  /// state's components, and the guess of `f`.
  func send(_ edge: Edge, to destination: Int) throws {
    for component in 0..<edge.state.components {
      copy(edge.state[component], to: passingEdge(component))
    }
    copy(edge.value, to: passingEdge(edge.state.components))
    try send(passingEdge(all: edge.state.components + 1), to: destination)
  }

  /// Takes an edge into a chunk that has no open slices.
  func receiveEdge(of chunk: Chunk<Scalar>, from source: Int) throws {
    try receive(passingEdge(all: chunk.components + 1), from: source)
    for component in 0..<chunk.components {
      copy(passingEdge(component), to: chunk.end[component])
    }
    copy(passingEdge(chunk.components), to: chunk.leftValue)
  }

  private func passingEdge(_ row: Int) -> Row<Scalar> {
    Row(rebasing: passingEdge[0][(row * batch.dimension)..<((row + 1) * batch.dimension)])
  }

  private func passingEdge(all rows: Int) -> Row<Scalar> {
    Row(rebasing: passingEdge[0][..<(rows * batch.dimension)])
  }
}
