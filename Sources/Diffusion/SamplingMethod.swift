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
