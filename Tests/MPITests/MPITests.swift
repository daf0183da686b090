import Foundation
import Launching
import MPI
import Testing

/// Runs of real ranks, one after another: each takes all cores.
@Suite(.serialized)
struct RanksTests {
  static let rankCounts = [1, 2, 3, 4, 7]

  @Test(
    "every call does what it says, whatever the number of ranks",
    arguments: [
      "blocking", "non-blocking", "persistent", "collectives", "checked-collectives",
      "communicators", "agreement", "refusals", "request-sets", "probes",
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
        "rank 0 called broadcast of 2 double, root 0, rank 1 called allReduce of 2 double, sum"))
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
      ("request set", "non-blocking in C"),
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
