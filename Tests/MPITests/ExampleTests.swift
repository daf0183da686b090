import Foundation
import Launching
import MPI
import Testing

/// The documentation's examples, as programs on 1 to 7 ranks; what they print
/// is computed here once more, without ranks.
@Suite(.serialized, .tags(.needsMPI)) struct ExampleTests {
  static let rankCounts = [1, 2, 3, 4, 7]

  private func output(_ example: String, _ arguments: [String] = [], ranks: Int) throws -> String {
    let run = try MPIRun(example, arguments, ranks: ranks)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 0, "\(run.standardError)")
    return run.standardOutput
  }

  @Test("ring: every rank learns the sum", arguments: rankCounts)
  func ring(ranks: Int) throws {
    let sums = [Int](repeating: ranks * (ranks - 1) / 2, count: ranks)
    #expect(try output("MPIRing", ranks: ranks) == "sums on the ranks: \(sums)\n")
  }

  @Test("halo exchange: a rod in pieces cools as a whole one", arguments: rankCounts)
  func halo(ranks: Int) throws {
    var heat = [Double](repeating: 1, count: 120) + [Double](repeating: 0, count: 120)
    for _ in 0..<500 {
      let padded = [0] + heat + [0]
      for cell in heat.indices {
        heat[cell] =
          padded[cell + 1] + 0.25 * (padded[cell] - 2 * padded[cell + 1] + padded[cell + 2])
      }
    }
    var sum = ExactSum()
    sum.add(contentsOf: heat.span)
    #expect(
      try output("MPIHalo", ranks: ranks) == "heat left in the rod: \(sum.value) of 120\n")
  }

  @Test("parallel file: what is read is what was written", arguments: rankCounts)
  func parallelFile(ranks: Int) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "mpi-matrix-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let printed = try output("MPIParallelFile", [path], ranks: ranks)
    #expect(printed == "sum of all elements: \(Float(209 * 210 / 2))\n")
    let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
    let numbers = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(numbers == (0..<210).map { Float($0) })
  }

  @Test("parallel file: a missing argument is told once, by all ranks together")
  func parallelFileWithoutPath() throws {
    let run = try MPIRun("MPIParallelFile", ranks: 3)
    #expect(!run.isTimedOut)
    #expect(run.exitCode == 70)
    #expect(run.saysOnce("usage: MPIParallelFile PATH"))
    #expect(!run.standardError.contains("MPI_ABORT"))
  }

  @Test("dot product: the exact one is the same for every number of ranks", arguments: rankCounts)
  func dotProduct(ranks: Int) throws {
    var sum = ExactSum()
    for index in 0..<100_000 {
      sum.add(1 / Double(index + 1) * (index % 2 == 0 ? 1.0 : -0.999))
    }
    let lines = try output("MPIDotProduct", ranks: ranks).split(separator: "\n")
    #expect(lines.last == "exact: \(sum.value)")
    let ordinary = try #require(Double(lines[0].dropFirst("ordinary: ".count)))
    // n additions of numbers whose absolute sum is below 25 err by at most
    // n times 2^-53 of it.
    #expect(abs(ordinary - sum.value) < 100_000 * 0x1p-53 * 25)
  }

  @Test("pipeline: stages on many ranks give what one rank gives", arguments: rankCounts)
  func pipeline(ranks: Int) throws {
    let results = (0..<20).map { item in
      (0..<12).reduce(UInt64(item)) { ($0 * $0 + UInt64($1)) % 1_000_003 }
    }
    #expect(try output("MPIPipeline", ranks: ranks) == "results: \(results)\n")
  }

  @Test("Fourier transform: a wave is one coefficient, and comes back", arguments: rankCounts)
  func fourier(ranks: Int) throws {
    // Half of 84^2: the other half is at the negative frequency.
    #expect(
      try output("MPIFourier", ranks: ranks)
        == "largest coefficient: 3528.0 at (3, 5)\nback again to 13 digits\n")
  }

  @Test("plate: one in blocks cools as a whole one", arguments: rankCounts)
  func plate(ranks: Int) throws {
    let length = 60
    var heat = (0..<length * length).map { $0 / length < 20 && $0 % length < 30 ? 1.0 : 0 }
    for _ in 0..<200 {
      let before = heat
      func cell(_ row: Int, _ column: Int) -> Double {
        (0..<length).contains(column) ? before[(row + length) % length * length + column] : 0
      }
      for index in heat.indices {
        let (row, column) = (index / length, index % length)
        let around = cell(row - 1, column) + cell(row + 1, column) + cell(row, column - 1) + cell(row, column + 1)
        heat[index] = before[index] + 0.2 * (around - 4 * before[index])
      }
    }
    var sum = ExactSum()
    sum.add(contentsOf: heat.span)
    let hottest = heat.indices.max { (heat[$0], -$0) < (heat[$1], -$1) }!
    #expect(
      try output("MPIPlate", ranks: ranks)
        == "heat left on the plate: \(sum.value) of 600\nhottest cell: (\(hottest / length), \(hottest % length))\n")
  }

  @Test(
    "the documentation shows the examples as they are",
    arguments: [
      "MPIRing", "MPIHalo", "MPIParallelFile", "MPIDotProduct", "MPIPipeline", "MPIFourier",
      "MPIPlate",
    ])
  func documentationShowsExamples(example: String) throws {
    let source = try String(
      contentsOf: repository.appending(path: "Tests/Programs/\(example)/main.swift"),
      encoding: .utf8)
    let article = try String(
      contentsOf: repository.appending(path: "Sources/MPI/MPI.docc/Examples.md"), encoding: .utf8)
    #expect(article.contains("```swift\n\(source)```\n"))
  }
}

/// The package's folder.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
