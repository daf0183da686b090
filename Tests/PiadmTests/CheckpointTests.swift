import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Runs that are stopped, killed and taken up again.
  @Suite struct Checkpoints {
    /// Draws samples round by round, a process each, on changing numbers of ranks.
    /// - Returns: the digest, and how many processes it took.
    private func digestInParts(
      _ place: Workplace, _ arguments: [String], ranks: [Int]
    ) throws -> (digest: String, parts: Int) {
      for part in 0..<200 {
        let run = try place.run(
          ["sample", "--progress", "none", "--checkpoint", "state", "--resume", "--max-time", "0"] + arguments,
          ranks: ranks[part % ranks.count])
        if run.exitCode == 75 {
          #expect(run.messages.count == 1, "\(run.standardError)")
          #expect(run.standardError.contains("piadm: stopped after round \(part + 1), "), "\(run.standardError)")
          #expect(run.standardOutput.hasSuffix("status: checkpointed\n"))
          #expect(try place.content == ["state"])
          #expect(try place.content(of: "state") == ["checkpoint"])
          continue
        }
        #expect(run.exitCode == 0, "\(run.standardError)")
        let line = run.standardOutput.split(separator: "\n").last { $0.hasPrefix("digest ") }
        return (String(try #require(line?.split(separator: " ").last)), part + 1)
      }
      Issue.record("\(arguments) do not come to an end")
      return ("", 0)
    }

    @Test(
      "a run that is stopped after every round and goes on, on other ranks, draws the uninterrupted run's bits",
      arguments: [
        ["--method", "piadm-sde"], ["--method", "piadm-sde", "--window", "8"],
        ["--method", "piadm-ode", "--blocks", "2", "--corrector-steps", "4"],
        ["--method", "ddpm", "--blocks", "3", "--iterations", "3"], ["--method", "dpm++2m", "--window", "2:7"],
        ["--method", "ddim", "--anderson", "2"], ["--method", "ddim", "--anderson", "3", "--window", "7", "--probes", "1"],
        ["--method", "ddpm", "--window", "8", "--precision", "double", "--linearization", "frozen"],
        ["--method", "dpm++2m", "--solver", "sequential", "--steps", "6"],
      ])
    func roundByRound(options: [String]) throws {
      let place = try Workplace()
      let steps = options.contains("--steps") ? [] : ["--steps", "14"]
      let arguments = ["mixture.json", "--samples", "3"] + steps + options
      let whole = try Workplace().digest(arguments)
      let parts = try digestInParts(place, arguments, ranks: [1, 3, 2])
      #expect(parts.digest == whole)
      #expect(parts.parts >= 4)
    }

    @Test("replicas are stopped in the same round, and their number may change")
    func replicas() throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--samples", "5", "--steps", "20", "--window", "8"]
      let whole = try Workplace().digest(arguments)
      for (part, (ranks, replicas)) in [(3, 3), (1, 1), (3, 2), (2, 1)].enumerated() {
        let run = try place.run(
          ["sample", "--checkpoint", "state", "--resume", "--max-time", "0", "--replicas", "\(replicas)"] + arguments,
          ranks: ranks)
        #expect(run.exitCode == 75, "\(run.standardError)")
        #expect(run.standardError.contains("after round \(part + 1),"))
      }
      let options = ["--checkpoint", "state", "--resume", "--replicas", "2"]
      #expect(try place.digest(arguments + options, ranks: 3) == whole)
    }

    @Test("a network's run goes on to the same bits (needs OpenVINO)")
    func network() throws {
      let place = try Workplace()
      let arguments = ["digits", "--samples", "2", "--steps", "40", "--window", "16"]
      let whole = try Workplace().digest(arguments)
      for ranks in [1, 2] {
        let options = ["--checkpoint", "state", "--resume", "--max-time", "0"]
        #expect(try place.run(["sample"] + options + arguments, ranks: ranks).exitCode == 75)
      }
      #expect(try place.digest(arguments + ["--checkpoint", "state", "--resume"], ranks: 3) == whole)
    }

    @Test("a window that was chosen by a measurement is kept")
    func chosenWindow() throws {
      let place = try Workplace()
      let run = ["mixture.json", "--steps", "40", "--solver", "picard"]
      let arguments = run + ["--window", "auto", "--checkpoint", "state", "--resume"]
      let first = try place.run(["sample", "--max-time", "0"] + arguments, ranks: 2)
      let choice = try #require(
        first.standardOutput.firstMatch(of: #/\nauto +--solver picard --window (\w+) --chunk (\d+)/#), "\(first.standardOutput)")
      let digest = try place.digest(arguments)
      let stated = run + ["--window", String(choice.1), "--chunk", String(choice.2)]
      #expect(try digest == place.digest(stated, ranks: 3))
    }

    @Test("a run that states nothing prints what it chose, with which it repeats on any number of ranks")
    func chosen() throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "60", "--samples", "2"]
      for ranks in [1, 3] {
        let run = try place.run(["sample"] + arguments, ranks: ranks, isTuned: true)
        #expect(run.exitCode == 0, "\(run.standardError)")
        let choice = try #require(run.standardOutput.firstMatch(of: #/\n +(--solver .+) gives the same bits/#)).1
        let digest = try #require(run.standardOutput.firstMatch(of: #/\ndigest +(\w+)/#)).1
        let stated = choice.split(separator: " ").map { String($0) }
        for others in [1, 2] { #expect(try place.digest(arguments + stated, ranks: others) == String(digest)) }
      }
    }

    /// A shell command for the ranks of the launcher `$started`: its children, or
    /// those of the helper that MPICH's has.
    private let ranksOfStarted = "for child in $(pgrep -P $started); do pgrep -P $child || echo $child; done"

    @Test("signals stop the run after a round", arguments: ["USR1", "TERM"], [1, 3])
    func signals(signal: String, ranks: Int) throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "64", "--window", "8", "--chunk", "4"]
      let whole = try Workplace().digest(arguments)
      // A rank gets the signal once the run is under way; which one does not matter.
      let script = """
        "$@" >log & started=$!
        for i in $(seq 200); do grep -q round log && break; sleep 0.05; done
        if [ \(ranks) = 1 ]; then rank=$started; else rank=$(\(ranksOfStarted) | tail -1); fi
        kill -\(signal) $rank
        wait $started
        """
      let run = try place.run(
        ["sample", "--checkpoint", "state", "--score-latency", "0.05"] + arguments, ranks: ranks, script: script)
      #expect(run.exitCode == 75, "\(run.standardError)")
      #expect(run.messages.count == 1)
      #expect(try place.content == ["log", "state"])
      #expect(try place.digest(arguments + ["--checkpoint", "state", "--resume"], ranks: 2) == whole)
    }

    @Test("a rank that is killed ends the job on all ranks, and the run goes on from its checkpoint")
    func kills() throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "64", "--window", "8", "--chunk", "4", "--samples", "2"]
      let whole = try Workplace().digest(arguments)
      let options = ["--checkpoint", "state", "--resume", "--every", "0"]
      let stored = "until [ state/checkpoint -nt before ] || ! kill -0 $started; do sleep 0.05; done"
      for moment in ["sleep 0.2", "sleep 0.5", stored] {
        let script = """
          rm -f killed ended; touch before
          "$@" >log & started=$!
          until [ "$(\(ranksOfStarted) | wc -l)" = 3 ] || ! kill -0 $started; do sleep 0.02; done
          \(moment)
          rank=$(\(ranksOfStarted) | shuf -n 1)
          kill -KILL $rank; date +%s.%N >killed
          wait $started; code=$?
          date +%s.%N >ended
          exit $code
          """
        let run = try place.run(
          ["sample", "--score-latency", "0.05"] + options + arguments, ranks: 3, script: script)
        #expect(!run.isTimedOut && run.exitCode != 0 && run.exitCode != 75)
        let times = try ["killed", "ended"].map {
          Double(String(decoding: try place.read($0), as: UTF8.self).dropLast())
        }
        #expect(try #require(times[1]) - #require(times[0]) < 10)
        #expect(try !place.content.contains("samples.npy"))
      }
      #expect(try place.content(of: "state").contains("checkpoint"))
      let log = try place.run(["sample"] + options + arguments, ranks: 2).standardOutput
      #expect(log.contains("resumed after round"))
      // The time of the part before is not known.
      #expect(!log.contains("speed-up"))
      #expect(log.contains(whole))
    }

    @Test("a checkpoint of another run is refused with what differs")
    func otherRuns() throws {
      let place = try Workplace()
      let options = ["--checkpoint", "state", "--resume"]
      let stopped = try place.run(
        ["sample", "mixture.json", "--steps", "20", "--window", "8", "--max-time", "0"] + options)
      #expect(stopped.exitCode == 75)
      let stored = try place.read("state/checkpoint")
      try place.write(#"{"target": "gaussian", "dimension": 5, "mean": 0, "variances": 1}"#, to: "other.json")
      for (arguments, words) in [
        (["mixture.json", "--steps", "21", "--window", "8"], ["--steps 20", "not 21"]),
        (["mixture.json", "--steps", "20", "--window", "9"], ["--window 8", "not 9"]),
        (["mixture.json", "--steps", "20", "--window", "8", "--seed", "1"], ["--seed 0", "not 1"]),
        (["mixture.json", "--steps", "20", "--window", "8", "--samples", "2"], ["--samples 1", "not 2"]),
        // Of what follows from it, such as the chunk, the user has said nothing.
        (["mixture.json", "--steps", "20"], ["--window 8", "not off"]),
        (["mixture.json", "--steps", "20", "--window", "8", "--chunk", "2"], ["--chunk 4", "not 2"]),
        (["other.json", "--steps", "20", "--window", "8"], ["contents of MODEL"]),
      ] as [([String], [String])] {
        let run = try place.run(["sample"] + arguments + options, ranks: 2)
        run.expectRefusal(65, "state/checkpoint")
        for word in words { #expect(run.standardError.contains(word), "\(run.standardError)") }
      }
      #expect(try place.read("state/checkpoint") == stored)
      #expect(try place.content == ["other.json", "state"])
    }

    @Test("a checkpoint that is cut or changed anywhere is refused, or has no effect")
    func damage() throws {
      let place = try Workplace()
      let arguments = ["mixture.json", "--steps", "20", "--window", "8", "--checkpoint", "state", "--resume"]
      #expect(try place.run(["sample", "--max-time", "0"] + arguments).exitCode == 75)
      let whole = [UInt8](try place.read("state/checkpoint"))
      let header = try #require(whole.firstIndex(of: UInt8(ascii: "{")))
      let pieces = try #require(whole.lastIndex(of: UInt8(ascii: "}"))) + 1
      func refuse(_ bytes: [UInt8], _ what: String) throws {
        try place.write(bytes, to: "state/checkpoint")
        let run = try place.run(["sample"] + arguments)
        run.expectRefusal(65, "state/checkpoint")
        #expect(try !place.content.contains("samples.npy"), "\(what)")
      }
      // The line, the length, the digest, the header, the pieces: first, middle and last byte of each.
      let line = 19
      for (first, end) in [(0, line), (line, line + 8), (line + 8, header), (header, pieces), (pieces, whole.count)] {
        for place in Set([first, (first + end) / 2, end - 1]) {
          var bytes = whole
          bytes[place] ^= 0x10
          try refuse(bytes, "byte \(place) changed")
        }
        try refuse(Array(whole.prefix(first)), "cut to \(first) bytes")
        try refuse(Array(whole.prefix((first + end) / 2)), "cut to \((first + end) / 2) bytes")
      }
      try refuse(whole + [0], "one byte more")
      try place.write(whole, to: "state/checkpoint")
      #expect(try place.run(["sample"] + arguments).exitCode == 0)
    }

    @Test("checkpoints go to folders that can be written, and options that need one say so")
    func folders() throws {
      let place = try Workplace()
      for options in [["--resume"], ["--every", "5"], ["--max-time", "5"]] {
        try place.run(["sample", "mixture.json"] + options).expectRefusal(64, "\(options[0]) needs --checkpoint")
      }
      for options in ["--every=-1", "--every=nan", "--max-time=-1", "--max-time=inf"] {
        try place.run(["sample", "mixture.json", "--checkpoint", "state", options])
          .expectRefusal(64, String(options.prefix { $0 != "=" }))
      }
      try place.run(["sample", "mixture.json", "--checkpoint", ""]).expectRefusal(64, "--checkpoint")
      for folder in ["none/state", "/proc/state", "/dev/null"] {
        try place.run(["sample", "mixture.json", "--checkpoint", folder], ranks: 3).expectRefusal(74, folder)
      }
      #expect(try place.content == [])
      // There is nothing to go on from yet.
      let digest = try place.digest(["mixture.json", "--checkpoint", "state", "--resume"])
      #expect(try digest == place.digest(["mixture.json"]))
    }

    @Test("scores that are not finite leave the last good state")
    func nonFiniteScores() throws {
      let place = try Workplace()
      let arguments = [
        "sample", "mixture.json", "--grid", "uniform", "--horizon", "800", "--steps", "6", "--blocks", "6",
        "--checkpoint", "state", "--every", "0",
      ]
      let run = try place.run(arguments, ranks: 2)
      run.expectRefusal(70, "not finite", "sample 0", "step ", "noise time ", "rank ")
      let isStored = try place.content(of: "state") == ["checkpoint"]
      #expect(isStored == !run.standardError.contains("round 1,"))
    }
  }
}
