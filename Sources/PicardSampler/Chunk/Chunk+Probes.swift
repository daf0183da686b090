import Diffusion

/// A round of a chunk whose Jacobian is measured by probes.
extension Chunk {
  /// Chooses what this round evaluates beside the states of some slices.
  ///
  /// - Parameter draw: fills a row with normal numbers, the same for the same number.
  func aim(_ slices: [Int], drawing draw: (_ number: Int, Row<Scalar>) -> Void) {
    probed = slices
    probes?.aim(slices: slices.count, drawing: draw)
  }

  /// - Parameter body: is told the number of a probe and its slice.
  func forEachProbe(_ body: (_ number: Int, _ slice: Int) -> Void) {
    for number in 0..<(probes?.count ?? 0) { body(number, probed[number % probed.count]) }
  }

  /// The state at which a probe evaluates `f`.
  func probedState(_ number: Int, _ index: Int) -> Row<Scalar> {
    guard let probes else { preconditionFailure("a chunk without probes is asked for one") }
    let slice = slices[index - first]
    let image = probes.image(number)
    let step = probes.step(at: slice.map.time, slice.state.position)
    combine(image, 1, slice.state.position, Scalar(step), probes.direction(number))
    return image
  }

  /// Takes the model's prediction at a probe.
  /// - Returns: whether `f` is finite in every element.
  func absorb(probe number: Int, _ prediction: Row<Scalar>, _ conversion: Conversion) -> Bool {
    guard let image = probes?.image(number) else { return true }
    combine(image, Scalar(conversion.state), image, Scalar(conversion.prediction), prediction)
    guard !isFinite(image) else { return true }
    // The slice counts as one whose `f` is not finite, whoever finds it.
    slices[probed[number % probed.count] - first].value[0] = .nan
    return false
  }

  /// `propose` with a Jacobian that all slices share but for their own secants, that of
  /// `g` (`SliceMap.stateInValue`).
  func proposeProbed(from start: Int, _ draw: (SliceMap) -> State<Scalar>?) {
    learnFromProbes((start - first)..<slices.count)
    var products = RankTwoProducts()
    for index in (start - first)..<slices.count {
      let slice = slices[index]
      let next = index + 1 < slices.count ? slices[index + 1] : nil
      if next != nil { slices[index + 1].propose(in: spares.removeLast()) }
      let output = output(index)
      slice.step(into: output, earlierValue: earlierValue(index), noise: slice.noise ?? draw(slice.map))
      if index > start - first {
        let (proposal, state) = (slice.proposal.position, slice.state.position)
        accumulate(output.position, gains(slice.map), proposal, minus: state, slice.secant, products)
        accumulate(output.position, Scalar(slice.map.estimate), product(slice.map, proposal, minus: state))
        spares.append(slice.earlierState)
      }
      products = RankTwoProducts()
      if let next, let secant = next.secant {
        products = rankTwoProducts(gains(next.map), output.position, minus: next.state.position, secant)
      }
      measure(index, 0..<output.dimension)
    }
  }

  /// Measures what the slopes of elements are, and what they miss. Of a secant that is
  /// left which both of them miss.
  private func learnFromProbes(_ active: Range<Int>) {
    forEachProbe { number, index in
      guard let probes else { return }
      let slice = slices[index - first]
      let step = probes.step(at: slice.map.time, slice.state.position)
      let (p, q) = (slice.map.stateInValue, slice.map.estimateInValue)
      let image = probes.image(number)
      subtract(image, image, slice.value)
      scale(image, by: Scalar(1 / (q * step)))
      accumulate(image, Scalar(-p / q), probes.direction(number))
      if !isFinite(image) { probes.drop(number) }
    }
    elementSlopes?.addSecants(slices, active)
    if let probes { elementSlopes?.add(probes) }
    elementSlopes?.share()
    if let slopes = elementSlopes?.shared { probes?.learn(slopes) }
    for index in active {
      guard let secant = slices[index].secant else { continue }
      accumulate(secant.estimateChange, -1, product(slices[index].map, secant.state, minus: secant.earlier))
    }
  }

  /// The gains of a slice's map with the slopes that all slices share.
  private func gains(_ map: SliceMap) -> ElementGains<Scalar> {
    guard let elementSlopes else { preconditionFailure("probes need elementwise slopes") }
    return elementSlopes.sharedGains(map)
  }

  /// What the shared slopes miss of the change of `g` from `x` to `y`.
  private func product(_ map: SliceMap, _ y: Row<Scalar>, minus x: Row<Scalar>) -> Row<Scalar> {
    guard let change = probes?.change else { preconditionFailure("a chunk without probes is asked for one") }
    subtract(change, y, x)
    return multiply(map)
  }

  /// What the shared slopes miss of what the probes' change does to `g`.
  private func multiply(_ map: SliceMap) -> Row<Scalar> {
    guard let probes else { preconditionFailure("a chunk without probes is asked for one") }
    probes.multiply(probes.change, gain: map.estimate)
    return probes.product
  }

  /// Carries the change of the first state to all proposals.
  func carryLeft(from start: Int) {
    guard leftHasCome, start == first, let change = probes?.change else { return }
    subtract(change, left.position, slices[0].state.position)
    for index in slices.indices {
      let map = slices[index].map
      carry(change, gains(map), Scalar(map.estimate), multiply(map), into: output(index).position)
    }
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
  _ change: Row<Scalar>, _ gains: ElementGains<Scalar>, _ b: Scalar, _ product: Row<Scalar>,
  into output: Row<Scalar>
) {
  for k in 0..<change.count {
    // A first guess can be far off. Squares of what is let through are finite.
    let next = max(-1e18, min(1e18, gains.gain(k) * change[k] + b * product[k]))
    change[k] = next
    output[k] += next
  }
}
