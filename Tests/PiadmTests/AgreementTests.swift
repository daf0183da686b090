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
      run.expectRefusal(65, "rank 1 of 3", "bytes of MODEL", "rank 0")
      #expect(!run.standardOutput.contains("round"))
    }

    @Test("a rank that is stopped ends the job in --stall-timeout, whenever that is", arguments: [0.0, 0.4, 1.5])
    func stoppedRank(after seconds: Double) throws {
      let place = try Workplace()
      let stop = seconds == 0 ? "kill -STOP $$" : "{ sleep \(seconds); kill -STOP $$; } &"
      let start = ContinuousClock.now
      let run = try place.run(
        ["sample", "mixture.json", "--stall-timeout", "3", "--score-latency", "0.2", "--steps", "64", "--window", "8"],
        ranks: 3, script: each("[ $rank != 1 ] || \(stop)\nexec \"$@\""))
      #expect(ContinuousClock.now - start < .seconds(20))
      run.expectRefusal(70, "has waited 3.0 s for", "hangs")
      #expect(try place.content == [])
    }

    @Test("variables that another job has left over silence no error")
    func leftOver() throws {
      let place = try Workplace()
      for variable in ["OMPI_COMM_WORLD_RANK", "SLURM_PROCID", "PMI_RANK", "PMIX_RANK"] {
        try place.run(["sample", "mixture.json", "--steps", "0"], environment: [variable: "1"])
          .expectRefusal(64, "--steps")
      }
    }

    @Test("files outside of a model's folder are not read")
    func pathsOutside() throws {
      let place = try Workplace()
      try place.writeArray([1, 2], shape: [2], to: "secret.npy")
      try FileManager.default.createDirectory(atPath: place.path + "/model", withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(
        atPath: place.path + "/model/link.npy", withDestinationPath: "../secret.npy")
      for name in ["../secret.npy", place.path + "/secret.npy", "link.npy"] {
        try place.write(#"{"target": "gaussian", "mean": "\#(name)", "variances": 1}"#, to: "model/m.json")
        try place.run(["sample", "model/m.json"], ranks: 2)
          .expectRefusal(65, "model/m.json", name, "outside")
      }
      try place.write("", to: "secret.onnx")
      try FileManager.default.createSymbolicLink(
        atPath: place.path + "/model/model.onnx", withDestinationPath: "../secret.onnx")
      try place.run(["sample", "model"]).expectRefusal(65, "model.onnx", "outside")
    }
  }
}
