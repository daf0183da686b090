package import Diffusion

/// The open slices of one chunk of one sample, on the rank that owns them, and
/// the memory of their states.
///
/// Its properties, as those of the solver, its clock, its batch and its messages,
/// are marked `@exclusivity(unchecked)`: one thread alone works on them, and no
/// access is within another one. To check that at run time took an eighth of
/// what a round of small states takes outside the model, waiting aside.
package final class Chunk<Scalar: StateScalar> {
  /// What the memory below is for.
  package let layout: ChunkLayout
  package let dimension: Int
  private let states: Rows<Scalar>
  private let values: Rows<Scalar>
  /// How corrections are carried through the slices.
  package let slopes: any ChunkSlopes<Scalar>
  /// What the step maps add.
  package let noise: SliceNoise<Scalar>

  /// Number of the first slice within its stage.
  @exclusivity(unchecked) package private(set) var first = 0
  /// The step maps of the stage.
  @exclusivity(unchecked) private var maps: [SliceMap] = []
  @exclusivity(unchecked) package var slices: [TimeSlice<Scalar>] = []
  /// The state after the last open slice, and what is proposed for it.
  @exclusivity(unchecked) package var end: State<Scalar>
  @exclusivity(unchecked) package var endProposal: State<Scalar>

  /// Where the chunk is in a round.
  @exclusivity(unchecked) var phase = Phase.resting
  /// The slices that this round iterates, by index in the chunk.
  @exclusivity(unchecked) package var active = 0..<0
  /// No change comes from the left in this round.
  @exclusivity(unchecked) package var isLeftmost = true
  /// Squares of the changes of the states behind the slices; none where those are
  /// not final as soon as they are proposed.
  @exclusivity(unchecked) var squares: [Double] = []

  /// What can be done next. A round takes a chunk once through all of them.
  enum Phase {
    /// Between two rounds: slices may be opened, and the state stored.
    case resting
    /// The model's predictions may be absorbed.
    case evaluating
    /// States are proposed; changes may come from the left.
    case proposed
    /// The changes of all states are known.
    case corrected
  }

  /// - Parameter noise: a row for the noise of one slice, where it is not kept.
  package init(_ layout: ChunkLayout, dimension: Int, noise: Rows<Scalar>) {
    self.layout = layout
    self.dimension = dimension
    states = Rows(layout.states, of: layout.components * dimension)
    values = Rows(layout.values, of: dimension)
    self.noise = SliceNoise(layout, dimension: dimension, shared: noise)
    slopes = layout.slopes(of: Scalar.self).init(layout, dimension: dimension)
    end = State(states[layout.states - 2], components: layout.components)
    endProposal = State(states[layout.states - 1], components: layout.components)
    slices.reserveCapacity(layout.capacity)
  }

  package var components: Int { layout.components }

  private func state(_ row: Int) -> State<Scalar> { State(states[row], components: components) }

  /// Takes this chunk into use for slices of a stage, of which none is open yet.
  ///
  /// - Parameters:
  ///   - range: the chunk's slices.
  ///   - source: where their noise comes from.
  ///   - sample: number of the sample.
  package func begin(_ range: Range<Int>, of stage: Stage, noise source: any NoiseSource, sample: Int) {
    first = range.lowerBound
    maps = stage.slices
    slices.removeAll(keepingCapacity: true)
    slopes.reset()
    noise.begin(stage.slices[range], from: source, sample: sample)
    phase = .resting
  }

  /// Draws the noise that slices before one keep, in any number of calls.
  package func drawNoise(before end: Int) { noise.draw(end - first) }

  // MARK: Opening slices

  /// Where a boundary state goes that the first slice starts from.
  package var entry: BoundaryState<Scalar> {
    BoundaryState(state: end, guess: firstGuess, kept: (0..<layout.historyDepth).map(keptFromLeft))
  }

  /// The first guess of the first slice's `f`.
  private var firstGuess: Row<Scalar> { values[layout.capacity] }

  /// A value of `f` that a slice to the left has kept, by how many newer ones there are.
  func keptFromLeft(_ age: Int) -> Row<Scalar> { values[layout.capacity + 1 + age] }

  /// Gives the state behind the last open slice to whoever opens slices from there.
  ///
  /// - Parameters:
  ///   - map: of the slice that starts there.
  ///   - entry: where the numbers go; further components of its state are left alone.
  func leave(to map: SliceMap, _ entry: BoundaryState<Scalar>) {
    for component in 0..<min(components, entry.state.components) {
      copy(end[component], to: entry.state[component])
    }
    guess(map, into: entry.guess)
    for (age, row) in entry.kept.enumerated() { copy(kept(before: slices.count, age) ?? entry.guess, to: row) }
  }

  /// `f` at the end, for a slice that begins there: as if the denoised estimate were
  /// still the last one of the last slice. A guess that costs no evaluation.
  private func guess(_ map: SliceMap, into value: Row<Scalar>) {
    guard let last = slices.last else { return copy(firstGuess, to: value) }
    estimate(map, at: end.position, as: last, into: value)
  }

  /// `f` at a position if the denoised estimate there were that of a slice.
  private func estimate(
    _ map: SliceMap, at position: Row<Scalar>, as last: TimeSlice<Scalar>, into value: Row<Scalar>
  ) {
    // Where the state was all noise, nothing is known of the data.
    let scale = last.map.estimateInValue * last.map.estimateScale
    let share = scale == 0 ? 0 : map.estimateInValue * map.estimateScale / scale
    guard share != 1 || map.isOfScore || last.map.isOfScore else { return copy(last.value, to: value) }
    combine(value, Scalar(-share * last.map.stateInValue), last.visited.position, Scalar(share), last.value)
    accumulate(value, Scalar(map.stateInValue), position)
  }

  /// Opens the next slice at the end, with a guess of its `f`. Its noise must have been drawn.
  package func open() {
    precondition(phase == .resting, "slices are opened between two rounds")
    let number = slices.count
    let map = maps[first + number]
    let rows = (0..<layout.statesPerSlice).map { state(layout.statesPerSlice * number + $0) }
    let (position, value) = (rows[0], values[number])
    position.copy(from: end)
    guess(map, into: value)
    // What earlier slices have kept is not known better than this.
    end.step(map, from: position, value: value, noise: noise[number]) { _ in value }
    slices.append(
      TimeSlice(map, rows: rows, value: value, weight: weight(ofState: number), share: layout.share))
  }

  /// What a change of a slice's state is multiplied by to say what it moves the last one by.
  /// Where every bit counts a product must not vanish.
  private func weight(ofState index: Int) -> Double {
    let before = first + index - 1
    return layout.distance > 0 && before >= 0 ? maps[before].sensitivity : 1
  }

  /// Slices that this round found to have been carried on worse than their share allows.
  var misjudged: Int { slices[active].count { $0.isMisjudged } }

  /// Tells of each active slice whether this round has evaluated it, and by what a change of
  /// its state is multiplied in one step, along its last change.
  func forEachVisit(_ body: (_ slice: Int, _ isEvaluated: Bool, _ gain: Double) -> Void) {
    for index in active {
      let slice = slices[index]
      let gain = abs(slice.map.state.uu + slice.map.value.u * slice.slope)
      body(first + index, slice.isEvaluated, gain.isFinite ? min(gain, 1e6) : 1e6)
    }
  }

  /// Weighs changes of states by what they move the last state by: as known beforehand, or by
  /// the slopes where those say more.
  ///
  /// - Parameter gains: by what changes of the window's states are multiplied up to its end.
  func weigh(by gains: [Double], in window: Window) {
    let behind = maps[window.end - 1].sensitivity
    for index in active {
      slices[index].weight = max(weight(ofState: index), gains[first + index - window.first] * behind)
    }
  }

  /// Gives slices that were never evaluated the denoised estimate of the slice to their left,
  /// at the mean of their state given that one. Their slopes carry it on to their state.
  package func guessNewValues() {
    for index in active where !slices[index].wasEvaluated {
      let (left, slice) = (slices[index - 1], slices[index])
      let mean = left.map.posteriorMean(at: slice.map.time)
      let visited = slices[index].moveVisited()
      combine(visited, Scalar(mean.state), left.visited.position, Scalar(mean.value), left.value)
      estimate(slice.map, at: visited, as: left, into: slice.value)
    }
  }

  // MARK: What slices keep of `f`

  /// A value of `f` that was kept before a slice, by index in the chunk; `nil` where that was
  /// before what this chunk knows.
  ///
  /// - Parameter age: how many newer ones there are.
  func kept(before index: Int, _ age: Int) -> Row<Scalar>? {
    var newer = 0
    for slice in slices[..<index].reversed() where slice.map.keepsValue {
      if newer == age { return slice.value }
      newer += 1
    }
    return age - newer < layout.historyDepth ? keptFromLeft(age - newer) : nil
  }

  /// A value of `f` that the map of a slice reads.
  func history(of index: Int, _ age: Int) -> Row<Scalar> {
    guard let row = kept(before: index, age) else { preconditionFailure("a map reads more values than are kept") }
    return row
  }

  /// Stores what the next round needs, or reads it into a chunk in which the
  /// same slices are open.
  package func code(_ coder: inout StateCoder) throws {
    precondition(phase == .resting, "a chunk is stored between two rounds")
    // Once slices are open the guess is of no use, and kept values take its place.
    if layout.historyDepth == 0 { try coder.code(firstGuess) }
    for age in 0..<layout.historyDepth { try coder.code(keptFromLeft(age)) }
    try end.code(&coder)
    for index in slices.indices { try slices[index].code(&coder) }
    try noise.code(&coder, slices: slices.count)
    try slopes.code(&coder, of: self)
  }
}

