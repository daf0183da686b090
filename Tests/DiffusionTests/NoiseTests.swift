import Diffusion
import Foundation
import Testing

@Suite struct NoiseTests {
  /// The vectors that Random123 distributes (kat_vectors, philox4x32 10).
  @Test(arguments: [
    ([0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
    (
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ])
  func philoxGivesTheKnownAnswers(counter: [UInt32], key: [UInt32], answer: [UInt32]) {
    let words = CounterNoise.philox(
      (counter[0], counter[1], counter[2], counter[3]), key: (key[0], key[1]))
    #expect([words.0, words.1, words.2, words.3] == answer)
  }

  /// Values of an independent numpy implementation; the series may differ from
  /// its logarithm, sine and cosine by a few units in the last place.
  @Test func normalsAgreeWithAnIndependentImplementation() {
    let values: [Double] = CounterNoise(seed: 42).normals(6, stream: .step, step: 3, sample: 5)
    let expected = [
      -2.2724100305919204, 1.4401582710224325, 0.2377258596233272, 0.06815458790716515,
      0.7609357306068842, -0.5177366105525683,
    ]
    for (value, expected) in zip(values, expected) {
      #expect(abs(value - expected) <= 4 * expected.ulp.magnitude)
    }
  }

  @Test func aNumberDependsOnNothingButItsCounter() {
    let noise = CounterNoise(seed: 9)
    let long: [Float] = noise.normals(103, stream: .step, step: 7, sample: 2)
    let short: [Float] = noise.normals(5, stream: .step, step: 7, sample: 2)
    #expect(short[...] == long[..<5])
    let streams = [NoiseStream.initialState, .step, .correctorStart, .correctorPosition, .correctorVelocity]
    let firsts = streams.map { noise.normals(1, stream: $0, step: 0, sample: 0)[0] as Double }
    #expect(Set(firsts).count == streams.count)
    let seeds = [UInt64(1), 1 << 32, 2].map {
      CounterNoise(seed: $0).normals(1, stream: .step, step: 0, sample: 0)[0] as Double
    }
    #expect(Set(seeds).count == seeds.count)
  }

  /// Against the C library over the whole range. The radius loses half the
  /// relative error of the logarithm; near the axes the error of the angle, one
  /// unit of pi/4, is absolute.
  @Test func normalsAreAccurateToAFewUnitsInTheLastPlace() {
    let noise = CounterNoise(seed: 3)
    let count = 40_000
    let values: [Double] = noise.normals(count, stream: .step, step: 1, sample: 0)
    var worst = 0.0
    for group in 0..<(count / 4) {
      let words = CounterNoise.philox((UInt32(group), 1, 0, NoiseStream.step.rawValue), key: (3, 0))
      for (index, (a, b)) in [(words.0, words.1), (words.2, words.3)].enumerated() {
        let (u, v) = ((Double(a) + 0.5) * 0x1p-32, (Double(b) + 0.5) * 0x1p-32)
        let radius = (-2 * log(u)).squareRoot()
        for (lane, exact) in [radius * cos(2 * .pi * v), radius * sin(2 * .pi * v)].enumerated() {
          worst = max(worst, abs(values[4 * group + 2 * index + lane] - exact) / radius)
        }
      }
    }
    #expect(worst < 4 * Double.ulpOfOne)
  }

  /// Mean and variance of n standard normals: standard errors 1/sqrt(n) and
  /// sqrt(2/n); five of them are exceeded once in two million.
  @Test func normalsHaveTheMomentsOfStandardNormals() {
    let count = 1 << 20
    let values: [Double] = CounterNoise(seed: 1).normals(count, stream: .step, step: 0, sample: 0)
    let mean = values.reduce(0, +) / Double(count)
    let variance = values.reduce(0) { $0 + $1 * $1 } / Double(count) - mean * mean
    #expect(abs(mean) < 5 / Double(count).squareRoot())
    #expect(abs(variance - 1) < 5 * (2 / Double(count)).squareRoot())
  }
}
