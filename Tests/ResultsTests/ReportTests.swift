import Foundation
import PicardSampler
import Results
import Testing

func sampleReport() -> Report {
  Report(
    status: .completed, model: "digits", method: "ddpm",
    options: [
      "--seed": .unsigned(.max), "--tolerance": .number(0.001), "--window": .integer(16),
      "--linearization": .text("secant"), "--anderson": .none, "--resume": .flag(false),
    ],
    ranks: 2, replicas: 1, steps: 1000, samples: 4, shape: [1, 8, 8], rounds: 90, evaluations: 5680,
    blocks: [Report.Block(first: 0, steps: 1000, iterations: 90, change: 0.0005)],
    finalChange: 0.0005, batchInvariant: true, digest: String(repeating: "ab", count: 32),
    seconds: PhaseSeconds(
      total: 10, setup: 1, score: 7, update: 0.5, exchange: 0.25, reduce: 0.25, output: 0.5),
    bytesSent: 3_145_728, peakMemoryBytes: 134_217_728,
    versions: Report.Versions(
      piadm: "0.1.0", mpi: "Open MPI v4.1.4", openvino: "2025.3.0", swift: "6.3"))
}

@Suite struct Reports {
  @Test func `the JSON has exactly the keys of the contract`() throws {
    let object = try #require(
      JSONSerialization.jsonObject(with: sampleReport().json()) as? [String: Any])
    #expect(
      Set(object.keys) == [
        "status", "model", "method", "options", "ranks", "replicas", "steps", "samples", "shape",
        "rounds", "evaluations", "blocks", "finalChange", "batchInvariant", "digest", "seconds",
        "bytesSent", "peakMemoryBytes", "versions",
      ])
    let seconds = try #require(object["seconds"] as? [String: Double])
    #expect(
      Set(seconds.keys) == ["total", "setup", "score", "update", "exchange", "reduce", "output", "wait"])
    let block = try #require((object["blocks"] as? [[String: Any]])?.first)
    #expect(Set(block.keys) == ["first", "steps", "iterations", "change"])
    let versions = try #require(object["versions"] as? [String: String])
    #expect(Set(versions.keys) == ["piadm", "mpi", "openvino", "swift"])
    #expect(object["status"] as? String == "completed")
  }

  @Test func `options keep the types that JSON has`() throws {
    let text = String(decoding: try sampleReport().json(), as: UTF8.self)
    #expect(
      text.contains(
        """
          "options" : {
            "--anderson" : null,
            "--linearization" : "secant",
            "--resume" : false,
            "--seed" : 18446744073709551615,
            "--tolerance" : 0.001,
            "--window" : 16
          },
        """))
  }

  @Test func `a report is read back from its file as it was`() throws {
    let folder = try Folder()
    let report = sampleReport()
    try report.write(to: folder.file("report.json"))
    let data = try Data(contentsOf: URL(fileURLWithPath: folder.file("report.json")))
    #expect(try JSONDecoder().decode(Report.self, from: data) == report)
    #expect(try folder.content == ["report.json"])
  }

  @Test func `numbers that JSON does not have become strings`() throws {
    var report = sampleReport()
    report.finalChange = .nan
    report.blocks[0].change = .infinity
    report.options["--times"] = .list([.number(-.infinity), .number(1)])
    let object = try #require(JSONSerialization.jsonObject(with: report.json()) as? [String: Any])
    #expect(object["finalChange"] as? String == "NaN")
    #expect((object["blocks"] as? [[String: Any]])?.first?["change"] as? String == "Infinity")
    #expect((object["options"] as? [String: Any])?["--times"] as? [AnyHashable] == ["-Infinity", 1])
  }
}

