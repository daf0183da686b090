import Foundation
import Launching
import NumPyFormat
import Testing

extension CommandLineTests {
  /// Models in shared libraries; needs a C compiler, cc.
  @Suite struct Plugins {
    private let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path

    private func workplace(_ source: String, _ flags: String = "") throws -> Workplace {
      let place = try Workplace()
      let build = try place.run(
        [], script: "cc -shared -fPIC \(flags) -I '\(top)/Sources/CScorePlugin/include' -o model.so '\(top)/\(source)' -lm")
      try #require(build.exitCode == 0, "\(build.standardError)")
      return place
    }

    @Test("a plug-in is sampled to the same bits on all ranks, and as the closed-form target")
    func sampled() throws {
      let place = try workplace("jobs/plugins/gaussian.c")
      let options = ["--steps", "60", "--samples", "3", "--precision", "double", "--tolerance", "1e-9"]
      let model = "plugin:model.so:5 0.5 0.04"
      let digest = try place.digest([model] + options)
      for ranks in [2, 3] { #expect(try place.digest([model] + options, ranks: ranks) == digest) }
      let plugin = try place.array("samples.npy").doubles
      try place.write(#"{"target": "gaussian", "dimension": 5, "mean": 0.5, "variances": 0.04}"#, to: "target.json")
      _ = try place.digest(["target.json"] + options)
      let target = try place.array("samples.npy").doubles
      // Both compute in double precision, to a tolerance of 1e-9 a step.
      #expect(zip(plugin, target).allSatisfy { abs($0 - $1) < 1e-7 })
    }

    @Test(
      "a plug-in that returns what is no number ends the run on all ranks, told once",
      arguments: [[], ["--iterations", "9"], ["--replicas", "3"], ["--solver", "sequential"]])
    func notANumber(options: [String]) throws {
      let place = try workplace("Tests/ScoreModelsTests/Fixtures/faulty_plugin.c", "-DNAN_NEAR_THE_DATA")
      // More steps than the check at the start looks at.
      let arguments = ["sample", "plugin:./model.so", "--steps", "120", "--samples", "3"]
      try place.run(arguments + options, ranks: 3)
        .expectRefusal(65, "./model.so", "not finite", "noise time")
      #expect(try place.content == ["model.so"])
    }

    @Test("a plug-in of another version is refused once")
    func otherVersion() throws {
      let place = try workplace("Tests/ScoreModelsTests/Fixtures/faulty_plugin.c", "-DOTHER_VERSION")
      try place.run(["sample", "plugin:model.so"], ranks: 3).expectRefusal(65, "model.so", "version 7", "version 1")
      try place.run(["sample", "plugin:none.so"], ranks: 3).expectRefusal(66, "none.so")
    }
  }
}
