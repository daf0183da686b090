import Diffusion

/// One time slice of one sample: its state, the last value of `f` there, and
/// what an update needs to remember.
final class TimeSlice<Scalar: StateScalar> {
  let map: SliceMap
  private(set) var state: State<Scalar>
  /// The next state: at first with the chunk's first state unchanged, then with its correction.
  var proposal: State<Scalar>
  /// `f` at `earlierState`.
  private(set) var value: [Scalar]
  /// The state of the round before.
  private var earlierState: State<Scalar>
  private let noise: State<Scalar>?
  /// `df/dy` along the last change of the position.
  private(set) var slope: Double
  private var wasEvaluated = false
  /// The state differs from the one at which `value` was computed.
  private(set) var needsEvaluation = true

  /// - Parameter value: what `f` is taken for until it is evaluated.
  init(_ map: SliceMap, state: State<Scalar>, value: [Scalar], noise: State<Scalar>?) {
    self.map = map
    self.state = state
    self.value = value
    self.noise = noise
    proposal = state
    earlierState = state
    slope = map.priorSlope
  }

  /// Takes the model's prediction at the present state.
  /// - Returns: whether `f` is finite in every element.
  func absorb(
    _ prediction: Span<Scalar>, _ conversion: (state: Double, prediction: Double)
  ) -> Bool {
    let products = PicardSampler.absorb(
      &value, p: Scalar(conversion.state), state: state.position,
      q: Scalar(conversion.prediction), prediction: prediction, earlier: earlierState.position)
    // Below this the change is rounding, and so would be its slope.
    if wasEvaluated, products.stateState > 1e-12 * Double(value.count) {
      slope = products.valueState / products.stateState
    }
    wasEvaluated = true
    needsEvaluation = false
    return products.isFinite
  }

  /// The next slice's state by the step map alone, `phi(y)`.
  func step(into output: inout State<Scalar>, earlierValue: [Scalar]) {
    output.step(map, from: state, value: value, earlierValue: earlierValue, noise: noise)
  }

  /// Stores what the next round needs, or reads it.
  func code(_ coder: inout StateCoder) throws {
    try state.code(&coder)
    try earlierState.code(&coder)
    try coder.code(&value)
    try coder.code(&slope)
    try coder.code(&wasEvaluated)
    try coder.code(&needsEvaluation)
  }

  /// Distance of the proposal from the state.
  var change: Double { proposal.distance(to: state) }

  /// Makes the proposal the state.
  ///
  /// - Parameter isUnchanged: the two are equal, so that `f` is known there.
  func accept(isUnchanged: Bool) {
    if !isUnchanged { needsEvaluation = true }
    (earlierState, state, proposal) = (state, proposal, earlierState)
  }
}
