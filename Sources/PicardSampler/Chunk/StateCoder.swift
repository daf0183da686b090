package import Diffusion

/// Passes over the properties of a solver's state, one call for each, to store
/// them as bytes or to read them back: the same calls in the same order do
/// both, so that a property is named once.
///
/// Numbers are little-endian; how many there are is not stored, but known from
/// the property that is read into.
package struct StateCoder {
  package private(set) var bytes: [UInt8]
  /// The next byte to read; `nil` while bytes are written.
  private var position: Int?

  /// Writes.
  package init() { bytes = [] }

  /// Reads what was written.
  package init(reading bytes: [UInt8]) {
    self.bytes = bytes
    position = 0
  }

  package mutating func code<Scalar: StateScalar>(_ numbers: inout [Scalar]) throws {
    try numbers.withUnsafeMutableBufferPointer { try code($0) }
  }

  package mutating func code<Scalar: StateScalar>(_ row: Row<Scalar>) throws {
    if position == nil {
      bytes.append(contentsOf: UnsafeRawBufferPointer(row))
    } else {
      let part = try take(row.count * MemoryLayout<Scalar>.size)
      bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(row).copyMemory(from: .init(rebasing: $0[part]))
      }
    }
  }

  package mutating func code(_ number: inout Double) throws {
    var one = [number]
    try code(&one)
    number = one[0]
  }

  package mutating func code(_ flag: inout Bool) throws {
    var number = flag ? 1 : 0
    try code(&number, in: 0...1)
    flag = number == 1
  }

  /// - Throws: where what is read is outside of its range.
  package mutating func code(_ number: inout Int, in range: ClosedRange<Int>) throws {
    var exact = Double(number)
    try code(&exact)
    guard let read = Int(exactly: exact), range.contains(read) else {
      throw StoredStateError("\(exact) is stored where a number from \(range.lowerBound) to \(range.upperBound) is needed")
    }
    number = read
  }

  /// Makes sure that all bytes were read.
  package func finish() throws {
    guard position == bytes.count else {
      throw StoredStateError("\(bytes.count) bytes are stored where \(position ?? 0) are needed")
    }
  }

  private mutating func take(_ count: Int) throws -> Range<Int> {
    guard let start = position, count <= bytes.count - start else {
      throw StoredStateError("\(bytes.count) bytes are stored where more are needed")
    }
    position = start + count
    return start..<(start + count)
  }
}

/// A stored state that does not fit the solver that is to go on from it.
public struct StoredStateError: Error, Hashable, Sendable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
