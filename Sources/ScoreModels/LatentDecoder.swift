import Foundation
public import InputFiles

/// The decoder of a latent model: a network that makes a sample of data of a latent, exported
/// as Optimum does (`vae_decoder/`), with the `config.json` of its autoencoder.
///
/// Latents are decoded one by one, so that the result does not depend on how they are
/// shared out.
public final class LatentDecoder {
  /// Shape of a decoded sample.
  public let shape: [Int]
  /// What happens to latents before, in words.
  public let scaling: String

  /// Shape of a latent.
  public let latentShape: [Int]
  private let factors: LatentScaling
  private let network: CompiledNetwork<Ports>

  private struct Ports {
    var input: NetworkPort
    var output: NetworkPort
  }

  /// Reads, checks and compiles the decoder.
  ///
  /// - Parameters:
  ///   - path: the folder of the decoder, or of a pipeline that has it as `vae_decoder`.
  ///   - latentShape: the shape of one latent.
  ///   - threads: threads of one evaluation.
  ///   - files: records what is read.
  /// - Throws: `ScoreModelError` for what is missing, damaged, or takes no such latents.
  public init(folder path: String, latentShape: [Int], threads: Int, files: InputFiles) throws {
    self.latentShape = latentShape
    let folder = ModelFolder(path, files) { .option("decode \($0)") }
    let (place, prefix) = try Self.find(in: folder)
    let file = try NetworkFile(at: place, in: folder)
    let configurations = [prefix + "config.json", "vae/config.json"]
    guard let configuration = configurations.first(where: { folder.has($0) }) else {
      throw ScoreModelError(
        .missingFile,
        "\(folder.path(of: configurations[0])): no such file; needed: the autoencoder's config.json, or one that says "
          + #"{"scaling_factor": 1}, where latents are decoded as they are"#)
    }
    factors = try LatentScaling(JSONObject(at: configuration, in: folder))
    scaling = factors.description
    guard factors.mean.isEmpty || factors.mean.count == latentShape[0] else {
      throw ScoreModelError(
        .badData,
        "\(folder.path(of: configuration)): \"latents_mean\" has \(factors.mean.count) numbers for latents of \(latentShape[0]) channels")
    }
    network = try CompiledNetwork(file, threads: threads, library: OpenVINOLibrary(), inputShape: [1] + latentShape) {
      inputs, outputs in
      func list(_ ports: [NetworkPort]) -> String { ports.map { "\($0.name) \($0.shapeText)" }.joined(separator: ", ") }
      let output = outputs.count == 1 ? outputs[0] : outputs.first { $0.name == "sample" }
      guard inputs.count == 1, let output, let shape = output.shape, shape.count >= 2, shape[0] == 1,
        shape.allSatisfy({ $0 != nil })
      else {
        throw ScoreModelError(
          .badData,
          "\(file.path): is no decoder. Needed: one input of latents [batch, shape...] and an output [batch, shape...]; the "
            + "inputs are: \(list(inputs)); the outputs are: \(list(outputs))")
      }
      return Ports(input: inputs[0], output: output)
    }
    shape = (network.interface.output.shape ?? []).dropFirst().compactMap { $0 }
  }

  /// The network's place, and that of its folder.
  private static func find(in folder: ModelFolder) throws -> (place: String, prefix: String) {
    let prefixes = ["vae_decoder/", "decoder/", ""]
    let places = prefixes.flatMap { prefix in NetworkFile.names.map { (prefix + $0, prefix) } }
    // A pipeline's own network at the top is no decoder; its decoder has a folder.
    guard let found = places.first(where: { folder.has($0.0) }) else {
      throw ScoreModelError(
        .missingFile, "\(folder.path): holds no decoder: neither \(places.map(\.0).joined(separator: " nor "))")
    }
    return found
  }

  /// A decoded sample.
  ///
  /// - Throws: what keeps the network from being evaluated; numbers that are not finite.
  public func decode(_ latent: [Float]) throws -> [Float] {
    let input = factors.apply(latent)
    var output = [Float](repeating: .nan, count: shape.reduce(1, *))
    try input.withUnsafeBufferPointer { input in
      try output.withUnsafeMutableBufferPointer { output in
        guard let from = input.baseAddress, let to = output.baseAddress else { return }
        let ports = network.interface
        try network.evaluate(
          [NetworkMemory(port: ports.input, shape: [1] + latentShape, values: from)], ports.output, shape: [1] + shape,
          into: to)
      }
    }
    guard output.allSatisfy(\.isFinite) else {
      throw ScoreModelError(.evaluation, "the decoder returned a number that is not finite for a finite latent")
    }
    return output
  }
}
