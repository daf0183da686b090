import CNormals
import CRandom123

/// What a random number is for; part of its counter.
public enum NoiseStream: UInt32, Sendable {
  /// The state at noise time `T` (step 0).
  case initialState = 0
  /// The noise of a step.
  case step = 1
  /// The velocity that a corrector starts from (step = block).
  case correctorStart = 2
  /// Position noise of a corrector
  /// (step = block * corrector steps + corrector step).
  case correctorPosition = 3
  /// Velocity noise of a corrector, of the same step numbers.
  case correctorVelocity = 4
  /// Directions in which Jacobians are measured at first (step = their number).
  case probe = 5
  /// The noise of Langevin steps (step = step * Langevin steps + Langevin step).
  case langevin = 6
}

/// A source of standard normal numbers that are the same whenever they are asked for.
public protocol NoiseSource {
  /// Fills `output` with the normals of one (stream, step, sample).
  func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int)
}

extension NoiseSource {
  /// The normals of one (stream, step, sample).
  public func normals<Scalar: StateScalar>(
    _ count: Int, stream: NoiseStream, step: Int, sample: Int
  ) -> [Scalar] {
    var values = [Scalar](repeating: 0, count: count)
    var span = values.mutableSpan
    fill(&span, stream: stream, step: step, sample: sample)
    return values
  }
}

/// Counter-based noise: a pure function of (seed, stream, step, sample, element).
///
/// Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC'11; Random123) keyed by the
/// seed's low and high word, on the counter (element / 4, step, sample, stream).
/// Its four words give `u = (word + 1/2) 2^-32` and four normals by Box and
/// Muller in `Double`, rounded to the state's type, with the same bits on every
/// processor. No rank, thread or batch enters.
public struct CounterNoise: NoiseSource, Hashable, Sendable {
  /// Which numbers of all: the key of the counter-based generator.
  public let seed: UInt64

  /// Noise of a seed; every value is as good as any other.
  public init(seed: UInt64) { self.seed = seed }

  /// Fills `output` with standard normals; element `k` depends on (seed, stream, step,
  /// sample, k) alone.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    let key = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
    // As many as a page of doubles: drawn in the cache, rounded from there.
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 512) { piece in
      for first in stride(from: 0, to: output.count, by: piece.count) {
        let count = min(piece.count, output.count - first)
        philox_normals(
          piece.baseAddress, count, key, UInt32(first / 4), UInt32(truncatingIfNeeded: step),
          UInt32(truncatingIfNeeded: sample), stream.rawValue)
        for k in 0..<count { output[first + k] = Scalar(piece[k]) }
      }
    }
  }

  /// A counter, or the words that it gives.
  public typealias Words = (UInt32, UInt32, UInt32, UInt32)

  /// Philox4x32-10: ten rounds over a counter of four words, keyed by two
  /// (Salmon, Moraes, Dror and Shaw, SC'11).
  public static func philox(_ counter: Words, key: (UInt32, UInt32)) -> Words {
    philox4x32_R(
      10, philox4x32_ctr_t(v: counter), philox4x32_key_t(v: key)
    ).v
  }
}
