import Diffusion
import ScoreModels

/// The sampling method of a run, and what follows from it where options leave
/// it open.
struct ChosenMethod {
  let name: SamplingMethod
  /// 0 (probability flow) to 1 (reverse SDE).
  let noiseLevel: Double
  let corrector: LangevinCorrector.Settings

  /// As stated, else the model's own, else PIADM-SDE.
  ///
  /// - Throws: `WrongUsage` where the model's own method is not here and none
  ///   is stated, and where options do not fit the method.
  init<Scalar: StateScalar>(_ options: SamplerOptions, of model: any ScoreModel<Scalar>) throws {
    name = try options.method ?? Self.ownMethod(of: model)
    noiseLevel = options.noiseLevel ?? options.stochastic.eta ?? name.defaultNoiseLevel
    guard name.mayHaveNoise || noiseLevel == 0 else {
      throw WrongUsage("--method \(name.rawValue) has no noise: omit --noise-level or give 0")
    }
    corrector = LangevinCorrector.Settings(
      steps: options.correctorSteps ?? name.defaultCorrectorSteps, time: options.correctorTime,
      friction: options.friction)
  }

  private static func ownMethod<Scalar: StateScalar>(of model: any ScoreModel<Scalar>) throws -> SamplingMethod {
    switch model.ownMethod {
    case nil: return .piadmSDE
    case .here(let method): return method
    case .elsewhere(let words):
      let scheduler = (model as? OpenVINOModel<Scalar>)?.scheduler?.className ?? "the model's scheduler"
      throw WrongUsage(
        "the method of \(scheduler), \(words), is not implemented, but its schedule is: choose the method by --method, "
          + "one of \(SamplingMethod.list)")
    }
  }
}

extension SamplingMethod {
  /// The names of all methods.
  static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
}

extension SchedulerSummary {
  /// The class and its method, in a few words.
  var text: String {
    switch method {
    case .here(let method): "\(className), whose own method is \(method.rawValue)"
    case .elsewhere(let words):
      "\(className), whose own method (\(words)) is not implemented; --method takes \(SamplingMethod.list)"
    }
  }

  /// The keys that the class does not read; `nil` where there are none.
  var ignored: String? {
    ignoredKeys.isEmpty ? nil : "keys that \(className) does not read: \(ignoredKeys.joined(separator: ", "))"
  }
}
