import Diffusion
import Foundation
import MPI
import PicardSampler
import PicardSamplerMPI
import Planning
import Results

/// A run that is to be predicted, as far as this machine tells: its rounds, by a
/// pilot run, and what their parts take.
struct PlannedRun<Scalar: StateScalar & MPI.Scalar> {
  let sample: RunConfiguration
  let setup: Setup<Scalar>
  let picard: PicardOptions
  /// On rank 0.
  let forecast: RunForecast
  let cost: MachineCost
  /// On rank 0.
  let pattern: RunPattern
  let pilotRanks: Int
  let pilotSamples: Int
  let setupSeconds: Double
  /// Memory of a rank before its first round.
  let baseBytes: Int

  /// Measures. Collective.
  ///
  /// - Parameters:
  ///   - network: latency and bandwidth in place of measured ones.
  ///   - pilotSeconds: about how long the pilot run may take.
  init(
    _ sample: RunConfiguration, network: (latency: Double, bandwidth: Double)? = nil, pilotSeconds: Double,
    over world: Communicator
  ) throws {
    self.sample = sample
    let begin = ContinuousClock.now
    let placement = try Placement(world)
    let memory = HostMemory(ranks: placement.ranksBeside(world.rank))
    let setup = try world.agree {
      try Setup<Scalar>(
        sample, model: sample.model, ranks: world.size,
        processors: placement.threads(of: world.rank), memory: memory)
    }
    let opened = ContinuousClock.now
    self.setup = setup

    // Timed without the latency that a run adds to calls.
    let batch = setup.batch
    batch.latency = 0
    let measurement = MachineMeasurement(
      batch: batch, node: setup.grid.nodes[setup.grid.steps / 2], world: world)
    var score = try measurement.scoreCost()

    var solver = sample.solver
    let samples = (sample.sampler.samples + solver.groups - 1) / solver.groups
    let withLatency = ScoreCost(rows: score.rows, seconds: score.seconds.map { $0 + solver.scoreLatency })
    var tuner = RunTuner(sample, setup, withLatency, RoundMessages(round: 2e-5, hop: 2e-6), ranks: world.size)
    tuner.stated.solver = .picard
    solver.state(tuner.best.choice)
    let picard = solver.picard(setup.trajectory)
    self.picard = picard
    let measured = ContinuousClock.now
    try setup.checkRows(
      load: picard.largestLoad(setup.trajectory, samples: samples, ranks: 1, dimension: setup.model.dimension),
      samples: samples, over: world, solver)
    setupSeconds = try world.allReduce((opened - begin + (ContinuousClock.now - measured)) / .seconds(1), .maximum)
    baseBytes = try world.allReduce(peakMemoryBytes(), .maximum)
    if !setup.isBatchInvariant { score = score.limited(to: try world.allReduce(batch.rows, .minimum)) }
    var cost = MachineCost(score: score)
    cost.latency = solver.scoreLatency

    let open = picard.extent.size(of: setup.trajectory.longestStage)
    let rows = picard.rows(ofSlices: open, dimension: setup.model.dimension)
    cost.slowdown = try measurement.slowdown(rows: rows * samples, cost.score)

    // Ranks that share a processor would disturb the timing of updates.
    let pilotRanks = cost.slowdown.last { $0.factor < 1.5 }?.ranks ?? 1
    let calls = Double(pilotRanks) * pilotSeconds / 20
    let affordable = (1...samples).last {
      cost.score.time(of: $0 * rows) < calls
    }
    let pilotSamples = min(64, affordable ?? 1)
    (self.pilotRanks, self.pilotSamples) = (pilotRanks, pilotSamples)
    let result = try world.withSplit(color: world.rank < pilotRanks ? 0 : 1, key: world.rank) { ranks in
      try world.onFirst(pilotRanks) {
        try Pilot(
          trajectory: setup.trajectory, options: picard, batch: batch, noise: setup.noise,
          samples: pilotSamples, end: .seconds(pilotSeconds), stallTimeout: solver.stallTimeout
        ).run(over: ranks)
      }
    }
    pattern = result?.pattern ?? RunPattern()
    cost.update =
      (result?.updateSeconds ?? 0) / Double(max(1, result?.visits ?? 1)) / cost.slowdown(ranks: pilotRanks)
    func forecast(_ cost: MachineCost, samples: Int) -> RunForecast {
      RunForecast(
        setup.trajectory, options: picard, cost: cost, pattern: result?.pattern ?? RunPattern(),
        samples: samples, dimension: setup.model.dimension, scalarBytes: MemoryLayout<Scalar>.stride)
    }
    // Within a run a call finds other data in the caches than it left there.
    let alone = forecast(cost, samples: pilotSamples).workSeconds(ranks: pilotRanks).score
    if let result, alone > 0 { cost.score = cost.score.scaled(by: result.scoreSeconds / alone) }

    if let network {
      cost.hop = [(2, network.latency)]
      cost.secondsPerByte = 1 / network.bandwidth
      // One after another, as many as it takes for all ranks to hear of all.
      cost.agreement = [(2, network.latency)]
    } else {
      let sent = min(1 << 22, setup.model.dimension * MemoryLayout<Scalar>.stride)
      try measurement.network(into: &cost, messageBytes: sent, stallTimeout: solver.stallTimeout)
      cost.agreement = try measurement.agreement(
        numbers: min(1 << 16, samples * open), stallTimeout: solver.stallTimeout)
    }
    batch.latency = solver.scoreLatency
    // Where the network is another one, ranks together tell of the wrong one.
    try Calibration(
      trajectory: setup.trajectory, options: picard, batch: batch, noise: setup.noise,
      samples: pilotSamples, seconds: pilotSeconds / 40, stallTimeout: solver.stallTimeout
    ).correct(&cost, on: network == nil ? measurement.counts : [1], of: world)
    self.cost = cost
    self.forecast = forecast(cost, samples: samples)
  }

  /// The largest number of ranks that ever have work to do.
  var usefulRanks: Int {
    (picard.activeSlices(setup.trajectory) + picard.chunk - 1) / picard.chunk * sample.solver.groups
  }

  /// Seconds of sampling on so many ranks; `nil` where the pilot run does not
  /// tell, or there are fewer ranks than replicas.
  func seconds(ranks: Int) -> Double? {
    ranks >= sample.solver.groups ? forecast.seconds(ranks: ranks / sample.solver.groups) : nil
  }

  /// The sequential sampler with all samples on one rank.
  var sequentialSeconds: Double { forecast.sequentialSeconds * Double(sample.solver.groups) }

  /// Memory of the busiest rank: what it holds before the first round, and its
  /// share of the rows in which slices are kept.
  func memoryBytes(ranks: Int) -> Int {
    let slices = forecast.largestLoad(ranks: max(1, ranks / sample.solver.groups))
    let rows = Double(slices * picard.rows(for: setup.trajectory)) / Double(picard.activeSlices(setup.trajectory))
    return baseBytes + Int(rows.rounded(.up)) * setup.model.dimension * MemoryLayout<Scalar>.stride
  }
}
