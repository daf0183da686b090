package import Diffusion

/// One time slice of one sample: its state, the last value of `f` and where that was
/// evaluated, and what an update needs to remember. The rows are its chunk's.
package struct TimeSlice<Scalar: StateScalar> {
  package let map: SliceMap
  package private(set) var state: State<Scalar>
  /// The next state: at first with the chunk's first state unchanged, then with its correction.
  package private(set) var proposal: State<Scalar>
  /// The state `v` of the last evaluation, or for which `value` is a guess: the slice's map is
  /// taken for `phi(v) + L (y - v)`. It is `state` itself in the round of an evaluation.
  package private(set) var visited: State<Scalar>
  /// A further row. In the round of an evaluation it holds the state of the one before, where
  /// slices have three rows throughout the round, otherwise until the next state is proposed.
  private var spare: State<Scalar>
  private let hasThirdRow: Bool
  /// `visited` and `state` are the same.
  private(set) var isAtVisited = true
  /// `f` at `visited`.
  package let value: Row<Scalar>
  /// `df/dy` along the last change of the position.
  private(set) var slope: Double
  private(set) var wasEvaluated = false
  /// The slice was evaluated in this round: for the first time, or not.
  private(set) var visit = Visited.not
  /// By how much the state has moved since the last evaluation, at most: the sum of its
  /// changes, weighted. 0 only where no bit has changed.
  private(set) var moved = 0.0
  /// What a change of the state is multiplied by to say how far it has moved.
  var weight: Double
  /// As `ChunkLayout.share`.
  private let share: Double
  /// `f` has been carried on by its slope since the last evaluation.
  private var wasCarried = false
  /// What distances are multiplied by: more than 1 where the last carried `f` was off by more
  /// than its share, by as much more as it was off.
  private(set) var caution = 1.0
  /// This round found it so.
  private(set) var isMisjudged = false
  /// This round evaluates the slice.
  private(set) var isEvaluated = false
  /// What this round does to the state.
  package var change = 0.0

  /// - Parameters:
  ///   - rows: the state, and one or two more.
  ///   - weight: what a change of the state is multiplied by to say how far it has moved.
  ///   - share: as `ChunkLayout.share`.
  init(_ map: SliceMap, rows: [State<Scalar>], value: Row<Scalar>, weight: Double, share: Double) {
    self.map = map
    (state, visited, proposal) = (rows[0], rows[0], rows[1])
    hasThirdRow = rows.count > 2
    spare = hasThirdRow ? rows[2] : rows[1]
    self.value = value
    self.weight = weight
    self.share = share
    slope = map.stateInValue
  }

  /// Decides whether this round evaluates the slice.
  ///
  /// - Parameters:
  ///   - evaluatesNew: if it never was before.
  ///   - distance: by how much the state has to have moved otherwise.
  mutating func beginRound(evaluatesNew: Bool, beyond distance: Double) {
    visit = .not
    isMisjudged = false
    // Where no bit has changed, `f` is known.
    if wasEvaluated, moved == 0 { visitState() }
    isEvaluated = wasEvaluated ? caution * moved > distance : evaluatesNew
    if wasEvaluated, !isEvaluated, moved > 0 { wasCarried = true }
  }

  /// Takes the model's prediction at the present state.
  /// - Returns: whether `f` is finite in every element.
  mutating func absorb(
    _ prediction: Row<Scalar>, _ conversion: Conversion
  ) -> Bool {
    let products = PicardSampler.absorb(
      value, p: Scalar(conversion.state), state: state.position, q: Scalar(conversion.prediction),
      prediction: prediction, earlier: wasEvaluated ? visited.position : state.position)
    if wasEvaluated, products.stateState > smallestSquare(value.count) {
      let old = slope
      slope = products.valueState / products.stateState
      if wasCarried { judge(missed: slope - old) }
      visit = .again(squaredChange: products.stateState)
    } else if !wasEvaluated {
      visit = .first
    }
    (wasEvaluated, wasCarried) = (true, false)
    visitState()
    return products.isFinite
  }

  /// Compares what the carried `f` has missed with its share.
  ///
  /// - Parameter missed: of the slope along the way that the state has moved.
  private mutating func judge(missed: Double) {
    let error = abs(map.value.u * missed)
    isMisjudged = error > share
    caution = isMisjudged ? error / share : 1
  }

  /// The state becomes that of the last evaluation.
  private mutating func visitState() {
    if !isAtVisited { (spare, visited, isAtVisited) = (visited, state, true) }
    moved = 0
  }

  /// Where a slice was evaluated again, the state of the evaluation before.
  var earlierVisited: State<Scalar> { spare }

  /// A row for the position at which a guess of `value` is to be made.
  mutating func moveVisited() -> Row<Scalar> {
    if isAtVisited { (visited, isAtVisited) = (spare, false) }
    return visited.position
  }

  var isVisitedFirst: Bool { if case .first = visit { true } else { false } }

  /// The slope of `g`.
  var estimateSlope: Double { (slope - map.stateInValue) / map.estimateInValue }

  /// Takes a slope of `g` from its neighbours, until it has one of its own.
  mutating func takeFirstSlope(_ slope: Double) {
    if isVisitedFirst || !wasEvaluated { self.slope = map.stateInValue + map.estimateInValue * slope }
  }

  /// Some elements of the next slice's state, `phi(v) + L (y - v)`.
  ///
  /// - Parameters:
  ///   - output: these elements.
  ///   - noise: likewise.
  ///   - gain: `L`; `nil` for `phi(v)`.
  ///   - new: `y`, all of it.
  ///   - kept: these elements of the values that the map reads beside `f`, by how many newer
  ///     ones there are.
  func step(
    into output: State<Scalar>, _ elements: Range<Int>, noise: State<Scalar>?, carrying gain: Gain?,
    of new: State<Scalar>, kept: (_ age: Int) -> Row<Scalar>
  ) {
    let (visited, new) = (visited[elements], new[elements])
    let value = Row(rebasing: value[elements])
    if let gain, visited.components == 1, map.history.depth == 0, let noise {
      combine(
        output.position, Scalar(map.state.uu), visited.position, Scalar(map.value.u), value,
        plus: noise.position, Scalar(gain.uu), new.position)
    } else {
      output.step(map, from: visited, value: value, noise: noise, kept: kept)
      if let gain { output.correct(gain, new, minus: visited) }
    }
  }

  /// Stores what the next round needs, or reads it.
  mutating func code(_ coder: inout StateCoder) throws {
    try state.code(&coder)
    try coder.code(value)
    try coder.code(&slope)
    try coder.code(&wasEvaluated)
    try coder.code(&moved)
    try coder.code(&wasCarried)
    try coder.code(&caution)
    var isElsewhere = !isAtVisited
    try coder.code(&isElsewhere)
    guard isElsewhere else { return }
    if isAtVisited { (visited, isAtVisited) = (spare, false) }
    try visited.code(&coder)
  }

  /// Makes the proposal the state.
  mutating func accept() {
    moved += change * weight
    if isAtVisited {
      // With two rows the next proposal takes the place of the state of the last evaluation,
      // which is of no use once the slice has been evaluated again.
      (visited, state, proposal) = (state, proposal, hasThirdRow ? spare : state)
      isAtVisited = false
    } else {
      (state, proposal) = (proposal, state)
    }
  }
}

/// What a round does at a slice.
enum Visited {
  case not
  case first
  /// `f` was evaluated again, with this sum of squares of the state's change.
  case again(squaredChange: Double)
}

/// Below this a change of a state of so many elements is rounding, and so would
/// be a slope from it.
func smallestSquare(_ count: Int) -> Double { 1e-12 * Double(count) }
