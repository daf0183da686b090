import CRandom123

/// What a random number is for; part of its counter.
public enum NoiseStream: UInt32, Sendable {
  /// The state at noise time `T` (step 0).
  case initialState = 0
  /// The noise of a step.
  case step = 1
  /// The velocity that a corrector starts from (step = block).
  case correctorStart = 2
  /// Position and velocity noise of a corrector
  /// (step = block * corrector steps + corrector step).
  case correctorPosition = 3
  case correctorVelocity = 4
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
/// Muller in `Double` (see `BoxMuller`), rounded to the state's type. No rank, thread or batch
/// enters.
public struct CounterNoise: NoiseSource, Hashable, Sendable {
  public let seed: UInt64

  public init(seed: UInt64) { self.seed = seed }

  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    let key = (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
    let count = output.count
    // Four counters give sixteen words, eight pairs, sixteen normals.
    for first in stride(from: 0, to: count, by: 16) {
      var (u, v) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
      for group in 0..<4 {
        let counter = (
          UInt32(truncatingIfNeeded: first / 4 + group), UInt32(truncatingIfNeeded: step),
          UInt32(truncatingIfNeeded: sample), stream.rawValue
        )
        let words = Self.philox(counter, key: key)
        (u[2 * group], v[2 * group]) = (Double(words.0), Double(words.1))
        (u[2 * group + 1], v[2 * group + 1]) = (Double(words.2), Double(words.3))
      }
      let (cosine, sine) = BoxMuller.normals((u + 0.5) * 0x1p-32, (v + 0.5) * 0x1p-32)
      for lane in 0..<8 {
        let element = first + 2 * lane
        if element < count { output[element] = Scalar(cosine[lane]) }
        if element + 1 < count { output[element + 1] = Scalar(sine[lane]) }
      }
    }
  }

  public typealias Words = (UInt32, UInt32, UInt32, UInt32)

  /// Philox4x32-10.
  public static func philox(_ counter: Words, key: (UInt32, UInt32)) -> Words {
    philox4x32_R(
      10, philox4x32_ctr_t(v: counter), philox4x32_key_t(v: key)
    ).v
  }
}
