public import Diffusion

/// The plain sampler: one step after another, all samples in one batch.
///
/// It shares the step maps, the noise and their arithmetic with `PicardSolver`,
/// which reproduces its bits at tolerance 0.
public final class SequentialSolver<Scalar: StateScalar> {
  private let trajectory: Trajectory
  private let batch: ScoreBatch<Scalar>
  private let noise: any NoiseSource
  private let samples: [Int]
  private let clock: PhaseClock

  /// Is told what this rank does.
  public var observer: (any RunObserver)? {
    get { clock.observer }
    set { clock.observer = newValue }
  }

  /// The next step to take.
  private var stage = 0
  private var slice = 0
  /// One for each sample; none before the first step.
  private var lanes: [Lane<Scalar>] = []

  /// The same trajectory, batch, noise and sample numbers as of a `PicardSolver` give its
  /// fixed point.
  public init(
    _ trajectory: Trajectory, batch: ScoreBatch<Scalar>, noise: any NoiseSource, samples: [Int],
    clock: PhaseClock = PhaseClock()
  ) {
    self.clock = clock
    self.trajectory = trajectory
    self.batch = batch
    self.noise = noise
    self.samples = samples
  }

  /// Draws the samples.
  /// - Throws: `SamplingError` where a score is not finite; `RowDependence` where a row's
  ///   score is not a function of that row; what the model throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func run(
    observe: (RoundSummary) throws -> Void = { _ in }
  ) throws -> Solution<Scalar> {
    try batch.checkOnce(load: samples.count, of: trajectory, samples: samples, over: SingleRank())
    if lanes.isEmpty { start() }
    while !samples.isEmpty, stage < trajectory.stages.count {
      let current = trajectory.stages[stage]
      try step()
      try observe(
        RoundSummary(
          round: round, evaluations: batch.evaluations, calls: batch.calls, finishedSteps: round,
          steps: trajectory.slices, largestChange: 0, block: current.block,
          isCorrector: current.isCorrector,
          changes: SliceChanges(starts: [], windows: [], changes: Changes(products: 0))))
    }
    try checkRowsAgain()
    var record = RunRecord(sequential: trajectory)
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(samples: lanes.map { ($0.sample, Array($0.position)) }, record: record)
  }

  /// Steps taken, those of the corrector included.
  private var round: Int {
    trajectory.stages[..<stage].reduce(0) { $0 + $1.slices.count } + slice
  }

  private func start() {
    let dimension = batch.dimension
    let components = trajectory.stages.map(\.components).max() ?? 1
    let depth = trajectory.stages.map(\.historyDepth).max() ?? 0
    lanes = samples.map { Lane(sample: $0, dimension: dimension, components: components, depth: depth) }
    for lane in lanes {
      var position = lane.position.mutableSpan
      noise.fill(&position, stream: .initialState, step: 0, sample: lane.sample)
    }
    enterStage()
  }

  private func enterStage() {
    guard stage < trajectory.stages.count else { return }
    let entered = trajectory.stages[stage]
    for lane in lanes {
      entered.start(lane.state(entered.components), noise: noise, sample: lane.sample)
    }
  }

  private func step() throws {
    let current = trajectory.stages[stage]
    let map = current.slices[slice]
    let visits = lanes.map {
      Visit(
        state: $0.position, time: map.time, unbounded: map.unbounded, quantity: current.quantity,
        sample: $0.sample)
    }
    let failed = try clock.time(.score) {
      try batch.evaluate(visits) { lanes[$0].absorb($1, $2, variances: $3) }
    }
    if let failed {
      throw SamplingError(
        nonFinite: current, slice: slice, sample: samples[failed], rank: 0, round: round + 1)
    }
    clock.time(.update) {
      for lane in lanes { lane.step(map, components: current.components, noise: noise) }
    }
    slice += 1
    if slice == current.slices.count {
      (stage, slice) = (stage + 1, 0)
      enterStage()
    }
  }
}

extension SequentialSolver: ResumableSolver {
  public var evaluations: Int { batch.evaluations }

  public func checkRowsAgain() throws { try batch.checkAgain(over: SingleRank()) }

