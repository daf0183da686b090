import Diffusion

/// The open slices of one chunk of one sample, on the rank that owns them, and
/// the memory of their states.
///
/// Its properties, as those of the solver, its clock, its batch and its messages,
/// are marked `@exclusivity(unchecked)`: one thread alone works on them, and no
/// access is within another one. To check that at run time took an eighth of
/// what a round of small states takes outside the model, waiting aside.
final class Chunk<Scalar: StateScalar> {
  /// Number of the first slice within its segment.
  @exclusivity(unchecked) private(set) var first = 0
  @exclusivity(unchecked) var slices: [TimeSlice<Scalar>] = []
  /// The first guess of the first slice's `f`; for multistep maps `f` of the slice
  /// to its left.
  let leftValue: Row<Scalar>
  /// `left` is that of this round.
  @exclusivity(unchecked) var leftHasCome = false
  /// The state after the last open slice.
  @exclusivity(unchecked) var end: State<Scalar>
  @exclusivity(unchecked) var endProposal: State<Scalar>
  @exclusivity(unchecked) var histories: [MixingHistory<Scalar>] = []
  /// Slices whose noise is drawn; the next ones are opened later.
  @exclusivity(unchecked) private var drawn = 0

  /// What the rows below are.
  let rows: ChunkRows
  private let states: Rows<Scalar>
  private let values: Rows<Scalar>
  private let estimateChanges: Rows<Scalar>?
  private let noise: Rows<Scalar>?
  @exclusivity(unchecked) var elementSlopes: ElementSlopes<Scalar>?
  @exclusivity(unchecked) var probes: JacobianProbes<Scalar>?
  /// The slices that this round probes, by number within the segment.
  @exclusivity(unchecked) var probed: [Int] = []
  /// Where slopes are elementwise, rows for the next proposals: a slice's secant
  /// is of use until it has been carried on.
  @exclusivity(unchecked) var spares: [State<Scalar>] = []
  /// Squares of the changes of the states behind the slices; none where those are
  /// not final as soon as they are proposed.
  @exclusivity(unchecked) var squares: [Double] = []

  init(_ rows: ChunkRows, dimension: Int) {
    self.rows = rows
    let (capacity, components) = (rows.capacity, rows.components)
    states = Rows(rows.states, of: components * dimension)
    values = Rows(rows.values, of: dimension)
    estimateChanges = rows.estimateChanges > 0 ? Rows(rows.estimateChanges, of: dimension) : nil
    noise = rows.noise > 0 ? Rows(rows.noise, of: components * dimension) : nil
    elementSlopes = rows.estimateChanges > 0 ? ElementSlopes(dimension: dimension) : nil
    probes =
      rows.probes > 0 ? JacobianProbes(perSlice: rows.probes, capacity: capacity, dimension: dimension) : nil
    end = State(states[2 * capacity], components: components)
    endProposal = State(states[2 * capacity + 1], components: components)
    leftValue = values[capacity]
    slices.reserveCapacity(capacity)
  }

  var components: Int { rows.components }

  private func state(_ row: Int) -> State<Scalar> { State(states[row], components: components) }

  /// This round's state of the first slice, from the left, to be written once
  /// all have been proposed; see `leftHasCome`.
  var left: State<Scalar> { slices[0].proposal }

  /// `f` of the last open slice.
  var lastValue: Row<Scalar> { slices.last?.value ?? leftValue }

  /// Takes this chunk into use for slices from `first` on, of which none is open yet.
  func begin(_ first: Int) {
    self.first = first
    slices.removeAll(keepingCapacity: true)
    histories.removeAll(keepingCapacity: true)
    elementSlopes?.begin()
    probes?.begin()
    if elementSlopes != nil {
      spares.removeAll(keepingCapacity: true)
      for spare in 2...3 { spares.append(state(2 * rows.capacity + spare)) }
    }
    leftHasCome = false
    drawn = 0
  }

  /// Starts from the state of its first slice and a guess of `f` there; has no
  /// effect once slices are open.
  func start(_ state: State<Scalar>, _ value: Row<Scalar>) {
    guard slices.isEmpty else { return }
    end.copy(from: state)
    copy(value, to: leftValue)
  }

  /// Draws the noise of the slices before one, for them to keep, in any number of
  /// calls.
  func drawNoise(_ maps: [SliceMap], before end: Int, from source: any NoiseSource, sample: Int) {
    guard let noise else { return }
    while first + drawn < end {
      let map = maps[first + drawn]
      if map.isRandom { map.fill(State(noise[drawn], components: components), with: source, sample: sample) }
      drawn += 1
    }
  }

  /// `f` at the end, for a slice that begins there: as if the denoised estimate were
  /// still the last one of the last slice. A guess that costs no evaluation.
  func guess(_ map: SliceMap) -> Row<Scalar> {
    guard let last = slices.last else { return lastValue }
    let share = map.estimateInValue * map.estimateScale / (last.map.estimateInValue * last.map.estimateScale)
    guard share != 1 || map.isOfScore || last.map.isOfScore else { return lastValue }
    // Free until the next proposal.
    let value = endProposal.position
    combine(value, Scalar(-share * last.map.stateInValue), last.visitedState.position, Scalar(share), last.value)
    accumulate(value, Scalar(map.stateInValue), end.position)
    return value
  }

  /// Opens one more slice at the end, with a guess of its `f`. Its noise must have
  /// been drawn.
  ///
  /// - Parameter draw: gives the noise of a slice that keeps none.
  func open(_ map: SliceMap, drawing draw: (SliceMap) -> State<Scalar>?) {
    let number = slices.count
    precondition(noise == nil || number < drawn, "a slice is opened before its noise is drawn")
    let (position, value) = (state(2 * number), values[number])
    position.copy(from: end)
    copy(guess(map), to: value)
    let slice = TimeSlice(
      map, state: position, spare: state(2 * number + 1), value: value,
      noise: map.isRandom ? noise.map { State($0[number], components: components) } : nil,
      estimateChange: estimateChanges?[number])
    slice.step(into: end, earlierValue: value, noise: slice.noise ?? draw(map))
    slices.append(slice)
  }

  /// Stores what the next round needs, or reads it into a chunk in which the
  /// same slices are open.
  ///
  /// - Parameter depth: of the histories, where there are any.
  func code(_ coder: inout StateCoder, depth: Int?) throws {
    try coder.code(leftValue)
    try end.code(&coder)
    for index in slices.indices { try slices[index].code(&coder) }
    try elementSlopes?.code(&coder)
    try probes?.code(&coder)
    guard let depth else { return }
    makeHistories(depth)
    for history in histories { try history.code(&coder) }
  }

  /// The slice's state has changed since it was evaluated.
  func needsEvaluation(_ index: Int) -> Bool { slices[index - first].needsEvaluation }

  /// A slice's state for the model.
  func visit(_ index: Int, of sample: Int, _ quantity: StepQuantity) -> Visit<Scalar> {
    let slice = slices[index - first]
    return Visit(
      state: slice.state.position, time: slice.map.time, unbounded: slice.map.unbounded,
      quantity: quantity, sample: sample)
  }
}
