public import Diffusion

/// The time-parallel solver: iterates all active slices of all samples at
/// once, each rank those of its own chunks, until the trajectories stand.
///
/// Every sample has a window of its own, so that it takes the same rounds, to
/// the same bits, whatever other samples are drawn beside it. The fixed point
/// is the sequential sampler's trajectory with the same noise; after `k` rounds
/// the first `k` states of a window have its bits.
///
/// `Schedule` says who does what in a round, `ChunkSlopes` how a correction is carried within a
/// chunk, `Boundary` passes it from chunk to chunk, and `Opener` opens what windows move to.
public final class PicardSolver<Scalar: StateScalar> {
  let trajectory: Trajectory
  let options: PicardOptions
  let batch: ScoreBatch<Scalar>
  let ring: any Ring
  /// Numbers of the samples, which the noise depends on.
  let samples: [Int]
  let chunks: ChunkStore<Scalar>
  private let boundary: Boundary<Scalar>
  let ahead: NoiseAhead<Scalar>
  private let opener: Opener<Scalar>
  let clock: PhaseClock

  @exclusivity(unchecked) var windows: [Window]
  /// What this round does to the active slices.
  @exclusivity(unchecked) private var changes: Changes
  @exclusivity(unchecked) var record: RunRecord
  /// The state was taken from a checkpoint, so that slices are open already.
  var isRestored = false

  /// Is told what this rank does.
  public var observer: (any RunObserver)? {
    get { clock.observer }
    set { clock.observer = newValue }
  }

  /// - Parameters:
  ///   - trajectory: the steps from noise to data.
  ///   - options: how the iteration runs.
  ///   - batch: the model, and how many rows it takes at once.
  ///   - ring: the ranks that share the work; all of them make a solver alike.
  ///   - noise: where initial states and step noise come from.
  ///   - samples: numbers of the samples to draw, the same on all ranks.
  ///   - clock: measures this rank's time.
  public init(
    _ trajectory: Trajectory, options: PicardOptions, batch: ScoreBatch<Scalar>, ring: any Ring,
    noise: any NoiseSource, samples: [Int], clock: PhaseClock = PhaseClock()
  ) {
    self.trajectory = trajectory
    self.options = options
    self.clock = clock
    self.batch = batch
    self.ring = ring
    self.samples = samples
    let schedule = Schedule(trajectory, options, ranks: ring.size)
    chunks = ChunkStore(
      trajectory, options, schedule, dimension: batch.dimension, noise: noise, samples: samples)
    ahead = NoiseAhead(chunks, ring, clock)
    boundary = Boundary(chunks, ring, clock, ahead)
    opener = Opener(chunks, boundary, ahead, clock, noise: noise)
    windows = samples.map { _ in schedule.policy.window(entering: 0) }
    changes = Changes(products: options.anderson?.products ?? 0)
    record = RunRecord(trajectory, samples: samples.count)
  }

  /// Who does what in which round.
  var schedule: Schedule { chunks.schedule }

