import Foundation
import Launching
import MPI
import Testing

@Suite(.tags(.needsMPI)) struct LaunchTests {
  private func step(_ environment: [String: String]) -> SlurmStep? {
    SlurmStep { environment[$0] }
  }

  @Test("a world of one is left alone only in a Slurm step of several tasks without a launcher")
  func leftAlone() throws {
    // A batch script: the job may start 4 tasks, this process is no step.
    #expect(step(["SLURM_NTASKS": "4", "SLURM_PROCID": "0"]) == nil)
    let alone = try #require(step(["SLURM_NTASKS": "4", "SLURM_STEP_NUM_TASKS": "4"]))
    #expect(alone.isLeftAlone)
    #expect(alone.tasks == 4)
    #expect(step(["SLURM_STEP_NUM_TASKS": "1"])?.isLeftAlone == false)
    for launcher in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"] {
      #expect(step(["SLURM_STEP_NUM_TASKS": "4", launcher: "1"])?.isLeftAlone == false)
    }
  }

  @Test("a rank other than the first speaks only where its number may be left over from another job")
  func speakers() {
    func launch(rank: String, parent: String?) -> Launch {
      Launch(environment: { ["OMPI_COMM_WORLD_RANK": rank, "OMPI_COMM_WORLD_SIZE": "2"][$0] }, parent: parent)
    }
    #expect(launch(rank: "0", parent: "mpirun").speaksForJob)
    for parent in ["mpirun", "mpirun.openmpi", "orted", "hydra_pmi_proxy", "slurmstepd"] {
      #expect(!launch(rank: "1", parent: parent).speaksForJob)
    }
    for parent in ["bash", "python3", nil] { #expect(launch(rank: "1", parent: parent).speaksForJob) }
    #expect(Launch.parentName?.isEmpty == false)
  }

  @Test("a program that srun left alone says so once and exits")
  func leftAloneIsExplained() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mpi-srun-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // A shell that is named as the parent of srun's tasks.
    let parent = folder.appending(path: "slurmstepd")
    try FileManager.default.copyItem(
      at: URL(fileURLWithPath: "/bin/sh").resolvingSymlinksInPath(), to: parent)
    for task in 0..<2 {
      let run = try MPIRun(
        "MPIChecks", ["blocking"], ranks: 1, isLaunched: false,
        script: #"exec \#(parent.path) -c '"$@"; exit $?' sh "$@""#,
        environment: ["SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "\(task)"])
      #expect(!run.isTimedOut)
      #expect(run.exitCode == 70)
      #expect(run.standardError.contains("srun started 2 tasks") == (task == 0))
    }
  }

  @Test("a library matches the header of the same name and major version")
  func libraryMatches() {
    let openMPI = Library(name: "Open MPI", major: 4, minor: 1)
    #expect(openMPI.matches(runtimeVersion: "Open MPI v4.1.4, package: Debian OpenMPI"))
    #expect(openMPI.matches(runtimeVersion: "Open MPI v4.0.0"))
    #expect(!openMPI.matches(runtimeVersion: "Open MPI v5.0.1"))
    #expect(!openMPI.matches(runtimeVersion: "MPICH Version: 4.0.2"))
    let mpich = Library(name: "MPICH", major: 4, minor: 0)
    #expect(mpich.matches(runtimeVersion: "MPICH Version: 4.2.3"))
    #expect(!mpich.matches(runtimeVersion: "Open MPI v4.1.4"))
    #expect(!mpich.matches(runtimeVersion: "MPICH Version: 3.4"))
  }

  @Test("the tests run with the library they were built for")
  func thisLibraryMatches() {
    #expect(Library.header.matches(runtimeVersion: Library.runtimeVersion))
  }

  @Test("a program that finds another library at run time says so and stops")
  func otherLibraryIsRefused() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "mpi-other-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appending(path: "other.c")
    let library = folder.appending(path: "libother.so")
    try Data(
      """
      #include <string.h>
      int MPI_Get_library_version(char *text, int *length) {
        strcpy(text, "Other MPI 9.9");
        *length = 13;
        return 0;
      }
      """.utf8
    ).write(to: source)
    let compiler = try Process.run(
      URL(fileURLWithPath: "/usr/bin/env"),
      arguments: ["cc", "-shared", "-fPIC", "-o", library.path, source.path])
    compiler.waitUntilExit()
    try #require(compiler.terminationStatus == 0, "cc is needed to make the other library")

    let run = try MPIRun(
      "MPIChecks", ["blocking"], ranks: 1, isLaunched: false,
      environment: ["LD_PRELOAD": library.path])
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(run.standardError.contains("built for \(Library.header)"))
    #expect(run.standardError.contains("found at run time is Other MPI 9.9"))
  }
}
