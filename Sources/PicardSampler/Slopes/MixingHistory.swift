import Diffusion

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
