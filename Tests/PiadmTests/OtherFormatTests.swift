import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// What other programs take over from a run.
  @Suite struct OtherFormats {
    /// Runs a program in a place.
    private func output(of command: String, in place: Workplace) throws -> String {
      let run = try place.run([], script: command)
      try #require(run.exitCode == 0, "\(command): \(run.standardError)")
      return run.standardOutput
    }

    @Test("an HDF5 file holds samples, noise times, changes and report, for h5dump too (needs hdf5-tools)", arguments: ["single", "double"])
    func hdf5(precision: String) throws {
      let place = try Workplace()
      let digest = try place.digest(
        [
          "mixture.json", "--steps", "20", "--samples", "5", "--precision", precision, "--hdf5", "run.h5",
          "--report", "report.json",
        ], ranks: 3)
      #expect(try place.content == ["report.json", "run.h5", "samples.npy"])
      let head = try output(of: "h5dump -H run.h5", in: place)
      let type = precision == "single" ? "H5T_IEEE_F32LE" : "H5T_IEEE_F64LE"
      #expect(head.contains(type))
      #expect(head.contains("( 5, 5 ) / ( 5, 5 )") && head.contains("( 21 ) / ( 21 )"))
      _ = try output(of: "h5dump -d /samples -b LE -o samples.bin run.h5", in: place)
      let bytes = try place.read("samples.bin")
      #expect(bytes.count == 25 * (precision == "single" ? 4 : 8))
      #expect(bytes == (try place.read("samples.npy").suffix(bytes.count)))
      _ = try output(of: "h5dump -d /noise_times -b LE -o times.bin run.h5", in: place)
      let times = try place.read("times.bin").withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
      // The shrinking grid from 10 to 0.001.
      #expect(abs(times[0] - 10) < 1e-12 && abs(times[20] - 1e-3) < 1e-12)
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 > $1 })
      _ = try output(of: "h5dump -d /changes -b LE -o changes.bin run.h5", in: place)
      let changes = try place.read("changes.bin").withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
      let report = try #require(JSONSerialization.jsonObject(with: place.read("report.json")) as? [String: Any])
      let rounds = try #require(report["rounds"] as? Int)
      #expect(changes.count == rounds * 20)
      #expect(changes.suffix(20).allSatisfy { $0 <= 1e-3 })
      let attribute = try output(of: "h5dump -a /digest run.h5", in: place)
      #expect(attribute.contains("\"\(digest)\""))
      #expect(try output(of: "h5dump -d /report run.h5", in: place).contains("bytesSent"))
    }

    @Test("without the HDF5 library the run is refused before it starts, with the command that installs it")
    func noHDF5() throws {
      let place = try Workplace()
      try place.run(
        ["sample", "mixture.json", "--hdf5", "run.h5"], ranks: 2, environment: ["PIADM_HDF5": "/nonexistent.so"]
      ).expectRefusal(69, "--hdf5", "apt-get install", "/nonexistent.so")
      #expect(try place.content == [])
    }

    @Test("cite lists the methods that a run has used, and no others")
    func cite() throws {
      let place = try Workplace()
      func keys(_ options: [String]) throws -> [String] {
        _ = try place.digest(["mixture.json", "--steps", "6", "--report", "report.json"] + options)
        let run = try place.run(["cite", "report.json"])
        #expect(run.exitCode == 0, "\(run.standardError)")
        // Every brace is closed, as BibTeX asks.
        #expect(run.standardOutput.count { $0 == "{" } == run.standardOutput.count { $0 == "}" })
        return run.standardOutput.matches(of: #/@\w+\{(\w+),/#).map { String($0.1) }
      }
      #expect(try keys([]) == ["chen2024piadm", "song2021sde", "gonzalez2024elk", "salmon2011random123", "piadm"])
      #expect(
        try keys(["--method", "ddim", "--grid", "karras", "--window", "3", "--anderson", "2"])
          == [
            "chen2024piadm", "song2021ddim", "shih2023paradigms", "gonzalez2024elk", "tang2024parataa", "karras2022edm",
            "salmon2011random123", "piadm",
          ])
      #expect(try keys(["--linearization", "secant"]).contains("gonzalez2024elk") == false)
      #expect(
        try keys(["--method", "dpm++2m", "--solver", "sequential"])
          == ["lu2022dpmsolverpp", "salmon2011random123", "piadm"])
      try place.write("{}", to: "empty.json")
      try place.run(["cite", "empty.json"]).expectRefusal(65, "empty.json")
      try place.run(["cite", "none.json"]).expectRefusal(66, "none.json")
    }

    @Test("profilers that stand between the program and MPI's C library see its calls (needs mpicc)")
    func interposition() throws {
      let place = try Workplace()
      try place.write(
        """
        #include <mpi.h>
        #include <stdio.h>
        static int sends, receives;
        int MPI_Isend(const void *b, int n, MPI_Datatype t, int d, int g, MPI_Comm c, MPI_Request *r) {
          sends++; return PMPI_Isend(b, n, t, d, g, c, r);
        }
        int MPI_Irecv(void *b, int n, MPI_Datatype t, int s, int g, MPI_Comm c, MPI_Request *r) {
          receives++; return PMPI_Irecv(b, n, t, s, g, c, r);
        }
        int MPI_Finalize(void) {
          int rank;
          PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
          fprintf(stderr, "profile of rank %d: %d sent %d received\\n", rank, sends, receives);
          return PMPI_Finalize();
        }
        """, to: "profile.c")
      let run = try place.run(
        ["sample", "mixture.json", "--steps", "20", "--progress", "none", "--trace", "trace.json", "--report", "report.json"],
        ranks: 2,
        script: """
          cc=$(command -v "mpicc.$PROFILED" || command -v mpicc) || { echo "mpicc is missing" >&2; exit 69; }
          "$cc" -shared -fPIC -o profile.so profile.c || exit 1
          LD_PRELOAD=$PWD/profile.so exec "$@"
          """, environment: ["PROFILED": MPIRun.isOpenMPI ? "openmpi" : "mpich"])
      #expect(run.exitCode == 0, "\(run.standardError)")
      let report = try #require(JSONSerialization.jsonObject(with: place.read("report.json")) as? [String: Any])
      let rounds = try #require(report["rounds"] as? Int)
      let profiles = run.standardError.matches(of: #/profile of rank (\d): (\d+) sent (\d+) received/#)
      #expect(profiles.count == 2)
      for profile in profiles {
        // In every round both ranks tell each other their changes, and rank 0, which has
        // the left half, sends a boundary state.
        let (sent, received) = (Int(profile.2) ?? 0, Int(profile.3) ?? 0)
        #expect(sent >= (profile.1 == "0" ? 2 : 1) * rounds)
        #expect(received >= (profile.1 == "1" ? 2 : 1) * rounds)
      }
    }
  }
}
