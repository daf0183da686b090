import Diffusion
import PicardSampler
import Testing

/// A solver's state as it would lie in a file.
private struct Stored: Sendable {
  var progress: [SampleProgress] = []
  var pieces: [PieceKey: [UInt8]] = [:]

  init(_ parts: [Stored] = []) {
    progress = parts.first?.progress ?? []
    for part in parts { pieces.merge(part.pieces) { $1 } }
  }

  init(_ solver: some ResumableSolver) throws {
    progress = try solver.progress()
    try solver.forEachPiece { pieces[$0] = $1 }
  }
}

private struct Interrupted: Error {}
private struct Missing: Error {}

/// Draws the four samples 3 to 6 in 6 dimensions.
private struct Draw: Sendable {
  var solverCase = SamplerCase(method: .piadmSDE)
  var steps = 24
  var options: @Sendable (Trajectory) -> PicardOptions = { PicardOptions(trajectory: $0) }
  let samples = [3, 4, 5, 6]

  private func solver(_ ring: any Ring) throws -> PicardSolver<Double> {
    let trajectory = try solverCase.trajectory(steps: steps)
    return PicardSolver(
      trajectory, options: options(trajectory),
      batch: ScoreBatch<Double>(try mixture(6), rows: 16), ring: ring,
      noise: CounterNoise(seed: 42), samples: samples)
  }

  /// Stops after a round.
  /// - Returns: the state then; `nil` where the run has ended before.
  func state(afterRound round: Int, ranks: Int) throws -> Stored? {
    let parts = try VirtualRing.run(ranks) { ring -> Stored? in
      let solver = try solver(ring)
      var stored: Stored?
      do {
        _ = try solver.run {
          if $0.round == round {
            stored = try Stored(solver)
            throw Interrupted()
          }
        }
      } catch is Interrupted {}
      return stored
    }
    return parts.contains { $0 == nil } ? nil : Stored(parts.compactMap { $0 })
  }

  /// The samples, and the record, from the start or from a stored state.
  func finish(from stored: Stored? = nil, ranks: Int) throws -> (states: [[Double]], record: RunRecord) {
    let solutions = try VirtualRing.run(ranks) { ring in
      let solver = try solver(ring)
      if let stored {
        try solver.restore(stored.progress) { key in
          guard let piece = stored.pieces[key] else { throw Missing() }
          return piece
        }
      }
      return try solver.run()
    }
    let states = solutions.flatMap(\.samples).sorted { $0.number < $1.number }
    #expect(states.map(\.number) == samples)
    return (states.map(\.state), solutions[0].record)
  }
}

@Suite struct RestoreTests {
  @Test(
    "a state that was stored after any round gives the bits of the uninterrupted run on any number of ranks",
    arguments: [
      (SamplerCase(method: .piadmSDE), nil, nil, nil, 0), (SamplerCase(method: .piadmSDE), 8, nil, nil, 0),
      (SamplerCase(method: .piadmSDE, blocks: 3), nil, 4, nil, 0),
      (SamplerCase(method: .piadmODE, blocks: 3, correctorSteps: 5), nil, nil, nil, 0),
      (SamplerCase(method: .ddim, blocks: 2, correctorSteps: 5), 6, nil, 2, 0),
      (SamplerCase(method: .multistep), 7, nil, nil, 0), (SamplerCase(method: .multistep, blocks: 2), nil, nil, nil, 0),
      (SamplerCase(method: .ddpm), nil, nil, nil, 0), (SamplerCase(method: .ddpm), 9, 3, nil, 0), (SamplerCase(method: .ddpm), nil, nil, 3, 0),
      (SamplerCase(method: .ddpm), nil, nil, nil, 2), (SamplerCase(method: .piadmSDE), 8, nil, nil, 1),
      (SamplerCase(method: .multistep), 7, 3, 2, 1), (SamplerCase(method: .heun), 9, nil, nil, 0), (SamplerCase(method: .unipc3), nil, nil, nil, 0),
    ] as [(SamplerCase, Int?, Int?, Int?, Int)])
  func sameBits(_ solverCase: SamplerCase, window: Int?, iterations: Int?, anderson: Int?, probes: Int) throws {
    let draw = Draw(solverCase: solverCase) {
      PicardOptions(
        stop: iterations.map { .iterations($0) } ?? .tolerance(1e-3), extent: window.map { .window($0) } ?? .blocks, chunk: 3,
        anderson: anderson.map { AndersonMixing(history: $0) }, probes: probes, trajectory: $0)
    }
    let whole = try draw.finish(ranks: 1)
    #expect(whole.record.rounds > 4)
    for round in 1..<whole.record.rounds {
      let ranks = 1 + round % 3
      let stored = try #require(try draw.state(afterRound: round, ranks: ranks))
      for others in Set([1, 2, 4]).subtracting([ranks]) {
        let resumed = try draw.finish(from: stored, ranks: others)
        #expect(resumed.states == whole.states, "after round \(round), \(ranks) to \(others) ranks")
        #expect(resumed.record.rounds == whole.record.rounds)
        #expect(resumed.record.blocks == whole.record.blocks)
        #expect(resumed.record.largestChange == whole.record.largestChange)
      }
    }
  }

