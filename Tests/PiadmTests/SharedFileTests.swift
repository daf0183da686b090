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

    @Test("a hint that is no pair is refused", arguments: ["cb_nodes", "=4", "cb_nodes="])
    func noPair(hint: String) throws {
      try Workplace().run(["sample", "mixture.json", "--io-hint", hint]).expectRefusal(64, "--io-hint")
    }
  }
}