  public func progress() -> [SampleProgress] {
    samples.map {
      SampleProgress(
        sample: $0, stage: stage, first: slice, end: slice + 1, size: 1, fresh: slice, rounds: 0,
        iterations: [UInt32(round)], changes: [0])
    }
  }

  public func forEachPiece(_ body: (PieceKey, [UInt8]) throws -> Void) throws {
    for lane in lanes {
      var coder = StateCoder()
      try lane.code(&coder, components: components)
      try body(PieceKey(sample: lane.sample, chunk: 0), coder.bytes)
    }
  }

  public func restore(_ progress: [SampleProgress], piece: (PieceKey) throws -> [UInt8]) throws {
    let places = Set(progress.filter { samples.contains($0.sample) }.map { [$0.stage, $0.first] })
    guard let place = places.first else { return }
    let count = trajectory.stages.count
    guard places.count == 1, 0...count ~= place[0],
      place[0] == count ? place[1] == 0 : trajectory.stages[place[0]].slices.indices.contains(place[1])
    else { throw StoredStateError("the samples are not at one step of this run") }
    start()
    (stage, slice) = (place[0], place[1])
    for lane in lanes {
      var coder = StateCoder(reading: try piece(PieceKey(sample: lane.sample, chunk: 0)))
      try lane.code(&coder, components: components)
      try coder.finish()
    }
  }

  /// Components of the states of the stage that is under way.
  private var components: Int {
    stage < trajectory.stages.count ? trajectory.stages[stage].components : 1
  }
}

/// A sample on its way: its state, `f` there, and what earlier steps have kept of `f`.
private final class Lane<Scalar: StateScalar> {
  let sample: Int
  /// States now and next in turn, and the noise between them.
  private let states: Rows<Scalar>
  private let memory: Rows<Scalar>
  /// `f` now, and kept values, the newest first.
  private var values: [Row<Scalar>]
  private let dimension: Int
  private var now = 0
  /// What the model says of the noise of the next step, where it does.
  private var variances: Rows<Scalar>?

  /// - Parameters:
  ///   - components: components of a state at most.
  ///   - depth: kept values that a step map reads at most.
  init(sample: Int, dimension: Int, components: Int, depth: Int) {
    self.sample = sample
    self.dimension = dimension
    states = Rows(3, of: components * dimension)
    // One value is stored in any case.
    let memory = Rows<Scalar>(1 + max(1, depth), of: dimension)
    values = (0...max(1, depth)).map { memory[$0] }
    self.memory = memory
  }

  /// The first components of the state as it is.
  func state(_ components: Int) -> State<Scalar> { stored(now, components) }

  var position: Row<Scalar> { state(1).position }

  private func stored(_ row: Int, _ components: Int) -> State<Scalar> {
    State(Row(rebasing: states[row][..<(components * dimension)]), components: components)
  }

  /// Takes the model's prediction at the state, and what it says of the noise.
  /// - Returns: whether `f` is finite in every element.
  func absorb(
    _ prediction: Row<Scalar>, _ conversion: Conversion, variances: Row<Scalar>?
  ) -> Bool {
    if let variances {
      let kept = self.variances ?? Rows(1, of: dimension)
      copy(variances, to: kept[0])
      self.variances = kept
    }
    return takeValue(prediction, conversion)
  }

  private func takeValue(_ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool {
    PicardSampler.absorb(
      values[0], p: Scalar(conversion.state), state: position, q: Scalar(conversion.prediction),
      prediction: prediction, earlier: position
    ).isFinite
  }

  func step(_ map: SliceMap, components: Int, noise source: any NoiseSource) {
    let noise = map.isRandom ? stored(2, components) : nil
    if let noise { map.fill(noise, with: source, sample: sample, variances: variances?[0]) }
    stored(1 - now, components).step(map, from: state(components), value: values[0], noise: noise) { values[1 + $0] }
    now = 1 - now
    if map.keepsValue { values.insert(values.removeLast(), at: 0) }
  }

  /// Stores what the next step needs, or reads it.
  func code(_ coder: inout StateCoder, components: Int) throws {
    try state(components).code(&coder)
    for value in values.dropFirst() { try coder.code(value) }
  }
}
