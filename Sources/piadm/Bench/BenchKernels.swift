import ArgumentParser
import Diffusion
import Foundation
import MPI
import PicardSampler
import Planning
import Results

struct BenchKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Measure the memory bandwidth of the state update, beside a plain copy.",
    discussion: """
      Iterates two chunks of large states on one rank, and times what happens between two score \
      calls: step maps, corrections and norms. Counted are the bytes that must move: each \
      vector once for every pass that the iteration cannot do without. A copy of the same \
      vectors counts what it reads and what it writes. The best round and the best copy count.

      Example:
        piadm bench kernels --elements 4194304 --json kernels.json
      """)

  @Option(help: ArgumentHelp("Elements of a state. By default vectors of 4 MiB, about a hundred of them.", valueName: "n"))
  var elements = 1 << 20

  @Option(help: ArgumentHelp("The table's numbers, in bytes a second.", valueName: "file.json"))
  var json: String?

  func validate() throws {
    guard 1...(1 << 28) ~= elements else {
      throw ValidationError("--elements must be from 1 to 2^28, not \(elements)")
    }
    guard json != "" else { throw ValidationError("--json: an output file needs a name") }
  }

  mutating func run() throws {
    let command = self
    try Failure.underMPI { world in
      try world.agree {
        if world.rank == 0, let json = command.json { try WholeFile(json).checkWritable() }
      }
      // The other ranks would take the memory's bandwidth from this one.
      _ = try world.onFirst(1) { try command.measure() }
    }
  }

  private func measure() throws {
    let study = KernelStudy(elements: elements)
    let copy = study.copyRate()
    try write("slope          vectors a slice   seconds a slice       GB/s   of a copy\n")
    var rates: [String: Double] = [:]
    for linearization in [Linearization.elementwise, .secant, .linearPart, .increment, .jacobi] {
      let update = try study.update(linearization)
      let rate = update.bytes / update.seconds
      rates[linearization.rawValue] = rate
      let vectors = update.bytes / Double(study.slices * study.vectorBytes)
      try write(
        linearization.rawValue.padding(toLength: 12, withPad: " ", startingAt: 0)
          + String(
            format: "%18.1f%18.6f%11.2f%10.1f %%\n", vectors, update.seconds / Double(study.slices), rate / 1e9,
            100 * rate / copy))
    }
    try write(String(format: "plain copy%50.2f\n", copy / 1e9))
    if let json {
      let record = KernelRecord(
        update: rates[try study.usual.rawValue] ?? 0, copy: copy, elements: elements, updates: rates)
      try writeJSON(record, to: json)
    }
  }
}

/// What `--json` stores, in bytes a second.
private struct KernelRecord: Encodable {
  /// With the program's default of a slope.
  let update: Double
  let copy: Double
  let elements: Int
  /// By slope.
  let updates: [String: Double]
}

/// The state update of two chunks of large states.
private struct KernelStudy {
  let elements: Int
  let chunk = 8
  var slices: Int { 2 * chunk }
  var vectorBytes: Int { elements * MemoryLayout<Float>.stride }

  private var trajectory: Trajectory {
    get throws {
      let grid = try TimeGrid.shrinking(steps: slices, horizon: 3, earlyStop: 0.05)
      return try Trajectory(.posterior, on: grid, noiseLevel: 1)
    }
  }

  /// The program's default.
  var usual: Linearization {
    get throws { PicardOptions(trajectory: try trajectory).linearization }
  }

  /// Seconds and bytes of a round's update.
  func update(_ linearization: Linearization) throws -> (seconds: Double, bytes: Double) {
    let trajectory = try trajectory
    let rounds = 8
    let solver = PicardSolver(
      trajectory,
      options: PicardOptions(
        linearization: linearization, stop: .iterations(rounds), chunk: chunk, trajectory: trajectory),
      batch: ScoreBatch(BoundedModel(shape: [elements]), rows: 1), ring: SingleRank(),
      noise: WeakNoise(), samples: [0])
    let stopwatch = UpdateStopwatch()
    solver.observer = stopwatch
    var times: [Double] = []
    _ = try solver.run { _ in times.append(stopwatch.take()) }
    // In the first two rounds slices have no secant yet.
    let best = times.dropFirst(2).min() ?? 0
    return (best, Double(vectorBytes) * vectors(linearization))
  }

  /// Vectors that a round's update reads and writes at least.
  private func vectors(_ linearization: Linearization) -> Double {
    // A slice reads its state, `f` and noise, and writes the next proposal; a
    // proposal and the norm of its change are in the cache by then.
    let step = 4 * slices
    // The second chunk takes the first one's change: it reads the state that
    // came and the old one, and for every further state reads and writes the
    // proposal and reads the state. The state behind it likewise.
    let carry = 2 + 3 * chunk
    guard linearization == .elementwise else { return Double(step + carry) }
    // The state of the first slice is known. The secants of all others: the
    // change of `f` and the last two states are added to the sums of the chunk
    // (3 and, once, the sums old and new); multiplied with the proposal's change
    // (3); and, since the products must be complete before, read again with the
    // proposal and the sums for the correction (5, the state being at hand).
    let secants = (3 + 3 + 5) * (slices - 1) + 2 * 4
    // The second chunk's response is multiplied up slice by slice, and its
    // sums are read again to carry the change, old and new.
    let responses = 2 * chunk + 4
    return Double(step + carry + secants + responses)
  }

  /// Bytes a second of copying vectors, as many as an update has in use: too
  /// many for a cache.
  func copyRate() -> Double {
    let count = 6 * slices
    var vectors = (0..<count).map { [Float](repeating: Float($0), count: elements) }
    var best = Double.infinity
    for _ in 0..<5 {
      let start = ContinuousClock.now
      for vector in 0..<(count / 2) {
        let source = vectors[vector + count / 2]
        vectors[vector].withUnsafeMutableBufferPointer { output in
          source.withUnsafeBufferPointer { _ = output.update(fromContentsOf: $0) }
        }
      }
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    return Double(count * vectorBytes) / best
  }
}

/// Adds up the time of updates.
private final class UpdateStopwatch: RunObserver {
  private var seconds = 0.0

  /// What has been added up since this was called last.
  func take() -> Double {
    defer { seconds = 0 }
    return seconds
  }

  func ended(
    _ phase: Phase, since start: ContinuousClock.Instant, at end: ContinuousClock.Instant
  ) {
    if phase == .update { seconds += (end - start) / .seconds(1) }
  }

  func sent(bytes: Int, to rank: Int) {}

  func received(
    bytes: Int, from rank: Int, waitingSince start: ContinuousClock.Instant, until end: ContinuousClock.Instant
  ) {}
}

/// Estimates the clean data as `y / (1 + |y|)`, which takes little time and
/// many rounds.
private struct BoundedModel: ScoreModel {
  let shape: [Int]
  let parametrization = Parametrization.sample

  func predict(
    _ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>
  ) {
    for k in states.indices { output[k] = states[k] / (1 + states[k].magnitude) }
  }
}

/// Numbers that take no time to draw.
private struct WeakNoise: NoiseSource {
  func fill<Scalar: StateScalar>(
    _ output: inout MutableSpan<Scalar>, stream: NoiseStream, step: Int, sample: Int
  ) {
    for k in output.indices { output[k] = Scalar((k &* 31 &+ step) & 15) / 8 - 0.9375 }
  }
}
