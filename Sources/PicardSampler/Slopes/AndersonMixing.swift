import Diffusion

/// Triangular Anderson mixing (Tang, Tang, Luo, Wang and Chang, ICML 2024): the
/// plain update `x + R` of a state becomes
///
///     x + R - (dX + dR) gamma,   (sum dR^T dR + lambda) gamma = sum dR^T R
///
/// with `dX`, `dR` the last changes of `x` and of its residual `R`, and the
/// sums over this state and all states to its left. States whose left
/// neighbours are exact take the plain update, which keeps the front of
/// exactness moving.
///
/// Each rank forms the products of its own states; the ranks agree on them together with
/// the changes (`MixedSlopes`).
public struct AndersonMixing: Hashable, Sendable {
  /// Iterates that are mixed.
  public var history: Int
  /// Weight that keeps `gamma` small where residuals hardly change.
  public var regularization = 1e-3

  /// Mixing over so many iterates, one or more.
  public init(history: Int) { self.history = history }

  /// Numbers that a state contributes to the sums.
  package var products: Int { history * (history + 1) / 2 + history }

  /// States that are remembered of each state: the last one and its residual,
  /// and their changes.
  var rows: Int { 2 + 2 * history }

  /// `gamma` from sums of products as `MixingHistory.record` gives them;
  /// `nil` where they are of no use.
  func coefficients(_ sums: [Double]) -> [Double]? {
    // Cholesky factorization in place; the matrix is positive definite.
    var matrix = [[Double]](repeating: [], count: history)
    var next = 0
    for i in 0..<history {
      matrix[i] = Array(sums[next...(next + i)])
      matrix[i][i] += regularization
      next += i + 1
    }
    var gamma = Array(sums[next..<(next + history)])
    for i in 0..<history {
      for j in 0...i {
        let sum = (0..<j).reduce(matrix[i][j]) { $0 - matrix[i][$1] * matrix[j][$1] }
        guard i != j || sum > 0 else { return nil }
        matrix[i][j] = i == j ? sum.squareRoot() : sum / matrix[j][j]
      }
      gamma[i] = (0..<i).reduce(gamma[i]) { $0 - matrix[i][$1] * gamma[$1] } / matrix[i][i]
    }
    for i in (0..<history).reversed() {
      let sum = ((i + 1)..<history).reduce(gamma[i]) { $0 - matrix[$1][i] * gamma[$1] }
      gamma[i] = sum / matrix[i][i]
    }
    return gamma.allSatisfy(\.isFinite) ? gamma : nil
  }
}
