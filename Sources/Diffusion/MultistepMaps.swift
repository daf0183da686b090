import Foundation

/// The maps of methods that extrapolate from the values of earlier steps.
struct MultistepMaps {
  private let kind: StepMap.Kind
  private let grid: TimeGrid
  private let noiseLevel: Double
  /// The first step whose value may be read.
  private var start = 0
  /// Of UniPC: the order and the factors of values, the newest first, of the last step.
  private var predicted: (order: Int, values: [Double])?

  init(_ kind: StepMap.Kind, on grid: TimeGrid, noiseLevel: Double) {
    (self.kind, self.grid, self.noiseLevel) = (kind, grid, noiseLevel)
  }

  /// Steps from here on have no use for values of earlier ones.
  mutating func restart(at index: Int) {
    start = index
    predicted = nil
  }

  /// The maps of a step; the steps are to be asked for in order.
  mutating func maps(ofStep index: Int) -> [StepMap.Step] {
    let from = grid.nodes[index]
    switch kind {
    case .dataMultistep(let order, let form):
      return [data(index, self.order(index, order), form)]
    case .noiseMultistep(let order, let form):
      let values = noise(index, self.order(index, order), form)
      return [map(at: from, state: noiseRatio(index), values)]
    case .deis(let order):
      let values = polynomial(index, self.order(index, order), inLogarithm: true)
      return [map(at: from, state: noiseRatio(index), values)]
    case .lms:
      let values = polynomial(index, min(4, index - start + 1), inLogarithm: false)
      return [map(at: from, state: noiseRatio(index), values)]
    case .adams(let evaluatesFirstTwice):
      return adams(index, twice: evaluatesFirstTwice && index == 0 && grid.steps > 1)
    case .unipc(let order, let form):
      return [unipc(index, self.order(index, order), form)]
    case .exponential, .posterior, .heun, .middle, .pairs:
      preconditionFailure("maps of one step have no history")
    }
  }

  /// The order of a step: as many values as there are, at distinct nodes, and as the grid allows.
  private func order(_ index: Int, _ greatest: Int) -> Int {
    let remaining = grid.steps - 1 - index
    let limit = remaining < grid.endOrders.count ? grid.endOrders[remaining] : .max
    guard grid.nodes[index + 1].sigma > 0 else { return 1 }
    let next = logRatio(index + 1) - logRatio(index)
    // Between nodes that rounding alone tells apart there is no slope.
    let distinct = (1..<3).prefix { age in
      let earlier = index - age
      guard earlier >= start else { return false }
      let distance = logRatio(earlier + 1) - logRatio(earlier)
      return distance.isFinite && distance > 1e-6 * next && next > 0
    }
    return min(greatest, limit, distinct.count + 1)
  }

  private func map(at time: NoiseTime, state: Double, _ values: [Double]) -> StepMap.Step {
    StepMap.Step(time: time, state: state, value: values[0], history: Array(values.dropFirst()))
  }

  /// `log(alpha / sigma)` of a node.
  private func logRatio(_ index: Int) -> Double { log(grid.nodes[index].alpha / grid.nodes[index].sigma) }

  /// The step of the grid in it.
  private func step(_ index: Int) -> Double { logRatio(index + 1) - logRatio(index) }

  /// Factors of `m_0, m_1, ...` from those of `m_0`, of its first and of its second divided
  /// difference in units of a step (DPM-Solver's D0, D1 and D2).
  private func differences(_ index: Int, _ d0: Double, _ d1: Double, _ d2: Double = 0, order: Int) -> [Double] {
    guard order > 1 else { return [d0] }
    let r0 = step(index - 1) / step(index)
    guard order > 2 else { return [d0 + d1 / r0, -d1 / r0] }
    let r1 = step(index - 2) / step(index)
    // D1 = D10 + r0/(r0 + r1) (D10 - D11) and D2 = (D10 - D11)/(r0 + r1), of
    // D10 = (m0 - m1)/r0 and D11 = (m1 - m2)/r1.
    let first = d1 + (d1 * r0 + d2) / (r0 + r1)
    let second = -(d1 * r0 + d2) / (r0 + r1)
    return [d0 + first / r0, -first / r0 + second / r1, -second / r1]
  }

  // MARK: Of the denoised estimate

  private func data(_ index: Int, _ order: Int, _ form: StepMap.Extrapolation) -> StepMap.Step {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    var map = StepMap.posterior(from, to, noiseLevel)
    guard order > 1 else { return map }
    if order == 2, form == .midpoint {
      let half = 0.5 * step(index) / step(index - 1)
      map.history = [-map.value * half]
      map.value *= 1 + half
      return map
    }
    // The part of the state's signal that is kept; of a probability flow `exp(-h)`.
    let h = -log(map.state * from.alpha / to.alpha)
    let values = differences(index, map.value, to.alpha * h * phi(2, -h), to.alpha * h * phi(3, -h), order: order)
    (map.value, map.history) = (values[0], Array(values.dropFirst()))
    return map
  }

  /// The corrector of the last step and the predictor of this one, the corrected state written
  /// as the predicted one and values.
  private mutating func unipc(_ index: Int, _ order: Int, _ form: StepMap.UniPC) -> StepMap.Step {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    let ratio = to.sigma / from.sigma
    var values = predictor(index, order, form)
    let next = (order: order, values: values)
    if let last = predicted {
      let corrected = corrector(index - 1, last.order, form)
      values[0] += ratio * corrected[0]
      for k in 1..<corrected.count {
        if values.count <= k { values.append(0) }
        values[k] += ratio * (corrected[k] - (k <= last.values.count ? last.values[k - 1] : 0))
      }
    }
    predicted = grid.nodes[index + 1].s < from.s ? next : nil
    return map(at: from, state: ratio, values)
  }

