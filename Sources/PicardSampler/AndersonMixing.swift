import Diffusion

/// Triangular Anderson mixing (Tang, Tang, Luo, Wang and Wipf, ICML 2024): the
/// plain update `x + R` of a state becomes
///
///     x + R - (dX + dR) gamma,   (sum dR^T dR + lambda) gamma = sum dR^T R
///
/// with `dX`, `dR` the last changes of `x` and of its residual `R`, and the
/// sums over this state and all states to its left. States whose left
/// neighbours are exact take the plain update, which keeps the front of
/// exactness moving.
public struct AndersonMixing: Hashable, Sendable {
  /// Iterates that are mixed.
  public var history: Int
  /// Weight that keeps `gamma` small where residuals hardly change.
  public var regularization = 1e-3

  public init(history: Int) { self.history = history }

  /// Numbers that a state contributes to the sums.
  var products: Int { history * (history + 1) / 2 + history }

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

/// The last changes of one state and of its residual.
struct MixingHistory<Scalar: StateScalar> {
  private let depth: Int
  private var stateChanges: [State<Scalar>] = []
  private var residualChanges: [State<Scalar>] = []
  private var last: (state: State<Scalar>, residual: State<Scalar>)?

  init(depth: Int) { self.depth = depth }

  /// Takes note of a state and its plain update.
  /// - Returns: the products `dR_i . dR_j` for `j <= i`, then `dR_i . R`; zero
  ///   for iterates that are not there yet.
  mutating func record(_ state: State<Scalar>, _ proposal: State<Scalar>) -> [Double] {
    let residual = proposal.subtracting(state)
    if let last {
      if stateChanges.count == depth {
        stateChanges.removeLast()
        residualChanges.removeLast()
      }
      stateChanges.insert(state.subtracting(last.state), at: 0)
      residualChanges.insert(residual.subtracting(last.residual), at: 0)
    }
    last = (state, residual)
    var products: [Double] = []
    for i in 0..<depth {
      for j in 0...i {
        products.append(
          i < residualChanges.count ? residualChanges[i].dot(residualChanges[j]) : 0)
      }
    }
    for i in 0..<depth {
      products.append(i < residualChanges.count ? residualChanges[i].dot(residual) : 0)
    }
    return products
  }

  /// Stores this history, or reads it into an empty one.
  ///
  /// - Parameter state: any state of the same shape.
  mutating func code(_ coder: inout StateCoder, like state: State<Scalar>) throws {
    var iterates = last == nil ? 0 : stateChanges.count + 1
    try coder.code(&iterates, in: 0...(depth + 1))
    guard iterates > 0 else { return }
    var (latest, residual) = last ?? (state, state)
    try latest.code(&coder)
    try residual.code(&coder)
    last = (latest, residual)
    while stateChanges.count < iterates - 1 {
      stateChanges.append(state)
      residualChanges.append(state)
    }
    for index in stateChanges.indices {
      try stateChanges[index].code(&coder)
      try residualChanges[index].code(&coder)
    }
  }

  /// Subtracts `(dX + dR) gamma`.
  func mix(_ gamma: [Double], into proposal: inout State<Scalar>) {
    for (index, changes) in zip(stateChanges, residualChanges).enumerated() {
      proposal.add(-gamma[index], changes.0)
      proposal.add(-gamma[index], changes.1)
    }
  }
}
