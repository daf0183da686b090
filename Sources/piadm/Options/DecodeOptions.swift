import ArgumentParser
import Foundation

/// What is made of finished latents.
struct DecodeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Decode the samples, which are latents: a folder with a decoder and its config.json, or a pipeline with vae_decoder/. (default: off)",
      valueName: "folder"))
  var decode: String?

  @Option(help: ArgumentHelp("The decoded samples. (default: beside --out, ending in -decoded.npy)", valueName: "file.npy"))
  var decoded: String?

  /// The file of decoded samples; `nil` where nothing is decoded.
  func file(beside out: String) -> String? {
    guard decode != nil else { return nil }
    return decoded ?? (out.hasSuffix(".npy") ? String(out.dropLast(4)) : out) + "-decoded.npy"
  }

  func validate() throws {
    if decode == nil, decoded != nil { throw ValidationError("--decoded needs --decode FOLDER") }
    guard decode != "", decoded != "" else { throw ValidationError("--decode and --decoded need a name") }
  }
}
