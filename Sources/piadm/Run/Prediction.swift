import ArgumentParser
import Foundation
import MPI
import PicardSampler
import Planning
import Results

/// What a run is predicted to take on a number of ranks.
struct Prediction: Encodable {
  let ranks: Int
  /// Setting up and sampling.
  let seconds: Double
  let samplingSeconds: Double
  /// Over the sequential sampler on one rank, setting up aside.
  let speedUp: Double
  let memoryBytes: Int
  let coreHours: Double
  /// The ranks are among those that were measured.
  let isAtHand: Bool

  var efficiency: Double { speedUp / Double(ranks) }

  private enum CodingKeys: String, CodingKey {
    case ranks, seconds, samplingSeconds, speedUp, efficiency, memoryBytes, coreHours, isAtHand
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(ranks, forKey: .ranks)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(samplingSeconds, forKey: .samplingSeconds)
    try container.encode(speedUp, forKey: .speedUp)
    try container.encode(efficiency, forKey: .efficiency)
    try container.encode(memoryBytes, forKey: .memoryBytes)
    try container.encode(coreHours, forKey: .coreHours)
    try container.encode(isAtHand, forKey: .isAtHand)
  }

  /// The least time; of numbers of ranks within a hundredth of it, the smallest.
  static func fastest(_ predictions: [Prediction]) -> Prediction? {
    guard let least = predictions.map(\.seconds).min() else { return nil }
    return predictions.first { $0.seconds <= 1.01 * least }
  }

  static func thriftiest(_ predictions: [Prediction]) -> Prediction? {
    predictions.min { $0.seconds * $0.coreHours < $1.seconds * $1.coreHours }
  }
}

/// What `plan --json` stores.
struct PlanRecord: Encodable {
  struct Pilot: Encodable {
    let rounds: Double
    let roundsRun: Int
    let samples: Int
    let ranks: Int
    let chunk: Int
    let window: WindowRecord?

    init<Scalar>(_ run: PlannedRun<Scalar>) {
      rounds = run.pattern.roundsInAll(of: run.setup.trajectory, stop: run.picard.stop) ?? 0
      roundsRun = run.pattern.count
      samples = run.pilotSamples
      ranks = run.pilotRanks
      chunk = run.picard.chunk
      window = WindowRecord(run.picard.extent)
    }
  }

  /// Seconds; by number of ranks where there are pairs.
  struct Machine: Encodable {
    struct Point: Encodable {
      let ranks: Int
      let value: Double
    }
    let scoreRows: [Int]
    let scoreSeconds: [Double]
    let scoreLatency: Double
    let updateSeconds: Double
    let slowdown: [Point]
    let overheadSeconds: [Point]
    let messageSeconds: [Point]
    let furtherMessageSeconds: Double
    let secondsPerByte: Double
    let agreementSeconds: [Point]
    let networkIsMeasured: Bool

    init(_ cost: MachineCost, isMeasured: Bool) {
      scoreRows = cost.score.rows
      scoreSeconds = cost.score.seconds
      scoreLatency = cost.latency
      updateSeconds = cost.update
      slowdown = cost.slowdown.map { Point(ranks: $0.ranks, value: $0.factor) }
      overheadSeconds = cost.overhead.map { Point(ranks: $0.ranks, value: $0.seconds) }
      messageSeconds = cost.hop.map { Point(ranks: $0.ranks, value: $0.seconds) }
      furtherMessageSeconds = cost.furtherMessage
      secondsPerByte = cost.secondsPerByte
      agreementSeconds = cost.agreement.map { Point(ranks: $0.ranks, value: $0.seconds) }
      networkIsMeasured = isMeasured
    }
  }

  let arguments: [String]
  let sequentialSeconds: Double
  let setupSeconds: Double
  let pilot: Pilot
  let machine: Machine
  let predictions: [Prediction]
  let fastest: Int
  let bestTimeTimesCost: Int
  let sbatch: String

  func write(to path: String) throws { try writeJSON(self, to: path) }
}

/// Writes a record as JSON with sorted keys.
func writeJSON(_ record: some Encodable, to path: String) throws {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
  try WholeFile(path).write(encoder.encode(record) + Data("\n".utf8))
}

/// The files that `plan` and `bench scaling` leave.
struct ScalingOutputs {
  let json: String?
  let plot: String?

  func validate() throws {
    guard json != "" else { throw ValidationError("--json: an output file needs a name") }
    if let plot, PictureFile(plot) == nil {
      throw ValidationError("--plot \(plot): name a file that ends in .png or .svg")
    }
    if let json, let plot, json.isSameFile(as: plot) {
      throw ValidationError("two outputs are named \(json)")
    }
  }

  /// Collective.
  func checkWritable(_ world: Communicator) throws {
    try world.agree {
      guard world.rank == 0 else { return }
      for path in [json, plot].compactMap({ $0 }) { try WholeFile(path).checkWritable() }
    }
  }
}
