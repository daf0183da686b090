import Foundation
import Testing

import MPI

/// Runs of real ranks, one after another: each takes all cores.
@Suite(.serialized)
struct RanksTests {
  static let rankCounts = [1, 2, 3, 4, 7]

  @Test(
    "every call does what it says, whatever the number of ranks",
    arguments: [
      "blocking", "non-blocking", "persistent", "collectives", "checked-collectives",
      "communicators", "agreement", "refusals",
    ], rankCounts)
  func callsDoWhatTheySay(check: String, ranks: Int) throws {
    let run = try MPIRun("MPIChecks", [check], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    #expect(run.standardOutput == "passed on \(ranks)\n")
  }

  @Test("ranks read and write one file together", arguments: rankCounts)
  func ranksShareAFile(ranks: Int) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "mpi-file-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let run = try MPIRun("MPIChecks", ["files", path], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    #expect(run.standardOutput == "passed on \(ranks)\n")
  }

  @Test("an error on one rank ends the job on all, with its message and exit code", arguments: rankCounts)
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

  @Test("an error that all ranks agree on is told once and ends MPI in order", arguments: rankCounts)
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

  @Test("an error that only part of the ranks agree on ends the job, told once", arguments: [2, 3, 4, 7])
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

  @Test("ranks that make different collective calls are told who called what", arguments: [2, 3, 4, 7])
  func differentCollectivesAreNoticed(ranks: Int) throws {
    let run = try MPIRun("MPIChecks", ["checked-mismatch"], ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(
      run.standardError.contains(
        "rank 0 called broadcast of 2 double, root 0, rank 1 called allReduce of 2 double, sum"))
  }
}
