import Diffusion
import Foundation
import InputFiles
import PicardSampler
import Results
import ScoreModels

/// What a model is, for people and as JSON.
struct ModelDescription: Encodable {
  struct Range: Encodable {
    let least: Double
    /// Absent where training went up to pure noise.
    let greatest: Double?
  }

  let model: String
  let kind: String
  let files: [String]
  let shape: [Int]
  let dimension: Int
  let prediction: String
  /// What is done to estimates of the clean sample; absent where nothing is.
  let bound: String?
  let schedule: String?
  let scheduler: String?
  /// The scheduler's own method; absent where it is not implemented.
  let ownMethod: String?
  /// Keys of its file that the scheduler does not read.
  let ignoredKeys: [String]?
  let noiseTimes: Range?
  let inputs: [String]?
  /// The output that is the prediction.
  let output: String?
  let parameters: Int?
  let openvino: String?
  let threads: Int?
  var check: ModelCheck?
  /// A row by another runtime.
  var against: RuntimeComparison?
  private let schedulerLines: [String]

  private enum CodingKeys: CodingKey {
    case model, kind, files, shape, dimension, prediction, bound, schedule, scheduler, ownMethod, ignoredKeys
    case noiseTimes, inputs, output, parameters, openvino, threads, check, against
  }

  init(_ model: any ScoreModel<Float>, named name: String, _ source: ModelSource, _ read: InputFiles) {
    self.model = name
    kind = source.kind
    files = read.entries.compactMap { if case .model = $0.role { $0.path } else { nil } }
    shape = model.shape
    dimension = model.dimension
    let channels = (model as? OpenVINOModel<Float>)?.convention.channels
    prediction =
      model.parametrization.text
      + (channels.map { ", by a network inside EDM's preconditioning with sigma_data \($0.deviations) by channel" } ?? "")
    bound = model.bound.map { $0.text }
    let told = (model.schedule as? ContinuousSchedule).map { "; the network is told \($0.input.description)" }
    schedule = model.schedule.map { $0.description.namingOptions + (told ?? "") }
    noiseTimes = model.schedule.map { schedule in
      let (least, greatest) = schedule.trainedTimes
      return Range(least: least.s, greatest: greatest.s.isFinite ? greatest.s : nil)
    }
    let network = model as? OpenVINOModel<Float>
    let summary = network?.scheduler
    scheduler = summary?.className
    ownMethod = if case .here(let method) = model.ownMethod { method.rawValue } else { nil }
    ignoredKeys = summary?.ignoredKeys
    schedulerLines = [summary?.text, summary?.ignored].compactMap { $0 }
    inputs = network.map { $0.inputs.map(\.description) }
    output = network?.output
    parameters = network?.parameterCount
    openvino = network?.library.version
    threads = network?.threads
  }

  var text: String {
    var lines = [("model", model), ("kind", kind)]
    lines += files.enumerated().map { ($0 == 0 ? "files" : "", $1) }
    lines.append(("shape", shape.map { "\($0)" }.joined(separator: " x ") + " (\(dimension) numbers)"))
    lines.append(("predicts", prediction))
    if let bound { lines.append(("estimates", bound)) }
    lines.append(("schedule", schedule ?? "none: continuous in time"))
    lines += schedulerLines.enumerated().map { ($0 == 0 ? "scheduler" : "", $1) }
    if let noiseTimes {
      let least = String(format: "%.3g", noiseTimes.least)
      lines.append(("noise times", "\(least) to \(noiseTimes.greatest.map { String(format: "%.3g", $0) } ?? "pure noise")"))
    } else {
      lines.append(("noise times", "all"))
    }
    lines += (inputs ?? []).enumerated().map { ($0 == 0 ? "inputs" : "", $1) }
    if let output { lines.append(("output", output)) }
    if let parameters { lines.append(("parameters", "\(parameters)")) }
    if let openvino, let threads {
      lines.append(("evaluated by", "OpenVINO \(openvino), \(threads) thread\(threads == 1 ? "" : "s")"))
    }
    return lines.map { $0.padding(toLength: 14, withPad: " ", startingAt: 0) + $1 + "\n" }.joined()
  }

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try WholeFile(path).write(encoder.encode(self) + Data("\n".utf8))
  }
}

/// A model's self-test at noise times of its range, and the time of its rows.
struct ModelCheck: Encodable {
  struct Finding: Encodable {
    let property: String
    let holds: Bool
    let detail: String
  }

  struct Timing: Encodable {
    let rows: Int
    /// Of a row, the shortest of a few calls.
    let seconds: Double
  }

  /// How the declared convention fits, and what fits clearly better.
  struct Convention: Encodable {
    let misfit: Double
    let better: String?
    let warnings: [String]
  }

  let findings: [Finding]
  /// Absent where the range of noise is too narrow to tell, or the network cannot be evaluated.
  let convention: Convention?
  let isUsable: Bool
  let times: [Timing]
  /// A noise time in the middle of the model's range.
  let middle: NoiseTime

  private enum CodingKeys: CodingKey { case findings, convention, isUsable, times }

