/// The slope `L_m` with which a correction of slice `m`'s state is carried to
/// the next slice, `y+_{m+1} = phi_m(y_m) + L_m (y+_m - y_m)`.
///
/// The fixed point is the sequential trajectory for every choice; the choice
/// decides how many rounds it takes to get there.
public enum Linearization: String, Hashable, Sendable, CaseIterable {
  /// `A_m`: the linear part exactly, `f` a round old. The Picard iteration of
  /// Chen, Ren, Ying and Rotskoff (NeurIPS 2024).
  case frozen
  /// 1: ParaDiGMS (Shih et al., NeurIPS 2023).
  case increment
  /// 0: the fixed-point iteration, one step a round.
  case none
  /// `A_m + B_m j_m` with `j_m` the secant slope of `f` from the slice's last
  /// two evaluations: quasi-Newton with one scalar a slice.
  case secant
  /// `A_m + B_m diag(j)` with the slope of every element from the secants of all
  /// slices of a chunk, and a symmetric rank-two update by the slice's own
  /// secant within the chunk (`ElementSlopes`). In the corrector, `secant`.
  case elementwise

  /// The slope where all elements have the same.
  func gain(_ map: SliceMap, slope: Double) -> Gain {
    switch self {
    case .frozen: map.state
    case .increment: .identity
    case .none: .zero
    case .secant, .elementwise:
      Gain(
        uu: map.state.uu + map.value.u * slope, uv: map.state.uv,
        vu: map.state.vu + map.value.v * slope, vv: map.state.vv)
    }
  }
}

/// When the iteration of a slice ends.
public enum StopRule: Hashable, Sendable {
  /// When the root mean square over a sample's elements of its last change, in a
  /// sliding window times what it moves the last state by, is at most this (absolute;
  /// data have unit scale). 0 means: when no bit changes, which is the sequential
  /// sampler's result.
  case tolerance(Double)
  /// After this many rounds (the paper's rule); needs no reduction over ranks.
  case iterations(Int)

  /// The ranks have to tell each other their changes.
  var needsAgreement: Bool {
    if case .tolerance = self { true } else { false }
  }
}
