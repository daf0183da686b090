import Diffusion

/// A round of one chunk: what the model says is taken in, next states are proposed,
/// settled once the change from the left is known, and accepted.
extension Chunk {
  /// Takes the model's prediction for a slice.
  /// - Returns: whether `f` is finite in every element.
  func absorb(
    _ index: Int, _ prediction: Row<Scalar>, _ conversion: Conversion
  ) -> Bool {
    slices[index - first].absorb(prediction, conversion)
  }

  /// Runs the iteration over the active slices, the first of them unchanged.
  ///
  /// Large states are worked on piece by piece, all slices of a piece before the
  /// next one, so that most of what is read is in the cache.
  ///
  /// - Parameters:
  ///   - isLeftmost: no change comes from the left, so that the changes are known
  ///     at once.
  ///   - draw: gives the noise of a slice that keeps none.
  func propose(
    from start: Int, _ linearization: Linearization, isLeftmost: Bool,
    drawing draw: (SliceMap) -> State<Scalar>?
  ) {
    squares.removeAll(keepingCapacity: true)
    if isLeftmost, components == 1 { squares.append(contentsOf: repeatElement(0, count: slices.count)) }
    if probes != nil {
      proposeProbed(from: start, draw)
      return
    }
    if elementSlopes != nil {
      proposeElementwise(from: start, isLeftmost: isLeftmost, draw)
      return
    }
    let active = (start - first)..<slices.count
    let gains = active.map { linearization.gain(slices[$0].map, slope: slices[$0].slope) }
    var response = Gain.identity
    for (index, gain) in zip(active, gains) {
      response = (gain * response).bounded
      slices[index].response = response
    }
    func propose(_ elements: Range<Int>) {
      for (index, gain) in zip(active, gains) {
        let slice = slices[index]
        slice.step(
          into: output(index)[elements], earlierValue: Row(rebasing: earlierValue(index)[elements]),
          noise: (slice.noise ?? draw(slice.map))?[elements],
          carrying: index == active.lowerBound ? nil : gain, elements)
        measure(index, elements)
      }
    }
    // Noise that is drawn again is whole, one slice's at a time.
    if active.contains(where: { slices[$0].noise == nil && slices[$0].map.isRandom }) {
      propose(0..<leftValue.count)
    } else {
      inPieces(leftValue.count, propose)
    }
  }

  /// The proposal for the state behind a slice.
  func output(_ index: Int) -> State<Scalar> {
    index + 1 < slices.count ? slices[index + 1].proposal : endProposal
  }

  /// `f` one step before a slice.
  func earlierValue(_ index: Int) -> Row<Scalar> {
    index == 0 ? leftValue : slices[index - 1].value
  }

  /// Adds to the square of the change of the state behind a slice, where that is final.
  func measure(_ index: Int, _ elements: Range<Int>) {
    guard !squares.isEmpty else { return }
    let state = index + 1 < slices.count ? slices[index + 1].state : end
    squares[index] += squaredDistance(
      output(index)[elements].position, state[elements].position)
  }

  private func proposeElementwise(
    from start: Int, isLeftmost: Bool, _ draw: (SliceMap) -> State<Scalar>?
  ) {
    learn(from: start)
    guard let elementSlopes else { return }
    var products = RankTwoProducts()
    for index in (start - first)..<slices.count {
      let slice = slices[index]
      let gains = elementSlopes.gains(index, slice)
      let next = index + 1 < slices.count ? slices[index + 1] : nil
      let nextGains = next.map { elementSlopes.gains(index + 1, $0) }
      var nextProducts = RankTwoProducts()
      let noise = slice.noise ?? draw(slice.map)
      if next != nil { slices[index + 1].propose(in: spares.removeLast()) }
      inPieces(leftValue.count) { elements in
        let output = output(index)[elements]
        if index == start - first { findSlopes(gains[elements]) }
        if let nextGains { findSlopes(nextGains[elements]) }
        slice.step(
          into: output, earlierValue: Row(rebasing: earlierValue(index)[elements]),
          noise: noise?[elements], carrying: nil, elements)
        if index > start - first {
          accumulate(
            output.position, gains[elements], slice.proposal[elements].position,
            minus: slice.state[elements].position, slice.secant?[elements], products)
        }
        if let next, let nextGains, let secant = next.secant {
          nextProducts += rankTwoProducts(
            nextGains[elements], output.position, minus: next.state[elements].position, secant[elements])
        }
        measure(index, elements)
        if start == first, !isLeftmost {
          chain(Row(rebasing: elementSlopes.response[elements]), gains[elements], isFirst: index == 0)
        }
      }
      products = nextProducts
      if index > start - first { spares.append(slice.earlierState) }
    }
  }

  /// Takes note of what this round's evaluations say of the slopes.
  private func learn(from start: Int) {
    let visited = (start - first)..<slices.count
    elementSlopes?.beginRound(slices, visited)
    guard let slope = elementSlopes?.firstSlope else { return }
    for index in visited { slices[index].takeFirstSlope(slope) }
  }

