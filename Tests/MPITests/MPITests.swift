import Foundation
import Launching
import MPI
import Testing

/// Runs of real ranks, one after another: each takes all cores.
@Suite(.serialized, .tags(.needsMPI))
struct RanksTests {
  static let rankCounts = [1, 2, 3, 4, 7]

  @Test("every call does what it says, whatever the number of ranks", arguments: rankCounts)
  func callsDoWhatTheySay(ranks: Int) throws {
    try passes(
      [
        "blocking", "non-blocking", "persistent", "collectives", "communicators", "agreement",
        "refusals", "request-sets", "probes", "files", "own-types", "operations", "exchanges",
        "started-collectives", "grids", "nodes", "failures",
      ], ranks: ranks)
  }

  @Test(
    "a program that is correct is so with its collective calls checked, one that is not is told",
    arguments: rankCounts)
  func checkedCallsDoWhatTheySay(ranks: Int) throws {
    try passes(
      [
        "checked-collectives", "checked-exchanges", "checked-started-collectives", "checked-grids",
        "checked-nodes", "checked-communicators", "checked-files", "checked-overlap",
        "checked-differences",
      ], ranks: ranks)
  }

  /// Runs checks one after the other, with a file of their own.
  private func passes(_ checks: [String], ranks: Int) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "mpi-file-\(UUID())").path
    defer { for name in [path, path + ".other"] { try? FileManager.default.removeItem(atPath: name) } }
    let run = try MPIRun(
      "MPIChecks", [checks.joined(separator: "+"), path], ranks: ranks, seconds: 120)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    #expect(run.standardOutput == "passed on \(ranks)\n")
  }

  @Test(
    "an error on one rank ends the job on all, with its message and exit code",
    arguments: rankCounts)
  func oneRanksErrorEndsTheJob(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["throw"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 65)
    let speaker = ranks == 1 ? "" : "rank \(ranks - 1) of \(ranks): "
    #expect(run.saysOnce("\(speaker)bad data in this rank's file"))
  }

  @Test("abort ends the job on all ranks with its exit code", arguments: rankCounts)
  func abortEndsTheJob(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["abort"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 42)
  }

  @Test(
    "an error that all ranks agree on is told once and ends MPI in order", arguments: rankCounts)
  func agreedErrorIsToldOnce(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["agreed-throw"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 66)
    #expect(run.saysOnce("the same file is missing on all ranks"))
    #expect(!run.standardError.contains("MPI_ABORT"))
    #expect(!run.standardError.contains("finalize"))
  }

  @Test("an error of one rank, agreed on, names that rank", arguments: [2, 3, 4, 7])
  func agreedErrorNamesItsRank(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["agreed-throw-of-one"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 66)
    #expect(run.saysOnce("rank \(ranks - 1) of \(ranks): no memory on this rank"))
  }

  @Test(
    "an error that only part of the ranks agree on ends the job, told once",
    arguments: [2, 3, 4, 7])
  func partsAgreementEndsTheJob(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["agreed-throw-of-some"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 67)
    #expect(run.saysOnce("these ranks failed"))
  }

  @Test("a request that was dropped is noticed when MPI ends")
  func droppedRequestIsNoticed() throws {
    let run = try MPIRun("MPIChecks", ["dropped-request"], ranks: 1)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(run.standardError.contains("1 requests were started and never completed"))
  }

  @Test(
    "ranks that make different collective calls are told who called what", arguments: [2, 3, 4, 7])
  func differentCollectivesAreNoticed(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["checked-mismatch"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(
      run.standardError.contains(
        "rank 0 called MPI_Bcast of 2 double, root 0, rank 1 called MPI_Allreduce of 2 double, sum"))
  }

  @Test("a call that was only started, and differs, is told when it is waited for")
  func differentStartedCollectivesAreNoticed() throws {
    let run = try MPIRun("MPIChecks", ["checked-mismatch-of-started"], ranks: 3)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(
      run.standardError.contains(
        "rank 0 called MPI_Allreduce of 1 int64, sum, rank 1 called MPI_Iallreduce of 1 int64, sum"))
  }

  @Test(
    "a rank that waits too long ends the job, whatever the call",
    arguments: [
      "MPI_Send", "MPI_Ssend", "MPI_Recv", "MPI_Sendrecv", "MPI_Mprobe", "MPI_Wait", "MPI_Waitany",
      "MPI_Alltoall", "MPI_Comm_split", "MPI_Cart_create", "MPI_File_set_size", "MPI_File_sync",
      "MPI_File_read_at_all", "MPI_File_write_at_all",
    ])
  func stalledCallEndsTheJob(call: String) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "mpi-file-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try MPIRun("MPIChecks", ["stall", call, path], ranks: 2, seconds: 20)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    // A file may wait in the call that opens or closes it.
    let name = call.hasPrefix("MPI_File") ? "MPI_File_" : call + ":"
    #expect(run.standardError.contains("rank 0 has waited 0.5 s for the other ranks in \(name)"), "\(run.standardError)")
  }

  @Test("an exact sum has the same bits for every number of ranks")
  func exactSumIsReproducible() throws {
    let runs = try Self.rankCounts.map { try MPIRun("MPIChecks", ["exact-sum"], ranks: $0) }
    for run in runs { #expect(run.exitCode == 0, "\(run.standardError)") }
    let lines = runs.map { $0.standardOutput.split(separator: "\n") }
    #expect(Set(lines.map { $0.first }).count == 1)
    #expect(lines.allSatisfy { $0.contains("infinite inf") })
    // The numbers are hard enough: an ordinary sum of them does depend.
    #expect(Set(lines.map { $0.last }).count > 1)
  }

  @Test(
    "more than 2^31 elements go in one call",
    .enabled(
      if: ProcessInfo.processInfo.physicalMemory > 16 << 30,
      "needs 7 GB, on a machine of more than 16"))
  func largeCounts() throws {
    let run = try MPIRun("MPIChecks", ["large"], ranks: 2, seconds: 300)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    #expect(run.standardOutput == "passed on 2\n")
  }

  @Test("a repeated exchange allocates no more memory than in C")
  func exchangesDoNotAllocate() throws {
    let run = try MPIRun("MPIAllocations", ranks: 2)
    #expect(run.exitCode == 0, "\(run.standardError)")
    let counts = Dictionary(
      uniqueKeysWithValues: run.standardOutput.split(separator: "\n").map { line in
        let parts = line.split(separator: ":")
        return (String(parts[0]), Int(parts[1].dropFirst()))
      })
    // 1000 exchanges each; the library itself allocates now and then.
    for (name, nameInC) in [
      ("blocking", "blocking in C"), ("all-reduce", "all-reduce in C"),
      ("non-blocking", "non-blocking in C"), ("persistent", "persistent in C"),
      ("request set", "non-blocking in C"), ("halo", "halo in C"), ("structs", "structs in C"),
      ("own operation", "own operation in C"),
    ] {
      let found = try #require(counts[name] ?? nil)
      let foundInC = try #require(counts[nameInC] ?? nil)
      #expect(found <= foundInC + 10, "\(name)")
    }
  }

  @Test("a program that hangs is killed at its time limit, which fails its test")
  func hangingProgramIsKilled() throws {
    let run = try MPIRun("MPIChecks", ["wait-forever"], ranks: 2, seconds: 2)
    #expect(run.isTimedOut)
    #expect(run.exitCode != 0)
  }
}
