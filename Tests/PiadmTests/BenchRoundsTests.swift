import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Rounds, evaluations and errors: that they are those of runs, and what
  /// follows from theory.
  @Suite struct BenchesOfRounds {
    struct Record: Decodable {
      struct Run: Decodable {
        var linearization: String
        var window: Int?
        var chunk: Int
        var anderson: Int?
        var probes: Int?
        var tolerance: Double?
        var iterations: Int?
        var rounds: Double
        var mostRounds: Int
        var evaluations: Double
        var error: Double
        var seconds: Double
      }
      var model: String
      var steps: Int
      var samples: Int
      var ranks: Int
      var sequentialSeconds: Double
      var runs: [Run]
    }

    private func record(_ place: Workplace, _ arguments: [String], ranks: Int = 1) throws -> Record {
      let run = try place.run(["bench", "rounds"] + arguments + ["--json", "rounds.json"], ranks: ranks)
      #expect(!run.isTimedOut)
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(try place.content == ["rounds.json"])
      let record = try JSONDecoder().decode(Record.self, from: place.read("rounds.json"))
      let rows = run.standardOutput.split(separator: "\n").drop { !$0.hasPrefix("linearization") }.dropFirst()
      #expect(rows.count == record.runs.count)
      #expect(zip(rows, record.runs).allSatisfy { $0.hasPrefix($1.linearization) })
      #expect(record.ranks == ranks)
      return record
    }

    @Test(
      "rounds and evaluations are those of piadm sample with the same options, on any number of ranks",
      arguments: [
        (1, ["--linearization", "secant,frozen", "--anderson", "off,2", "--chunk", "auto,3"], 16),
        (3, ["--linearization", "secant,frozen", "--anderson", "off,2", "--chunk", "auto,3"], 16),
        (2, ["--linearization", "elementwise", "--probes", "off,1,3"], 6),
      ] as [(Int, [String], Int)])
    func sameAsRuns(ranks: Int, varied: [String], runs: Int) throws {
      let options = ["mixture.json", "--steps", "48", "--samples", "2", "--seed", "7"]
      let record = try record(
        Workplace(), options + varied + ["--window", "all,8", "--tolerance", "1e-3"], ranks: ranks)
      #expect(record.runs.count == runs)
      #expect(record.steps == 48 && record.samples == 2)
      let place = try Workplace()
      for run in record.runs {
        var words = options + ["--linearization", run.linearization, "--chunk", "\(run.chunk)", "--tolerance", "1e-3"]
        if let window = run.window { words += ["--window", "\(window)"] }
        if let probes = run.probes { words += ["--probes", "\(probes)"] }
        if let history = run.anderson { words += ["--anderson", "\(history)"] }
        _ = try place.digest(words + ["--report", "report.json"])
        let report = try #require(
          JSONSerialization.jsonObject(with: place.read("report.json")) as? [String: Any])
        // The samples of a run go on until the last of them is done.
        #expect(report["rounds"] as? Int == run.mostRounds, "\(run)")
        let evaluations = try #require(report["evaluations"] as? Int)
        #expect(abs(Double(evaluations) / 96 - run.evaluations) < 1e-12, "\(run)")
        #expect(run.rounds <= Double(run.mostRounds) && run.seconds > 0)
      }
    }

    @Test("what theory says: exact at tolerance 0, at most a round a step, and less error for more rounds")
    func theory() throws {
      let steps = 40
      let record = try record(
        Workplace(), ["mixture.json", "--steps", "\(steps)", "--window", "all,16,4", "--tolerance", "0,1e-6,1e-2"])
      #expect(record.samples == 4)
      #expect(record.runs.count == 5 * 3 * 3)
      for run in record.runs {
        #expect(run.mostRounds <= steps, "\(run)")
        // Every slice is evaluated once at least, and no more than a window is in a round.
        let open = min(run.window ?? steps, steps)
        #expect(run.evaluations >= 1 && run.evaluations * Double(steps) <= run.rounds * Double(open), "\(run)")
        if run.tolerance == 0 { #expect(run.error == 0, "\(run)") }
      }
      for rows in stride(from: 0, to: record.runs.count, by: 3).map({ record.runs[$0..<($0 + 3)] }) {
        #expect(rows.map(\.tolerance) == [1e-2, 1e-6, 0])
        #expect(rows.map(\.rounds) == rows.map(\.rounds).sorted(), "\(rows)")
        #expect(rows.map(\.error) == rows.map(\.error).sorted(by: >), "\(rows)")
      }
    }

    @Test("--error shows the largest tolerance that keeps it, and says where none does")
    func limit() throws {
      let options = ["mixture.json", "--steps", "40", "--linearization", "secant", "--window", "all"]
      let all = try record(Workplace(), options + ["--tolerance", "0.1,1e-2,1e-3,1e-5"]).runs
      let limit = try #require(all.dropLast().last?.error)
      let one = try record(Workplace(), options + ["--tolerance", "0.1,1e-2,1e-3,1e-5", "--error", "\(limit)"]).runs
      let expected = try #require(all.first { $0.error <= limit })
      #expect(one.count == 1)
      #expect(one.first?.tolerance == expected.tolerance && one.first?.error == expected.error)
      let place = try Workplace()
      let run = try place.run(["bench", "rounds"] + options + ["--tolerance", "0.1", "--error", "1e-12"])
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains("no tolerance gives this error"))
    }

    @Test("a fixed number of iterations is what is measured where it is asked for")
    func iterations() throws {
      let runs = try record(
        Workplace(), ["mixture.json", "--steps", "20", "--iterations", "6", "--window", "all", "--samples", "1"]
      ).runs
      #expect(runs.map(\.linearization) == ["elementwise", "secant", "frozen", "increment", "none"])
      #expect(runs.allSatisfy { $0.iterations == 6 && $0.tolerance == nil && $0.mostRounds == 6 })
    }

    @Test("the model is digits unless another one is named; needs OpenVINO")
    func digits() throws {
      let record = try record(
        Workplace(), ["--steps", "30", "--samples", "1", "--window", "8", "--linearization", "elementwise,none"])
      #expect(record.model == "digits")
      #expect(record.runs.map(\.window) == Array(repeating: 8, count: 6))
    }

    @Test("probes save rounds of a trained network at the same error, and cost evaluations; needs OpenVINO")
    func probes() throws {
      let runs = try record(
        Workplace(),
        [
          "--method", "ddpm", "--steps", "100", "--samples", "2", "--window", "all", "--linearization",
          "elementwise", "--probes", "off,2", "--error", "2e-4",
        ]
      ).runs
      #expect(runs.map(\.probes) == [nil, 2])
      #expect(runs[1].rounds < runs[0].rounds && runs[1].mostRounds <= 10)
      #expect(runs[1].evaluations > runs[0].evaluations)
      #expect(runs.allSatisfy { $0.error <= 2e-4 })
    }

    @Test(
      "bench rounds refuses what it cannot do",
      arguments: [
        ["--window", "auto"], ["--window", "0"], ["--tolerance", "1e-3,x"], ["--linearization", "secant,"],
        ["--chunk", "all"], ["--anderson", "33"], ["--error=-1"], ["--error", "1e-4", "--iterations", "3"],
        ["--solver", "sequential"], ["--replicas", "2"], ["--iterations", "3", "--tolerance", "1"],
      ])
    func refusals(options: [String]) throws {
      let place = try Workplace()
      try place.run(["bench", "rounds", "mixture.json"] + options)
        .expectRefusal(64, String(options[0].prefix { $0 != "=" }))
      #expect(try place.content == [])
    }

    @Test("bench rounds finds out that its file cannot be written before it measures")
    func unwritable() throws {
      let run = try Workplace().run(["bench", "rounds", "mixture.json", "--json", "none/rounds.json"], ranks: 2)
      run.expectRefusal(74, "none/rounds.json")
      #expect(run.standardOutput == "")
    }
  }
}
