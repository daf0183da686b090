import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Rounds against the dimension, as far as a test has time for.
  @Suite struct BenchesOfDimension {
    struct Record: Decodable {
      struct Point: Decodable {
        var target: String
        var method: String
        var setting: String
        var linearization: String
        var dimension: Int
        var sequentialSteps: Int
        var divergence: Double
        var discretizationError: Double
        var rounds: Double
        var picardError: Double
      }
      var points: [Point]
    }

    @Test("up to d = 2^12 steps grow, rounds hardly do, and the iteration's error is below the sampler's", arguments: [1, 2])
    func growth(ranks: Int) throws {
      let place = try Workplace()
      let largest = ranks == 1 ? 12 : 8
      let run = try place.run(
        ["bench", "dimension", "--largest", "\(largest)", "--json", "d.json", "--table", "d.md"], ranks: ranks)
      #expect(!run.isTimedOut)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let points = try JSONDecoder().decode(Record.self, from: place.read("d.json")).points
      for point in points {
        #expect(point.picardError <= point.discretizationError, "\(point)")
        #expect(point.rounds <= Double(point.sequentialSteps), "\(point)")
        if point.setting != "paths" { #expect(point.divergence <= 1, "\(point)") }
      }
      func series(_ method: String, _ setting: String, _ linearization: String) -> [Record.Point] {
        points.filter {
          $0.target == "spread" && $0.method == method && $0.setting == setting
            && $0.linearization == linearization
        }
      }
      for method in ["piadm-sde", "piadm-ode"] {
        let whole = series(method, "whole", "secant")
        #expect(whole.map(\.dimension) == stride(from: 2, through: largest, by: 2).map { 1 << $0 })
        #expect(whole.map(\.sequentialSteps) == whole.map(\.sequentialSteps).sorted())
      }
      let (small, large) = (
        try #require(series("piadm-sde", "whole", "secant").dropFirst().first), try #require(series("piadm-sde", "whole", "secant").last)
      )
      #expect(large.rounds <= 3 * small.rounds)
      if ranks == 1 { #expect(large.sequentialSteps >= 12 * small.sequentialSteps) }
      #expect(try place.content == ["d.json", "d.md"])
      let table = String(decoding: try place.read("d.md"), as: UTF8.self)
      #expect(table.split(separator: "\n").count > points.count)
    }

    @Test(
      "bench dimension refuses numbers that make no sense",
      arguments: [["--largest", "7"], ["--largest", "22"], ["--divergence", "0"], ["--memory", "nan"], ["--json", "a", "--table", "a"]])
    func refusals(options: [String]) throws {
      try Workplace().run(["bench", "dimension"] + options).expectRefusal(64, options[0])
    }
  }
}
