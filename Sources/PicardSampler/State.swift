import Diffusion

/// The state of one sample at one node: its position and, in the corrector,
/// its velocity; each of `dimension` elements.
struct State<Scalar: StateScalar>: Equatable {
  var components: [[Scalar]]

  init(position: [Scalar]) { components = [position] }

  init(position: [Scalar], velocity: [Scalar]) { components = [position, velocity] }

  init(_ components: some Sequence<[Scalar]>) { self.components = Array(components) }

  var position: [Scalar] { components[0] }
  var dimension: Int { components[0].count }

  /// `phi` of a slice map at `state`.
  mutating func step(
    _ map: SliceMap, from state: State, value: [Scalar], earlierValue: [Scalar], noise: State?
  ) {
    for i in components.indices {
      let (a, b) = (Scalar(map.state[i, i]), Scalar(map.value[i]))
      if let noise {
        combine(&components[i], a, state.components[i], b, value, plus: noise.components[i])
      } else {
        combine(&components[i], a, state.components[i], b, value)
      }
      if i == 0, map.earlierValue != 0 {
        accumulate(&components[i], Scalar(map.earlierValue), earlierValue)
      }
      if components.count == 2, map.state[i, 1 - i] != 0 {
        accumulate(&components[i], Scalar(map.state[i, 1 - i]), state.components[1 - i])
      }
    }
  }

  /// Adds `gain (new - old)`; leaves its own bits where `new == old`.
  mutating func correct(_ gain: Gain, _ new: State, minus old: State) {
    for i in components.indices {
      for j in components.indices where gain[i, j] != 0 {
        accumulate(&components[i], Scalar(gain[i, j]), new.components[j], minus: old.components[j])
      }
    }
  }

  /// Root mean square of the difference, the largest over the components;
  /// infinite where it is not a number.
  func distance(to other: State) -> Double {
    var largest = 0.0
    for (mine, theirs) in zip(components, other.components) {
      let sum = squaredDistance(mine, theirs)
      guard sum.isFinite else { return .infinity }
      largest = max(largest, (sum / Double(dimension)).squareRoot())
    }
    return largest
  }
}
