/// The samplers by name, each a step map and a default noise level.
public enum SamplingMethod: String, Hashable, Sendable, CaseIterable {
  /// PIADM-SDE (Chen, Ren, Ying and Rotskoff, NeurIPS 2024).
  case piadmSDE = "piadm-sde"
  /// PIADM-ODE, with the underdamped Langevin corrector after every block.
  case piadmODE = "piadm-ode"
  /// Ho, Jain and Abbeel (NeurIPS 2020).
  case ddpm
  /// Song, Meng and Ermon (ICLR 2021).
  case ddim
  /// DPM-Solver++(2M), Lu et al. (2022).
  case multistep = "dpm++2m"

  /// Names by which users of other tools know a method, beside the raw values.
  public static let synonyms: [String: SamplingMethod] = [
    // In EDM's words (Karras et al., NeurIPS 2022) DDIM is Euler's method.
    "euler": .ddim,
    // Its two parts of a step have the mean and the variance of DDPM's.
    "euler-ancestral": .ddpm,
  ]

  /// A method by its name or a synonym.
  public init?(named name: String) {
    guard let method = SamplingMethod(rawValue: name) ?? Self.synonyms[name] else { return nil }
    self = method
  }

  /// The formula of a step.
  public var stepMap: StepMap.Kind {
    switch self {
    case .piadmSDE, .piadmODE: .exponential
    case .ddpm, .ddim: .posterior
    case .multistep: .multistep
    }
  }

  /// 1 for an SDE, 0 for a probability flow.
  public var defaultNoiseLevel: Double {
    switch self {
    case .piadmSDE, .ddpm: 1
    case .piadmODE, .ddim, .multistep: 0
    }
  }

  /// Blocks unless chosen otherwise.
  public var defaultBlocks: Int { self == .piadmODE ? 4 : 1 }
  /// Corrector steps after a block unless chosen otherwise; 0 where the method has no
  /// corrector.
  public var defaultCorrectorSteps: Int { self == .piadmODE ? 16 : 0 }
}

/// The method of a model's scheduler, which is the default for the model.
public enum OwnMethod: Hashable, Sendable {
  /// One of the methods here.
  case here(SamplingMethod)
  /// A method that is not here, by the name that its users know.
  case elsewhere(String)
}
