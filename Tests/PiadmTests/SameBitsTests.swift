import Launching
import NumPyFormat
import Testing

private let methods = ["piadm-sde", "piadm-ode", "ddpm", "ddim", "dpm++2m"]

extension CommandLineTests {
  /// What is drawn does not depend on who draws it.
  @Suite struct SameBits {
    @Test(
      "any number of ranks draws the same bits",
      arguments: methods,
      [
        ["--blocks", "3"], ["--window", "8"], ["--blocks", "3", "--iterations", "4"],
        ["--window", "8", "--iterations", "3", "--probes", "2"],
      ])
    func ranksDoNotMatter(method: String, solver: [String]) throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "24", "--samples", "2", "--method", method] + solver
      let alone = try place.digest(arguments)
      for ranks in solver.count == 2 ? [2, 3, 4, 7] : [3, 7] {
        #expect(try place.digest(arguments, ranks: ranks) == alone, "\(ranks) ranks")
      }
    }

    @Test("any number of ranks draws the same digits (needs OpenVINO)", arguments: methods)
    func ranksDoNotMatterToANetwork(method: String) throws {
      let place = try Workplace()
      for (solver, rankCounts) in [(["--blocks", "2"], [2, 7]), (["--window", "4:12"], [3, 4])] {
        let arguments = ["digits", "--steps", "16", "--samples", "2", "--method", method] + solver
        let alone = try place.digest(arguments)
        for ranks in rankCounts {
          #expect(try place.digest(arguments, ranks: ranks) == alone, "\(ranks) ranks")
        }
      }
    }

    @Test(
      "tolerance 0 gives the sequential sampler's bits", arguments: ["frozen", "increment", "secant", "elementwise"],
      [["--blocks", "2"], ["--window", "8"]])
    func toleranceZero(linearization: String, solver: [String]) throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "20", "--samples", "3"]
      let sequential = try place.digest(arguments + ["--solver", "sequential"])
      let picard = arguments + solver + ["--tolerance", "0", "--linearization", linearization]
      #expect(try place.digest(picard) == sequential)
      #expect(try place.digest(picard, ranks: 3) == sequential)
      #expect(try place.digest(picard + ["--replicas", "2"], ranks: 3) == sequential)
    }

    @Test("tolerance 0 gives the sequential sampler's digits (needs OpenVINO)", arguments: ["ddpm", "dpm++2m"])
    func toleranceZeroOfANetwork(method: String) throws {
      let place = try Workplace()
      let arguments = ["digits", "--steps", "16", "--method", method]
      let sequential = try place.digest(arguments + ["--solver", "sequential"], ranks: 2)
      #expect(try place.digest(arguments + ["--tolerance", "0"], ranks: 3) == sequential)
      #expect(try place.digest(arguments + ["--tolerance", "0", "--window", "3:12"], ranks: 2) == sequential)
    }

    @Test("a sample is the same whatever other samples, replicas and batches there are")
    func samplesAreIndependent() throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "24", "--seed", "7"]
      _ = try place.digest(arguments + ["--samples", "5"])
      let five = try place.array("samples.npy")
      #expect(five.shape == [5, Workplace.dimension])
      for (ranks, options) in [
        (1, ["--samples", "1"]), (2, ["--samples", "2"]), (3, ["--samples", "3", "--replicas", "2"]),
        (2, ["--samples", "4", "--batch", "3"]), (7, ["--samples", "1", "--replicas", "7"]),
      ] {
        _ = try place.digest(arguments + options, ranks: ranks)
        let some = try place.array("samples.npy").doubles
        #expect(some == Array(five.doubles.prefix(some.count)), "\(options)")
      }
    }

    @Test("more ranks than chunks run, with a warning that names --replicas")
    func moreRanksThanChunks() throws {
      let place = try Workplace()
      let arguments = ["sample", "mixture.json", "--steps", "24", "--chunk", "12"]
      let run = try place.run(arguments, ranks: 4)
      #expect(run.exitCode == 0)
      let warnings = run.standardOutput.split(separator: "\n").filter {
        // Four ranks may have to share processors, of which there is a warning too.
        $0.hasPrefix("warning: ") && $0.contains("chunks")
      }
      #expect(warnings.count == 1)
      #expect(warnings.first?.contains("--replicas") == true)
      #expect(try !place.run(arguments, ranks: 2).standardOutput.contains("chunks, so"))
      let growing = try place.run(["sample", "mixture.json", "--steps", "24", "--window", "4:24", "--chunk", "4"], ranks: 2)
      #expect(growing.standardOutput.contains("share 1 chunk, so 1 of them has nothing to do, while the window has not grown; "))
    }

    @Test("more groups of ranks than samples run, with a warning that names --replicas")
    func moreReplicasThanSamples() throws {
      let place = try Workplace()
      let arguments = ["sample", "mixture.json", "--steps", "24", "--samples", "2", "--replicas"]
      let run = try place.run(arguments + ["3"], ranks: 3)
      #expect(run.exitCode == 0)
      #expect(run.standardOutput.contains("warning: 3 groups of ranks share 2 samples, so 1 of them has nothing to do; with --replicas 2 "))
      #expect(try !place.run(arguments + ["2"], ranks: 2).standardOutput.contains("groups of ranks share"))
      // A group with nothing to do, which may be the first one, has no say in the window: where
      // calls cost the same whatever their rows, nearly all steps are best at the same time.
      let chosen = try place.run(arguments + ["3", "--window", "auto", "--score-latency", "0.005"], ranks: 3)
      #expect(chosen.standardOutput.contains(#/(?m)^ *window +(off|16)$/#))
    }

    @Test("a state of a million elements is sampled")
    func million() throws {
      let place = try Workplace()
      try place.write(
        #"{"target": "gaussian", "dimension": 1000000, "mean": 0.5, "variances": 0.25}"#, to: "large.json")
      // Two posterior steps to almost clean data draw from the target itself.
      _ = try place.digest(["large.json", "--method", "ddpm", "--steps", "2"], ranks: 2)
      let sample = try place.array("samples.npy")
      #expect(sample.shape == [1, 1_000_000])
      let mean = sample.doubles.reduce(0, +) / 1e6
      // The posterior mean carries a Gaussian's mean over exactly; five
      // standard errors, with a standard deviation of at most 1.
      #expect(abs(mean - 0.5) < 5e-3)
    }
  }
}
