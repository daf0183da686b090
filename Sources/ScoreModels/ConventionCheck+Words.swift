public import Diffusion

extension ConventionCheck {
  /// What there is to tell a person, a line each; empty where all is well.
  ///
  /// - Parameter bound: of the model's estimates.
  public func warnings(bound: EstimateBound?) -> [String] {
    var lines: [String] = []
    if let better {
      lines.append(
        "the network does not do what is declared of it (misfit \(format(declared.misfit)), 0 is exact); it looks like "
          + "\(better.words) (misfit \(format(better.misfit)))")
    }
    if case .clip(let limit) = bound?.kind, declared.beyondBound > 0.5 {
      lines.append(
        "\(Int((100 * declared.beyondBound).rounded())) % of the elements of estimates lie beyond the bound of \(limit) that "
          + "clip_sample sets; latents and data of another scale need clip_sample false")
    }
    return lines
  }

  private func format(_ misfit: Double) -> String {
    let tenths = (misfit * 10).rounded() / 10
    return tenths >= 9 ? "9 or more" : "\(tenths)"
  }
}
