import Foundation
import Launching
import NumPyFormat
import Testing

extension CommandLineTests {
  /// Start states, step noise and grids that come from files.
  @Suite struct GivenNumbers {
    /// A target whose score is `-y` at every noise time.
    private static let standardNormal =
      #"{"target": "gaussian", "dimension": 5, "mean": 0, "variances": 1}"#

    @Test("the states and the noise that would be drawn, given in files, give the same bits")
    func drawnNumbersGivenBack() throws {
      let place = try Workplace()
      try place.write(Self.standardNormal, to: "normal.json")
      let drawn = try place.digest(["mixture.json", "--samples", "3", "--steps", "1"])

      // A step so short that it changes no bit leaves the start states.
      _ = try place.digest([
        "normal.json", "--samples", "3", "--steps", "1", "--noise-level", "0", "--horizon", "2e-20",
        "--early-stop", "1e-20", "--out", "initial.npy",
      ])
      // From 0, where this score vanishes, a step leaves sqrt(exp(e) - 1) times
      // its noise: 1 in single precision for e = log 2.
      try place.writeArray([Double](repeating: 0, count: 15), shape: [3, 5], to: "zeros.npy")
      try place.writeArray([1 + log(2), 1], shape: [2], to: "times.npy")
      _ = try place.digest([
        "normal.json", "--samples", "3", "--times", "times.npy", "--initial", "zeros.npy", "--out", "step.npy",
      ])
      try place.writeArray(try place.array("step.npy").doubles, shape: [1, 3, 5], to: "noise.npy")

      let given = ["mixture.json", "--samples", "3", "--steps", "1", "--seed", "99"]
      let both = given + ["--initial", "initial.npy", "--noise", "noise.npy"]
      #expect(try place.digest(both) == drawn)
      #expect(try place.digest(both + ["--replicas", "2"], ranks: 3) == drawn)
      #expect(try place.digest(given + ["--initial", "initial.npy"]) != drawn)
      #expect(try place.digest(given + ["--noise", "noise.npy"]) != drawn)
    }

    @Test("a grid from a file gives the bits of the same built-in grid")
    func givenGrid() throws {
      let place = try Workplace()
      // Eighths are exact in binary.
      try place.writeArray([1, 0.875, 0.75, 0.625, 0.5], shape: [5], to: "times.npy")
      let builtIn = try place.digest([
        "mixture.json", "--grid", "uniform", "--steps", "4", "--horizon", "1", "--early-stop", "0.5",
      ])
      #expect(try place.digest(["mixture.json", "--times", "times.npy"], ranks: 2) == builtIn)
    }
  }
}
