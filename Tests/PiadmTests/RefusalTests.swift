import Launching
import Testing

extension CommandLineTests {
  /// Wrong input: one message from one rank, the exit code of its kind, all
  /// ranks gone, and nothing left on the disk.
  @Suite struct Refusals {
    @Test(
      "options that make no sense are refused before anything starts",
      arguments: [
        (["--samples", "0"], "--samples"), (["--samples", "-3"], "--samples"),
        (["--samples", "4294967296"], "--samples"), (["--samples", "many"], "--samples"),
        (["--seed", "-1"], "a whole number from 0"), (["--seed", "1.5"], "a whole number from 0"), (["--steps", "-5"], "not -5"),
        (["--chunk", "-2"], "not -2"), (["--seed", "18446744073709551616"], "--seed"),
        (["--steps", "0"], "--steps"), (["--steps", "1e3"], "--steps"),
        (["--noise-level", "1.01"], "--noise-level"), (["--noise-level", "nan"], "--noise-level"),
        (["--method", "eulerian"], "--method"),
        (["--method", "dpm++2m", "--noise-level", "1"], "--noise-level"), (["--method", "unipc", "--eta", "1"], "--noise-level"),
        (["--method", "ddim", "--eta", "1", "--noise-level", "1"], "--eta"), (["--eta", "2"], "--eta"),
        (["--method", "dpm++2m", "--churn", "4"], "--churn"), (["--method", "ddpm", "--churn", "4"], "--churn"),
        (["--method", "heun", "--churn", "-1"], "--churn"), (["--method", "heun", "--churn-min", "1"], "--churn"),
        (["--method", "heun", "--churn", "1", "--churn-min", "2", "--churn-max", "1"], "--churn-max"),
        (["--snr", "0.1"], "--langevin-steps"), (["--langevin-steps", "1", "--snr", "0.8"], "--snr"),
        (["--langevin-steps", "-1"], "--langevin-steps"), (["--method", "lms", "--langevin-steps", "1"], "--langevin-steps"),
        (["--grid", "cosine"], "--grid"), (["--grid", "model", "--horizon", "3"], "--horizon"),
        (["--horizon", "inf"], "--horizon"), (["--horizon", "0.0001"], "--horizon"),
        (["--early-stop", "0"], "--early-stop"), (["--early-stop", "nan"], "--early-stop"),
        (["--times", "t.npy", "--steps", "3"], "--times"),
        (["--corrector-steps", "-1"], "--corrector-steps"),
        (["--corrector-steps", "2", "--corrector-time", "-inf"], "--corrector-time"),
        (["--corrector-steps", "2", "--friction", "nan"], "--friction"),
        (["--solver", "parallel"], "--solver"), (["--solver", "sequential", "--window", "4"], "--window"),
        (["--blocks", "0"], "--blocks"), (["--window", "0"], "--window"), (["--window", "wide"], "--window"),
        (["--window", "8:4"], "--window"), (["--window", "8:"], "--window"), (["--window", "8:16", "--iterations", "4"], "--iterations"),
        (["--tolerance", "-1e-9"], "--tolerance"), (["--tolerance", "nan"], "--tolerance"),
        (["--tolerance", "1e-3", "--iterations", "4"], "--iterations"),
        (["--iterations", "0"], "--iterations"), (["--linearization", "newton"], "--linearization"),
        (["--probes", "0"], "--probes"), (["--probes", "65"], "--probes"),
        (["--probes", "2", "--linearization", "secant"], "--linearization"),
        (["--solver", "sequential", "--probes", "2"], "--probes"),
        (["--chunk", "0"], "--chunk"), (["--batch", "0"], "--batch"), (["--batch", "1048577"], "--batch"),
        (["--replicas", "0"], "--replicas"), (["--stall-timeout", "0"], "--stall-timeout"),
        (["--stall-timeout", "nan"], "--stall-timeout"), (["--score-latency", "-1"], "--score-latency"),
        (["--precision", "half"], "--precision"), (["--out", ""], "output file"),
        (["--progress", "loud"], "--progress"), (["--report", "samples.npy"], "samples.npy"),
        (["--report", "./samples.npy"], "samples.npy"),
        (["--unknown"], "--unknown"), (["another.json"], "another.json"),
      ] as [([String], String)])
    func wrongOptions(options: [String], word: String) throws {
      let place = try Workplace()
      try place.run(["sample", "mixture.json"] + options).expectRefusal(64, word)
      #expect(try place.content == [])
    }

    @Test(
      "numbers that no machine can hold are refused",
      arguments: [
        (["--steps", "9223372036854775807"], "--steps"), (["--chunk", "9223372036854775807"], "--chunk"),
        (["--window", "9223372036854775807"], "--window"), (["--blocks", "9223372036854775807"], "--blocks"),
        (["--iterations", "9223372036854775807"], "--iterations"),
        (["--corrector-steps", "9223372036854775807"], "--corrector-steps"),
        (["--stall-timeout", "1e300"], "--stall-timeout"), (["--score-latency", "1e300"], "--score-latency"),
        (["--samples", "4294967295"], "GiB"), (["--steps", "10000000", "--samples", "1000000"], "GiB"),
        (["--blocks", "100", "--corrector-steps", "10000000"], "--corrector-steps"),
      ] as [([String], String)])
    func hugeNumbers(options: [String], word: String) throws {
      let place = try Workplace()
      try place.run(["sample", "mixture.json"] + options).expectRefusal(64, word)
      #expect(try place.content == [])
    }

