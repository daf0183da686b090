import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Methods with stages, histories and noise of their own, from the command line.
  @Suite struct MethodRuns {
    @Test(
      "any number of ranks draws the same bits, and tolerance 0 the sequential sampler's",
      arguments: [
        ["--method", "unipc", "--window", "6"], ["--method", "heun", "--churn", "8", "--churn-min", "0.1", "--churn-noise", "1.003"],
        ["--method", "plms"], ["--method", "ddpm", "--eta", "0.5", "--langevin-steps", "1", "--snr", "0.1"],
      ])
    func sameBits(options: [String]) throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "12", "--samples", "2"] + options
      let alone = try place.digest(arguments)
      for ranks in [2, 3, 7] { #expect(try place.digest(arguments, ranks: ranks) == alone, "\(ranks) ranks") }
      let window = options.contains("--window") ? 2 : 0
      let sequential = try place.digest(["mixture.json", "--steps", "12", "--samples", "2"] + options.dropLast(window) + ["--solver", "sequential"])
      #expect(try place.digest(arguments + ["--tolerance", "0"], ranks: 2) == sequential)
      #expect(alone != sequential)
    }

    @Test("a run with churn goes on from a checkpoint to the same bits, and says what it was drawn with")
    func resumes() throws {
      let place = try Workplace()
      let arguments = [
        "mixture.json", "--steps", "12", "--method", "edm", "--churn", "8", "--langevin-steps", "1", "--report", "report.json",
      ]
      let whole = try place.digest(arguments)
      let stopped = try place.run(
        ["sample", "--progress", "none", "--checkpoint", "state", "--max-time", "0"] + arguments, ranks: 2)
      #expect(stopped.exitCode == 75, "\(stopped.standardError)")
      #expect(try place.digest(arguments + ["--checkpoint", "state", "--resume"], ranks: 3) == whole)
      let report = try String(decoding: place.read("report.json"), as: UTF8.self)
      for words in [#""method" : "heun""#, #""churn" : 8"#, #""langevin-steps" : 1"#] { #expect(report.contains(words), "\(report)") }
      let cited = try place.run(["cite", "report.json"])
      for words in ["karras2022", "predictor-corrector", "churn"] {
        #expect(cited.standardOutput.lowercased().contains(words), "\(cited.standardOutput)")
      }
    }
  }
}
