import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Memory that the kernel has seen a run take.
  @Suite struct MemoryOfRuns {
    /// A slice takes two states, `f` and noise, with elementwise slopes the
    /// change of `f` as well, and two rows for every probe; a chunk of eight takes three
    /// rows more, or eleven, or thirteen with probes.
    /// Windows move by their whole length, and must not take more for that.
    @Test(
      "a step more of the window takes four rows of numbers, or five, or two more for a probe, and its share of a chunk's",
      arguments: [
        (["--linearization", "secant"], 4 + 3.0 / 8, "single"), (["--linearization", "secant"], 4 + 3.0 / 8, "double"),
        ([], 5 + 11.0 / 8, "single"), ([], 5 + 11.0 / 8, "double"), (["--probes", "1"], 7 + 13.0 / 8, "single"),
      ] as [([String], Double, String)])
    func rows(options: [String], expected: Double, precision: String) throws {
      let dimension = 1 << 16
      let place = try Workplace()
      try place.write(
        #"{"target": "gaussian", "dimension": \#(dimension), "mean": 0, "variances": 0.5}"#, to: "wide.json")
      func peak(_ window: Int) throws -> Double {
        let run = try place.run(
          [
            "sample", "wide.json", "--method", "ddpm", "--steps", "400", "--window", "\(window)", "--chunk", "8",
            "--iterations", "1", "--precision", precision, "--report", "r.json",
          ] + options)
        try #require(run.exitCode == 0, "\(run.standardError)")
        let report = try JSONSerialization.jsonObject(with: place.read("r.json")) as? [String: Any]
        return try #require(report?["peakMemoryBytes"] as? Double)
      }
      let row = Double(dimension) * (precision == "single" ? 4 : 8)
      let rows = (try peak(128) - peak(64)) / (64 * row)
      // What the allocator keeps may differ by a few MiB.
      #expect(abs(rows - expected) < 0.25, "\(rows)")
    }
  }
}