    @Test("a batch of large states that no machine can hold is refused")
    func hugeBatch() throws {
      let place = try Workplace()
      try place.write(#"{"target": "gaussian", "dimension": 1000000, "mean": 0, "variances": 1}"#, to: "large.json")
      try place.run(["sample", "large.json", "--batch", "1048576"]).expectRefusal(64, "GiB", "--batch")
    }

    @Test(
      "the memory that a batch system allots counts, not the machine's, and the ranks of a host share it",
      .enabled(if: Workplace.canMount, "needs the right to mount"))
    func allottedMemory() throws {
      let place = try Workplace()
      // 64 MiB, as both versions of the kernel's control groups tell it.
      try place.write(
        """
        mount -t tmpfs none /sys/fs/cgroup && mkdir /sys/fs/cgroup/memory || exit 1
        echo 67108864 | tee /sys/fs/cgroup/memory.max >/sys/fs/cgroup/memory/memory.limit_in_bytes
        exec "$@"
        """, to: "limit.sh")
      // 56 MB: 4 B x 5 numbers x 697 rows a sample: each of 17 chunks has 41 for
      // its 6 slices.
      let arguments = ["sample", "mixture.json", "--samples", "4000", "--iterations", "1"]
      let limited = #"exec unshare --mount sh limit.sh "$@""#
      #expect(try place.run(arguments, script: limited).exitCode == 0)
      try place.run(["sample", "mixture.json", "--samples", "8000"], script: limited)
        .expectRefusal(64, "0.114 GiB of memory", "this host has 0.0625 GiB", "--samples")
      // In replicas each of two ranks has as many samples as one had alone.
      try place.run(
        ["sample", "mixture.json", "--samples", "8000", "--replicas", "2"], ranks: 2, script: limited
      ).expectRefusal(64, "each of the 2 ranks on this host has 0.0312 GiB")
    }

    @Test("a standard output that cannot be written is told, and a closed one is not missed")
    func brokenStreams() throws {
      let place = try Workplace()
      let arguments = ["sample", "mixture.json", "--steps", "8"]
      for command in [arguments, ["doctor"]] {
        try place.run(command, script: #"exec "$@" >/dev/full"#)
          .expectRefusal(74, "standard output", "No space left on device")
      }
      #expect(try place.content == [])
      // Its reader is gone before the program starts.
      try place.run(arguments, script: #"{ sleep 0.1; "$@"; echo $? >code; } | true; exit "$(cat code)""#)
        .expectRefusal(74, "standard output", "Broken pipe")
      for script in [#"exec "$@" >&-"#, #"exec "$@" <&- >&- 2>&-"#] {
        let digest = try place.digest(arguments.dropFirst() + ["--out", "open.npy"])
        let run = try place.run(arguments + ["--report", "report.json"], script: script)
        #expect(run.exitCode == 0)
        run.expectNoTrap()
        #expect(try place.read("samples.npy") == place.read("open.npy"))
        #expect(String(decoding: try place.read("report.json"), as: UTF8.self).contains(digest))
      }
    }

    @Test(
      "options that do not fit the model or the ranks are refused once",
      arguments: [
        (["mixture.json", "--samples", "0"], "--samples"),
        (["mixture.json", "--blocks", "101"], "--blocks"),
        (["mixture.json", "--grid", "model"], "--grid"),
        (["mixture.json", "--images", "a.png"], "--images"),
        (["mixture.json", "--replicas", "4"], "--replicas"),
        (["plugin:"], "plugin:LIB.so"),
      ] as [([String], String)])
    func wrongCombinations(arguments: [String], word: String) throws {
      let place = try Workplace()
      try place.run(["sample"] + arguments, ranks: 3).expectRefusal(64, word)
      #expect(try place.content == [])
    }

    @Test("a file that a run reads is not overwritten by its results")
    func outputOverInput() throws {
      let place = try Workplace()
      let before = try place.read("mixture.json")
      try place.run(["sample", "mixture.json", "--report", "./mixture.json"])
        .expectRefusal(64, "mixture.json", "another file")
      #expect(try place.read("mixture.json") == before)
    }

    @Test("what is not there is named")
    func missingFiles() throws {
      let place = try Workplace()
      for (index, arguments) in [
        ["none.json"], ["none"], [""], ["mixture.json", "--initial", "none.npy"],
        ["mixture.json", "--noise", "none.npy"], ["mixture.json", "--times", "none.npy"],
      ].enumerated() {
        let run = try place.run(["sample"] + arguments, ranks: index < 2 ? 3 : 1)
        run.expectRefusal(66, arguments.last == "" ? "MODEL" : arguments.last!)
      }
      #expect(try place.content == [])
    }

    @Test(
      "a target that cannot be read is bad data",
      arguments: [
        ("", "JSON"), (#"{"target": "gau"#, "JSON"), ("[1, 2]", "object"), ("\u{0}\u{1}", "JSON"),
        (#"{"target": "cauchy"}"#, "cauchy"),
        (#"{"target": "gaussian", "mean": 0, "variances": 1}"#, "dimension"),
        (#"{"target": "gaussian", "dimension": 2, "mean": [1, 2, 3], "variances": 1}"#, "mean"),
        (#"{"target": "gaussian", "dimension": 2, "mean": 0, "variances": -1}"#, "variance"),
        (#"{"target": "gaussian", "dimension": 1e12, "mean": 0, "variances": 1}"#, "memory"),
        (#"{"target": "gaussian", "dimension": 2, "mean": 0, "variances": 1, "sd": 2}"#, "sd"),
      ])
    func badTargets(text: String, word: String) throws {
      let place = try Workplace()
      try place.write(text, to: "bad.json")
      try place.run(["sample", "bad.json"]).expectRefusal(65, "bad.json", word)
      #expect(try place.content == ["bad.json"])
    }

    @Test("arrays of another shape are refused with the shape that fits")
    func wrongShapes() throws {
      let place = try Workplace()
      try place.writeArray([0, 0, 0, 0], shape: [1, 4], to: "wrong.npy")
      let arguments = ["sample", "mixture.json", "--steps", "3", "--samples", "2"]
      try place.run(arguments + ["--initial", "wrong.npy"], ranks: 3)
        .expectRefusal(65, "--initial wrong.npy", "[2, 5]", "[1, 4]")
      try place.run(arguments + ["--noise", "wrong.npy"], ranks: 3)
        .expectRefusal(65, "--noise wrong.npy", "[3, 2, 5]", "[1, 4]")
      try place.writeArray([.nan] + [Double](repeating: 0, count: 9), shape: [2, 5], to: "nan.npy")
      try place.run(arguments + ["--initial", "nan.npy"]).expectRefusal(65, "--initial nan.npy", "not finite")
      try place.write("", to: "empty.npy")
      try place.run(arguments + ["--initial", "empty.npy"]).expectRefusal(65, "empty.npy")
      #expect(try place.content == ["empty.npy", "nan.npy", "wrong.npy"])
    }

    @Test(
      "a grid that does not lead from noise to data is bad data",
      arguments: [
        [0.1, 0.5], [1, 1], [1, -0.5], [.nan, 0.5], [1, .nan], [1], [], [.infinity, .infinity],
      ])
    func wrongGrids(times: [Double]) throws {
      let place = try Workplace()
      try place.writeArray(times, shape: [times.count], to: "times.npy")
      try place.run(["sample", "mixture.json", "--times", "times.npy"]).expectRefusal(65, "--times times.npy")
      try place.writeArray([2, 1], shape: [2, 1], to: "times.npy")
      try place.run(["sample", "mixture.json", "--times", "times.npy"]).expectRefusal(65, "[2, 1]")
      #expect(try place.content == ["times.npy"])
    }

    @Test("outputs that cannot be written are found before the run")
    func unwritableOutputs() throws {
      let place = try Workplace()
      for (option, file) in [
        ("--out", "none/samples.npy"), ("--out", "/dev/full"), ("--out", "."), ("--report", "none/report.json"),
        ("--report", "/"), ("--out", String(repeating: "x", count: 300)),
      ] {
        let run = try place.run(["sample", "mixture.json", option, file], ranks: option == "--out" ? 3 : 1)
        run.expectRefusal(74, file)
        #expect(!run.standardOutput.contains("round"))
      }
      #expect(try place.content == [])
    }

    @Test("without OpenVINO a network is refused, with the command that installs it")
    func withoutOpenVINO() throws {
      let place = try Workplace()
      let run = try place.run(["sample", "digits"], ranks: 3, environment: ["PIADM_OPENVINO": "/nonexistent"])
      run.expectRefusal(69, "OpenVINO", "pip install openvino")
      #expect(try place.content == [])
    }

    @Test(
      "scores that are not finite end the run on all ranks, told once",
      arguments: [
        [], ["--iterations", "5"], ["--replicas", "3"], ["--window", "10"], ["--solver", "sequential"],
      ])
    func nonFiniteScores(options: [String]) throws {
      let place = try Workplace()
      // The first step grows by exp(133), beyond single precision.
      let arguments = [
        "sample", "mixture.json", "--grid", "uniform", "--horizon", "800", "--steps", "3", "--samples", "3",
        "--out", "s.npy", "--report", "r.json",
      ]
      let run = try place.run(arguments + options, ranks: 3)
      run.expectRefusal(70, "not finite", "sample ", "step ")
      #expect(try place.content == [])
    }
  }
}
