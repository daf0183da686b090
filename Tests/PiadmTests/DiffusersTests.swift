import Foundation
import Launching
import NumPyFormat
import Testing

/// A model as diffusers exports it, with the samples that diffusers draws from
/// it; `Diffusers/make-diffusers.py` makes them.
private struct ExportedModel: CustomTestStringConvertible {
  let name: String

  var testDescription: String { name }

  static let folder = Bundle.module.resourceURL!.appending(path: "Diffusers")

  static var all: [ExportedModel] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { FileManager.default.fileExists(atPath: "\(folder.path)/\($0)/run.json") }
      .sorted().map { ExportedModel(name: $0) }
  }

  /// Puts the model into a workplace.
  func copy(to place: Workplace) throws {
    try FileManager.default.copyItem(
      atPath: Self.folder.appending(path: name).path, toPath: "\(place.path)/model")
  }

  struct Run: Decodable {
    var options: [String]
    /// Of the largest difference over the largest magnitude expected.
    var tolerance: Double
  }

  var run: Run {
    get throws {
      try JSONDecoder().decode(Run.self, from: Data(contentsOf: Self.folder.appending(path: "\(name)/run.json")))
    }
  }

  /// The options that draw the expected samples, in a folder that holds the
  /// model as `model`.
  var options: [String] {
    get throws {
      try run.options.map { option in
        option.replacing(#/(^|=)([a-z]+\.npy)$/#) { "\($0.output.1)model/\($0.output.2)" }
      }
    }
  }
}

extension CommandLineTests {
  /// Against diffusers, from the same latents and step noise. These tests need
  /// OpenVINO and fail, naming it, where it is missing.
  @Suite struct Diffusers {
    /// The largest difference, over the largest magnitude that is expected.
    private func difference(_ place: Workplace) throws -> Double {
      let drawn = try place.array("samples.npy")
      let expected = try place.array("model/expected.npy")
      try #require(drawn.shape == expected.shape)
      let scale = try #require(expected.doubles.map(abs).max())
      return zip(drawn.doubles, expected.doubles).map { abs($0 - $1) }.max()! / scale
    }

    @Test("all kinds of scheduler, prediction and spacing are there")
    func allCases() {
      #expect(ExportedModel.all.count == 27)
    }

    /// diffusers computes in single precision, and Euler schedulers in the
    /// scale of their largest noise level, 4096 at most here: a few thousand
    /// roundings of 6e-8, or one of 4096 times that.
    @Test("the sequential solver draws the samples of diffusers", arguments: ExportedModel.all)
    fileprivate func sequential(_ model: ExportedModel) throws {
      let place = try Workplace()
      try model.copy(to: place)
      _ = try place.digest(["model", "--solver", "sequential"] + model.options)
      #expect(try difference(place) <= model.run.tolerance)
    }

    @Test("the parallel solver draws the samples of diffusers on 2 ranks", arguments: ExportedModel.all)
    fileprivate func parallel(_ model: ExportedModel) throws {
      let place = try Workplace()
      try model.copy(to: place)
      _ = try place.digest(["model", "--tolerance", "1e-5"] + model.options, ranks: 2)
      #expect(try difference(place) <= model.run.tolerance)
    }

    /// The bound makes the integrated function a nonlinear one; the sequential
    /// sampler stays the fixed point.
    @Test(
      "bounded estimates leave the fixed point where it is, for every linearization",
      arguments: ["ddim-leading-clipped", "ddim-linspace-threshold"], ["frozen", "increment", "none", "secant"])
    func linearizations(name: String, linearization: String) throws {
      let place = try Workplace()
      let model = ExportedModel(name: name)
      try model.copy(to: place)
      let sequential = try place.digest(["model", "--solver", "sequential"] + model.options)
      let picard = try place.digest(
        ["model", "--tolerance", "0", "--linearization", linearization] + model.options, ranks: 2)
      #expect(picard == sequential)
    }

