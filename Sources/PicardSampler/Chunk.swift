import Diffusion

/// The open slices of one chunk of one sample, on the rank that owns them.
final class Chunk<Scalar: StateScalar> {
  /// Number of the first slice within its segment.
  let first: Int
  private(set) var slices: [TimeSlice<Scalar>] = []
  /// `f` of the slice to the left of this chunk, for multistep maps.
  var leftValue: [Scalar]
  /// This round's state of the first slice, from the left.
  var left: State<Scalar>?
  /// The state after the last open slice.
  private(set) var end: State<Scalar>
  private var endProposal: State<Scalar>
  /// Derivative of `endProposal`, and of every proposal, with respect to the first active state.
  private var endResponse = Gain.identity
  private var responses: [Gain] = []
  /// What this round does to the state of each slice.
  private var changes: [Double] = []
  private var histories: [MixingHistory<Scalar>] = []

  init(first: Int, state: State<Scalar>, leftValue: [Scalar]) {
    self.first = first
    self.leftValue = leftValue
    end = state
    endProposal = state
  }

  /// `f` of the last open slice.
  var lastValue: [Scalar] { slices.last?.value ?? leftValue }

  /// Opens one more slice at the end, its `f` taken to be that of the slice to its left.
  func open(_ map: SliceMap, noise: State<Scalar>?) {
    let slice = TimeSlice(map, state: end, value: lastValue, noise: noise)
    slice.step(into: &end, earlierValue: slice.value)
    slices.append(slice)
    changes.append(0)
  }

  /// Stores what the next round needs, or reads it into a chunk in which the
  /// same slices are open.
  ///
  /// - Parameter depth: of the histories, where there are any.
  func code(_ coder: inout StateCoder, depth: Int?) throws {
    try coder.code(&leftValue)
    try end.code(&coder)
    for slice in slices { try slice.code(&coder) }
    guard let depth else { return }
    while histories.count < slices.count { histories.append(MixingHistory(depth: depth)) }
    for index in histories.indices { try histories[index].code(&coder, like: end) }
  }

  func slice(_ index: Int) -> TimeSlice<Scalar> { slices[index - first] }

  /// Runs the iteration over the active slices, the first of them unchanged.
  func propose(from start: Int, _ linearization: Linearization) {
    var response = Gain.identity
    responses = []
    for index in (start - first)..<slices.count {
      let slice = slices[index]
      let earlier = index == 0 ? leftValue : slices[index - 1].value
      let gain = linearization.gain(slice.map, slope: slice.slope)
      let corrects = index > start - first
      func next(_ output: inout State<Scalar>) {
        slice.step(into: &output, earlierValue: earlier)
        if corrects { output.correct(gain, slice.proposal, minus: slice.state) }
      }
      if index + 1 < slices.count {
        next(&slices[index + 1].proposal)
      } else {
        next(&endProposal)
      }
      response = (gain * response).bounded
      responses.append(response)
    }
    endResponse = response
  }

  /// Carries the change of the first state to the state after the last slice.
  /// - Returns: the new state there.
  func correctEnd(from start: Int) -> State<Scalar> {
    if let left, start == first {
      endProposal.correct(endResponse, left, minus: slices[0].state)
    }
    return endProposal
  }

  /// Carries the change of the first state to the proposals of all active
  /// states, and reports what becomes of them.
  ///
  /// - Parameter report: is told the slice whose output a state is, and the
  ///   state's change.
  func settle(from start: Int, report: (_ slice: Int, _ change: Double) -> Void) {
    if let left, start == first {
      for index in slices.indices.dropFirst() {
        slices[index].proposal.correct(responses[index - 1], left, minus: slices[0].state)
      }
      slices[0].proposal = left
    }
    for index in movingStates(from: start) {
      changes[index] = slices[index].change
      report(first + index - 1, changes[index])
    }
  }

  /// Mixes the proposals of active states beyond the front of exactness.
  ///
  /// - Parameter coefficients: by the slice whose output a state is; `nil` for
  ///   a plain update.
  func mix(from start: Int, _ coefficients: (_ slice: Int) -> [Double]?) {
    for index in movingStates(from: start) {
      guard let coefficients = coefficients(first + index - 1) else { continue }
      histories[index].mix(coefficients, into: &slices[index].proposal)
      changes[index] = .infinity
    }
  }

  /// Takes note of proposals for later mixing, and reports their products.
  func remember(
    from start: Int, depth: Int, report: (_ slice: Int, _ products: [Double]) -> Void
  ) {
    while histories.count < slices.count { histories.append(MixingHistory(depth: depth)) }
    for index in movingStates(from: start) {
      let products = histories[index].record(slices[index].state, slices[index].proposal)
      report(first + index - 1, products)
    }
  }

  /// Makes the proposals the states.
  func accept(from start: Int) {
    for index in movingStates(from: start) {
      slices[index].accept(isUnchanged: changes[index] == 0)
    }
    left = nil
  }

  /// Distance of the proposal for the state after the last slice.
  var endChange: Double { endProposal.distance(to: end) }

  /// Takes the state after the last slice over, where no other chunk does.
  func acceptEnd() { swap(&end, &endProposal) }

  /// The slices whose state is iterated: not that of the window's first one,
  /// which is known.
  private func movingStates(from start: Int) -> Range<Int> {
    let known = left == nil ? start - first + 1 : start - first
    return min(known, slices.count)..<slices.count
  }
}

extension Gain {
  /// A chain of secants can run away before the states settle; beyond this a
  /// product is of no use, and it must stay finite so that it vanishes with
  /// the change it multiplies.
  fileprivate var bounded: Gain {
    func bound(_ x: Double) -> Double { x.isFinite ? max(-1e6, min(1e6, x)) : 0 }
    return Gain(uu: bound(uu), uv: bound(uv), vu: bound(vu), vv: bound(vv))
  }
}
