import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Ranks that are not alike, and ranks that do not answer.
  @Suite struct Agreement {
    /// Makes every rank run a shell script, `"$@"` being the program and `$rank` its number.
    private func each(_ script: String) -> String {
      let ranks = #"for a; do [ "$a" = "${a%/piadm}" ] || break; launcher="$launcher $a"; shift; done; "#
      let number = "rank=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}"
      return ranks + "exec $launcher sh -c '\(number); \(script)' sh \"$@\""
    }

    private let arguments = ["sample", "mixture.json", "--steps", "8"]

    @Test("ranks that were started with other options are told before the first message")
    func otherOptions() throws {
      let place = try Workplace()
      let run = try place.run(
        arguments, ranks: 3, script: each(#"[ $rank != 2 ] || set -- "$@" --seed 5; exec "$@""#))
      run.expectRefusal(64, "rank 2 of 3", "--seed 5", "rank 0")
      #expect(try place.content == [])
    }

    @Test("ranks that read other files are told before the first message")
    func otherFiles() throws {
      let place = try Workplace()
      try place.write(#"{"target": "gaussian", "dimension": 5, "mean": 0, "variances": 1}"#, to: "other.json")
      let run = try place.run(
        arguments, ranks: 3,
        script: each(#"mkdir -p $rank; cp mixture.json $rank; [ $rank = 0 ] || cp other.json $rank/mixture.json; cd $rank; exec "$@""#))
      run.expectRefusal(65, "rank 1 of 3", "contents of MODEL", "rank 0")
      #expect(!run.standardOutput.contains("round"))
    }

    @Test(
      "a node of another processor is warned of, by its rank",
      .enabled(if: Workplace.canMount, "needs the right to mount"))
    func otherProcessor() throws {
      let place = try Workplace()
      try place.write("model name\t: Another CPU\n", to: "cpuinfo")
      try place.write(#"mount --bind cpuinfo /proc/cpuinfo && exec "$@""#, to: "mount.sh")
      let run = try place.run(
        arguments, ranks: 3, script: each(#"[ $rank != 2 ] && exec "$@"; exec unshare --mount sh "$PWD/mount.sh" "$@""#))
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains(#/warning: rank 2 on \S+ has processor Another CPU, rank 0 on \S+ has /#))
    }

    /// The exit code of a run with a rank that does not answer; MPICH's launcher may
    /// tell of its own signal to that rank instead.
    private func stallCode(_ run: MPIRun) -> Int32 {
      !MPIRun.isOpenMPI && run.exitCode == SIGKILL ? SIGKILL : 70
    }

    @Test("a rank that is stopped as it starts ends the job in --stall-timeout")
    func stoppedAtStart() throws {
      let place = try Workplace()
      let start = ContinuousClock.now
      let run = try place.run(
        arguments + ["--stall-timeout", "3"], ranks: 3, script: each("[ $rank != 1 ] || kill -STOP $$; exec \"$@\""))
      #expect(ContinuousClock.now - start < .seconds(20))
      run.expectRefusal(
        stallCode(run), "rank 0 has waited 3.0 s for the other ranks in MPI_Init_thread", "hangs")
      #expect(try place.content == [])
    }

    @Test(
      "a rank that stops or works on for longer than --stall-timeout is named, whenever that is (needs cc)",
      arguments: [
        ("set-up", 1, ["rank 0 has waited 3.0 s for the other ranks in MPI_Allreduce: no answer from rank 1 on "]),
        ("rounds", 1, ["rank 0 has waited 3.0 s for", ": no answer from rank 1 on "]),
        ("rounds", 0, ["rank 1 has waited 3.0 s for", ": no answer from rank 0 on "]),
        ("work", 2, ["rank 0 has waited 3.0 s for", ": still at work: rank 2 on ", " for "]),
        ("output", 0, ["rank 1 has waited 3.0 s for the other ranks in MPI_Allreduce: no answer from rank 0 on "]),
      ] as [(String, Int, [String])])
    func absentRank(phase: String, rank: Int, words: [String]) throws {
      let place = try Workplace()
      let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
      let build = try place.run(
        [],
        script: """
          cc -shared -fPIC -I '\(top)/Sources/CScorePlugin/include' -o model.so \
            '\(top)/Tests/ScoreModelsTests/Fixtures/absent_plugin.c'
          """)
      try #require(build.exitCode == 0, "\(build.standardError)")
      let start = ContinuousClock.now
      let run = try place.run(
        ["sample", "plugin:./model.so:\(phase) \(rank)", "--stall-timeout", "3", "--steps", "800", "--window", "8"],
        ranks: 3)
      #expect(ContinuousClock.now - start < .seconds(20))
      run.expectRefusal(stallCode(run))
      for word in words { #expect(run.standardError.contains(word), "\(run.standardError)") }
      #expect(try place.content == (phase == "output" ? ["model.so", "samples.npy"] : ["model.so"]))
    }

    @Test("variables that another job has left over silence no error")
    func leftOver() throws {
      let place = try Workplace()
      for variable in ["OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "PMI_RANK", "PMIX_RANK"] {
        try place.run(["sample", "mixture.json", "--steps", "0"], environment: [variable: "1"])
          .expectRefusal(64, "--steps")
      }
      // All that a launcher sets, in what one of its ranks has started.
      for variables in [
        ["OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"], ["PMI_RANK": "1", "PMI_SIZE": "2"],
        ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2"],
      ] {
        try place.run(["sample", "mixture.json", "--steps", "0"], script: #""$@"; exit $?"#, environment: variables)
          .expectRefusal(64, "--steps")
      }
    }

    @Test("names that a file gives lead nowhere outside of its folder; links that the folder holds are followed")
    func pathsOutside() throws {
      let place = try Workplace()
      try place.writeArray([1, 2], shape: [2], to: "other.npy")
      try FileManager.default.createDirectory(atPath: place.path + "/model", withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(
        atPath: place.path + "/model/link.npy", withDestinationPath: "../other.npy")
      for name in ["../other.npy", place.path + "/other.npy"] {
        try place.write(#"{"target": "gaussian", "mean": "\#(name)", "variances": 1}"#, to: "model/m.json")
        try place.run(["sample", "model/m.json"], ranks: 2)
          .expectRefusal(65, "model/m.json", name, "outside")
      }
      try place.write(#"{"target": "gaussian", "mean": "link.npy", "variances": 1}"#, to: "model/m.json")
      _ = try place.digest(["model/m.json", "--steps", "2"])
      // Beside what a link leads to lie names that lead away from there.
      try FileManager.default.createDirectory(atPath: place.path + "/cache", withIntermediateDirectories: false)
      try place.write(#"{"target": "gaussian", "mean": "away.npy", "variances": 1}"#, to: "cache/m.json")
      try FileManager.default.createSymbolicLink(
        atPath: place.path + "/cache/away.npy", withDestinationPath: "../other.npy")
      try FileManager.default.createSymbolicLink(
        atPath: place.path + "/model/linked.json", withDestinationPath: "../cache/m.json")
      try place.run(["sample", "model/linked.json"]).expectRefusal(65, "model/linked.json", "away.npy", "outside")
    }
  }
}