  /// Carries the change of the first state to some elements of the state after
  /// the last slice.
  /// - Returns: the new state there.
  func correctEnd(from start: Int, _ elements: Range<Int>) -> State<Scalar> {
    let end = endProposal[elements]
    guard leftHasCome, start == first, probes == nil else { return end }
    if let elementSlopes {
      accumulate(
        end.position, Row(rebasing: elementSlopes.response[elements]), left[elements].position,
        minus: slices[0].state[elements].position)
    } else if let response = slices.last?.response {
      end.correct(response, left[elements], minus: slices[0].state[elements])
    }
    return end
  }

  /// Carries the change of the first state to the proposals of all active
  /// states, and reports what becomes of them.
  ///
  /// - Parameter report: is told the slice whose output a state is, and the
  ///   state's change.
  func settle(from start: Int, report: (_ slice: Int, _ change: Double) -> Void) {
    if leftHasCome, start == first, probes == nil {
      carryChange()
    } else {
      for index in movingStates(from: start) {
        let slice = slices[index]
        slices[index].change =
          squares.isEmpty
          ? slice.proposal.distance(to: slice.state)
          : slice.proposal.distance(0, to: slice.state, squared: squares[index - 1])
      }
    }
    for index in movingStates(from: start) { report(first + index - 1, slices[index].change) }
  }

  /// Adds what the first state's change does to the proposals.
  private func carryChange() {
    guard components == 1 else {
      slices[0].change = left.distance(to: slices[0].state)
      for index in slices.indices.dropFirst() {
        let slice = slices[index]
        slice.proposal.correct(slices[index - 1].response, left, minus: slices[0].state)
        slices[index].change = slice.proposal.distance(to: slice.state)
      }
      return
    }
    // Sums of squares, until all pieces are done.
    for index in slices.indices { slices[index].change = 0 }
    inPieces(leftValue.count) { elements in
      let (new, old) = (left[elements].position, slices[0].state[elements].position)
      slices[0].change += squaredDistance(new, old)
      let change = elementSlopes.map { Row(rebasing: $0.change[elements]) }
      if let change { subtract(change, new, old) }
      for index in slices.indices.dropFirst() {
        let (before, slice) = (slices[index - 1], slices[index])
        let (proposal, state) = (slice.proposal[elements].position, slice.state[elements].position)
        if let elementSlopes, let change {
          let gains = elementSlopes.gains(index - 1, before)[elements]
          findSlopes(gains)
          slices[index].change += carry(change, gains, into: proposal, squaredDistanceTo: state)
        } else if before.response.uu == 0 {
          slices[index].change += squaredDistance(proposal, state)
        } else {
          slices[index].change += accumulate(
            proposal, Scalar(before.response.uu), new, minus: old, squaredDistanceTo: state)
        }
      }
    }
    for index in slices.indices {
      slices[index].change = slices[index].proposal.distance(0, to: slices[index].state, squared: slices[index].change)
    }
  }

  /// Mixes the proposals of active states beyond the front of exactness.
  ///
  /// - Parameter coefficients: by the slice whose output a state is; `nil` for
  ///   a plain update.
  func mix(from start: Int, _ coefficients: (_ slice: Int) -> [Double]?) {
    for index in movingStates(from: start) {
      guard let coefficients = coefficients(first + index - 1) else { continue }
      histories[index].mix(coefficients, into: slices[index].proposal)
      slices[index].change = .infinity
    }
  }

  /// Takes note of proposals for later mixing, and reports their products.
  func remember(
    from start: Int, depth: Int, report: (_ slice: Int, _ products: [Double]) -> Void
  ) {
    makeHistories(depth)
    for index in movingStates(from: start) {
      let products = histories[index].record(slices[index].state, slices[index].proposal)
      report(first + index - 1, products)
    }
  }

  func makeHistories(_ depth: Int) {
    while histories.count < slices.count {
      histories.append(MixingHistory(depth: depth, of: end))
    }
  }

  /// Makes the proposals the states.
  func accept(from start: Int) {
    for index in movingStates(from: start) { slices[index].accept() }
    leftHasCome = false
  }

  /// Distance of the proposal for the state after the last slice.
  var endChange: Double {
    guard let last = squares.last, !leftHasCome else {
      return endProposal.distance(to: end)
    }
    return endProposal.distance(0, to: end, squared: last)
  }

  /// Takes the state after the last slice over, where no other chunk does.
  func acceptEnd() { swap(&end, &endProposal) }

  /// The slices whose state is iterated: not that of the window's first one,
  /// which is known.
  private func movingStates(from start: Int) -> Range<Int> {
    let known = leftHasCome ? start - first : start - first + 1
    return min(known, slices.count)..<slices.count
  }
}

extension Gain {
  /// A chain of secants can run away before the states settle; beyond this a
  /// product is of no use, and it must stay finite so that it vanishes with
  /// the change it multiplies.
  fileprivate var bounded: Gain {
    func bound(_ x: Double) -> Double { x.isFinite ? max(-1e6, min(1e6, x)) : 0 }
    return Gain(uu: bound(uu), uv: bound(uv), vu: bound(vu), vv: bound(vv))
  }
}