  init(_ model: any ScoreModel<Float>, named name: String) throws {
    let rows = max(2, ScoreBatch<Float>.defaultRows(dimension: model.dimension))
    // States, predictions of several calls, and what a plug-in is handed.
    let bytes = 64 * Double(rows) * Double(model.dimension)
    guard bytes <= Double(ProcessInfo.processInfo.physicalMemory) else {
      throw BadData("\(name): \(rows) samples of \(model.dimension) numbers do not fit into this machine's memory")
    }
    let nodes = try Self.nodes(model)
    middle = nodes[nodes.count / 2]
    let test = try SelfTest(of: model, at: nodes, rows: rows)
    findings = test.findings.map { Finding(property: $0.property.rawValue, holds: $0.holds, detail: $0.detail) }
    isUsable = test.isUsable
    // A network that cannot be evaluated has failed the test.
    convention = try? ConventionCheck.of(model).map {
      Convention(misfit: $0.declared.misfit, better: $0.better?.words, warnings: $0.warnings(bound: model.bound))
    }
    times = try isUsable ? [1, rows].map { try Self.time(model, rows: $0, at: nodes[nodes.count / 2]) } : []
  }

  /// Noise times over the model's range, or from near the data to noise.
  private static func nodes(_ model: any ScoreModel<Float>) throws -> [NoiseTime] {
    let range = model.schedule?.trainedTimes ?? (least: NoiseTime(s: 1e-3), greatest: NoiseTime(s: 10))
    // Pure noise is at infinity; past 20 the data's share is below 1e-4.
    return try TimeGrid.shrinking(
      steps: 15, horizon: min(range.greatest.s, 20), earlyStop: max(range.least.s, 1e-6)
    ).nodes
  }

  private static func time(_ model: any ScoreModel<Float>, rows: Int, at node: NoiseTime) throws -> Timing {
    let states: [Float] = CounterNoise(seed: 0).normals(
      rows * model.dimension, stream: .initialState, step: 0, sample: 0)
    let times = [NoiseTime](repeating: node, count: rows)
    let samples = [Int](repeating: 0, count: rows)
    var output = states
    let clock = ContinuousClock()
    var shortest = Duration.seconds(3600)
    let start = clock.now
    repeat {
      var span = output.mutableSpan
      let begin = clock.now
      try model.predict(states.span, at: times.span, of: samples.span, into: &span)
      shortest = min(shortest, clock.now - begin)
    } while clock.now - start < .milliseconds(50)
    return Timing(rows: rows, seconds: shortest / .seconds(1) / Double(rows))
  }

  var text: String {
    var lines = findings.enumerated().map { index, finding in
      (index == 0 ? "check" : "", "\(finding.property): \(finding.holds ? "holds" : "DOES NOT HOLD"), \(finding.detail)")
    }
    if let convention {
      let told =
        convention.warnings.isEmpty ? [String(format: "misfit %.2g of what is declared; 0 is exact", convention.misfit)] : convention.warnings
      lines += told.enumerated().map { ($0 == 0 ? "convention" : "", $1) }
    }
    lines += times.enumerated().map { index, timing in
      let count = timing.rows == 1 ? "1 row" : "\(timing.rows) rows together"
      return (index == 0 ? "time" : "", String(format: "%.4g ms a row, %@", timing.seconds * 1e3, count))
    }
    return lines.map { $0.padding(toLength: 14, withPad: " ", startingAt: 0) + $1 + "\n" }.joined()
  }
}

extension ConventionCheck {
  /// Checks a network or plug-in; `nil` for closed forms, which are what they say, and where
  /// the range of noise is too narrow to tell.
  static func of<Scalar: StateScalar>(_ model: any ScoreModel<Scalar>) throws -> ConventionCheck? {
    func check(_ model: some ScoreModel, isLarge: Bool) throws -> ConventionCheck? {
      // Of a large network each row takes a good part of a second.
      try ConventionCheck(of: model, levels: isLarge ? 4 : 10)
    }
    switch model {
    case let network as OpenVINOModel<Scalar>:
      return try network.withoutGuidance { try check(network, isLarge: network.isLarge) }
    case let plugin as PluginModel<Scalar>: return try check(plugin, isLarge: false)
    default: return nil
    }
  }
}

extension ModelSource {
  fileprivate var kind: String {
    switch self {
    case .digits: "network that comes with the program"
    case .folder: "network in a folder"
    case .target: "closed-form target"
    case .plugin: "plug-in"
    }
  }
}

extension EstimateBound {
  fileprivate var text: String {
    switch kind {
    case .clip(let limit): "of the clean sample are held to [\(-limit), \(limit)] (clip_sample)"
    case .dynamicThreshold(let quantile, let greatest):
      "of the clean sample are held to their quantile \(quantile), at most \(greatest) (thresholding)"
    }
  }
}

extension Parametrization {
  /// What the network predicts and what it is handed, in words.
  var text: String {
    let predicted =
      switch prediction {
      case .score: "score"
      case .noise: "noise (epsilon)"
      case .velocity: "velocity (v = alpha noise - sigma sample)"
      case .sample: "clean sample"
      case .flow: isNegated ? "flow velocity (sample - noise)" : "flow velocity (noise - sample)"
      case .preconditioned(let deviation): "network F of a denoiser, for data of deviation \(deviation)"
      }
    let sign = isNegated && prediction != .flow ? "minus the " : ""
    let handed =
      switch scaling {
      case .variancePreserving: ""
      case .varianceExploding: ", from x = sample + sigma noise"
      case .flow: ", from (1 - q) sample + q noise"
      case .unitVariance: ", from x scaled to unit variance"
      }
    return sign + predicted + handed
  }
}
