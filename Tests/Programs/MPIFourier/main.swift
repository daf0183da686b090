// The discrete Fourier transform of a square array whose rows are spread over
// the ranks: transform the rows, transpose the array by an all-to-all, transform
// the rows again, which are the columns now. The inverse gives the array back.

import Foundation
import MPI

let length = 84  // can be shared by 1, 2, 3, 4, 6 or 7 ranks

struct SizeError: Error, CustomStringConvertible {
  let description = "\(length) rows cannot be shared equally by the ranks"
}

/// The transform of one row, for any length: one prime factor after the other.
func transform(_ row: [Complex<Double>]) -> [Complex<Double>] {
  let count = row.count
  guard count > 1, let radix = (2...count).first(where: { count % $0 == 0 }) else { return row }
  let parts = (0..<radix).map { start in
    transform(stride(from: start, to: count, by: radix).map { row[$0] })
  }
  return (0..<count).map { index in
    (0..<radix).reduce(Complex.zero) { sum, part in
      let angle = -2 * Double.pi * Double(part * index % count) / Double(count)
      return sum + Complex(cos(angle), sin(angle)) * parts[part][index % (count / radix)]
    }
  }
}

runProgram { world in
  try world.agree { if length % world.size != 0 { throw SizeError() } }
  let rows = length / world.size
  let first = rows * world.rank

  func transformRows(_ field: [Complex<Double>]) -> [Complex<Double>] {
    (0..<rows).flatMap { transform(Array(field[length * $0..<length * ($0 + 1)])) }
  }

  func transpose(_ field: [Complex<Double>]) throws -> [Complex<Double>] {
    // The block of these rows and another rank's columns, transposed, is that
    // rank's part.
    var parts: [Complex<Double>] = []
    for column in 0..<length { for row in 0..<rows { parts.append(field[row * length + column]) } }
    let blocks = try world.allToAll(parts)
    var result = field
    for (index, value) in blocks.enumerated() {
      let (rank, place) = index.quotientAndRemainder(dividingBy: rows * rows)
      result[place / rows * length + rank * rows + place % rows] = value
    }
    return result
  }

  // A wave with 3 periods along the columns and 5 along the rows.
  let wave = (0..<rows * length).map { index in
    let phase = 3 * (first + index / length) + 5 * (index % length)
    return Complex(cos(2 * .pi * Double(phase % length) / Double(length)))
  }

  // The result is transposed: its rows are the columns of the array.
  let spectrum = transformRows(try transpose(transformRows(wave)))
  var largest = Located(0.0, at: 0)
  for (index, value) in spectrum.enumerated() where index % length < length / 2 {
    if value.squaredMagnitude > largest.value {
      largest = Located(value.squaredMagnitude, at: first * length + index)
    }
  }
  largest = try world.allReduce(largest, .maximumLocation())

  // The inverse is the transform of the conjugate.
  let back = transformRows(try transpose(transformRows(spectrum.map(\.conjugate))))
  let scale = 1 / Double(length * length)
  let error = zip(wave, back).map { wave, back in (wave - scale * back.conjugate).squaredMagnitude }
  let largestError = try world.allReduce(error.max() ?? 0, .maximum).squareRoot()

  if world.rank == 0 {
    let (column, row) = largest.location.quotientAndRemainder(dividingBy: length)
    print("largest coefficient: \(largest.value.squareRoot().rounded()) at (\(row), \(column))")
    print("back again to \(largestError < 1e-13 ? "13" : "fewer than 13") digits")
  }
}
