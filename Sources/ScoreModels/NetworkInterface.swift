import COpenVINO

/// Names of a network's inputs and output, where they are stated.
public struct NetworkNames: Hashable, Sendable {
  /// The input of the noisy sample; `nil` where its name or shape tells.
  public var sample: String?
  /// The input of the noise level; `nil` where its name or shape tells.
  public var time: String?
  /// The output that is the prediction; `nil` where its name or shape tells.
  public var output: String?

  /// Without names, those that exporters use, and shapes, tell.
  public init(sample: String? = nil, time: String? = nil, output: String? = nil) {
    self.sample = sample
    self.time = time
    self.output = output
  }
}

/// Which input of a network is the sample, which the timestep, which are
/// further ones, and which output is the prediction: as stated, by the names that
/// exporters use, or by shape.
struct NetworkInterface {
  let sample: NetworkPort
  let timestep: NetworkPort
  let prediction: NetworkPort
  /// The prediction has twice the sample's channels, the second half of which is of the
  /// variance of steps.
  let hasVariance: Bool
  /// Further inputs.
  let conditions: [NetworkPort]
  /// Rows of every call; `nil` where they are free.
  let batch: Int?
  /// All rows of a call share one timestep.
  let sharesTimestep: Bool

  private static let sampleNames = ["sample", "hidden_states", "latent_model_input", "noisy_sample", "noisy", "latents", "x"]
  private static let timeNames = ["timestep", "timesteps", "t", "time", "sigma", "sigmas", "noise_level", "noise_labels", "c_noise"]
  /// Names for which the prediction is taken whatever the other outputs are called.
  private static let mainOutputNames = ["out_sample", "sample"]
  private static let outputNames = [
    "noise_pred", "model_output", "prediction", "denoised", "velocity", "epsilon", "eps", "noise", "score", "output",
  ]

  /// - Throws: `ScoreModelError` that lists inputs and outputs, where they are not to
  ///   be told apart.
  init(inputs: [NetworkPort], outputs: [NetworkPort], names: NetworkNames = NetworkNames(), file: String) throws {
    func list(_ ports: [NetworkPort]) -> String {
      ports.isEmpty ? "none" : ports.map { "\($0.name) \($0.shapeText)" }.joined(separator: ", ")
    }
    func refuse(_ what: String, mend: String = "") -> ScoreModelError {
      ScoreModelError(
        .badData,
        "\(file): \(what)\(mend). Needed: inputs 'sample' [batch, shape...] and 'timestep' [batch] or [], and an output in "
          + "the sample's shape; the inputs are: \(list(inputs)); the outputs are: \(list(outputs))")
    }
    let mend = "; name it in a piadm.json beside the network"
    /// The port of a stated name, or else the only one that fits, or the first of them by its name.
    func input(_ stated: String?, _ known: [String], what: String, fits: (NetworkPort) -> Bool) throws -> NetworkPort {
      if let stated {
        guard let port = inputs.first(where: { $0.name == stated }) else {
          throw refuse("it has no input '\(stated)', which is stated to be its \(what)")
        }
        return port
      }
      if let port = inputs.first(where: { $0.name == known[0] }) { return port }
      let fitting = inputs.filter { fits($0) && $0.name != names.sample && $0.name != names.time }
      if fitting.count == 1 { return fitting[0] }
      for name in known { if let port = fitting.first(where: { $0.name == name }) { return port } }
      throw refuse("it has no input '\(known[0])', and \(fitting.count) inputs in the shape of one", mend: mend)
    }
    let sample = try input(names.sample, Self.sampleNames, what: "sample") { input in
      input.name != "timestep" && (input.shape?.count ?? 0) >= 2
        && outputs.contains { $0.mayHaveShape(of: input) || $0.hasTwiceTheChannels(of: input) }
    }
    guard let lengths = sample.shape, lengths.count >= 2, lengths.allSatisfy({ $0 != 0 }) else {
      throw refuse("its input '\(sample.name)' has shape \(sample.shapeText)")
    }
    func isTime(_ port: NetworkPort) -> Bool {
      guard let shape = port.shape else { return false }
      return shape.dropFirst().allSatisfy { $0 == 1 } && (shape.first.map { $0 == nil || $0 == 1 || $0 == lengths[0] } ?? true)
    }
    let timestep = try input(names.time, Self.timeNames, what: "noise level") { $0 != sample && isTime($0) }
    guard isTime(timestep), let times = timestep.shape else {
      throw refuse("its input '\(timestep.name)' has shape \(timestep.shapeText)")
    }
    self.sample = sample
    self.timestep = timestep
    prediction = try {
      if let stated = names.output {
        guard let port = outputs.first(where: { $0.name == stated }) else {
          throw refuse("it has no output '\(stated)', which is stated to be its prediction")
        }
        guard port.mayHaveShape(of: sample) || port.hasTwiceTheChannels(of: sample) else {
          throw refuse("its output '\(stated)' has shape \(port.shapeText)")
        }
        return port
      }
      let exact = outputs.filter { $0.mayHaveShape(of: sample) }
      let fitting = exact.isEmpty ? outputs.filter { $0.hasTwiceTheChannels(of: sample) } : exact
      if fitting.count == 1 { return fitting[0] }
      guard !fitting.isEmpty else {
        let shapes = outputs.map(\.shapeText).joined(separator: ", ")
        throw refuse("its output has shape \(shapes.isEmpty ? "none" : shapes)")
      }
      for name in Self.mainOutputNames { if let port = fitting.first(where: { $0.name == name }) { return port } }
      let named = fitting.filter { Self.outputNames.contains($0.name) }
      guard named.count == 1 else {
        throw refuse(
          "it has \(fitting.count) outputs in the sample's shape (\(fitting.map(\.name).joined(separator: ", ")))",
          mend: "; say which is the prediction with `output` NAME, or in a piadm.json beside the network")
      }
      return named[0]
    }()
    hasVariance = !prediction.mayHaveShape(of: sample)
    conditions = inputs.filter { $0 != sample && $0 != timestep }
    // Where a tracer has written its own batch of one into the graph, the output shows it.
    batch = lengths[0] ?? prediction.shape?[0]
    sharesTimestep = times.isEmpty || times[0] == 1 && batch != 1
  }

