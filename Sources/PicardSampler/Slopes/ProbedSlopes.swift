import Diffusion

/// A Jacobian of `g` (`SliceMap.stateInValue`) that all slices of the chunk share but for their
/// own secants: a slope for every element, and what probes measure of the rest.
final class ProbedSlopes<Scalar: StateScalar>: ChunkSlopes {
  @exclusivity(unchecked) private var estimate: DiagonalEstimate<Scalar>
  @exclusivity(unchecked) private var probes: JacobianProbes<Scalar>
  private let secants: SliceSecants<Scalar>
  private let spares: SpareStates<Scalar>
  /// The slices that this round probes, by index in the chunk.
  @exclusivity(unchecked) private var probed: [Int] = []

  static func rows(_ layout: ChunkLayout) -> Int {
    DiagonalEstimate<Scalar>.rows + SliceSecants<Scalar>.rows(layout) + SpareStates<Scalar>.rows
      + JacobianProbes<Scalar>.rows(layout)
  }

  init(_ layout: ChunkLayout, dimension: Int) {
    estimate = DiagonalEstimate(dimension: dimension)
    probes = JacobianProbes(layout, dimension: dimension)
    secants = SliceSecants(layout, dimension: dimension)
    spares = SpareStates(dimension: dimension)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func reset() {
    estimate.reset()
    probes.reset()
    spares.reset()
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion, in chunk: Chunk<Scalar>
  ) -> Bool {
    secants.absorb(index, prediction, conversion, in: chunk)
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func forEachRequest(
    in chunk: Chunk<Scalar>, _ body: (_ number: Int, _ index: Int, _ state: Row<Scalar>) -> Void
  ) {
    probed = chunk.active.filter { chunk.slices[$0].needsEvaluation }
    probes.aim(slices: probed.count) { chunk.noise.fill($1, stream: .probe, step: $0) }
    for number in 0..<probes.count {
      let slice = chunk.slices[probed[number % probed.count]]
      let image = probes.image(number)
      let step = probes.step(at: slice.map.time, slice.state.position)
      combine(image, 1, slice.state.position, Scalar(step), probes.direction(number))
      body(number, probed[number % probed.count], image)
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func absorb(request number: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool {
    let image = probes.image(number)
    combine(image, Scalar(conversion.state), image, Scalar(conversion.prediction), prediction)
    return isFinite(image)
  }

  /// Measures what the slopes of elements are, and what they miss. Of a secant that is
  /// left which both of them miss.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func update(from chunk: Chunk<Scalar>) {
    for number in 0..<probes.count {
      let slice = chunk.slices[probed[number % probed.count]]
      let step = probes.step(at: slice.map.time, slice.state.position)
      let (p, q) = (slice.map.stateInValue, slice.map.estimateInValue)
      let image = probes.image(number)
      subtract(image, image, slice.value)
      scale(image, by: Scalar(1 / (q * step)))
      accumulate(image, Scalar(-p / q), probes.direction(number))
      if !isFinite(image) { probes.drop(number) }
    }
    estimate.add(secants, of: chunk)
    estimate.add(probes)
    estimate.share()
    probes.learn(estimate.shared)
    for index in chunk.active {
      guard let secant = secants.secant(index, in: chunk) else { continue }
      let map = chunk.slices[index].map
      accumulate(secant.estimateChange, -1, product(map, secant.state, minus: secant.earlier))
    }
  }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func propose(in chunk: Chunk<Scalar>) {
    let (active, count) = (chunk.active, chunk.slices.count)
    var products = RankTwoProducts()
    for index in active {
      let isLast = index + 1 == count
      let nextSecant = isLast ? nil : secants.secant(index + 1, in: chunk)
      if !isLast { chunk.slices[index + 1].propose(in: spares.take()) }
      let slice = chunk.slices[index]
      let output = chunk.output(index)
      chunk.step(index, 0..<chunk.dimension, noise: chunk.noise[index], carrying: nil)
      if index > active.lowerBound {
        let (proposal, state) = (slice.proposal.position, slice.state.position)
        accumulate(
          output.position, estimate.sharedGains(slice.map), proposal, minus: state,
          secants.secant(index, in: chunk), products)
        accumulate(output.position, Scalar(slice.map.estimate), product(slice.map, proposal, minus: state))
        spares.give(slice.earlierState)
      }
      products = RankTwoProducts()
      if let nextSecant {
        let next = chunk.slices[index + 1]
        products = rankTwoProducts(
          estimate.sharedGains(next.map), output.position, minus: next.state.position, nextSecant)
      }
      chunk.measure(index, 0..<chunk.dimension)
    }
  }

  /// What is measured takes all elements of a change together.
  var carriesWholeStates: Bool { true }

  /// Carries the change to all proposals.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  func carryToEnd(_ elements: Range<Int>, in chunk: Chunk<Scalar>) {
    let change = probes.change
    subtract(change, chunk.left.position, chunk.slices[0].state.position)
    for index in chunk.slices.indices {
      let map = chunk.slices[index].map
      probes.multiply(change, gain: map.estimate)
      carry(
        change, estimate.sharedGains(map), Scalar(map.estimate), probes.product,
        into: chunk.output(index).position)
    }
  }

  func correctInterior(of chunk: Chunk<Scalar>) { chunk.findChanges() }

  /// What the shared slopes miss of the change of `g` from `x` to `y`.
  private func product(_ map: SliceMap, _ y: Row<Scalar>, minus x: Row<Scalar>) -> Row<Scalar> {
    subtract(probes.change, y, x)
    probes.multiply(probes.change, gain: map.estimate)
    return probes.product
  }

  func code(_ coder: inout StateCoder, of chunk: Chunk<Scalar>) throws {
    try estimate.code(&coder)
    try probes.code(&coder)
  }
}

/// All elements are finite: zero times each of them is zero.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func isFinite<Scalar: StateScalar>(_ row: Row<Scalar>) -> Bool {
  var zero: Scalar = 0
  for k in 0..<row.count { zero += row[k] * 0 }
  return zero == 0
}

/// `change = gain change + b product`, `output += change`.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func carry<Scalar: StateScalar>(
  _ change: Row<Scalar>, _ gains: DiagonalGains<Scalar>, _ b: Scalar, _ product: Row<Scalar>,
  into output: Row<Scalar>
) {
  for k in 0..<change.count {
    // A first guess can be far off. Squares of what is let through are finite.
    let next = max(-1e18, min(1e18, gains.gain(k) * change[k] + b * product[k]))
    change[k] = next
    output[k] += next
  }
}
