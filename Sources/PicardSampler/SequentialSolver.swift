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
  private let clock = PhaseClock()

  /// The next step to take.
  private var segment = 0
  private var slice = 0
  /// By sample, where the steps so far have led; empty before the first one.
  private var states: [State<Scalar>] = []
  private var earlierValues: [[Scalar]] = []

  public init(
    _ trajectory: Trajectory, batch: ScoreBatch<Scalar>, noise: any NoiseSource, samples: [Int]
  ) {
    self.trajectory = trajectory
    self.batch = batch
    self.noise = noise
    self.samples = samples
  }

  /// Draws the samples.
  /// - Throws: `SamplingError` where a score is not finite; what the model throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func run(
    observe: (RoundSummary) throws -> Void = { _ in }
  ) throws -> Solution<Scalar> {
    if states.isEmpty { start() }
    while !samples.isEmpty, segment < trajectory.segments.count {
      try step()
      try observe(
        RoundSummary(
          round: round, evaluations: batch.evaluations, finishedSteps: round,
          steps: trajectory.slices, largestChange: 0))
    }
    var record = RunRecord(sequential: trajectory)
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(samples: Array(zip(samples, states.map(\.position))), record: record)
  }

  /// Steps taken, those of the corrector included.
  private var round: Int {
    trajectory.segments[..<segment].reduce(0) { $0 + $1.slices.count } + slice
  }

  private func start() {
    let dimension = batch.model.dimension
    states = samples.map {
      State(position: noise.normals(dimension, stream: .initialState, step: 0, sample: $0))
    }
    earlierValues = samples.map { _ in [Scalar](repeating: 0, count: dimension) }
    enterSegment()
  }

  private func enterSegment() {
    guard segment < trajectory.segments.count else { return }
    states = zip(states, samples).map {
      trajectory.segments[segment].start(from: $0.position, noise: noise, sample: $1)
    }
  }

  private func step() throws {
    let dimension = batch.model.dimension
    let (current, map) = (trajectory.segments[segment], trajectory.segments[segment].slices[slice])
    let slices = clock.time(\.update) {
      zip(states, samples).map { state, sample in
        TimeSlice(
          map, state: state, value: [Scalar](repeating: 0, count: dimension),
          noise: map.noise(from: noise, sample: sample, dimension: dimension))
      }
    }
    let failed = try clock.time(\.score) {
      try batch.evaluate(zip(slices, samples).map { ($0, current.quantity, $1) })
    }
    if let failed {
      throw SamplingError(
        nonFinite: current, slice: slice, sample: samples[failed], rank: 0, round: round + 1)
    }
    clock.time(\.update) {
      for (sample, slice) in slices.enumerated() {
        slice.step(into: &states[sample], earlierValue: earlierValues[sample])
        earlierValues[sample] = slice.value
      }
    }
    slice += 1
    if slice == current.slices.count {
      (segment, slice) = (segment + 1, 0)
      enterSegment()
    }
  }
}

extension SequentialSolver: ResumableSolver {
  public func progress() -> [SampleProgress] {
    samples.map {
      SampleProgress(
        sample: $0, segment: segment, first: slice, end: slice + 1, rounds: 0,
        iterations: [round], changes: [0])
    }
  }

  public func forEachPiece(_ body: (PieceKey, [UInt8]) throws -> Void) throws {
    for (index, sample) in samples.enumerated() {
      var coder = StateCoder()
      try code(index, &coder)
      try body(PieceKey(sample: sample, chunk: 0), coder.bytes)
    }
  }

  public func restore(_ progress: [SampleProgress], piece: (PieceKey) throws -> [UInt8]) throws {
    let places = Set(progress.filter { samples.contains($0.sample) }.map { [$0.segment, $0.first] })
    guard let place = places.first else { return }
    let (count, last) = (trajectory.segments.count, trajectory.segments.count - 1)
    guard places.count == 1, 0...count ~= place[0],
      place[0] == count ? place[1] == 0 : trajectory.segments[place[0]].slices.indices.contains(place[1])
    else { throw StoredStateError("the samples are not at one step of this run") }
    start()
    (segment, slice) = (min(place[0], last), place[1])
    enterSegment()
    segment = place[0]
    for (index, sample) in samples.enumerated() {
      var coder = StateCoder(reading: try piece(PieceKey(sample: sample, chunk: 0)))
      try code(index, &coder)
      try coder.finish()
    }
  }

  private func code(_ index: Int, _ coder: inout StateCoder) throws {
    try states[index].code(&coder)
    try coder.code(&earlierValues[index])
  }
}
