import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// What file systems that many ranks share ask for.
  @Suite struct SharedFileTests {
    @Test("hints reach MPI-IO, and change no bit")
    func hints() throws {
      let place = try Workplace()
      let arguments = ["sample", "mixture.json", "--samples", "3", "--progress", "none"]
      // ROMIO, MPICH's part for files that Open MPI has too, shows its hints.
      let run = try place.run(
        arguments + ["--io-hint", "ind_wr_buffer_size=1048576", "--io-hint", "romio_ds_write=disable"],
        ranks: 2, environment: ["ROMIO_PRINT_HINTS": "1", "OMPI_MCA_io": "romio321"])
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains(#/key = ind_wr_buffer_size\s+value = 1048576\s/#))
      #expect(run.standardOutput.contains(#/key = romio_ds_write\s+value = disable\s/#))
      let hinted = try place.read("samples.npy")
      #expect(try place.run(arguments, ranks: 2).exitCode == 0)
      #expect(try place.read("samples.npy") == hinted)
    }

    @Test("one rank reads the model for all, to the same bits, and no copy stays")
    func broadcastModel() throws {
      let place = try Workplace()
      try place.writeArray([1, 0, 0.5, -1, 0, 0, -1, 0.5, 0, 1], shape: [2, 5], to: "means.npy")
      try place.write(
        #"{"target": "gaussian-mixture", "variance": 0.05, "means": "means.npy"}"#, to: "model.json")
      let expected = try place.digest(["model.json"], ranks: 1)
      // Where the other ranks look there is no model.
      let hidden = """
        mkdir -p tmp; export TMPDIR=$PWD/tmp
        launcher=
        while [ "${1%/piadm}" = "$1" ]; do launcher="$launcher $1"; shift; done
        exec $launcher sh -c '
          [ "${OMPI_COMM_WORLD_RANK:-$PMI_RANK}" = 0 ] || { mkdir -p elsewhere && cd elsewhere; }
          exec "$@"' sh "$@"
        """
      let arguments = ["sample", "model.json", "--progress", "none", "--out", "\(place.path)/samples.npy"]
      try place.run(arguments, ranks: 3, script: hidden).expectRefusal(66, "model.json")
      let run = try place.run(arguments + ["--broadcast-model"], ranks: 3, script: hidden)
      #expect(run.standardOutput.contains("digest       \(expected)"), "\(run.standardError)")
      let left = try FileManager.default.contentsOfDirectory(atPath: "\(place.path)/tmp")
      #expect(!left.contains { $0.hasPrefix("piadm-model-") })
    }

    @Test("a plug-in is not broadcast")
    func plugin() throws {
      try Workplace().run(["sample", "plugin:some.so", "--broadcast-model"])
        .expectRefusal(64, "--broadcast-model", "plug-in")
    }

    @Test("a hint that is no pair is refused", arguments: ["cb_nodes", "=4", "cb_nodes="])
    func noPair(hint: String) throws {
      try Workplace().run(["sample", "mixture.json", "--io-hint", hint]).expectRefusal(64, "--io-hint")
    }
  }
}
