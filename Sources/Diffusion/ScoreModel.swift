/// A trained (or closed-form) diffusion model, as the samplers see it.
///
/// A model states the shape of one sample, what it predicts, and computes that
/// prediction for a batch of rows, each at its own noise time. Everything else
/// (score, denoised estimate, time grids, solvers) is derived from these.
///
/// A row's prediction should not depend on the other rows of its batch; the
/// samplers check this at start-up and pad batches to one size where it does.
public protocol ScoreModel<Scalar> {
  /// The type in which states are handed over.
  associatedtype Scalar: StateScalar

  /// Shape of one sample; a row holds its elements in row-major order.
  var shape: [Int] { get }

  /// What `predict` computes.
  var parametrization: Parametrization { get }

  /// The training timesteps of a discrete-time model; `nil` for models that
  /// are continuous in time.
  var schedule: DiscreteSchedule? { get }

  /// Predicts for `times.count` rows.
  ///
  /// - Parameters:
  ///   - states: the rows one after another, each of `dimension` elements, in
  ///     the scaling that the parametrization defines.
  ///   - times: the noise time of each row.
  ///   - output: the predictions, laid out like `states`.
  /// - Throws: what keeps the model from being evaluated.
  func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) throws
}

extension ScoreModel {
  public var schedule: DiscreteSchedule? { nil }

  /// Elements of one sample.
  public var dimension: Int { shape.reduce(1, *) }
}