  @Test("a state that was stored while some slices are new goes on to the same bits", arguments: [0, 1])
  func sparseRounds(probes: Int) throws {
    let draw = Draw(steps: 64) {
      var options = PicardOptions(chunk: 9, probes: probes, trajectory: $0)
      options.stride = 8
      return options
    }
    let whole = try draw.finish(ranks: 1)
    for round in 1..<whole.record.rounds {
      let stored = try #require(try draw.state(afterRound: round, ranks: 1 + round % 2))
      #expect(try draw.finish(from: stored, ranks: 3).states == whole.states, "after round \(round)")
    }
  }

  @Test("a window that has grown goes on as it was")
  func grownWindow() throws {
    let draw = Draw(solverCase: SamplerCase(method: .ddpm), steps: 96) {
      PicardOptions(stop: .tolerance(1e-2), extent: .window(2, maximum: 24), chunk: 3, trajectory: $0)
    }
    let whole = try draw.finish(ranks: 1)
    var sizes: [Int] = []
    for round in 1..<whole.record.rounds {
      let stored = try #require(try draw.state(afterRound: round, ranks: 2))
      sizes.append(stored.progress[0].size)
      let resumed = try draw.finish(from: stored, ranks: 3)
      #expect(resumed.states == whole.states, "after round \(round)")
      #expect(resumed.record.rounds == whole.record.rounds)
    }
    #expect(Set(sizes).isSuperset(of: [2, 4, 8]))
  }

  @Test("what is stored does not depend on the number of ranks")
  func sameBytes() throws {
    let draw = Draw(solverCase: SamplerCase(method: .multistep)) {
      PicardOptions(extent: .window(8), chunk: 3, anderson: AndersonMixing(history: 2), trajectory: $0)
    }
    let alone = try #require(try draw.state(afterRound: 5, ranks: 1))
    #expect(alone.pieces.count > 8)
    for ranks in [2, 3, 7] {
      let stored = try #require(try draw.state(afterRound: 5, ranks: ranks))
      #expect(stored.progress == alone.progress)
      #expect(stored.pieces.filter { alone.pieces[$0.key] != $0.value }.keys.sorted() == [])
      #expect(stored.pieces.count == alone.pieces.count)
    }
  }

  @Test("a stored sequential run goes on to the same bits", arguments: SamplerCase.all)
  func sequential(_ solverCase: SamplerCase) throws {
    func solver() throws -> SequentialSolver<Float> {
      SequentialSolver(
        try solverCase.trajectory(steps: 12), batch: ScoreBatch<Float>(try mixture(6), rows: 16),
        noise: CounterNoise(seed: 1), samples: [0, 1, 2])
    }
    let whole = try solver().run()
    for round in 1...whole.record.rounds {
      let first = try solver()
      var stored = Stored()
      _ = try? first.run {
        if $0.round == round {
          stored = try Stored(first)
          throw Interrupted()
        }
      }
      let second = try solver()
      try second.restore(stored.progress) { stored.pieces[$0] ?? [] }
      #expect(try second.run().samples.map(\.state) == whole.samples.map(\.state), "after step \(round)")
    }
  }

  @Test("pieces of another length or with impossible numbers are refused")
  func damagedPieces() throws {
    let draw = Draw { PicardOptions(extent: .window(8), chunk: 3, anderson: AndersonMixing(history: 2), trajectory: $0) }
    let stored = try #require(try draw.state(afterRound: 3, ranks: 1))
    let key = try #require(stored.pieces.keys.min())
    let piece = try #require(stored.pieces[key])
    for bytes in [[], Array(piece.dropLast()), piece + [0], Array(repeating: 0xff, count: piece.count)] {
      var damaged = stored
      damaged.pieces[key] = bytes
      #expect(throws: StoredStateError.self) { try draw.finish(from: damaged, ranks: 1) }
    }
  }
}