@Suite struct Logs {
  @Test func `the closing table shows every phase over the ranks and what was saved`() {
    let summary = RunSummary(
      report: sampleReport(),
      ranks: [
        PhaseSeconds(total: 10, setup: 1, score: 7, update: 0.5, exchange: 0.25, reduce: 0.25, output: 0.5, wait: 0.3),
        PhaseSeconds(
          total: 10, setup: 1, score: 5, update: 0.5, exchange: 1.25, reduce: 1.25, output: 0.5, wait: 2.3),
      ])
    #expect(
      summary.text == """
        Seconds over 2 ranks
        phase            min        mean         max    share
        setup         1.0000      1.0000      1.0000   10.0 %
        score         5.0000      6.0000      7.0000   60.0 %
        update        0.5000      0.5000      0.5000    5.0 %
        exchange      0.2500      0.7500      1.2500    7.5 %
        reduce        0.2500      0.7500      1.2500    7.5 %
        output        0.5000      0.5000      0.5000    5.0 %
        other         0.5000      0.5000      0.5000    5.0 %
        total        10.0000     10.0000     10.0000  100.0 %
        waiting       0.3000      1.3000      2.3000   13.0 %

        rounds       90 for 1000 steps: 11.11 times fewer than sequential sampling
        evaluations  5680 for 4 samples: 1.42 a step and sample
        sent         3.0 MiB
        memory       128.0 MiB at most on a rank
        digest       abababababababababababababababababababababababababababababababab
        status: completed

        """)
  }

  @Test func `speed-up and efficiency are of sampling, setting up and writing aside`() {
    var report = sampleReport()
    report.sequentialSeconds = 8.5
    let summary = RunSummary(
      report: report,
      ranks: [
        PhaseSeconds(total: 10, setup: 1, score: 7, output: 0.5),
        PhaseSeconds(total: 10, setup: 1.5, score: 5, output: 0.5),
      ])
    #expect(
      summary.text.contains(
        "speed-up     1.00 over sequential sampling on 2 ranks, each with its own samples (8.5 s by the time of a call), efficiency 100 %\n"
      ))
  }

  @Test func `the header says what runs where and with which options`() {
    let header = RunHeader(
      versions: sampleReport().versions, model: "digits", shape: [1, 8, 8], seed: 7,
      hosts: ["node1", "node1", "node2", "node1", "node2"], threadsPerRank: 1,
      options: ["--method": .text("ddpm"), "--tolerance": .number(0.001), "--anderson": .none])
    #expect(
      header.text == """
        piadm 0.1.0, Swift 6.3, OpenVINO 2025.3.0
        MPI      Open MPI v4.1.4
        ranks    5 on 2 hosts, 1 thread each
                 node1: ranks 0-1,3
                 node2: ranks 2,4
        model    digits, samples of shape 1 x 8 x 8
        seed     7
        options
          --anderson   off
          --method     ddpm
          --tolerance  0.001

        """)
  }
}

@Suite struct Timing {
  @Test func `time is counted in the phase it is spent in, and the phases add up`() {
    let timers = PhaseClock()
    timers.enter(.score)
    usleep(20_000)
    timers.enter(.reduce)
    usleep(10_000)
    timers.enter(nil)
    usleep(10_000)
    let seconds = timers.seconds
    #expect(seconds.score >= 0.02)
    #expect(seconds.reduce >= 0.01)
    #expect(seconds.other >= 0.01)
    #expect(seconds.setup == 0)
    #expect(seconds.total >= 0.04)
    // Sums of a few numbers of size 0.1: far above their rounding, far below a phase.
    #expect(abs(seconds.score + seconds.reduce + seconds.other - seconds.total) < 1e-9)
  }

  @Test func `the slowest rank counts, phase by phase`() {
    let slowest = PhaseSeconds.slowest(of: [
      PhaseSeconds(total: 5, score: 4, reduce: 1), PhaseSeconds(total: 6, score: 2, reduce: 4),
    ])
    #expect(slowest == PhaseSeconds(total: 6, score: 4, reduce: 4))
  }

  @Test func `peak memory grows with what is touched`() {
    let before = peakMemoryBytes()
    let size = before + (64 << 20)
    let touched = [UInt8](repeating: 1, count: size)
    #expect(touched.last == 1)
    #expect(peakMemoryBytes() >= size)
  }
}
