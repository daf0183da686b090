import ArgumentParser
import Foundation
import MPI
import Results

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure this machine: a table, and --json FILE.",
    subcommands: [
      BenchMPI.self, BenchRounds.self, BenchScaling.self, BenchDimension.self,
      BenchKernels.self, BenchQuality.self,
    ])
}

struct BenchMPI: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mpi",
    abstract: "Time messages and reductions between ranks, in Swift and in C.",
    discussion: """
      Needs two ranks:
        mpirun -n 2 piadm bench mpi
        srun --nodes 2 --ntasks-per-node 1 piadm bench mpi --json network.json

      Ping-pong: ranks 0 and 1 send a message to and fro; its time is one way. All-reduce: all \
      ranks sum an array of double precision in place. Sizes go from 8 B, where the time is \
      the network's latency, to 4 MiB, where bytes per time are its bandwidth.

      Each loop runs in turn with the same one in C; the ratio of their times is what the Swift \
      layer adds, and should be near 1. On a busy machine, or with more ranks than processors, \
      single ratios scatter: measure longer with --seconds.
      """)

  @Option(help: ArgumentHelp("Time to measure each of the 40 sizes for.", valueName: "seconds"))
  var seconds = 0.5

  @Option(help: ArgumentHelp("The table's numbers, in seconds.", valueName: "file.json"))
  var json: String?

  func validate() throws {
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0 and at most 3600, not \(seconds)")
    }
    guard json != "" else { throw ValidationError("--json: an output file needs a name") }
  }

  mutating func run() throws {
    let command = self
    try Failure.underMPI { world in try command.measure(world) }
  }

  private func measure(_ world: Communicator) throws {
    try world.agree {
      guard world.size >= 2 else {
        throw WrongUsage(
          "bench mpi measures between ranks and needs 2 of them, not 1; run mpirun -n 2 piadm bench mpi")
      }
      if world.rank == 0, let json { try WholeFile(json).checkWritable() }
    }
    let hosts = try Placement(world).hosts
    func show(_ text: String) throws { if world.rank == 0 { try write(text) } }
    let timings = MPITimings(world: world, secondsPerSize: seconds)
    func table(_ measure: (Int) throws -> ExchangeTime) throws -> [ExchangeTime] {
      try show("     bytes    Swift [us]        C [us]   ratio      MB/s\n")
      let times = try MPITimings.sizes.map { bytes in
        let time = try measure(bytes)
        try show(time.line)
        return time
      }
      try show("ratio: \(RatioSummary(times).text)\n")
      return times
    }

    try show(
      """
      \(Library.runtimeVersion)
      \(world.size) ranks on \(Set(hosts).sorted().joined(separator: ", "))

      Ping-pong of ranks 0 and 1\(world.size > 2 ? " (the other ranks wait)" : ""), one way

      """)
    let pingPong = try table(timings.pingPong)
    try show("\nAll-reduce of all \(world.size) ranks\n")
    let allReduce = try table(timings.allReduce)

    let record = MPIRecord(
      pingpong: pingPong, allreduce: allReduce,
      ratio: .init(pingpong: RatioSummary(pingPong), allreduce: RatioSummary(allReduce)),
      hosts: hosts, mpi: Library.runtimeVersion)
    try world.agree {
      if world.rank == 0, let json { try record.write(to: json) }
    }
  }
}

/// What `--json` stores: seconds, the host of every rank, and the MPI library.
private struct MPIRecord: Encodable {
  struct Ratios: Encodable {
    let pingpong: RatioSummary
    let allreduce: RatioSummary
  }

  let pingpong: [ExchangeTime]
  let allreduce: [ExchangeTime]
  let ratio: Ratios
  let hosts: [String]
  let mpi: String

  func write(to path: String) throws { try writeJSON(self, to: path) }
}

extension ExchangeTime {
  fileprivate var line: String {
    String(
      format: "%10d%14.3f%14.3f%8.3f%10.1f\n", bytes, seconds * 1e6, secondsC * 1e6, ratio,
      Double(bytes) / seconds / 1e6)
  }
}

extension RatioSummary {
  fileprivate var text: String { String(format: "median %.3f, largest %.3f", median, largest) }
}
