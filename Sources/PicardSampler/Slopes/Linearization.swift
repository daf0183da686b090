import Diffusion

/// The slope `L_m` with which a correction of slice `m`'s state is carried to
/// the next slice, `y+_{m+1} = phi_m(y_m) + L_m (y+_m - y_m)`.
///
/// The fixed point is the sequential trajectory for every choice; the choice
/// decides how many rounds it takes to get there.
public enum Linearization: String, Hashable, Sendable, CaseIterable {
  /// `A_m`: the linear part exactly, `f` a round old. The Picard iteration of
  /// Chen, Ren, Ying and Rotskoff (NeurIPS 2024).
  case linearPart = "frozen"
  /// 1: ParaDiGMS (Shih et al., NeurIPS 2023).
  case increment
  /// 0: the fixed-point iteration of Jacobi, one step a round.
  case jacobi = "none"
  /// `A_m + B_m j_m` with `j_m` the secant slope of `f` from the slice's last
  /// two evaluations: quasi-Newton with one scalar a slice.
  case secant
  /// `A_m + B_m diag(j)` with the slope of every element from the secants of all
  /// slices of a chunk, and a symmetric rank-two update by the slice's own
  /// secant within the chunk (`DiagonalSlopes`). In the corrector, `secant`.
  case elementwise

  /// Slopes differ between the elements of a state with so many components, and may be
  /// measured by probes.
  func isElementwise(components: Int) -> Bool { self == .elementwise && components == 1 }

  /// Slopes are found from evaluations, so that they can carry `f` as well as corrections.
  var findsSlopes: Bool {
    switch self {
    case .secant, .elementwise: true
    case .linearPart, .increment, .jacobi: false
    }
  }

  /// How the chunks of a layout carry corrections.
  func slopes<Scalar: StateScalar>(
    _ layout: ChunkLayout, of: Scalar.Type
  ) -> any ChunkSlopes<Scalar>.Type {
    guard isElementwise(components: layout.components) else { return ScalarSlopes<Scalar>.self }
    return layout.probes > 0 ? ProbedSlopes<Scalar>.self : DiagonalSlopes<Scalar>.self
  }

  /// By what factor it takes more rounds than elementwise slopes, with networks. From the
  /// tables of Acceleration in the documentation, to about a third.
  package var roundsFactor: Double {
    switch self {
    case .elementwise: 1
    case .secant: 1.2
    case .linearPart: 2
    case .increment: 3
    case .jacobi: 10
    }
  }

  /// The slope where all elements have the same.
  func gain(_ map: SliceMap, slope: Double) -> Gain {
    switch self {
    case .linearPart: map.state
    case .increment: .identity
    case .jacobi: .zero
    case .secant, .elementwise:
      Gain(
        uu: map.state.uu + map.sharedValue(0) * slope, uv: map.state.uv,
        vu: map.state.vu + map.sharedValue(1) * slope, vv: map.state.vv)
    }
  }
}