  /// Draws the samples.
  ///
  /// - Parameter observe: called after every round, on every rank.
  /// - Returns: what this rank holds of the samples, and the record of the run.
  /// - Throws: `SamplingError` on all ranks alike where a score is not finite;
  ///   `RowDependence` where a row's score is not a function of that row; what the
  ///   model and the ring throw.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func run(observe: (RoundSummary) throws -> Void = { _ in }) throws -> Solution<Scalar> {
    try checkRows()
    if !isRestored { try opener.start(windows) }
    var plan = RoundPlan()
    while windows.contains(where: { !schedule.policy.isFinished($0) }) {
      schedule.update(&plan, windows, of: ring.rank)
      let failures = try evaluate(plan)
      try boundary.passHistory(plan)
      try propose(plan)
      correct(plan, failures)
      try agree()
      accept(plan)
      let iterated = windows
      try advance()
      try observe(
        summary(SliceChanges(starts: trajectory.stageStarts, windows: iterated, changes: changes)))
    }
    try checkRowsAgain()
    try record.close(ring)
    try ring.finish()
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(
      samples: zip(samples, chunks.finished).compactMap { number, state in state.map { (number, $0) } },
      record: record)
  }

  /// Checks that a row's score does not depend on its batch (`ScoreBatch.checkRows`), where
  /// that was not done for as many rows. Collective; `run` begins with it.
  ///
  /// - Throws: `RowDependence`; what the model and the ring throw.
  public func checkRows() throws {
    let load = options.largestLoad(
      trajectory, samples: samples.count, ranks: ring.size, dimension: batch.dimension)
    try batch.checkOnce(load: load, of: trajectory, samples: samples, over: ring)
  }

  public func checkRowsAgain() throws { try batch.checkAgain(over: ring) }

  /// Evaluates the slices whose state has changed, and what slopes ask for beside them.
  /// - Returns: where `f` is not finite.
  private func evaluate(_ plan: RoundPlan) throws -> [SlicePlace] {
    var visits: [Visit<Scalar>] = []
    var requests: [(part: Int, request: ChunkRequest)] = []
    clock.time(.update) {
      for (number, part) in plan.parts.enumerated() {
        let quantity = trajectory.stages[part.stage].quantity
        chunks[part.key()].beginRound(part) { request, state, map in
          visits.append(
            Visit(
              state: state, time: map.time, unbounded: map.unbounded, quantity: quantity,
              sample: samples[part.sample]))
          requests.append((number, request))
        }
      }
    }
    var failures: [SlicePlace] = []
    _ = try clock.time(.score) {
      try batch.evaluate(visits) { visit, prediction, conversion, variances in
        let part = plan.parts[requests[visit].part]
        let (chunk, request) = (chunks[part.key()], requests[visit].request)
        let isFinite = chunk.absorb(request, prediction, conversion, variances: variances)
        if !isFinite { failures.append(SlicePlace(sample: part.sample, slice: chunk.first + request.slice)) }
        return isFinite
      }
    }
    return failures
  }

  /// Proposes all states, and passes what changes from chunk to chunk. Where another rank
  /// waits for a state that is known as soon as it is proposed, that comes first.
  private func propose(_ plan: RoundPlan) throws {
    func isAwaited(_ part: RoundPlan.Part) -> Bool {
      part.left == nil && part.right.map { $0 != ring.rank } ?? false
    }
    func propose(_ part: RoundPlan.Part) { clock.time(.update) { chunks[part.key()].propose() } }
    for part in plan.parts where isAwaited(part) {
      propose(part)
      try boundary.pass(part)
    }
    for part in plan.parts where !isAwaited(part) { propose(part) }
    for part in plan.parts where !isAwaited(part) { try boundary.pass(part) }
  }

  /// Corrects the states within the chunks, and takes note of what changes.
  private func correct(_ plan: RoundPlan, _ failures: [SlicePlace]) {
    clock.time(.update) {
      changes.begin(windows.lazy.map(\.slices))
      for part in plan.parts {
        let (chunk, maps) = (chunks[part.key()], trajectory.stages[part.stage].slices)
        func note(_ slice: Int, _ change: Double) {
          changes[part.sample, slice] = schedule.policy.weight(of: maps[slice]) * change
        }
        chunk.correctInterior()
        for index in chunk.movingStates { note(chunk.first + index - 1, chunk.slices[index].change) }
        if part.right == nil { note(part.slices.upperBound - 1, chunk.endChange) }
        chunk.slopes.share(part, of: chunk, in: &changes)
      }
      for place in failures { changes[place.sample, place.slice] = .infinity }
    }
  }

  /// Agrees with the other ranks on the changes of all active slices.
  private func agree() throws {
    if ring.size > 1, options.anderson != nil || options.stop.needsAgreement {
      try clock.time(.reduce) { try changes.agree(ring) { ahead.draw() } }
    }
    guard let place = changes.failure else { return }
    let window = windows[place.sample]
    let map = schedule.maps[window.stage]
    throw SamplingError(
      nonFinite: trajectory.stages[window.stage], slice: place.slice, sample: samples[place.sample],
      rank: map.owner(ofChunk: map.chunk(ofSlice: place.slice)), round: record.rounds + 1)
  }

  /// Makes the proposals the states.
  private func accept(_ plan: RoundPlan) {
    clock.time(.update) {
      for part in plan.parts {
        let chunk = chunks[part.key()]
        chunk.slopes.adjust(part, of: chunk, in: windows[part.sample], changes)
        chunk.accept(withEnd: part.right == nil)
      }
    }
  }

  /// Moves the windows of all samples.
  private func advance() throws {
    record.beginRound()
    let old = windows
    for (sample, window) in old.enumerated() where !window.isEmpty {
      record.note(stage: window.stage, sample: sample, change: changes.largest(of: sample))
      windows[sample] = schedule.policy.advanced(window, changes.changes(of: sample))
    }
    try opener.open(from: old, to: windows)
  }

  private func summary(_ changes: SliceChanges) -> RoundSummary {
    let last = windows.min { ($0.stage, $0.first) < ($1.stage, $1.first) }
    let isDone = last.map { schedule.policy.isFinished($0) } ?? true
    let stage = isDone ? trajectory.stages.count - 1 : last?.stage ?? 0
    return RoundSummary(
      round: record.rounds, evaluations: batch.evaluations, calls: batch.calls,
      finishedSteps: isDone
        ? trajectory.slices : trajectory.stageStarts[stage] + (last?.first ?? 0),
      steps: trajectory.slices, largestChange: record.largestChange,
      block: trajectory.stages[stage].block,
      isCorrector: trajectory.stages[stage].isCorrector, changes: changes)
  }
}
