public import Diffusion
import Foundation

/// Whether a network does what its declaration says, measured without data; and which other
/// convention would fit, where it does not.
///
/// A few rows go from noise to samples under a convention, by DDIM over a few noise levels.
/// On its own states an exact denoiser `D(x; sigma)` of data with second moment `M` obeys,
/// with `d` elements, `r2 = |x - D|^2 / (d sigma^2)` and `j = tr(dD/dx) / d`:
///
///     r2 + j = 1                         (Stein, 1981; Efron, 2011)
///     0 <= j <= M / (M + sigma^2)        (no estimate is worse than the linear one)
///
/// At the noisiest level the second bound says that the estimate hardly follows the state,
/// at the cleanest both say that it hardly leaves it. The misfit is the largest factor, in
/// powers of ten, by which either is broken at a level. Networks that are not trained, or on
/// little noise alone, break them under every convention.
public struct ConventionCheck: Sendable {
  /// How a convention fits.
  public struct Fit: Hashable, Sendable {
    /// Powers of ten, 0 for an exact denoiser.
    public let misfit: Double
    /// By how much the network, and not the convention's own linear part, makes the
    /// estimate follow the state or not: the largest change of `j` at a level.
    public let share: Double
    /// The second moment of the samples.
    public let secondMoment: Double
    /// The share of the elements of samples, as predicted, that lie beyond the bound of
    /// estimates; 0 without a bound.
    public let beyondBound: Double
  }

  /// Of the declared convention.
  public let declared: Fit
  /// What fits clearly better, in words, with its misfit.
  public let better: (words: String, misfit: Double)?

  /// The declared convention does not fit, and another one does.
  ///
  /// Exact networks have misfits below 0.2 in tests, trained ones 0.2; wrong conventions 0.5
  /// to 9.
  private static var suspicious: Double { 0.4 }

  private static func isClearlyBetter(_ fit: Fit, than declared: Fit) -> Bool {
    declared.misfit > suspicious && fit.misfit < 0.3 && declared.misfit - fit.misfit > 0.3 && fit.share > 0.12
  }

  /// Evaluates the model twice at every level, on few rows, and more often where the declared
  /// convention does not fit.
  ///
  /// - Parameters:
  ///   - model: what is checked.
  ///   - levels: noise levels; fewer are cheaper and less sure.
  /// - Returns: `nil` for a model whose range of noise is too narrow to tell.
  /// - Throws: what `predict` throws.
  public init?<Model: ScoreModel>(of model: Model, levels: Int = 10) throws {
    guard let walk = Walk(model, levels: levels) else { return nil }
    let own = Candidate(parametrization: model.parametrization, words: "") { model.schedule?.timestep(at: $0) }
    declared = try walk.fit(own)
    guard declared.misfit > Self.suspicious else {
      better = nil
      return
    }
    var best: (words: String, misfit: Double)?
    for candidate in Candidate.others(than: model.parametrization, model.schedule) {
      let fit = try walk.fit(candidate)
      if Self.isClearlyBetter(fit, than: declared), fit.misfit < best?.misfit ?? .infinity {
        best = (candidate.words, fit.misfit)
      }
    }
    better = best
  }
}

/// A convention that a network might have.
private struct Candidate {
  var parametrization: Parametrization
  var words: String
  /// What the network is told; `nil` where it is not told a number.
  var time: (NoiseTime) -> Double?

  /// Conventions that differ in the prediction, its sign or the time input; for flows, in
  /// sign and time input together.
  static func others(than own: Parametrization, _ schedule: (any NoiseSchedule)?) -> [Candidate] {
    let declaredTime: (NoiseTime) -> Double? = { schedule?.timestep(at: $0) }
    var candidates: [Candidate] = []
    for parametrization in predictions(beside: own) {
      candidates.append(Candidate(parametrization: parametrization, words: parametrization.words, time: declaredTime))
    }
    for (words, time) in times(beside: schedule) {
      candidates.append(Candidate(parametrization: own, words: "\(own.words) with \(words)", time: time))
      guard own.prediction == .flow else { continue }
      var other = own
      other.isNegated.toggle()
      candidates.append(Candidate(parametrization: other, words: "\(other.words) with \(words)", time: time))
    }
    return candidates
  }

