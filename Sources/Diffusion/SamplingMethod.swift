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
  /// Its form of "solver_type": "heun".
  case multistepHeun = "dpm++2m-heun"
  /// DPM-Solver++(3M).
  case multistep3 = "dpm++3m"
  /// DPM-Solver++(2M) with noise.
  case multistepSDE = "dpm++2m-sde"
  /// Its form of "solver_type": "heun".
  case multistepSDEHeun = "dpm++2m-sde-heun"
  /// DPM-Solver-2 as a multistep method, Lu et al. (NeurIPS 2022).
  case noiseMultistep = "dpm2m"
  /// Its form of "solver_type": "heun".
  case noiseMultistepHeun = "dpm2m-heun"
  /// DPM-Solver-3 as a multistep method.
  case noiseMultistep3 = "dpm3m"
  /// UniPC-2 with B(h) = exp(h) - 1, Zhao et al. (NeurIPS 2023).
  case unipc
  /// UniPC-2 with B(h) = h.
  case unipcBH1 = "unipc-bh1"
  /// UniPC-3 with B(h) = exp(h) - 1.
  case unipc3
  /// UniPC-3 with B(h) = h.
  case unipc3BH1 = "unipc3-bh1"
  /// PNDM without its Runge-Kutta start, Liu et al. (ICLR 2022).
  case plms
  /// Improved PNDM, Zhang and Chen (ICLR 2023).
  case ipndm
  /// DEIS of order 2, Zhang and Chen (ICLR 2023).
  case deis
  /// DEIS of order 3.
  case deis3
  /// The linear multistep method of four values.
  case lms
  /// Heun's method in the noise level, Karras et al. (NeurIPS 2022).
  case heun
  /// Heun's method in the flow time.
  case heunFlow = "heun-flow"
  /// DPM-Solver-2 of k-diffusion.
  case middle = "dpm2"
  /// Single-step DPM-Solver++(2S), Lu et al. (2022).
  case singlestep = "dpm++2s"

  /// Names by which users of other tools know a method, beside the raw values.
  public static let synonyms: [String: SamplingMethod] = [
    // In EDM's words (Karras et al., NeurIPS 2022) DDIM is Euler's method.
    "euler": .ddim,
    // Its two parts of a step have the mean and the variance of DDPM's.
    "euler-ancestral": .ddpm,
    "pndm": .plms,
    "kdpm2": .middle,
    "edm": .heun,
    "deis2": .deis,
    "unipc2": .unipc,
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
    case .multistep, .multistepSDE: .dataMultistep(order: 2)
    case .multistepHeun, .multistepSDEHeun: .dataMultistep(order: 2, .heun)
    case .multistep3: .dataMultistep(order: 3)
    case .noiseMultistep: .noiseMultistep(order: 2)
    case .noiseMultistepHeun: .noiseMultistep(order: 2, .heun)
    case .noiseMultistep3: .noiseMultistep(order: 3)
    case .unipc: .unipc(order: 2)
    case .unipcBH1: .unipc(order: 2, .bh1)
    case .unipc3: .unipc(order: 3)
    case .unipc3BH1: .unipc(order: 3, .bh1)
    case .plms: .adams(evaluatesFirstTwice: true)
    case .ipndm: .adams(evaluatesFirstTwice: false)
    case .deis: .deis(order: 2)
    case .deis3: .deis(order: 3)
    case .lms: .lms
    case .heun: .heun(.noiseLevel)
    case .heunFlow: .heun(.flowTime)
    case .middle: .middle
    case .singlestep: .pairs
    }
  }

  /// 1 for an SDE, 0 for a probability flow.
  public var defaultNoiseLevel: Double {
    switch self {
    case .piadmSDE, .ddpm, .multistepSDE, .multistepSDEHeun: 1
    default: 0
    }
  }

  /// The method has noise, unless it is chosen to have none.
  public var mayHaveNoise: Bool {
    switch self {
    case .piadmSDE, .piadmODE, .ddpm, .ddim, .multistepSDE, .multistepSDEHeun: true
    default: false
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
