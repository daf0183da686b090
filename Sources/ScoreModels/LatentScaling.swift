import Foundation

/// How latents of a sampler become those of a decoder, as the `config.json` of a diffusers
/// autoencoder states it: `latent deviation / scale + mean + shift`.
struct LatentScaling: Hashable, Sendable {
  /// `scaling_factor`.
  var scale = 1.0
  /// `shift_factor`.
  var shift = 0.0
  /// `latents_mean`, of each channel; empty for none.
  var mean: [Double] = []
  /// `latents_std`, of each channel; empty for none.
  var deviation: [Double] = []

  /// The factor of classes whose files need not state one (Rombach et al., CVPR 2022).
  private static let ownScale = ["AutoencoderKL": 0.18215, "VQModel": 0.18215, "AutoencoderTiny": 1]

  init(_ object: JSONObject) throws {
    var object = object
    mean = try object.numbers("latents_mean") ?? []
    deviation = try object.numbers("latents_std") ?? []
    shift = try object.number("shift_factor") ?? 0
    guard mean.count == deviation.count, deviation.allSatisfy({ $0 > 0 }) else {
      throw ScoreModelError(
        .badData,
        "\(object.file): \"latents_mean\" has \(mean.count) numbers and \"latents_std\" \(deviation.count); one a channel each, "
          + "the latter above 0, is needed")
    }
    let known = try Self.ownScale[object.string("_class_name") ?? ""] ?? (mean.isEmpty ? nil : 1)
    guard let scale = try object.number("scaling_factor") ?? known else {
      throw object.missing("scaling_factor", needed: "the number that latents are divided by before they are decoded")
    }
    guard scale > 0 else { throw object.wrong("scaling_factor", .number(scale), needed: "a number above 0") }
    self.scale = scale
  }

  func apply(_ latent: [Float]) -> [Float] {
    guard !mean.isEmpty else { return latent.map { Float(Double($0) / scale + shift) } }
    let length = latent.count / mean.count
    return latent.enumerated().map { index, value in
      let channel = index / length
      return Float(Double(value) * deviation[channel] / scale + mean[channel] + shift)
    }
  }

  var description: String {
    var text = "divided by \(scale)"
    if !mean.isEmpty { text = "times latents_std a channel, \(text), plus latents_mean" }
    return shift == 0 ? text : "\(text), plus \(shift)"
  }
}