  private static func predictions(beside own: Parametrization) -> [Parametrization] {
    let scaling = own.scaling
    var all: [Parametrization] = [false, true].flatMap { sign in
      [.noise, .velocity, .sample].map { Parametrization($0, from: scaling, isNegated: sign) }
        + [Parametrization(own.prediction, from: scaling, isNegated: sign)]
    }
    switch scaling {
    case .variancePreserving: all.append(.flow)
    case .flow: all += [.noise, .velocity]
    case .varianceExploding, .unitVariance: all += [.denoiser, .noise, .explodingScore]
    }
    return all.reduce(into: []) { if $1 != own && !$0.contains($1) { $0.append($1) } }
  }

  private static func times(
    beside schedule: (any NoiseSchedule)?
  ) -> [(words: String, time: (NoiseTime) -> Double?)] {
    func inputs(_ inputs: [TimeInput]) -> [(String, (NoiseTime) -> Double?)] {
      inputs.map { input in ("time input \(input.description)", { input.value(at: $0) }) }
    }
    let flow = [true, false].flatMap { isZeroAtData in
      [1.0, 1000].map { TimeInput.flowTime(isZeroAtData: isZeroAtData, scale: $0) }
    }
    let levels: [TimeInput] = [.sigma, .logSigma(divisor: 1), .logSigma(divisor: 4)]
    switch schedule {
    case let schedule as DiscreteSchedule:
      let last = Double(schedule.alphaBar.count - 1)
      return [
        ("timesteps in reverse order", { last - schedule.timestep(at: $0) }),
        ("timesteps from 0 to 1", { schedule.timestep(at: $0) / (last + 1) }),
      ]
    case is FlowSchedule: return inputs(flow)
    case is DenoiserSchedule: return inputs(levels)
    case let schedule as ContinuousSchedule:
      switch schedule.input {
      case .flowTime: return inputs(flow)
      case .sigma, .logSigma: return inputs(levels)
      case .processTime(let process, _): return inputs([1, 1000].map { .processTime(process, scale: $0) })
      }
    default: return []
    }
  }
}

extension Parametrization {
  /// What is predicted, as a person would write it.
  fileprivate var words: String {
    let name =
      switch prediction {
      case .score: "the score"
      case .noise: "the noise"
      case .velocity: "v = alpha noise - sigma data"
      case .sample: "the data (a denoiser)"
      case .flow: isNegated ? "data - noise" : "noise - data"
      case .preconditioned: "F inside EDM's preconditioning"
      }
    return (isNegated && prediction != .flow ? "minus " : "") + name
  }
}

/// Rows that go from noise to samples under a convention.
private struct Walk<Model: ScoreModel> {
  typealias Scalar = Model.Scalar

  let model: Model
  let rows: Int
  /// Noise levels `sigma_E`, decreasing.
  let levels: [Double]

  init?(_ model: Model, levels count: Int) {
    self.model = model
    // A thousand elements make averages.
    rows = max(1, min(64, (1023 + model.dimension) / model.dimension))
    let range = model.schedule?.trainedTimes
    // Finer levels than these tell of a network's precision, not of its convention.
    let (least, greatest) = (max(range?.least.edmSigma ?? 0, 0.03), min(range?.greatest.edmSigma ?? .infinity, 100))
    guard greatest >= 5, least <= 0.5 else { return nil }
    levels = (0..<count).map { greatest * pow(least / greatest, Double($0) / Double(count - 1)) }
  }

