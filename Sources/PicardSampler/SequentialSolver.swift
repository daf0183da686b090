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
    let dimension = batch.model.dimension
    var positions: [[Scalar]] = samples.map {
      noise.normals(dimension, stream: .initialState, step: 0, sample: $0)
    }
    var earlierValues = positions.map { $0.map { _ in Scalar(0) } }
    var rounds = 0
    for segment in trajectory.segments {
      var states = zip(positions, samples).map {
        segment.start(from: $0, noise: noise, sample: $1)
      }
      for (index, map) in segment.slices.enumerated() {
        let slices = clock.time(\.update) {
          zip(states, samples).map { state, sample in
            TimeSlice(
              map, state: state, value: [Scalar](repeating: 0, count: dimension),
              noise: map.noise(from: noise, sample: sample, dimension: dimension))
          }
        }
        let failed = try clock.time(\.score) {
          try batch.evaluate(slices.map { ($0, segment.quantity) })
        }
        if let failed {
          throw SamplingError(
            nonFinite: segment, slice: index, sample: samples[failed], rank: 0, round: rounds + 1)
        }
        clock.time(\.update) {
          for (sample, slice) in slices.enumerated() {
            slice.step(into: &states[sample], earlierValue: earlierValues[sample])
            earlierValues[sample] = slice.value
          }
        }
        rounds += 1
        try observe(
          RoundSummary(
            round: rounds, evaluations: batch.evaluations, finishedSteps: rounds,
            steps: trajectory.slices, largestChange: 0))
      }
      positions = states.map(\.position)
    }
    var record = RunRecord(sequential: trajectory)
    record.evaluations = batch.evaluations
    record.seconds = clock.seconds
    return Solution(samples: Array(zip(samples, positions)), record: record)
  }
}
