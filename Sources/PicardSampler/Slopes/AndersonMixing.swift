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
public struct AndersonMixing: Hashable, Sendable {
  /// Iterates that are mixed.
  public var history: Int
  /// Weight that keeps `gamma` small where residuals hardly change.
  public var regularization = 1e-3

  /// Mixing over so many iterates, one or more.
  public init(history: Int) { self.history = history }

  /// Numbers that a state contributes to the sums.
  var products: Int { history * (history + 1) / 2 + history }

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

/// The last changes of one state and of its residual.
final class MixingHistory<Scalar: StateScalar> {
  private let depth: Int
  /// The last state and residual, then changes of both, one pair after another.
  private let memory: Rows<Scalar>
  private let components: Int
  /// Rounds so far.
  private var rounds = 0

  init(depth: Int, of state: State<Scalar>) {
    self.depth = depth
    components = state.components
    memory = Rows(2 + 2 * depth, of: components * state.dimension)
  }

  private func stored(_ row: Int) -> State<Scalar> { State(memory[row], components: components) }

  /// Changes of state and residual, by how many rounds they are old.
  private func changes(_ age: Int) -> (state: State<Scalar>, residual: State<Scalar>) {
    let slot = (rounds - 2 - age) % depth
    return (stored(2 + 2 * slot), stored(3 + 2 * slot))
  }

  /// How many changes there are.
  private var count: Int { min(depth, max(0, rounds - 1)) }

  /// Takes note of a state and its plain update.
  /// - Returns: the products `dR_i . dR_j` for `j <= i`, then `dR_i . R`; zero
  ///   for iterates that are not there yet.
  func record(_ state: State<Scalar>, _ proposal: State<Scalar>) -> [Double] {
    rounds += 1
    let last = (state: stored(0), residual: stored(1))
    if count > 0 {
      let newest = changes(0)
      newest.state.subtract(state, last.state)
      newest.residual.subtract(proposal, state)
      newest.residual.add(-1, last.residual)
    }
    last.state.copy(from: state)
    last.residual.subtract(proposal, state)
    var products: [Double] = []
    for i in 0..<depth {
      for j in 0...i {
        products.append(i < count ? changes(i).residual.dot(changes(j).residual) : 0)
      }
    }
    for i in 0..<depth {
      products.append(i < count ? changes(i).residual.dot(last.residual) : 0)
    }
    return products
  }

  /// Stores this history, or reads it into an empty one.
  func code(_ coder: inout StateCoder) throws {
    // What is older is forgotten.
    var iterates = min(rounds, depth + 1)
    try coder.code(&iterates, in: 0...(depth + 1))
    if rounds == 0 { rounds = iterates }
    guard iterates > 0 else { return }
    try stored(0).code(&coder)
    try stored(1).code(&coder)
    for age in 0..<count {
      try changes(age).state.code(&coder)
      try changes(age).residual.code(&coder)
    }
  }

  /// Subtracts `(dX + dR) gamma`.
  func mix(_ gamma: [Double], into proposal: State<Scalar>) {
    for age in 0..<count {
      proposal.add(-gamma[age], changes(age).state)
      proposal.add(-gamma[age], changes(age).residual)
    }
  }
}
