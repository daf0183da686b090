import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// The texts that a user reads first. After a change that is meant, write
  /// them anew: `piadm bench mpi --help > Tests/PiadmTests/Help/bench-mpi.txt`.
  @Suite struct Help {
    private func stored(_ name: String) throws -> String {
      let folder = try #require(Bundle.module.resourceURL)
      return try String(contentsOf: folder.appending(path: "Help/\(name).txt"), encoding: .utf8)
    }

    /// Checks the help of a command and of its subcommands.
    /// - Returns: the names of all of them.
    private func checkHelp(of command: [String], _ place: Workplace) throws -> [String] {
      let name = command.isEmpty ? "piadm" : command.joined(separator: "-")
      let help = try place.run(command + ["--help"])
      #expect(help.exitCode == 0)
      #expect(help.standardError == "")
      #expect(help.standardOutput == (try stored(name)))
      let parts = help.standardOutput.components(separatedBy: "SUBCOMMANDS:\n")
      guard parts.count == 2 else { return [name] }
      let subcommands = parts[1].split(separator: "\n").compactMap { $0.firstMatch(of: #/^  ([a-z]+)  /#)?.1 }
      return try [name] + subcommands.flatMap { try checkHelp(of: command + [String($0)], place) }
    }

    @Test("every command has the help that is stored")
    func helpTexts() throws {
      let place = try Workplace()
      let commands = try checkHelp(of: [], place)
      #expect(Set(commands).isSuperset(of: ["piadm", "sample", "inspect", "bench", "bench-mpi", "doctor"]))
      #expect(try place.content == [])
    }

    @Test("help and version come from one rank, and need no MPI")
    func onceUnderALauncher() throws {
      let place = try Workplace()
      let help = try place.run(["sample", "--help"], ranks: 3)
      #expect(help.exitCode == 0)
      #expect(help.standardOutput == (try stored("sample")))
      let version = try place.run(["--version"], ranks: 3)
      #expect(version.exitCode == 0)
      #expect(version.standardOutput.wholeMatch(of: #/\d+\.\d+\.\d+\n/#) != nil)
      // Where MPI starts, these choices of its transport make it fail: Open
      // MPI's, and those of the two libraries that MPICH is built on.
      let without = ["OMPI_MCA_pml": "none", "UCX_TLS": "none", "FI_PROVIDER": "none"]
      #expect(try place.run(["doctor"], environment: without).exitCode != 0)
      #expect(try place.run(["doctor", "--help"], environment: without).exitCode == 0)
      #expect(try place.run(["--version"], environment: without).exitCode == 0)
    }

    @Test("doctor shows the MPI library, the ranks and OpenVINO (needs OpenVINO)")
    func doctor() throws {
      let run = try Workplace().run(["doctor"], ranks: 3)
      #expect(run.exitCode == 0, "\(run.standardError)")
      for word in ["MPI ", "rank 0", "rank 1", "rank 2", "OpenVINO 2"] {
        #expect(run.standardOutput.contains(word), "\(run.standardOutput)")
      }
      #expect(run.standardOutput.contains(#/launcher (mpirun of Open MPI|PMI)/#))
    }

    @Test("doctor without OpenVINO tells the command that installs it")
    func doctorWithoutOpenVINO() throws {
      let run = try Workplace().run(["doctor"], ranks: 3, environment: ["PIADM_OPENVINO": "/nonexistent"])
      run.expectRefusal(69, "OpenVINO", "pip install openvino", "/nonexistent")
      #expect(run.standardOutput.contains("rank 2"))
    }
  }
}
