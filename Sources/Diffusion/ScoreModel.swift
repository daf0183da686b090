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

  /// The noise times the model was trained at; `nil` for models that are
  /// continuous in time.
  var schedule: (any NoiseSchedule)? { get }

  /// The method of the model's scheduler; `nil` where the model has none.
  var ownMethod: OwnMethod? { get }

  /// What is done to the denoised estimate before a step uses it; `nil` where
  /// it is used as predicted.
  var bound: EstimateBound? { get }

  /// What the model says of the variance of steps, beside its prediction; `nil`
  /// where it says nothing.
  var variance: LearnedVariance? { get }

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

  /// Predicts for rows of known samples: what models implement whose
  /// prediction depends on more than state and noise time, such as a class
  /// label for each sample. Others have it from `predict(_:at:into:)`.
  ///
  /// - Parameters:
  ///   - states: the rows one after another.
  ///   - times: the noise time of each row.
  ///   - samples: the number of the sample that each row belongs to.
  ///   - output: the predictions, laid out like `states`.
  /// - Throws: what keeps the model from being evaluated.
  func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>
  ) throws

  /// Predicts what `variance` tells of too: for models that have it.
  ///
  /// - Parameters:
  ///   - states: the rows one after another.
  ///   - times: the noise time of each row.
  ///   - samples: the number of the sample that each row belongs to.
  ///   - output: the predictions, laid out like `states`.
  ///   - variances: what the model says of variances, laid out like `states`.
  /// - Throws: what keeps the model from being evaluated.
  func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>, variances: inout MutableSpan<Scalar>
  ) throws
}

extension ScoreModel {
  public var schedule: (any NoiseSchedule)? { nil }
  public var ownMethod: OwnMethod? { nil }
  public var bound: EstimateBound? { nil }
  public var variance: LearnedVariance? { nil }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>
  ) throws {
    try predict(states, at: times, into: &output)
  }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>, variances: inout MutableSpan<Scalar>
  ) throws {
    precondition(variance == nil, "a model that has a variance predicts it")
    try predict(states, at: times, of: samples, into: &output)
  }

  /// Elements of one sample.
  public var dimension: Int { shape.reduce(1, *) }
}
