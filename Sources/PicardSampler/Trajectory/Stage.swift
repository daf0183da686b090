package import Diffusion

/// A run of slices that is iterated as one: the predictor steps of a block, or the
/// corrector steps after it.
package struct Stage: Hashable, Sendable {
  package enum Kind: Hashable, Sendable {
    /// Steps of the step map, the first of them being step `first`.
    case predictor(first: Int)
    /// Underdamped Langevin steps after a block.
    case corrector
  }

  package let kind: Kind
  /// Number of the block that it is, or that it corrects.
  package let block: Int
  /// What `f` is.
  package let quantity: StepQuantity
  /// Components of a state: 1 (position) in the predictor, 2 (and velocity) in the corrector.
  package let components: Int
  package let slices: [SliceMap]
  /// How many kept values of `f` a slice's map reads beside its own, at most.
  package let historyDepth: Int

  package init(kind: Kind, block: Int, quantity: StepQuantity, components: Int, slices: [SliceMap]) {
    self.kind = kind
    self.block = block
    self.quantity = quantity
    self.components = components
    self.slices = slices
    historyDepth = slices.map(\.history.depth).max() ?? 0
  }

  package var isCorrector: Bool { kind == .corrector }

  /// Some slice adds noise.
  var isRandom: Bool { slices.contains(where: \.isRandom) }

  /// Some slice's noise depends on the model.
  var hasLearnedNoise: Bool { slices.contains(where: \.hasLearnedNoise) }

  /// Every chunk of so many slices keeps all the values that the chunk behind it reads, so
  /// that it need not hear of those before it first.
  func chunksSupplyHistory(ofSize chunk: Int) -> Bool {
    stride(from: 0, to: slices.count - chunk, by: chunk).allSatisfy { first in
      slices[first..<(first + chunk)].count { $0.keepsValue } >= historyDepth
    }
  }

  /// Makes of a state the one with which this stage starts, from the position
  /// that the stage before it ends with, which it holds already.
  func start<Scalar: StateScalar>(_ state: State<Scalar>, noise: any NoiseSource, sample: Int) {
    guard isCorrector else { return }
    var velocity = state.velocity.mutableSpan
    noise.fill(&velocity, stream: .correctorStart, step: block, sample: sample)
  }
}
