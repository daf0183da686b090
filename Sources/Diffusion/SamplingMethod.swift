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

  public var stepMap: StepMap.Kind {
    switch self {
    case .piadmSDE, .piadmODE: .exponential
    case .ddpm, .ddim: .posterior
    case .multistep: .multistep
    }
  }

  public var defaultNoiseLevel: Double {
    switch self {
    case .piadmSDE, .ddpm: 1
    case .piadmODE, .ddim, .multistep: 0
    }
  }

  public var defaultBlocks: Int { self == .piadmODE ? 4 : 1 }
  public var defaultCorrectorSteps: Int { self == .piadmODE ? 16 : 0 }
}