  func fit(_ candidate: Candidate) throws -> ConventionCheck.Fit {
    let noise = CounterNoise(seed: 0xc0de)
    let dimension = model.dimension
    var states: [Double] = (0..<rows).flatMap { row -> [Double] in
      noise.normals(dimension, stream: .initialState, step: 0, sample: row)
    }
    let first = NoiseTime(edmSigma: levels[0])
    for k in states.indices { states[k] /= first.alpha }
    var measured: [(sigma: Double, residual: Double, slope: Double, linear: Double)] = []
    var last: (estimates: [Double], beyondBound: Double) = ([], 0)
    for (index, sigma) in levels.enumerated() {
      let time = NoiseTime(edmSigma: sigma)
      let (estimates, beyond) = try denoise(states, candidate, at: time)
      // Random signs, and a distance over which an estimate at this noise is smooth.
      let signs: [Double] = (0..<rows).flatMap { row -> [Double] in
        noise.normals(dimension, stream: .step, step: index, sample: row).map { $0 < 0 ? -1 : 1 }
      }
      let distance = 0.1 * sigma
      let (moved, _) = try denoise(zip(states, signs).map { $0 + distance * $1 }, candidate, at: time)
      let count = Double(states.count)
      var (residual, slope) = (0.0, 0.0)
      for k in states.indices {
        residual += (states[k] - estimates[k]) * (states[k] - estimates[k])
        slope += (moved[k] - estimates[k]) * signs[k]
      }
      let linear = candidate.parametrization.conversion(to: .denoised, at: time).state * time.alpha
      measured.append((sigma, residual / (count * sigma * sigma), slope / (count * distance), linear))
      last = (estimates, beyond)
      guard index + 1 < levels.count else { break }
      let ratio = levels[index + 1] / sigma
      for k in states.indices { states[k] = estimates[k] + ratio * (states[k] - estimates[k]) }
    }
    let moment = last.estimates.reduce(0) { $0 + $1 * $1 } / Double(last.estimates.count)
    var (misfit, share) = (0.0, 0.0)
    for level in measured {
      guard level.residual.isFinite, level.slope.isFinite, moment.isFinite, moment > 0 else {
        return ConventionCheck.Fit(misfit: 9, share: 0, secondMoment: moment, beyondBound: last.beyondBound)
      }
      let following = level.slope * (moment + level.sigma * level.sigma) / moment
      misfit = max(
        misfit, log10(following > 1 ? following : 1 - min(following, 0)),
        abs(log10(max(level.residual + level.slope, 1e-9))))
      share = max(share, abs(level.slope - level.linear))
    }
    return ConventionCheck.Fit(
      misfit: min(misfit, 9), share: share, secondMoment: moment, beyondBound: last.beyondBound)
  }

  /// Estimates of the data from states `x = y / alpha`, all at one noise time, and the
  /// share of their elements that lie beyond the bound.
  private func denoise(
    _ states: [Double], _ candidate: Candidate, at time: NoiseTime
  ) throws -> (estimates: [Double], beyondBound: Double) {
    var node = time
    node.timestep = candidate.time(time)
    let scale = candidate.parametrization.inputScale(at: time) * time.alpha
    let input = states.map { Scalar(scale * $0) }
    let times = [NoiseTime](repeating: node, count: rows)
    let samples = [Int](repeating: 0, count: rows)
    var output = [Scalar](repeating: 0, count: states.count)
    var span = output.mutableSpan
    try model.predict(input.span, at: times.span, of: samples.span, into: &span)
    let (p, q) = candidate.parametrization.conversion(to: .denoised, at: time)
    var estimates = states.indices.map { p * time.alpha * states[$0] + q * Double(output[$0]) }
    guard let bound = model.bound else { return (estimates, 0) }
    var beyond = 0.0
    if case .clip(let limit) = bound.kind {
      beyond = Double(estimates.count { abs($0) >= limit }) / Double(estimates.count)
    }
    for row in 0..<rows {
      let elements = (row * model.dimension)..<((row + 1) * model.dimension)
      var values = Array(estimates[elements])
      var span = values.mutableSpan
      // The estimate as its own prediction.
      bound.apply(to: &span, state: [Double](repeating: 0, count: elements.count).span, (0, 1), unbounded: 0)
      estimates.replaceSubrange(elements, with: values)
    }
    return (estimates, beyond)
  }
}
