import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Predictions of runs: that they are made, agree with themselves and with
  /// what is measured where sleeping makes the time known.
  @Suite struct Plans {
    private func json(_ place: Workplace, _ name: String) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: place.read(name)) as? [String: Any])
    }

    @Test("plan tells a row for every number of ranks, the best of them, and the line that submits it")
    func plan() throws {
      let place = try Workplace()
      let run = try place.run(
        [
          "plan", "mixture.json", "--steps", "64", "--samples", "3", "--chunk", "2", "--score-latency", "0.05", "--window", "off",
          "--movement", "0", "--pilot-seconds", "4", "--json", "plan.json", "--plot", "plan.svg", "--most-ranks", "128",
        ], ranks: 2)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let plan = try json(place, "plan.json")
      let predictions = try #require(plan["predictions"] as? [[String: Any]])
      #expect(predictions.map { $0["ranks"] as? Int } == [1, 2, 4, 8, 16, 32, 64, 128])
      #expect(predictions.map { $0["isAtHand"] as? Bool } == [true, true] + Array(repeating: false, count: 6))
      let seconds = try predictions.map { try #require($0["samplingSeconds"] as? Double) }
      // A call sleeps 50 ms, whatever it has of its 64 rows: 64 slices of 3
      // samples take three calls alone, and one on four ranks.
      let pilot = try #require(plan["pilot"] as? [String: Any])
      let rounds = try #require(pilot["rounds"] as? Double)
      #expect(rounds >= 2 && rounds <= 64)
      #expect(seconds[0] >= 0.05 * rounds && seconds[0] >= 2 * seconds[2])
      #expect(try #require(plan["sequentialSeconds"] as? Double) >= 64 * 0.05)
      let best = try #require(plan["bestTimeTimesCost"] as? Int)
      let costs = try predictions.map {
        try #require($0["seconds"] as? Double) * #require($0["coreHours"] as? Double)
      }
      #expect(costs.min() == costs[try #require(predictions.firstIndex { $0["ranks"] as? Int == best })])
      let line = try #require(plan["sbatch"] as? String)
      #expect(line.hasPrefix("sbatch --ntasks=\(best) --cpus-per-task=1 --time="))
      #expect(line.hasSuffix("jobs/sample.sbatch mixture.json --steps 64 --samples 3 --chunk 2 --score-latency 0.05 --window off --movement 0"))
      #expect(run.standardOutput.contains(line))
      #expect(run.standardOutput.contains("not at hand"))
      // 64 slices are 32 chunks.
      #expect(!run.standardOutput.contains(", 0 idle") && run.standardOutput.contains("not at hand, 96 idle"))
      #expect(String(decoding: try place.read("plan.svg"), as: UTF8.self).contains(">predicted, not at hand<"))
      #expect(try place.content == ["plan.json", "plan.svg"])
    }

    @Test("a network from the options makes every prediction one for a machine not at hand, and slower with its latency")
    func network() throws {
      let place = try Workplace()
      var times: [Double] = []
      for latency in ["1e-6", "0.01"] {
        let run = try place.run([
          "plan", "mixture.json", "--steps", "32", "--window", "off", "--network-latency", latency, "--json", "plan.json",
        ])
        #expect(run.exitCode == 0, "\(run.standardError)")
        #expect(run.standardOutput.contains("All predictions are for a machine that is not at hand"))
        let predictions = try #require(try json(place, "plan.json")["predictions"] as? [[String: Any]])
        #expect(predictions.allSatisfy { $0["isAtHand"] as? Bool == false })
        times.append(try #require(predictions.first { $0["ranks"] as? Int == 32 }?["samplingSeconds"] as? Double))
      }
      // 31 hops a round of 10 ms, two rounds at least.
      #expect(times[1] > times[0] + 2 * 31 * 0.01)
    }

    @Test("bench scaling finds the predicted times where calls sleep for most of them")
    func scaling() throws {
      let place = try Workplace()
      let run = try place.run(
        [
          "bench", "scaling", "mixture.json", "--steps", "48", "--window", "16", "--chunk", "4", "--batch", "4",
          "--score-latency", "0.05", "--pilot-seconds", "4", "--json", "scaling.json", "--plot", "scaling.png",
        ], ranks: 4)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let points = try #require(try json(place, "scaling.json")["scaling"] as? [[String: Any]])
      #expect(points.map { $0["ranks"] as? Int } == [1, 2, 4])
      #expect(Set(points.map { $0["rounds"] as? Int }).count == 1)
      for point in points {
        let ratio = try #require(point["predictedSeconds"] as? Double) / #require(point["seconds"] as? Double)
        // Other work on the machine makes a run longer, or the trials.
        #expect(ratio > 0.6 && ratio < 1.5, "\(point)")
      }
      #expect(try place.content == ["scaling.json", "scaling.png"])
    }

    @Test("plan and bench scaling refuse what they cannot do")
    func refusals() throws {
      let place = try Workplace()
      try place.run(["plan"]).expectRefusal(64, "MODEL")
      try place.run(["plan", "mixture.json", "--tolerance", "-1"]).expectRefusal(64, "--tolerance")
      try place.run(["plan", "mixture.json", "--solver", "sequential"]).expectRefusal(64, "sequential")
      try place.run(["plan", "mixture.json", "--network-bandwidth", "1e9"]).expectRefusal(64, "--network-latency")
      try place.run(["plan", "none.json"], ranks: 2).expectRefusal(66, "none.json")
      try place.run(["plan", "mixture.json", "--json", "none/plan.json"]).expectRefusal(74, "none/plan.json")
      try place.run(["plan", "mixture.json", "--plot", "plan.pdf"]).expectRefusal(64, "plan.pdf")
      try place.run(["bench", "scaling", "mixture.json", "--ranks", "1,4"], ranks: 2).expectRefusal(64, "--ranks 4")
      try place.run(["bench", "scaling", "mixture.json", "--ranks", "two"]).expectRefusal(64, "--ranks")
      #expect(try place.content == [])
    }
  }
}
