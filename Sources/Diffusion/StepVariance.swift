/// The variance of the noise of a posterior step from `(alpha, sigma)` to
/// `(alpha', sigma')` at noise level 1.
public enum StepVariance: Hashable, Sendable {
  /// That of the posterior given the clean sample,
  /// `sigma'^2 (1 - alpha^2/alpha'^2) / sigma^2`: the lower one of the two
  /// choices of Ho, Jain and Abbeel (NeurIPS 2020).
  case posterior
  /// That of the forward process, `1 - alpha^2/alpha'^2`, about the posterior's
  /// mean: their upper choice. A last step from timestep 0 has none.
  case forward
  /// `sigma'^2`: nothing of the state's own noise is kept (the multistep
  /// consistency sampling of Song et al., ICML 2023).
  case whole
}
