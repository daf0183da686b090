package import Diffusion

/// The map from one slice's state to the next one's,
///
///     y' = A y + B f(position of y) + D_1 f_-1 + D_2 f_-2 + ... + noise
///
/// The state has one component (the position) in the predictor and two
/// (position and velocity) in the corrector; `f` is a function of the position, and
/// `f_-k` are the newest values of `f` that earlier slices have kept.
package struct SliceMap: Hashable, Sendable {
  /// A.
  package var state: Gain
  /// B, for each component.
  package var value: Pair
  /// D_1, D_2, ...
  package var history = History.none
  /// `f` of this slice is one of those that later slices read.
  package var keepsValue = true
  /// Share of the estimate as predicted in `f`, where estimates are bounded.
  var unbounded = 0.0
  /// Noise time at which `f` is evaluated.
  package var time: NoiseTime
  /// By how much a change of the state behind this slice moves the last one, as far as is
  /// known beforehand: of normal data with unit variance.
  package var sensitivity: Double
  /// `f = p y + q g`, where the Jacobian of `g` changes little along the trajectory: the
  /// denoised estimate, `p = 0` and `q = 1`; or `alpha` times it where `f` is the score,
  /// `p = -1/sigma^2 = -q`, or the noise, `p = 1/sigma = -q`, which stays in bounds where `alpha`
  /// vanishes. This is `p`, and
  /// `df/dy` where the data are a single point: what a secant knows before it has seen two
  /// states.
  var stateInValue: Double
  /// `q`.
  var estimateInValue: Double
  var noise: Noise

  enum Noise: Hashable, Sendable {
    case none
    /// `deviation` times the noise of this number.
    case step(NoiseStream, Int, deviation: Double)
    /// The step noise of this step, with the deviations that the model predicts.
    case learned(Int, LearnedNoise)
    /// The correlated pair of an underdamped Langevin step with this number.
    case langevin(Int, velocity: Double, positionFromVelocity: Double, position: Double)
  }

  init(_ map: StepMap, _ step: StepMap.Step) {
    state = Gain(uu: step.state)
    value = Pair(u: step.value)
    history = History(position: step.history)
    keepsValue = step.keepsValue
    unbounded = step.unbounded
    time = step.time
    sensitivity = map.sensitivity(ofNode: step.number + 1)
    let precision = 1 / (time.sigma * time.sigma)
    (stateInValue, estimateInValue) =
      switch map.quantity {
      case .score: (-precision, precision)
      case .noise: (1 / time.sigma, -1 / time.sigma)
      case .denoised: (0, 1)
      }
    noise =
      if let learned = step.learnedNoise {
        .learned(step.number, learned)
      } else {
        step.noise == 0 ? .none : .step(step.noiseStream, step.noiseNumber, deviation: step.noise)
      }
  }

  init(_ corrector: LangevinCorrector, at time: NoiseTime, step: Int) {
    state = Gain(uu: 1, uv: corrector.transfer, vu: 0, vv: corrector.velocityDecay)
    value = Pair(u: corrector.positionFromScore, v: corrector.transfer)
    // The steps behind it take up no score.
    keepsValue = false
    self.time = time
    sensitivity = 1
    let precision = 1 / (time.sigma * time.sigma)
    (stateInValue, estimateInValue) = (-precision, precision)
    let position = corrector.positionNoise
    noise = .langevin(
      step, velocity: corrector.velocityNoise, positionFromVelocity: position.fromVelocity,
      position: position.own)
  }

  /// `g` where the denoised estimate is 1: `alpha`, or where estimates are bounded and this
  /// one is within them what both its shares in `f` make of it.
  var estimateScale: Double { isOfScore ? time.alpha : 1 + unbounded }

  /// `f` is the score or the noise, not the denoised estimate.
  var isOfScore: Bool { stateInValue != 0 }

  /// B and all of D: by how much a change of `f` counts that the kept values share.
  ///
  /// What a change of this slice's state does beside it, through the values that were kept
  /// before, is not known here. States that follow one another change nearly alike, so that
  /// these values are taken to change as this slice's own; without them, slopes would be off
  /// by the whole of D.
  func sharedValue(_ component: Int) -> Double {
    (0..<history.depth).reduce(value[component]) { $0 + history[$1, component] }
  }

  /// A of the map as one of `g`, for the position.
  var stateBesideEstimate: Double { state.uu + sharedValue(0) * stateInValue }

  /// B of the map as one of `g`, for the position.
  var estimate: Double { sharedValue(0) * estimateInValue }

  /// The mean of the state at a later noise time, as factors of the state here and of `f`:
  /// the Gaussian posterior's, as in DDPM, given the denoised estimate.
  func posteriorMean(at later: NoiseTime) -> (state: Double, value: Double) {
    let ratio = later.sigma / time.sigma
    let state = ratio * ratio * time.alpha / later.alpha
    let estimate = (later.alpha - time.alpha * state) / (estimateInValue * estimateScale)
    return (state - estimate * stateInValue, estimate)
  }

  /// The map adds noise to the state.
  var isRandom: Bool { noise != .none }

  /// Its noise depends on what the model predicts.
  var hasLearnedNoise: Bool { if case .learned = noise { true } else { false } }

  /// Fills a state with the noise of this slice as it enters the state, scaled.
  ///
  /// - Parameter variances: what the model has said of this slice's noise; `nil`
  ///   where it has not been asked, or says nothing.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func fill<Scalar: StateScalar>(
    _ state: State<Scalar>, with source: any NoiseSource, sample: Int, variances: Row<Scalar>? = nil
  ) {
    func draw(_ component: Int, _ stream: NoiseStream, _ step: Int) {
      var span = state[component].mutableSpan
      source.fill(&span, stream: stream, step: step, sample: sample)
    }
    switch noise {
    case .none:
      break
    case .step(let stream, let step, let deviation):
      draw(0, stream, step)
      scale(state.position, by: Scalar(deviation))
    case .learned(let step, let learned):
      draw(0, .step, step)
      if let variances {
        var span = state.position.mutableSpan
        learned.scale(&span, by: variances.span)
      } else {
        scale(state.position, by: Scalar(learned.firstDeviation))
      }
    case .langevin(let step, let velocity, let positionFromVelocity, let position):
      draw(1, .correctorVelocity, step)
      draw(0, .correctorPosition, step)
      scale(state.position, by: Scalar(position))
      accumulate(state.position, Scalar(positionFromVelocity), state.velocity)
      scale(state.velocity, by: Scalar(velocity))
    }
  }
}
