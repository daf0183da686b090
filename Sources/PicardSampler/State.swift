import Diffusion

/// The state of one sample at one node: its position and, in the corrector,
/// its velocity; each of `dimension` elements.
struct State<Scalar: StateScalar> {
  /// Position and velocity, the latter empty in the predictor.
  private var components: InlineArray<2, [Scalar]>
  /// 1 in the predictor, 2 in the corrector.
  let count: Int

  init(position: [Scalar]) {
    components = [position, []]
    count = 1
  }

  init(position: [Scalar], velocity: [Scalar]) {
    components = [position, velocity]
    count = 2
  }

  /// A state of one or two runs of numbers, as `runs` gives them.
  init(_ runs: some Collection<[Scalar]>) {
    self =
      runs.count == 1
      ? State(position: runs[runs.startIndex])
      : State(position: runs[runs.startIndex], velocity: runs[runs.index(after: runs.startIndex)])
  }

  var position: [Scalar] { components[0] }
  var runs: [[Scalar]] { count == 1 ? [components[0]] : [components[0], components[1]] }

  /// `phi` of a slice map at `state`.
  mutating func step(
    _ map: SliceMap, from state: State, value: [Scalar], earlierValue: [Scalar], noise: State?
  ) {
    for i in 0..<count {
      let (a, b) = (Scalar(map.state[i, i]), Scalar(map.value[i]))
      if let noise {
        combine(&components[i], a, state.components[i], b, value, plus: noise.components[i])
      } else {
        combine(&components[i], a, state.components[i], b, value)
      }
      if i == 0, map.earlierValue != 0 {
        accumulate(&components[i], Scalar(map.earlierValue), earlierValue)
      }
      if count == 2, map.state[i, 1 - i] != 0 {
        accumulate(&components[i], Scalar(map.state[i, 1 - i]), state.components[1 - i])
      }
    }
  }

  /// Adds `gain (new - old)`; leaves its own bits where `new == old`.
  mutating func correct(_ gain: Gain, _ new: State, minus old: State) {
    for i in 0..<count {
      for j in 0..<count where gain[i, j] != 0 {
        accumulate(&components[i], Scalar(gain[i, j]), new.components[j], minus: old.components[j])
      }
    }
  }

  /// Root mean square of the difference, the largest over the components;
  /// infinite where it is not a number, and 0 only where the two are equal.
  func distance(to other: State) -> Double {
    var largest = 0.0
    for i in 0..<count {
      let sum = squaredDistance(components[i], other.components[i])
      guard sum.isFinite else { return .infinity }
      largest = max(largest, (sum / Double(position.count)).squareRoot())
      // Squares of tiny differences vanish; the differences must not.
      if largest == 0, components[i] != other.components[i] { largest = .leastNonzeroMagnitude }
    }
    return largest
  }

  /// Stores the numbers of this state, or reads them.
  mutating func code(_ coder: inout StateCoder) throws {
    for i in 0..<count { try coder.code(&components[i]) }
  }

  /// Adds `factor other`.
  mutating func add(_ factor: Double, _ other: State) {
    for i in 0..<count { accumulate(&components[i], Scalar(factor), other.components[i]) }
  }

  func subtracting(_ other: State) -> State {
    var result = self
    result.add(-1, other)
    return result
  }

  /// The inner product, in `Double`.
  func dot(_ other: State) -> Double {
    (0..<count).reduce(0) { $0 + innerProduct(components[$1], other.components[$1]) }
  }
}
