package import Diffusion

/// One row of numbers, in memory that `Rows` owns.
package typealias Row<Scalar> = UnsafeMutableBufferPointer<Scalar>

/// Rows of numbers in one piece of memory, each of them on a cache line of its
/// own. A row is valid for as long as its owner lives.
package final class Rows<Scalar: StateScalar> {
  private let memory: UnsafeMutableRawPointer
  private let stride: Int
  let length: Int
  private let count: Int

  /// - Parameter length: numbers of a row; they start as zero.
  package init(_ count: Int, of length: Int) {
    let cacheLine = 64
    let bytes = length * MemoryLayout<Scalar>.stride
    stride = (bytes + cacheLine - 1) / cacheLine * cacheLine
    self.length = length
    self.count = count
    memory = .allocate(byteCount: count * stride, alignment: cacheLine)
    for row in 0..<count {
      (memory + row * stride).initializeMemory(as: Scalar.self, repeating: 0, count: length)
    }
  }

  deinit { memory.deallocate() }

  package subscript(row: Int) -> Row<Scalar> {
    precondition(row >= 0 && row < count)
    return Row(
      start: (memory + row * stride).assumingMemoryBound(to: Scalar.self), count: length)
  }
}
