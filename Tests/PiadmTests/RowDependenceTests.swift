import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Networks whose rows depend on their company, or on chance.
  @Suite struct RowDependences {
    private static let networks = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "ScoreModelsTests/Fixtures/silent").path

    @Test(
      "rows that depend on their company are refused by every command that samples, and accepted alone",
      arguments: ["quantized", "statistics", "gates"])
    func company(network: String) throws {
      let place = try Workplace()
      let model = "\(Self.networks)/\(network)"
      for ranks in [1, 2] {
        try place.run(["sample", model, "--steps", "12", "--window", "off", "--samples", "2"], ranks: ranks)
          .expectRefusal(65, "other rows", "--batch 1", "Quantize statically")
      }
      #expect(try place.content == [])
      try place.run(["inspect", model]).expectRefusal(65, "no independence")
      let alone = ["sample", model, "--steps", "12", "--window", "off", "--samples", "2", "--batch", "1"]
      var samples: Set<Data> = []
      for ranks in [1, 2] {
        #expect(try place.run(alone, ranks: ranks).exitCode == 0)
        samples.insert(try place.read("samples.npy"))
      }
      #expect(samples.count == 1)
    }

    @Test("plan and bench refuse them as sample does", arguments: [["plan"], ["bench", "scaling"], ["bench", "rounds"]])
    func planned(command: [String]) throws {
      let place = try Workplace()
      try place.run(command + ["\(Self.networks)/statistics", "--steps", "12", "--window", "8"]).expectRefusal(65, "other rows")
    }

    @Test("networks that are not repeatable are refused, alone too", arguments: ["random", "uniform"])
    func chance(network: String) throws {
      let place = try Workplace()
      for options in [[], ["--batch", "1"], ["--solver", "sequential"]] {
        try place.run(["sample", "\(Self.networks)/\(network)", "--steps", "12"] + options)
          .expectRefusal(65, "made again", "evaluation mode")
      }
      #expect(try place.content == [])
    }

    @Test("the time of the check is told, and its rows are no more than twice those of a round")
    func cost() throws {
      let place = try Workplace()
      let run = try place.run(
        ["sample", "\(Self.networks)/plain", "--steps", "16", "--solver", "picard", "--window", "off", "--report", "r.json"])
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains("row check    "))
      let report = try #require(try JSONSerialization.jsonObject(with: place.read("r.json")) as? [String: Any])
      let check = try #require(report["rowCheck"] as? [String: Double])
      #expect((check["rowsBefore"] ?? 0) + (check["rowsAgain"] ?? 0) <= 32)
      #expect((check["rowsBefore"] ?? 0) > 16 && (check["rowsAgain"] ?? 0) > 0)
      #expect(report["batchInvariant"] as? Bool == true)
    }
  }
}
