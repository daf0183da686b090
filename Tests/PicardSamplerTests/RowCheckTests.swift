import Diffusion
import Foundation
import Synchronization
import Testing

import PicardSampler

/// The score of a Gaussian, spoiled in one way or another.
final class SpoiledModel: ScoreModel {
  enum Fault: Sendable {
    case none
    /// Scaled by the largest number of the call, as dynamic quantization does.
    case largestOfCall
    /// Off by the mean over the call's rows, as batch statistics are.
    case meanOfCall
    /// As much, in states that the run meets and the check before it does not.
    case meanInRun
    /// Off by the call's number of rows.
    case size
    /// Off by the call's number of rows from some number on.
    case sizeAbove(Int)
    /// Off by the number of calls so far.
    case chance
    /// Off by the place of the row in its call.
    case place
  }

  let shape = [2]
  let parametrization = Parametrization.score
  let fault: Fault
  private let sizes = Mutex<[Int]>([])
  private let runs = Mutex(false)

  init(_ fault: Fault) { self.fault = fault }

  /// The check before the run is over.
  var isInRun: Bool {
    get { runs.withLock { $0 } }
    set { runs.withLock { $0 = newValue } }
  }

  /// Rows of every call so far.
  var calls: [Int] { sizes.withLock { $0 } }

  func predict(_ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>) {
    let rows = times.count
    let call = sizes.withLock {
      $0.append(rows)
      return $0.count
    }
    var (largest, sum): (Float, Float) = (0, 0)
    for k in 0..<states.count {
      largest = max(largest, abs(states[k]))
      sum += states[k]
    }
    for k in 0..<states.count {
      let off: Float =
        switch fault {
        case .none: 0
        case .largestOfCall: 1e-3 * largest
        case .meanOfCall: 1e-3 * sum / Float(states.count)
        case .meanInRun: isInRun ? 1e-3 * sum / Float(states.count) : 0
        case .size: 1e-6 * Float(rows)
        case .sizeAbove(let most): rows > most ? 1e-6 * Float(rows) : 0
        case .chance: 1e-6 * Float(call)
        case .place: 1e-6 * Float(k / 2)
        }
      output[k] = -states[k] * (1 + off)
    }
  }
}

@Suite struct RowCheckTests {
  private func trajectory(steps: Int = 24) throws -> Trajectory {
    try Trajectory(.exponential, on: .uniform(steps: steps, horizon: 3, earlyStop: 0.01), noiseLevel: 1)
  }

  private func draw(
    _ fault: SpoiledModel.Fault, ranks: Int, rows: Int? = nil, samples: [Int] = [0], extent: Extent = .blocks
  ) throws -> [(states: [[Float]], check: RowCheck?)] {
    let trajectory = try trajectory()
    return try VirtualRing.run(ranks) { ring in
      let batch = ScoreBatch<Float>(SpoiledModel(fault), rows: rows)
      let solution = try PicardSolver(
        trajectory, options: PicardOptions(extent: extent, trajectory: trajectory), batch: batch, ring: ring,
        noise: CounterNoise(seed: 1), samples: samples
      ).run()
      return (solution.samples.map(\.state), batch.check)
    }
  }

  private func failure(_ fault: SpoiledModel.Fault, ranks: Int, rows: Int? = nil) throws -> [RowDependence?] {
    let trajectory = try trajectory()
    return try VirtualRing.run(ranks) { ring in
      let solver = PicardSolver(
        trajectory, options: PicardOptions(trajectory: trajectory), batch: ScoreBatch<Float>(SpoiledModel(fault), rows: rows),
        ring: ring, noise: CounterNoise(seed: 1), samples: [0])
      do {
        _ = try solver.run()
        return nil
      } catch let error as RowDependence {
        return error
      }
    }
  }

  @Test("rows that depend on their company end a run on all ranks, and are cured alone", arguments: [1, 3])
  func company(ranks: Int) throws {
    for fault in [SpoiledModel.Fault.largestOfCall, .meanOfCall] {
      let found = try failure(fault, ranks: ranks)
      #expect(found.allSatisfy { $0?.cause == .company && $0?.isInRun == false }, "\(fault) \(found)")
      #expect(Set(found.map { $0?.difference }).count == 1)
      #expect(try failure(fault, ranks: ranks, rows: 1).allSatisfy { $0 == nil })
    }
  }

