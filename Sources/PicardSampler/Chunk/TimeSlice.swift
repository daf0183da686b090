package import Diffusion

/// One time slice of one sample: its state, the last value of `f` there, and
/// what an update needs to remember. The rows are its chunk's.
package struct TimeSlice<Scalar: StateScalar> {
  package let map: SliceMap
  package private(set) var state: State<Scalar>
  /// The next state: at first with the chunk's first state unchanged, then with its correction.
  /// Until it is proposed, its row holds the state of the round before.
  package private(set) var proposal: State<Scalar>
  /// The state of the round before, once there was one: until the next one is
  /// proposed, or until `accept` where that has a row of its own.
  private(set) var earlierState: State<Scalar>
  /// `f` at `state` once it is evaluated, and until the state changes.
  package let value: Row<Scalar>
  /// `df/dy` along the last change of the position.
  private(set) var slope: Double
  private(set) var wasEvaluated = false
  /// The slice was evaluated in this round: for the first time, or not.
  private(set) var visit = Visited.not
  /// The state differs from the one at which `value` was computed.
  private(set) var needsEvaluation = true
  /// What this round does to the state.
  package var change = 0.0

  /// - Parameter spare: a row for a state; what it holds does not matter.
  init(_ map: SliceMap, state: State<Scalar>, spare: State<Scalar>, value: Row<Scalar>) {
    self.map = map
    self.state = state
    (proposal, earlierState) = (spare, spare)
    self.value = value
    slope = map.stateInValue
  }

  /// Takes the model's prediction at the present state.
  /// - Returns: whether `f` is finite in every element.
  mutating func absorb(
    _ prediction: Row<Scalar>, _ conversion: Conversion
  ) -> Bool {
    let products = PicardSampler.absorb(
      value, p: Scalar(conversion.state), state: state.position, q: Scalar(conversion.prediction),
      prediction: prediction, earlier: wasEvaluated ? earlierState.position : state.position)
    if wasEvaluated, products.stateState > smallestSquare(value.count) {
      slope = products.valueState / products.stateState
      visit = .again(squaredChange: products.stateState)
    } else if !wasEvaluated {
      visit = .first
    }
    wasEvaluated = true
    needsEvaluation = false
    return products.isFinite
  }

  /// The state at which `value` was computed, or guessed.
  var visitedState: State<Scalar> { wasEvaluated && needsEvaluation ? earlierState : state }

  var isVisitedFirst: Bool { if case .first = visit { true } else { false } }

  /// The slope of `g`.
  var estimateSlope: Double { (slope - map.stateInValue) / map.estimateInValue }

  /// Takes a slope of `g` from its neighbours, until it has one of its own.
  mutating func takeFirstSlope(_ slope: Double) {
    if isVisitedFirst { self.slope = map.stateInValue + map.estimateInValue * slope }
  }

  /// Some elements of the next slice's state with the change of this one's
  /// proposal carried on, `phi(y) + L (y+ - y)`.
  ///
  /// - Parameters:
  ///   - output: these elements.
  ///   - noise: likewise.
  ///   - gain: `L`; `nil` for `phi(y)`.
  ///   - kept: these elements of the values that the map reads beside `f`, by how many newer
  ///     ones there are.
  func step(
    into output: State<Scalar>, _ elements: Range<Int>, noise: State<Scalar>?, carrying gain: Gain?,
    kept: (_ age: Int) -> Row<Scalar>
  ) {
    let (state, proposal) = (state[elements], proposal[elements])
    let value = Row(rebasing: value[elements])
    if let gain, state.components == 1, map.history.depth == 0, let noise {
      combine(
        output.position, Scalar(map.state.uu), state.position, Scalar(map.value.u), value,
        plus: noise.position, Scalar(gain.uu), proposal.position)
    } else {
      output.step(map, from: state, value: value, noise: noise, kept: kept)
      if let gain { output.correct(gain, proposal, minus: state) }
    }
  }

  /// Stores what the next round needs, or reads it.
  mutating func code(_ coder: inout StateCoder) throws {
    try state.code(&coder)
    try coder.code(value)
    try coder.code(&slope)
    try coder.code(&wasEvaluated)
    try coder.code(&needsEvaluation)
    if wasEvaluated { try earlierState.code(&coder) }
  }

  /// Takes another row for what will be proposed, so that the state of the round
  /// before remains.
  mutating func propose(in row: State<Scalar>) { proposal = row }

  /// Makes the proposal the state.
  mutating func accept() {
    // Where the two are equal, `f` is known.
    if change != 0 { needsEvaluation = true }
    visit = .not
    (earlierState, state, proposal) = (state, proposal, state)
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
