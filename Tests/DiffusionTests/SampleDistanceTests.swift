import Diffusion
import Foundation
import Testing

@Suite("distances between samples") struct SampleDistanceTests {
  private func normals(_ count: Int, dimension: Int, seed: UInt64, shift: Double = 0) -> [Double] {
    let values: [Double] = CounterNoise(seed: seed).normals(count * dimension, stream: .initialState, step: 0, sample: 0)
    return values.map { $0 + shift }
  }

  @Test("the energy distance of two normal laws is that of the formula")
  func energyOfNormals() {
    let (count, shift) = (1500, 1.0)
    let distance = SampleDistance(to: normals(count, dimension: 1, seed: 1), dimension: 1)
    let estimate = distance.energy(of: normals(count, dimension: 1, seed: 2, shift: shift))
    // The mean of |N(m, 2)|, at m = shift and at 0.
    func meanDistance(_ m: Double) -> Double { 2 / Double.pi.squareRoot() * exp(-m * m / 4) + m * erf(m / 2) }
    let exact = 2 * meanDistance(shift) - 2 * meanDistance(0)
    #expect(abs(estimate.value - exact) < 4 * estimate.standardError)
    #expect(estimate.standardError < 0.1 * exact)
  }

  @Test("equal laws are near zero, by the standard error, and a shift is seen")
  func energySeesAShift() {
    let distance = SampleDistance(to: normals(400, dimension: 16, seed: 3), dimension: 16)
    let equal = distance.energy(of: normals(400, dimension: 16, seed: 4))
    let shifted = distance.energy(of: normals(400, dimension: 16, seed: 4, shift: 0.2))
    #expect(abs(equal.value) < 5 * equal.standardError)
    #expect(shifted.value > 4 * shifted.standardError)
  }

  @Test("the sliced distance of a list and itself moved by a vector is the vector's mean projection")
  func slicedWassersteinOfAShift() {
    let (dimension, shift, directions) = (3, 0.7, 2000)
    let samples = normals(60, dimension: dimension, seed: 5)
    let moved = samples.enumerated().map { $0.offset % dimension == 1 ? $0.element + shift : $0.element }
    let estimate = SampleDistance(to: samples, dimension: dimension).slicedWasserstein(of: moved, directions: directions)
    // The mean of |u_1| over the sphere in three dimensions is 1/2, its variance 1/12.
    #expect(abs(estimate.value - shift / 2) < 4 * shift * (1.0 / 12 / Double(directions)).squareRoot())
  }

  @Test("lists of different lengths are compared by their quantiles")
  func unequalLengths() {
    let samples = normals(40, dimension: 2, seed: 6)
    let twice = samples + samples
    let estimate = SampleDistance(to: samples, dimension: 2).slicedWasserstein(of: twice)
    #expect(estimate.value < 1e-12)
  }
}
