import Foundation

/// The orthonormal Hartley transform of a square array along both axes,
/// `O(n log n)` for `n` elements, by the radix-2 recursion of Bracewell
/// (Proceedings of the IEEE, 1984).
///
/// Its kernel is `cas(2 pi j k / side)`, `cas = cos + sin`, for rows and
/// columns; it is its own inverse.
struct HartleyTransform<Scalar: StateScalar> {
  let side: Int
  /// The array, row by row; `apply` leaves rows and columns exchanged.
  var values: [Scalar]
  private var scratch: [Scalar]
  private let reversed: [Int]
  private let cosines: [Scalar]
  private let sines: [Scalar]

  /// - Parameter side: a power of two.
  init(side: Int) {
    self.side = side
    values = [Scalar](repeating: 0, count: side * side)
    scratch = values
    let bits = side.trailingZeroBitCount
    reversed = (0..<side).map { index in
      (0..<bits).reduce(0) { $0 | (index >> $1 & 1) << (bits - 1 - $1) }
    }
    let angles = (0..<max(side / 2, 1)).map { 2 * Double.pi * Double($0) / Double(side) }
    cosines = angles.map { Scalar(cos($0)) }
    sines = angles.map { Scalar(sin($0)) }
  }

  mutating func load(_ array: Span<Scalar>) {
    for k in 0..<values.count { values[k] = array[k] }
  }

  /// Transforms along both axes, and exchanges rows and columns.
  mutating func apply() {
    let scale = 1 / Scalar(side)
    for row in 0..<side {
      let (from, to) = (row * side, reversed[row] * side)
      for column in 0..<side { scratch[to + column] = scale * values[from + column] }
    }
    transformColumns(&scratch)
    exchange()
    transformColumns(&values)
  }

  /// `values[reversed(j)][i] = scratch[i][j]`, in tiles that fit the cache.
  private mutating func exchange() {
    let tile = min(side, 16)
    for top in stride(from: 0, to: side, by: tile) {
      for left in stride(from: 0, to: side, by: tile) {
        for column in left..<(left + tile) {
          let to = reversed[column] * side
          for row in top..<(top + tile) { values[to + row] = scratch[row * side + column] }
        }
      }
    }
  }

  /// One-dimensional transforms of all columns; rows come in bit-reversed
  /// order. Strips of columns stay in the cache over all stages.
  private func transformColumns(_ array: inout [Scalar]) {
    array.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      let width = min(side, 64)
      for left in stride(from: 0, to: side, by: width) {
        var half = 1
        while half < side {
          for block in stride(from: 0, to: side, by: 2 * half) {
            let (even, odd) = (base + block * side + left, base + (block + half) * side + left)
            combine(even, odd, half: half, width: width)
          }
          half *= 2
        }
      }
    }
  }

  /// Joins the transforms of even and odd elements:
  /// `H[k] = E[k] + cos(2 pi k / 2 half) O[k] + sin(2 pi k / 2 half) O[half - k]`.
  private func combine(
    _ even: UnsafeMutablePointer<Scalar>, _ odd: UnsafeMutablePointer<Scalar>, half: Int, width: Int
  ) {
    sumAndDifference(even, odd, width: width)
    if half > 1 {
      let middle = half / 2 * side
      sumAndDifference(even + middle, odd + middle, width: width)
    }
    for k in stride(from: 1, to: half / 2, by: 1) {
      let (c, s) = (cosines[k * (side / 2 / half)], sines[k * (side / 2 / half)])
      let (low, high) = (k * side, (half - k) * side)
      rotate(even + low, odd + low, even + high, odd + high, c, s, width: width)
    }
  }

  private func sumAndDifference(
    _ a: UnsafeMutablePointer<Scalar>, _ b: UnsafeMutablePointer<Scalar>, width: Int
  ) {
    for x in 0..<width {
      let (sum, difference) = (a[x] + b[x], a[x] - b[x])
      a[x] = sum
      b[x] = difference
    }
  }

  private func rotate(
    _ evenLow: UnsafeMutablePointer<Scalar>, _ oddLow: UnsafeMutablePointer<Scalar>,
    _ evenHigh: UnsafeMutablePointer<Scalar>, _ oddHigh: UnsafeMutablePointer<Scalar>,
    _ c: Scalar, _ s: Scalar, width: Int
  ) {
    for x in 0..<width {
      let low = c * oddLow[x] + s * oddHigh[x]
      let high = s * oddLow[x] - c * oddHigh[x]
      oddLow[x] = evenLow[x] - low
      evenLow[x] += low
      oddHigh[x] = evenHigh[x] - high
      evenHigh[x] += high
    }
  }
}
