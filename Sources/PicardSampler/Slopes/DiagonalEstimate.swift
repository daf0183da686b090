import Diffusion

/// What the slices of a chunk have in common about the Jacobian of the denoised
/// estimate, or of `g` (`SliceMap.stateInValue`) where steps take the score: an
/// estimate of its diagonal.
///
/// That Jacobian is a multiple of the covariance of the data given the state. It
/// changes slowly along the trajectory, and its elements differ: many are all but
/// decided while others are open. One secant of a slice tells little of a single
/// element, but those of all slices of a chunk together do. Their sums of `dg dy` and
/// `dy dy`, each slice's divided by its `|dy|^2`, run over the rounds with older ones
/// halved; the quotient, drawn to the slice's own secant slope, is the slope of an
/// element.
///
/// At first visits there is no change to compare. The denoised estimate is a
/// martingale along the reverse SDE: from one slice to the next it changes by
/// the Jacobian times what the state is beside its mean given that estimate. Along
/// other paths, such as the probability flow, that holds up to the estimate's second
/// derivatives. So neighbours make a secant as well.
struct DiagonalEstimate<Scalar: StateScalar> {
  /// Sums of `dg dy` and of `dy dy`, and room for the slopes of two slices.
  private let rows: Rows<Scalar>
  /// Mean of the sums of `dy dy`; 0 where nothing is known yet.
  private var weight = 0.0
  /// Slope for slices that were visited once.
  private(set) var firstSlope = 0.0

  static var rows: Int { 4 }

  init(dimension: Int) { rows = Rows(Self.rows, of: dimension) }

  private var numerators: Row<Scalar> { rows[0] }
  private var denominators: Row<Scalar> { rows[1] }

  /// Forgets everything.
  mutating func reset() {
    numerators.update(repeating: 0)
    denominators.update(repeating: 0)
    (weight, firstSlope) = (0, 0)
  }

  /// Makes older sums count half, and adds the secants of the active slices that were visited
  /// again; to be called once a round.
  mutating func add(_ secants: SliceSecants<Scalar>, of chunk: Chunk<Scalar>) {
    let count = chunk.active.count { secants.secant($0, in: chunk) != nil }
    weight = weight / 2 + Double(count) / Double(numerators.count)
    inPieces(numerators.count) { elements in
      let (numerators, denominators) = (
        Row(rebasing: numerators[elements]), Row(rebasing: denominators[elements])
      )
      scale(numerators, by: 0.5)
      scale(denominators, by: 0.5)
      for index in chunk.active {
        guard let secant = secants.secant(index, in: chunk) else { continue }
        let some = secant[elements]
        addSecant(
          numerators, denominators, some.estimateChange, some.state, minus: some.earlier,
          Scalar(1 / secant.squaredChange))
      }
    }
  }

  /// Adds the secants of neighbours that were visited for the first time. Where rounds leave
  /// slices out, the neighbour is the last one that was visited, in whatever round.
  ///
  /// - Parameter innovation: room for what a state does not know of the one before it.
  mutating func addFirstVisits(of chunk: Chunk<Scalar>, _ innovation: Row<Scalar>) {
    var sums = (estimateState: 0.0, stateState: 0.0)
    var last: TimeSlice<Scalar>?
    for right in chunk.slices[chunk.active] where right.wasEvaluated {
      defer { last = right }
      guard right.isVisitedFirst, let left = last, left.isVisitedFirst || chunk.layout.isSparse else { continue }
      // A state that is all noise says nothing of the next one's mean.
      guard left.map.estimateScale != 0 else { continue }
      let mean = left.map.posteriorMean(at: right.map.time)
      combine(
        innovation, Scalar(-mean.state), left.visited.position, Scalar(-mean.value), left.value,
        plus: right.visited.position)
      let change = shared
      findChange(left, right, change)
      let products = mixedProducts(change, innovation)
      guard products.square > smallestSquare(innovation.count) else { continue }
      addSecant(numerators, denominators, change, innovation, Scalar(1 / products.square))
      weight += 1 / Double(innovation.count)
      sums.estimateState += products.mixed
      sums.stateState += products.square
    }
    if sums.stateState > 0 { firstSlope = sums.estimateState / sums.stateState }
  }

