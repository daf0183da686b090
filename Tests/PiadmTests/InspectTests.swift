import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// What `piadm inspect` tells of each kind of model, and of broken ones.
  @Suite struct Inspection {
    private let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path

    private func record(_ place: Workplace) throws -> [String: Any] {
      try #require(JSONSerialization.jsonObject(with: place.read("model.json")) as? [String: Any])
    }

    private func properties(_ record: [String: Any], holding: Bool) throws -> [String] {
      let check = try #require(record["check"] as? [String: Any])
      let findings = try #require(check["findings"] as? [[String: Any]])
      return findings.filter { $0["holds"] as? Bool == holding }.compactMap { $0["property"] as? String }
    }

    @Test("a network is described from its files and checked; needs OpenVINO", arguments: [1, 2])
    func network(ranks: Int) throws {
      let place = try Workplace()
      let run = try place.run(["inspect", "digits", "--json", "model.json"], ranks: ranks)
      #expect(run.exitCode == 0, "\(run.standardError)")
      for words in [
        "1 x 8 x 8 (64 numbers)", "noise (epsilon)", "1000 training timesteps, leading spacing",
        "noise times   0.0001 to 10.1", "sample float [?, 1, 8, 8]", "timestep float [?]", "OpenVINO 2",
        "finiteness: holds", "batch invariance: ", "ms a row, 1 row", "ms a row, 64 rows together",
      ] {
        #expect(run.standardOutput.components(separatedBy: words).count == 2, "\(words) in \(run.standardOutput)")
      }
      #expect(run.standardOutput.hasSuffix("status: usable\n"))
      let record = try record(place)
      #expect(record["shape"] as? [Int] == [1, 8, 8])
      #expect(record["inputs"] as? [String] == ["sample float [?, 1, 8, 8]", "timestep float [?]"])
      // Counted by the program that trained it.
      #expect(record["parameters"] as? Int ?? 0 > 100_000)
      let range = try #require(record["noiseTimes"] as? [String: Double])
      // -log of the products of 1 - beta, betas evenly from 1e-4 to 0.02, each product in
      // single precision, as diffusers has them.
      let betas = (0..<1000).map { 1e-4 + (0.02 - 1e-4) * Double($0) / 999 }
      #expect(abs(try #require(range["least"]) + log1p(-betas[0])) <= 0x1p-23)
      #expect(abs(try #require(range["greatest"]) + betas.reduce(0) { $0 + log1p(-$1) }) <= 1000 * 0x1p-23)
    }

    @Test("a target's score is compared with its log-density, and it is continuous in time")
    func target() throws {
      let place = try Workplace()
      let run = try place.run(["inspect", "mixture.json", "--json", "model.json"])
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains("none: continuous in time"))
      let record = try record(place)
      #expect(try properties(record, holding: true).contains("score"))
      #expect(try properties(record, holding: false) == [])
      #expect(record["inputs"] == nil && record["noiseTimes"] == nil)
    }

    @Test(
      "a plug-in that cannot be sampled is refused with what fails (needs cc)",
      arguments: [
        ("-DNAN_NEAR_THE_DATA", 65, "not finite"), ("-DUNSET", 65, "left one unset"), ("-DFAILS", 70, "does not converge"),
        ("-DMEMORY", 65, "no repeatability"), ("-DDIMENSION=1099511627776", 65, "memory"),
      ])
    func faultyPlugin(flag: String, exitCode: Int32, reason: String) throws {
      let place = try Workplace()
      let build = try place.run(
        [],
        script: """
          cc -shared -fPIC \(flag) -I '\(top)/Sources/CScorePlugin/include' -o model.so \
            '\(top)/Tests/ScoreModelsTests/Fixtures/faulty_plugin.c' -lm
          """)
      try #require(build.exitCode == 0, "\(build.standardError)")
      let run = try place.run(["inspect", "plugin:model.so", "--json", "model.json"])
      run.expectRefusal(exitCode, "model.so", reason)
      #expect(run.standardOutput.contains("predicts      score"))
      #expect(!run.standardOutput.contains("status"))
    }

    @Test("what is no model, or cannot be written, is refused before anything is shown")
    func refusals() throws {
      let place = try Workplace()
      try place.run(["inspect", "none"], ranks: 2).expectRefusal(66, "none")
      try place.run(["inspect"]).expectRefusal(64, "MODEL")
      let run = try place.run(["inspect", "mixture.json", "--json", "none/model.json"])
      run.expectRefusal(74, "none/model.json")
      #expect(run.standardOutput == "")
      #expect(try place.content == [])
    }
  }
}