  /// The shape of one sample, its free axes taken from `stated`.
  func sampleShape(stated: [Int]?, file: String) throws -> [Int] {
    let lengths = (sample.shape ?? []).dropFirst()
    if let stated {
      guard stated.count == lengths.count, zip(stated, lengths).allSatisfy({ $1 == nil || $0 == $1 }) else {
        throw ScoreModelError(
          .usage,
          "`sampleShape` \(stated.map { "\($0)" }.joined(separator: ",")) does not fit \(file), whose input '\(sample.name)' has shape \(sample.shapeText)"
        )
      }
      return stated
    }
    let known = lengths.compactMap { $0 }
    guard known.count == lengths.count else {
      throw ScoreModelError(
        .usage,
        "\(file): its input '\(sample.name)' has shape \(sample.shapeText), free where it says ?: state a sample's shape with `sampleShape`, as in `sampleShape` \(lengths.map { "\($0 ?? 32)" }.joined(separator: ","))"
      )
    }
    return known
  }
}

extension NetworkPort {
  /// The shape is that of `other`, but for an axis of channels twice as long.
  fileprivate func hasTwiceTheChannels(of other: NetworkPort) -> Bool {
    guard let shape, var lengths = other.shape, lengths.count > 1, let channels = lengths[1] else { return false }
    lengths[1] = 2 * channels
    return shape.count == lengths.count && zip(shape, lengths).allSatisfy { $0 == nil || $0 == $1 || $1 == nil } && shape[1] != nil
  }

  /// The shapes are equal, or may be where axes are free. The first axis, of
  /// the rows of a call, must be free where that of `other` is free; or one, where all
  /// others are known and equal.
  fileprivate func mayHaveShape(of other: NetworkPort) -> Bool {
    guard let shape, let lengths = other.shape else { return shape == nil }
    guard shape.count == lengths.count else { return false }
    let isOfOne = shape.first == 1 && zip(shape, lengths).dropFirst().allSatisfy { $0 != nil && $0 == $1 }
    return zip(shape, lengths).enumerated().allSatisfy { axis, pair in
      pair.0 == nil || pair.0 == pair.1 || pair.1 == nil && (axis > 0 || isOfOne)
    }
  }
}