  /// By how much `g` differs between neighbours, beside what the factor in it does: the
  /// Jacobian of the left one times what the state did not know.
  private func findChange(
    _ left: TimeSlice<Scalar>, _ right: TimeSlice<Scalar>, _ change: Row<Scalar>
  ) {
    // The estimate is a martingale, and g is a multiple of it.
    let ratio = left.map.estimateScale / right.map.estimateScale
    guard left.map.isOfScore else {
      combine(change, Scalar(ratio), right.value, -1, left.value)
      return
    }
    // Here alpha times it, y + sigma^2 f.
    combine(change, -1, left.visited.position, Scalar(-1 / left.map.estimateInValue), left.value)
    accumulate(change, Scalar(ratio), right.visited.position)
    accumulate(change, Scalar(ratio / right.map.estimateInValue), right.value)
  }

  /// Adds what probes have measured.
  mutating func add(_ probes: JacobianProbes<Scalar>) {
    weight += Double(probes.count) / Double(numerators.count)
    for number in 0..<probes.count {
      addSecant(numerators, denominators, probes.image(number), probes.direction(number), 1)
    }
  }

  /// The gains of a slice's map, in memory that every second slice uses again.
  func gains(_ index: Int, _ slice: TimeSlice<Scalar>) -> DiagonalGains<Scalar> {
    // With nothing known, every element has the slice's own slope.
    let weight = weight > 0 ? weight : 1
    return DiagonalGains(
      state: Scalar(slice.map.stateBesideEstimate), value: Scalar(slice.map.estimate), numerators: numerators,
      denominators: denominators, weight: Scalar(weight), slope: Scalar(slice.estimateSlope),
      slopes: rows[2 + index % 2])
  }

  /// Slopes that all slices of the chunk have in common.
  var shared: Row<Scalar> { rows[2] }

  /// Finds the slopes that all slices have in common, each element's drawn to that of all.
  func share() {
    let (along, square) = (sum(numerators), sum(denominators))
    findSlopes(
      DiagonalGains(
        state: 0, value: 0, numerators: numerators, denominators: denominators,
        weight: Scalar(weight > 0 ? weight : 1), slope: Scalar(square > 0 ? along / square : 0),
        slopes: shared))
  }

  /// The gains of a slice's map, as one of the denoised estimate, with the slopes that
  /// all slices have in common.
  func sharedGains(_ map: SliceMap) -> DiagonalGains<Scalar> {
    DiagonalGains(
      state: Scalar(map.stateBesideEstimate), value: Scalar(map.estimate), numerators: numerators,
      denominators: denominators, weight: 0, slope: 0, slopes: shared)
  }

  /// Stores what the next round needs, or reads it.
  mutating func code(_ coder: inout StateCoder) throws {
    try coder.code(numerators)
    try coder.code(denominators)
    try coder.code(&weight)
    try coder.code(&firstSlope)
  }
}

// MARK: Loops

/// `numerators += (dg (y - x)) w`, `denominators += (y - x)^2 w`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func addSecant<Scalar: StateScalar>(
  _ numerators: Row<Scalar>, _ denominators: Row<Scalar>, _ dg: Row<Scalar>, _ y: Row<Scalar>,
  minus x: Row<Scalar>, _ w: Scalar
) {
  for k in 0..<numerators.count {
    let dy = y[k] - x[k]
    numerators[k] += dg[k] * dy * w
    denominators[k] += dy * dy * w
  }
}

/// `numerators += (dg dy) w`, `denominators += dy^2 w`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func addSecant<Scalar: StateScalar>(
  _ numerators: Row<Scalar>, _ denominators: Row<Scalar>, _ dg: Row<Scalar>, _ dy: Row<Scalar>, _ w: Scalar
) {
  for k in 0..<numerators.count {
    numerators[k] += dg[k] * dy[k] * w
    denominators[k] += dy[k] * dy[k] * w
  }
}

/// `sum dg dy` and `sum dy^2`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func mixedProducts<Scalar: StateScalar>(
  _ dg: Row<Scalar>, _ dy: Row<Scalar>
) -> (mixed: Double, square: Double) {
  var (mixed, square) = (0.0, 0.0)
  inBlocks(dy.count) { vectors in
    var (mixedSums, squares) = (SIMD8<Scalar>.zero, SIMD8<Scalar>.zero)
    for k in vectors {
      let change = lanes(dy, k)
      mixedSums += lanes(dg, k) * change
      squares += change * change
    }
    mixed += Double(mixedSums.sum())
    square += Double(squares.sum())
  } rest: { elements in
    for k in elements {
      mixed += Double(dg[k] * dy[k])
      square += Double(dy[k] * dy[k])
    }
  }
  return (mixed, square)
}

/// The sum of a row, in `Double`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func sum<Scalar: StateScalar>(_ row: Row<Scalar>) -> Double {
  var sum = 0.0
  for k in 0..<row.count { sum += Double(row[k]) }
  return sum
}