    @Test("a model that cannot be used is refused with what mends it")
    func refusals() throws {
      let place = try Workplace()
      try ExportedModel(name: "ddim-leading").copy(to: place)
      func refusal(_ options: [String] = []) throws -> MPIRun {
        try place.run(["sample", "model", "--steps", "2"] + options, ranks: 2)
      }
      let configuration = "model/scheduler/scheduler_config.json"
      let settings = try String(decoding: place.read(configuration), as: UTF8.self)
      try place.write(settings.replacing("DDIMScheduler", with: "KarrasScheduler"), to: configuration)
      try refusal().expectRefusal(65, "KarrasScheduler", "DDPMScheduler", configuration)
      try place.write(settings.replacing("scaled_linear", with: "sigmoid"), to: configuration)
      try refusal().expectRefusal(65, "sigmoid", "scaled_linear")
      try place.write(settings, to: configuration)
      try refusal(["--shape", "1,4,5"]).expectRefusal(64, "--shape 1,4,5", "[?, 1, 4, 4]")
      try refusal(["--condition", "labels=model/initial.npy"]).expectRefusal(64, "labels", "none")

      let weights = "weights.bin"
      let bytes = try place.read("model/unet/\(weights)")
      try bytes.prefix(bytes.count - 1).write(to: URL(fileURLWithPath: "\(place.path)/model/unet/\(weights)"))
      try refusal().expectRefusal(65, weights, "shorter")
      try FileManager.default.removeItem(atPath: "\(place.path)/model/unet/\(weights)")
      try refusal().expectRefusal(66, weights, "missing")
      let network = try place.read("model/unet/model.onnx")
      try network.prefix(network.count / 2).write(to: URL(fileURLWithPath: "\(place.path)/model/unet/model.onnx"))
      try refusal().expectRefusal(65, "model.onnx", "damaged")
      try FileManager.default.removeItem(atPath: "\(place.path)/model/unet")
      try refusal().expectRefusal(66, "unet/model.onnx")
      #expect(try place.content == ["model"])
    }

    @Test(
      "a network that is whole and cannot be sampled is refused with what is needed",
      arguments: [
        ("flat-output.onnx", ["output has shape [1, ?]", "Needed", "the sample's shape"]),
        ("further-input.onnx", ["'labels' [?, 3] is supplied by nobody", "--condition labels="]),
      ])
    func otherNetworks(file: String, words: [String]) throws {
      let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "ScoreModelsTests/Fixtures")
      let place = try Workplace()
      try ExportedModel(name: "ddpm-epsilon").copy(to: place)
      try place.write([UInt8](Data(contentsOf: fixtures.appending(path: file))), to: "model/model.onnx")
      let run = try place.run(["sample", "model", "--steps", "2"], ranks: 2)
      for word in words { run.expectRefusal(65, "model/model.onnx", word) }
      #expect(try place.content == ["model"])
    }

    @Test("a network whose file is damaged where its length does not show it is refused")
    func damagedInside() throws {
      let place = try Workplace()
      try ExportedModel(name: "ddpm-epsilon").copy(to: place)
      var network = try place.read("model/model.onnx")
      // The name of an operation, one letter of which has changed.
      let name = try #require(network.range(of: Data("Reshape".utf8)))
      network[name.lowerBound] ^= 0x20
      try place.write([UInt8](network), to: "model/model.onnx")
      try place.run(["sample", "model", "--steps", "2"], ranks: 2)
        .expectRefusal(65, "model/model.onnx", "no operator reshape")
      #expect(try place.content == ["model"])
    }

    @Test("further inputs that do not fit are refused by name")
    func conditionRefusals() throws {
      let place = try Workplace()
      let model = ExportedModel(name: "ddim-guided")
      try model.copy(to: place)
      let (labels, null) = ("class_labels=model/labels.npy", "class_labels=model/null.npy")
      for (exitCode, options, words) in [
        (65, [], ["class_labels", "--condition class_labels=", "3 samples"]),
        (65, ["--condition", labels, "--samples", "4"], ["[3]", "4 samples"]),
        (66, ["--condition", "class_labels=absent.npy"], ["absent.npy"]),
        (64, ["--condition", labels, "--condition", "hue=model/null.npy"], ["hue", "class_labels"]),
        (64, ["--condition", labels, "--guidance", "2"], ["--condition-null"]),
        (64, ["--condition", labels, "--condition-null", null], ["--guidance"]),
        (64, ["--condition-null", null, "--guidance", "2"], ["--condition of the same name"]),
        (64, ["--condition", "class_labels"], ["NAME=FILE.npy"]),
        (64, ["--condition", labels, "--out", "model/labels.npy"], ["is read by this run"]),
      ] as [(Int32, [String], [String])] {
        let run = try place.run(["sample", "model", "--samples", "3", "--steps", "2"] + options, ranks: 2)
        for word in words { run.expectRefusal(exitCode, word) }
      }
      try place.run(["sample", "mixture.json", "--condition", labels]).expectRefusal(64, "class_labels", "mixture.json")
      try place.run(["sample", "mixture.json", "--shape", "5"]).expectRefusal(64, "--shape", "mixture.json")
      #expect(try place.content == ["model"])
    }

    /// A prediction of the noise says nothing of the data where there is
    /// nothing but noise.
    @Test("a noise predictor is not started at pure noise")
    func pureNoise() throws {
      let place = try Workplace()
      try ExportedModel(name: "ddim-trailing").copy(to: place)
      let settings = try String(decoding: place.read("model/scheduler_config.json"), as: UTF8.self)
      try place.write(settings.replacing("v_prediction", with: "epsilon"), to: "model/scheduler_config.json")
      try place.run(["sample", "model", "--method", "ddim", "--steps", "5"]).expectRefusal(64, "pure noise", "v_prediction")
    }
  }
}
