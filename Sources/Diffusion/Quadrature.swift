import Foundation

/// Nodes in (-1, 1) and weights of Gauss and Legendre's formula of so many points.
private func gaussLegendre(_ count: Int) -> [(node: Double, weight: Double)] {
  (0..<count).map { index in
    // Newton's method on the Legendre polynomial, from near its root.
    var x = cos(.pi * (Double(index) + 0.75) / (Double(count) + 0.5))
    var slope = 1.0
    for _ in 0..<100 {
      var (before, value) = (1.0, x)
      for k in 2...count {
        (before, value) = (value, ((2 * Double(k) - 1) * x * value - (Double(k) - 1) * before) / Double(k))
      }
      slope = Double(count) * (x * value - before) / (x * x - 1)
      let step = value / slope
      x -= step
      if abs(step) < 1e-15 { break }
    }
    return (x, 2 / ((1 - x * x) * slope * slope))
  }
}

private let points = gaussLegendre(16)

/// The integral of a function, to rounding where it is a polynomial of degree 31 or an
/// exponential of a few units of length.
func integral(from a: Double, to b: Double, _ f: (Double) -> Double) -> Double {
  points.reduce(0) { $0 + $1.weight * f((a + b) / 2 + (b - a) / 2 * $1.node) } * (b - a) / 2
}

/// The polynomials through `nodes` that are 1 at one of them and 0 at the others, at `x`.
func lagrange(_ nodes: [Double], _ index: Int, at x: Double) -> Double {
  nodes.indices.reduce(1) { product, other in
    other == index ? product : product * (x - nodes[other]) / (nodes[index] - nodes[other])
  }
}

/// `phi_0 = exp(z)`, `phi_k = (phi_(k-1) - 1/(k-1)!) / z`: what exponential integrators are
/// made of.
func phi(_ k: Int, _ z: Double) -> Double {
  if abs(z) < 1 {
    // 1/k! + z/(k+1)! + ...; twenty terms are left below rounding.
    var term = (1...max(k, 1)).reduce(1.0) { $0 / Double($1) }
    var sum = 0.0
    for n in 0..<20 {
      sum += term
      term *= z / Double(k + n + 1)
    }
    return sum
  }
  if k == 0 { return exp(z) }
  if k == 1 { return expm1(z) / z }
  let factorial = (1..<k).reduce(1.0) { $0 * Double($1) }
  return (phi(k - 1, z) - 1 / factorial) / z
}

/// The solution of a few linear equations, by elimination with pivots.
func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double] {
  var (a, b) = (matrix, right)
  let count = b.count
  for column in 0..<count {
    let pivot = (column..<count).max { abs(a[$0][column]) < abs(a[$1][column]) } ?? column
    a.swapAt(column, pivot)
    b.swapAt(column, pivot)
    for row in (column + 1)..<max(count, column + 1) {
      let factor = a[row][column] / a[column][column]
      for k in column..<count { a[row][k] -= factor * a[column][k] }
      b[row] -= factor * b[column]
    }
  }
  for row in (0..<count).reversed() {
    b[row] = ((row + 1)..<max(count, row + 1)).reduce(b[row]) { $0 - a[row][$1] * b[$1] } / a[row][row]
  }
  return b
}
