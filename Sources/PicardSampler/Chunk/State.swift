package import Diffusion

/// The state of one sample at one node: its position and, in the corrector,
/// its velocity; rows that someone else owns.
package struct State<Scalar: StateScalar> {
  package let position: Row<Scalar>
  /// Empty in the predictor.
  package let velocity: Row<Scalar>

  /// 1 in the predictor, 2 in the corrector.
  package var components: Int { velocity.isEmpty ? 1 : 2 }

  /// Elements of a component.
  var dimension: Int { position.count }

  /// A state of one or two components that follow one another in a row.
  package init(_ row: Row<Scalar>, components: Int) {
    let dimension = row.count / components
    position = Row(rebasing: row[..<dimension])
    velocity = Row(rebasing: row[dimension...])
  }

  private init(position: Row<Scalar>, velocity: Row<Scalar>) {
    self.position = position
    self.velocity = velocity
  }

  package subscript(component: Int) -> Row<Scalar> { component == 0 ? position : velocity }

  /// Some of the elements of every component.
  package subscript(elements: Range<Int>) -> State {
    State(
      position: Row(rebasing: position[elements]),
      velocity: velocity.isEmpty ? velocity : Row(rebasing: velocity[elements]))
  }

  package func copy(from other: State) {
    for i in 0..<components { PicardSampler.copy(other[i], to: self[i]) }
  }

  /// `phi` of a slice map at `state`.
  ///
  /// - Parameter kept: the values that the map reads beside `f`, by how many newer ones there
  ///   are.
  func step(
    _ map: SliceMap, from state: State, value: Row<Scalar>, noise: State?,
    kept: (_ age: Int) -> Row<Scalar>
  ) {
    for i in 0..<components {
      let (a, b) = (Scalar(map.state[i, i]), Scalar(map.value[i]))
      if let noise {
        combine(self[i], a, state[i], b, value, plus: noise[i])
      } else {
        combine(self[i], a, state[i], b, value)
      }
      for age in 0..<map.history.depth where map.history[age, i] != 0 {
        accumulate(self[i], Scalar(map.history[age, i]), kept(age))
      }
      if components == 2, map.state[i, 1 - i] != 0 {
        accumulate(self[i], Scalar(map.state[i, 1 - i]), state[1 - i])
      }
    }
  }

  /// Adds `gain (new - old)`; leaves its own bits where `new == old`.
  func correct(_ gain: Gain, _ new: State, minus old: State) {
    for i in 0..<components {
      for j in 0..<components where gain[i, j] != 0 {
        accumulate(self[i], Scalar(gain[i, j]), new[j], minus: old[j])
      }
    }
  }

  /// Root mean square of the difference, the largest over the components;
  /// infinite where it is not a number, and 0 only where the two are equal.
  func distance(to other: State) -> Double {
    (0..<components).reduce(0) {
      max($0, distance($1, to: other, squared: squaredDistance(self[$1], other[$1])))
    }
  }

  /// The distance of a component, from the sum of its squares.
  func distance(_ component: Int, to other: State, squared sum: Double) -> Double {
    guard sum.isFinite else { return .infinity }
    // Squares of tiny differences vanish; the differences must not.
    if sum == 0, !self[component].elementsEqual(other[component]) { return .leastNonzeroMagnitude }
    return (sum / Double(dimension)).squareRoot()
  }

  /// Stores the numbers of this state, or reads them.
  func code(_ coder: inout StateCoder) throws {
    for i in 0..<components { try coder.code(self[i]) }
  }

  /// Becomes `x - y`.
  func subtract(_ x: State, _ y: State) {
    for i in 0..<components { PicardSampler.subtract(self[i], x[i], y[i]) }
  }

  /// Adds `factor other`.
  func add(_ factor: Double, _ other: State) {
    for i in 0..<components { accumulate(self[i], Scalar(factor), other[i]) }
  }

  /// The inner product, in `Double`.
  func dot(_ other: State) -> Double {
    (0..<components).reduce(0) { $0 + innerProduct(self[$1], other[$1]) }
  }
}
