import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// Measurements: that they are made and told, not how fast this machine is.
  @Suite struct Benches {
    @Test("bench mpi tells and stores the time of every size, on two ranks and on more", arguments: [2, 3])
    func mpi(ranks: Int) throws {
      let place = try Workplace()
      let run = try place.run(["bench", "mpi", "--seconds", "0.001", "--json", "mpi.json"], ranks: ranks)
      #expect(!run.isTimedOut)
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.contains("the other ranks wait") == (ranks > 2))
      let record = try #require(
        JSONSerialization.jsonObject(with: place.read("mpi.json")) as? [String: Any])
      #expect((record["hosts"] as? [String])?.count == ranks)
      let ratios = try #require(record["ratio"] as? [String: [String: Double]])
      let sizes = (3...22).map { 1 << $0 }
      let table = run.standardOutput.split(separator: "\n").map { $0.split(separator: " ") }
      #expect(table.compactMap { $0.first.flatMap { Int($0) } }.filter { $0 >= 8 } == sizes + sizes)
      for operation in ["pingpong", "allreduce"] {
        let times = try #require(record[operation] as? [[String: Double]])
        #expect(times.map { $0["bytes"] } == sizes.map { Double($0) })
        let seconds = try times.map { try #require($0["seconds"]) }
        let secondsC = try times.map { try #require($0["secondsC"]) }
        #expect((seconds + secondsC).allSatisfy { $0 > 0 && $0.isFinite })
        let ratio = zip(seconds, secondsC).map { $0 / $1 }.sorted()
        let summary = try #require(ratios[operation])
        // Numbers of 17 digits, read to within a few units in the last place.
        #expect(abs(try #require(summary["largest"]) / ratio[19] - 1) < 1e-14)
        #expect(abs(try #require(summary["median"]) / ((ratio[9] + ratio[10]) / 2) - 1) < 1e-14)
      }
      #expect(try place.content == ["mpi.json"])
    }

    @Test("bench mpi on one rank is refused with the command that starts two")
    func mpiAlone() throws {
      let place = try Workplace()
      try place.run(["bench", "mpi", "--json", "mpi.json"])
        .expectRefusal(64, "bench mpi", "mpirun -n 2 piadm bench mpi")
      #expect(try place.content == [])
    }

    @Test(
      "bench mpi refuses times that make no sense",
      arguments: ["0", "-1", "nan", "inf", "1e300", "long"])
    func mpiSeconds(seconds: String) throws {
      try Workplace().run(["bench", "mpi", "--seconds=\(seconds)"], ranks: 2).expectRefusal(64, "--seconds")
    }

    @Test("bench mpi finds out that its file cannot be written before it measures")
    func mpiUnwritable() throws {
      let place = try Workplace()
      let run = try place.run(["bench", "mpi", "--json", "none/mpi.json"], ranks: 2)
      run.expectRefusal(74, "none/mpi.json")
      #expect(run.standardOutput == "")
      #expect(try place.content == [])
    }

    @Test("bench kernels tells and stores the bandwidth of updates and of a copy", arguments: [1, 2])
    func kernels(ranks: Int) throws {
      let place = try Workplace()
      // No multiple of a vector's length, and several pieces.
      let run = try place.run(["bench", "kernels", "--elements", "10001", "--json", "kernels.json"], ranks: ranks)
      #expect(run.exitCode == 0, "\(run.standardError)")
      let record = try #require(
        JSONSerialization.jsonObject(with: place.read("kernels.json")) as? [String: Any])
      let updates = try #require(record["updates"] as? [String: Double])
      #expect(Set(updates.keys) == ["elementwise", "secant", "frozen", "increment", "none"])
      #expect(record["update"] as? Double == updates["elementwise"])
      #expect(try #require(record["copy"] as? Double) > 0 && updates.values.allSatisfy { $0 > 0 && $0.isFinite })
      for slope in updates.keys { #expect(run.standardOutput.contains("\n\(slope) ")) }
      #expect(try place.content == ["kernels.json"])
    }

    @Test("bench kernels refuses sizes that make no sense", arguments: ["0", "-1", "1e6", "268435457"])
    func kernelSizes(elements: String) throws {
      try Workplace().run(["bench", "kernels", "--elements=\(elements)"]).expectRefusal(64, "--elements")
    }
  }
}