  private func predictor(_ index: Int, _ order: Int, _ form: StepMap.UniPC) -> [Double] {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    let first = to.alpha - from.alpha * to.sigma / from.sigma
    guard order > 1 else { return [first] }
    let system = UniPCSystem(h: step(index), places: places(index, order), form)
    let weights = order == 2 ? [0.5] : system.weights(order - 1)
    return system.values(first, to.alpha, weights, of: nil)
  }

  /// Factors of the value behind the step, and of those before it.
  private func corrector(_ index: Int, _ order: Int, _ form: StepMap.UniPC) -> [Double] {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    let first = to.alpha - from.alpha * to.sigma / from.sigma
    let system = UniPCSystem(h: step(index), places: places(index, order), form)
    let weights = order == 1 ? [0.5] : system.weights(order)
    return system.values(first, to.alpha, Array(weights.dropLast()), of: weights[order - 1])
  }

  /// Where earlier values lie, in units of the step from its start.
  private func places(_ index: Int, _ order: Int) -> [Double] {
    (1..<max(order, 1)).map { (logRatio(index - $0) - logRatio(index)) / step(index) }
  }

  // MARK: Of the noise

  private func noiseRatio(_ index: Int) -> Double { grid.nodes[index + 1].alpha / grid.nodes[index].alpha }

  private func noise(_ index: Int, _ order: Int, _ form: StepMap.Extrapolation) -> [Double] {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    let first = to.sigma - from.sigma * to.alpha / from.alpha
    guard order > 1 else { return [first] }
    let h = step(index)
    let slope = order == 2 && form == .midpoint ? first / 2 : -to.sigma * h * phi(2, h)
    return differences(index, first, slope, -to.sigma * h * phi(3, h), order: order)
  }

  /// The noise as a polynomial of `sigma_E` or its logarithm, integrated over `sigma_E`.
  private func polynomial(_ index: Int, _ order: Int, inLogarithm: Bool) -> [Double] {
    let (from, to) = (grid.nodes[index], grid.nodes[index + 1])
    let levels = (0..<order).map { grid.nodes[index - $0].edmSigma }
    let distinct = zip(levels, levels.dropFirst()).prefix { $1 > $0 * (1 + 1e-6) }.count
    guard distinct > 0 else { return [to.sigma - from.sigma * to.alpha / from.alpha] }
    let places = levels[...distinct].map { inLogarithm ? log($0) : $0 }
    let end = inLogarithm ? log(to.edmSigma) : to.edmSigma
    return places.indices.map { k in
      to.alpha
        * integral(from: places[0], to: end) { place in
          (inLogarithm ? exp(place) : 1) * lagrange(places, k, at: place)
        }
    }
  }

  private func adams(_ index: Int, twice: Bool) -> [StepMap.Step] {
    let (from, landing) = (grid.nodes[index], grid.landings[index])
    let formulas: [[Double]] = [
      [1], [3.0 / 2, -1.0 / 2], [23.0 / 12, -16.0 / 12, 5.0 / 12], [55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24],
    ]
    // Nothing of the data is in a state that is all noise.
    func ratio(_ to: NoiseTime) -> Double { from.alpha > 0 ? to.alpha / from.alpha : 0 }
    func whole(_ to: NoiseTime) -> Double { to.sigma - from.sigma * ratio(to) }
    let formula = formulas[min(index - start, 3)]
    let first = map(at: from, state: ratio(landing), formula.map { $0 * whole(landing) })
    guard twice else { return [first] }
    // The step from the first state with the mean of both values, the first state written as
    // the second one and the first value.
    let next = grid.nodes[index + 1]
    let back = ratio(next) / first.state
    var second = map(at: next, state: back, [whole(next) / 2, whole(next) / 2 - back * first.value])
    second.keepsValue = false
    return [first, second]
  }
}

/// The equations of UniPC for one step (Zhao et al., NeurIPS 2023, for the denoised estimate).
private struct UniPCSystem {
  /// The step in `log(alpha / sigma)`.
  let h: Double
  /// Where earlier values lie, in units of the step from its start, below 0.
  let places: [Double]
  /// `B(h)`, negative.
  let factor: Double

  init(h: Double, places: [Double], _ form: StepMap.UniPC) {
    (self.h, self.places) = (h, places)
    factor = form == .bh1 ? -h : expm1(-h)
  }

  /// The weights of differences to values at `places` and, behind them, at the end of the step.
  func weights(_ count: Int) -> [Double] {
    let all = Array((places + [1]).prefix(count))
    let matrix = (0..<count).map { power in all.map { pow($0, Double(power)) } }
    var factorial = 1.0
    let right = (1...count).map { k in
      factorial *= Double(k)
      return -h * phi(k + 1, -h) * factorial / factor
    }
    return solve(matrix, right)
  }

  /// Factors of values, the newest first: of the one at the end of the step where it has a
  /// weight, of the one at its start, and of the earlier ones.
  func values(_ first: Double, _ alpha: Double, _ weights: [Double], of end: Double?) -> [Double] {
    let earlier = zip(weights, places).map { -alpha * factor * $0 / $1 }
    let last = end.map { -alpha * factor * $0 }
    let start = first - earlier.reduce(0, +) - (last ?? 0)
    return (last.map { [$0] } ?? []) + [start] + earlier
  }
}