  @Test("company that counts in states of the run only is found when its rows are evaluated again", arguments: [1, 3])
  func companyInRun(ranks: Int) throws {
    let trajectory = try trajectory()
    let found = try VirtualRing.run(ranks) { ring -> RowDependence? in
      let model = SpoiledModel(.meanInRun)
      let solver = PicardSolver(
        trajectory, options: PicardOptions(trajectory: trajectory), batch: ScoreBatch<Float>(model), ring: ring,
        noise: CounterNoise(seed: 1), samples: [0, 1])
      try solver.checkRows()
      model.isInRun = ring.rank == ranks - 1
      do {
        _ = try solver.run()
        return nil
      } catch let error as RowDependence {
        return error
      }
    }
    #expect(found.allSatisfy { $0?.cause == .company && $0?.isInRun == true }, "\(found)")
  }

  @Test("a model that is not repeatable is refused, with rows alone too", arguments: [1, 3])
  func chance(ranks: Int) throws {
    for rows in [nil, 1, 8] {
      let found = try failure(.chance, ranks: ranks, rows: rows)
      #expect(found.allSatisfy { $0?.cause == .chance }, "\(rows as Int?) \(found)")
    }
  }

  @Test("where rows depend on the size of their call, each is evaluated alone, to the same bits on any number of ranks")
  func size() throws {
    let alone = try draw(.none, ranks: 1)
    for fault in [SpoiledModel.Fault.size, .sizeAbove(1), .sizeAbove(6)] {
      let one = try draw(fault, ranks: 1)
      let check = try #require(one[0].check)
      #expect(!check.isInvariant)
      #expect(check.sizes.allSatisfy { $0 <= 6 } && check.sizes.last == 1)
      for ranks in [2, 3] {
        #expect(try draw(fault, ranks: ranks).flatMap(\.states) == one[0].states)
      }
    }
    #expect(try draw(.sizeAbove(1), ranks: 1)[0].states == alone[0].states)
    #expect(alone[0].check?.isInvariant == true)
  }

  @Test("the check has no more rows than twice one round's, and none beyond two where rows are alone")
  func rows() throws {
    for (samples, extent, rows) in [
      (1, .blocks, nil), (5, .blocks, nil), (1, .window(8), nil), (3, .window(5), 4), (1, .window(2), nil), (1, .blocks, 1),
    ] as [(Int, Extent, Int?)] {
      let trajectory = try trajectory()
      let model = SpoiledModel(.none)
      let batch = ScoreBatch<Float>(model, rows: rows)
      let options = PicardOptions(extent: extent, trajectory: trajectory)
      let solver = PicardSolver(
        trajectory, options: options, batch: batch, ring: SingleRank(), noise: CounterNoise(seed: 1),
        samples: Array(0..<samples))
      try solver.checkRows()
      let round = options.largestLoad(trajectory, samples: samples, ranks: 1, dimension: 2)
      let before = model.calls
      _ = try solver.run()
      let check = try #require(batch.check)
      #expect(before.reduce(0, +) == check.rowsBefore)
      #expect(check.rowsBefore + check.rowsAgain <= 2 * round, "\(check)")
      #expect(check.rowsAgain >= 1 || batch.rows == 1)
      #expect(Set(model.calls).subtracting([1]).count <= 3)
      if rows == 1 { #expect(check.rowsBefore <= 2 && check.rowsAgain == 0) }
    }
  }

  @Test("a sequential run evaluates as many rows as it has samples")
  func sequential() throws {
    let trajectory = try trajectory()
    for fault in [SpoiledModel.Fault.none, .size] {
      let model = SpoiledModel(fault)
      _ = try SequentialSolver(
        trajectory, batch: ScoreBatch<Float>(model), noise: CounterNoise(seed: 1), samples: [0]
      ).run()
      #expect(model.calls == [Int](repeating: 1, count: trajectory.slices + 2))
    }
  }

  @Test("a model that takes long for a row gets fewer rows a call", arguments: [(0.2, 0.0, 2), (0.0, 0.1, 16)])
  func longCalls(row: Double, call: Double, expected: Int) throws {
    let model = SlowModel(secondsOfRow: row, secondsOfCall: call)
    let batch = ScoreBatch<Float>(model)
    try batch.checkRows(load: expected == 2 ? 3 : 16, of: trajectory(), samples: [0])
    #expect(batch.rows == expected)
  }
}

/// Takes its time.
private struct SlowModel: ScoreModel {
  let shape = [1]
  let parametrization = Parametrization.score
  let secondsOfRow: Double
  let secondsOfCall: Double

  func predict(_ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>) {
    for k in 0..<states.count { output[k] = -states[k] }
    Thread.sleep(forTimeInterval: secondsOfCall + Double(times.count) * secondsOfRow)
  }
}
