import Foundation

/// The Kullback-Leibler divergence, in nats, of the paths of the exact reverse
/// SDE from those of the exponential step map at noise level 1, for a centred
/// Gaussian target, coordinate by coordinate.
///
/// By Girsanov's theorem it is that of the initial states plus half the
/// integral of `E |score(y_s, s) - score(y_k, s_k)|^2`, where `s_k` is the node
/// before `s`. With `v(s)` the variance at noise time `s`, the forward process
/// gives the integrand as `1/v(s) + 1/v(s_k) - 2 exp(-(s_k - s)/2) / v(s_k)`,
/// and its integral over a step in closed form.
///
/// This is the quantity that Chen, Ren, Ying and Rotskoff (NeurIPS 2024) bound,
/// and before them Chen, Chewi, Li, Li, Salim and Zhang (ICLR 2023). It is of
/// first order in the step, while the divergence of the final states, which it
/// bounds from above, is of second order.
public func pathDivergence(variances: [Double], on grid: TimeGrid) -> [Double] {
  variances.map { target in
    func variance(_ node: NoiseTime) -> Double {
      node.alpha * node.alpha * target + node.sigma * node.sigma
    }
    let start = variance(grid.nodes[0])
    var sum = 0.5 * (start - 1 - log(start))
    for (node, next) in zip(grid.nodes, grid.nodes.dropFirst()) {
      let (v, w, h) = (variance(node), variance(next), node.s - next.s)
      sum += 0.5 * (h - log1p((w - v) / v) + h / v + 4 * expm1(-h / 2) / v)
    }
    return sum
  }
}
