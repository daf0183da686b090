package import Diffusion
package import MPI
package import PicardSampler

/// The first rounds of a run on 1, 2, 4, ... and all ranks. They tell what the
/// parts of a round, measured one by one, do not: how much longer work takes
/// within a run, where data lie elsewhere and other ranks wait for messages, and
/// what a round takes beyond its parts.
package struct Calibration<Scalar: StateScalar & MPI.Scalar> {
  let trajectory: Trajectory
  let options: PicardOptions
  /// With the latency that the run adds to calls.
  let batch: ScoreBatch<Scalar>
  let noise: any NoiseSource
  /// At most so many samples.
  let samples: Int
  /// About how long a trial may take.
  let seconds: Double
  let stallTimeout: Double

  package init(
    trajectory: Trajectory, options: PicardOptions, batch: ScoreBatch<Scalar>, noise: any NoiseSource,
    samples: Int, seconds: Double, stallTimeout: Double
  ) {
    self.trajectory = trajectory
    self.options = options
    self.batch = batch
    self.noise = noise
    self.samples = samples
    self.seconds = seconds
    self.stallTimeout = stallTimeout
  }

  /// Replaces what a call and an update take, by what factor longer they take on so
  /// many ranks, and what a round takes beyond them, by what was seen; on rank 0.
  /// Collective.
  package func correct(_ cost: inout MachineCost, on counts: [Int], of world: Communicator) throws {
    for count in counts {
      var extent = world.rank == 0 ? extent(on: count, cost) : [0, 0, 0]
      try world.broadcast(&extent, root: 0)
      let (samples, rounds, repeats) = (extent[0], extent[1], extent[2])
      guard samples > 0 else { continue }
      let results = try (0..<repeats).compactMap { _ in
        try world.withSplit(color: world.rank < count ? 0 : 1, key: world.rank) { ranks in
          try world.onFirst(count) {
            try Pilot(
              trajectory: trajectory, options: options, batch: batch, noise: noise, samples: samples,
              end: .rounds(rounds), stallTimeout: stallTimeout
            ).run(over: ranks)
          }
        }
      }
      guard world.rank == 0, !results.isEmpty else { continue }
      let middle = results.sorted { $0.elapsedSeconds < $1.elapsedSeconds }[results.count / 2]
      correct(&cost, by: middle, on: count, samples: samples)
    }
  }

  /// Samples and rounds of a trial, and how often it is made: none where its
  /// first round alone would take far too long.
  private func extent(on ranks: Int, _ cost: MachineCost) -> [Int] {
    let open = options.extent.size(of: trajectory.longestStage)
    func round(_ samples: Int) -> Double {
      let slices = (samples * open + ranks - 1) / ranks
      let rows = options.rows(ofSlices: slices, dimension: batch.model.dimension)
      let calls = Double((rows + batch.rows - 1) / batch.rows)
      return (cost.score.time(of: rows) + Double(slices) * cost.update) * cost.slowdown(ranks: ranks)
        + calls * cost.latency
    }
    let affordable = (1...samples).last { round($0) <= seconds / 4 } ?? 1
    let estimate = max(round(affordable), 1e-6)
    guard estimate < 10 * seconds else { return [0, 0, 0] }
    let rounds = Int(max(2, min(seconds / estimate, 1e6)))
    return [affordable, rounds, estimate < seconds ? 3 : 1]
  }

  private func correct(
    _ cost: inout MachineCost, by result: Pilot<Scalar>.Result, on ranks: Int, samples: Int
  ) {
    func forecast(_ cost: MachineCost) -> RunForecast {
      RunForecast(
        trajectory, options: options, cost: cost, pattern: result.pattern, samples: samples,
        dimension: batch.model.dimension, scalarBytes: MemoryLayout<Scalar>.stride)
    }
    cost.overhead.removeAll { $0.ranks == ranks }
    cost.slowdown.removeAll { $0.ranks == ranks }
    if ranks == 1 {
      let expected = forecast(cost).workSeconds(ranks: 1)
      if expected.score > 0 { cost.score = cost.score.scaled(by: result.scoreSeconds / expected.score) }
      cost.update = result.updateSeconds / Double(max(1, result.visits))
      cost.slowdown.insert((1, 1), at: 0)
    } else {
      var undisturbed = cost
      undisturbed.slowdown = [(1, 1)]
      let expected = forecast(undisturbed).workSeconds(ranks: ranks)
      let factor = (result.scoreSeconds + result.updateSeconds) / max(expected.score + expected.update, 1e-9)
      cost.slowdown.append((ranks, max(1, factor)))
      cost.slowdown.sort { $0.ranks < $1.ranks }
    }
    var parts = cost
    parts.overhead = [(1, 0)]
    let rest = result.elapsedSeconds - forecast(parts).patternSeconds(ranks: ranks)
    cost.overhead.append((ranks, rest / Double(max(1, result.pattern.count))))
    cost.overhead.sort { $0.ranks < $1.ranks }
  }
}