/// A state from which slices are opened: with a guess of `f` there, and the values of `f` that
/// slices before have kept, the newest first.
package struct BoundaryState<Scalar: StateScalar> {
  package let state: State<Scalar>
  package let guess: Row<Scalar>
  package let kept: [Row<Scalar>]

  init(state: State<Scalar>, guess: Row<Scalar>, kept: [Row<Scalar>]) {
    self.state = state
    self.guess = guess
    self.kept = kept
  }

  /// Rows that a boundary state takes.
  static func rows(components: Int, depth: Int) -> Int { components + 1 + depth }

  /// In a row, one after another.
  init(_ row: Row<Scalar>, dimension: Int, components: Int, depth: Int) {
    func rows(_ range: Range<Int>) -> Row<Scalar> {
      Row(rebasing: row[(range.lowerBound * dimension)..<(range.upperBound * dimension)])
    }
    state = State(rows(0..<components), components: components)
    guess = rows(components..<(components + 1))
    kept = (0..<depth).map { rows((components + 1 + $0)..<(components + 2 + $0)) }
  }

  func copy(from other: BoundaryState) {
    state.copy(from: other.state)
    PicardSampler.copy(other.guess, to: guess)
    for (row, source) in zip(kept, other.kept) { PicardSampler.copy(source, to: row) }
  }
}
