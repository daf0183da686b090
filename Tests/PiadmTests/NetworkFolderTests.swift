import Foundation
import Launching
import NumPyFormat
import Testing

extension CommandLineTests {
  /// Models as people have them: folders of links, label files, latents. These tests need
  /// OpenVINO and fail, naming it, where it is missing.
  @Suite struct NetworkFolders {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    private static let own = tests.deletingLastPathComponent().appending(path: "ScoreModelsTests/Fixtures/own").path
    private static let latents = Bundle.module.resourceURL!.appending(path: "Latents").path

    private func copy(_ source: String, to name: String, in place: Workplace) throws {
      try FileManager.default.copyItem(atPath: source, toPath: "\(place.path)/\(name)")
    }

    /// Every file that the command or the model names is changed in turn.
    @Test("a resume is refused where the contents of any file that was read have changed, naming it")
    func contents() throws {
      let place = try Workplace()
      try copy(Self.own + "/conditional", to: "model", in: place)
      try place.writeArray([1, 2, 3], shape: [3], to: "label.npy")
      try place.writeArray([0, 0, 0], shape: [3], to: "null.npy")
      let steps = 4
      try place.writeArray((0..<36).map { Double($0 % 5) - 2 }, shape: [3, 3, 2, 2], to: "initial.npy")
      try place.writeArray((0..<(36 * steps)).map { Double($0 % 7) - 3 }, shape: [steps, 3, 3, 2, 2], to: "noise.npy")
      try place.writeArray([5, 3, 2, 1, 0.1], shape: [steps + 1], to: "times.npy")
      let command = [
        "sample", "model", "--samples", "3", "--method", "ddpm", "--times", "times.npy", "--initial", "initial.npy", "--noise",
        "noise.npy", "--condition", "label=label.npy", "--condition-null", "label=null.npy", "--guidance", "2",
        "--checkpoint", "state", "--resume", "--progress", "none",
      ]
      let stopped = try place.run(command + ["--max-time", "0"])
      #expect(stopped.exitCode == 75, "\(stopped.standardError)")
      var changed = 0
      for file in [
        "label.npy", "null.npy", "initial.npy", "noise.npy", "times.npy", "model/offset.npy", "model/piadm.json", "model/model.onnx",
      ] {
        let whole = try place.read(file)
        var bytes = [UInt8](whole)
        switch (file as NSString).pathExtension {
        case "json": bytes.append(UInt8(ascii: "\n"))
        case "npy": bytes[bytes.count - 2] ^= 1  // a digit of the last number
        default: bytes += [0x32, 0]  // an empty string of documentation
        }
        try place.write(bytes, to: file)
        try place.run(command).expectRefusal(65, file, "contents of", "state/checkpoint")
        try place.write([UInt8](whole), to: file)
        changed += 1
      }
      #expect(changed == 8)
      // The same contents elsewhere are the same run.
      try copy(place.path + "/label.npy", to: "moved.npy", in: place)
      try copy(place.path + "/model", to: "other", in: place)
      let resumed = try place.run(command.map { $0 == "label=label.npy" ? "label=moved.npy" : $0 == "model" ? "other" : $0 })
      #expect(resumed.exitCode == 0, "\(resumed.standardError)")
    }

    @Test("a file that a plug-in's configuration names belongs to the run, among other words too (needs cc)")
    func pluginConfiguration() throws {
      let place = try Workplace()
      let top = Self.tests.deletingLastPathComponent().deletingLastPathComponent().path
      let build = try place.run(
        [],
        script:
          "cc -shared -fPIC -I '\(top)/Sources/CScorePlugin/include' -o model.so '\(Self.tests.path)/../ScoreModelsTests/Fixtures/faulty_plugin.c' -lm"
      )
      try #require(build.exitCode == 0, "\(build.standardError)")
      try place.write("temperature 1", to: "settings.txt")
      let command = ["sample", "plugin:model.so:scale=2,file=settings.txt", "--steps", "6", "--checkpoint", "state", "--resume"]
      #expect(try place.run(command + ["--max-time", "0"]).exitCode == 75)
      try place.write("temperature 2", to: "settings.txt")
      try place.run(command).expectRefusal(65, "settings.txt", "contents of")
    }

    @Test("another shape of a free network is another run")
    func shape() throws {
      let place = try Workplace()
      try copy(Self.latents + "/model/scheduler", to: "model", in: place)
      try copy(Self.own + "/../free-shape.onnx", to: "model/model.onnx", in: place)
      let command = ["sample", "model", "--method", "ddim", "--steps", "4", "--checkpoint", "state", "--resume"]
      #expect(try place.run(command + ["--shape", "5", "--max-time", "0"]).exitCode == 75)
      try place.run(command + ["--shape", "6"]).expectRefusal(65, "--shape 5, not 6")
    }

    @Test("inspect says what a piadm.json says in words, and refuses a wrong declaration; sample warns of it")
    func convention() throws {
      let place = try Workplace()
      try copy(Self.own + "/flow-unit", to: "model", in: place)
      let right = try place.run(["inspect", "model", "--json", "model.json"])
      #expect(right.exitCode == 0, "\(right.standardError)")
      for words in ["flow velocity (noise - sample)", "from (1 - q) sample + q noise", "flow time from 0 at the data", "misfit"] {
        #expect(right.standardOutput.contains(words), "\(words) in \(right.standardOutput)")
      }
      let text = try String(decoding: place.read("model/piadm.json"), as: UTF8.self)
      try place.write(text.replacing("noise-minus-data", with: "data-minus-noise"), to: "model/piadm.json")
      let wrong = try place.run(["inspect", "model"], ranks: 2)
      wrong.expectRefusal(65, "looks like noise - data")
      let run = try place.run(["sample", "model", "--method", "ddim", "--steps", "5", "--progress", "none"], ranks: 2)
      #expect(run.exitCode == 0, "\(run.standardError)")
      #expect(run.standardOutput.components(separatedBy: "warning: the network does not do what is declared").count == 2)
    }

    @Test("several outputs are told apart by the names of exports, and else by --network-output")
    func outputs() throws {
      let place = try Workplace()
      try copy(Self.own + "/two-outputs", to: "model", in: place)
      let whole = try place.digest(["model", "--steps", "5"])
      let text = try String(decoding: place.read("model/piadm.json"), as: UTF8.self)
      try place.write(text.replacing("\"output\": \"second\"", with: "\"comment\": \"\""), to: "model/piadm.json")
      try place.run(["sample", "model", "--steps", "5"], ranks: 2)
        .expectRefusal(65, "--network-output", "first [?, 3, 2, 2]", "second [?, 3, 2, 2]")
      #expect(try place.digest(["model", "--steps", "5", "--network-output", "second"]) == whole)
      #expect(try place.digest(["model", "--steps", "5", "--network-output", "first"]) != whole)
      try place.run(["sample", "model", "--network-output", "third"]).expectRefusal(65, "third", "first")
      try place.run(["sample", "mixture.json", "--network-output", "x"]).expectRefusal(64, "--network-output", "mixture.json")
    }

    @Test("latents are decoded to what another runtime makes of them, with the same bits on any number of ranks", arguments: [1, 2])
    func latents(ranks: Int) throws {
      let place = try Workplace()
      for name in ["model", "initial.npy", "expected.npy"] { try copy("\(Self.latents)/\(name)", to: name, in: place) }
      _ = try place.digest(
        [
          "model", "--method", "ddim", "--steps", "8", "--samples", "5", "--initial", "initial.npy", "--decode", "model",
          "--images", "sheet.png", "--tolerance", "0",
        ], ranks: ranks)
      let (decoded, expected) = (try place.array("samples-decoded.npy"), try place.array("expected.npy"))
      #expect(decoded.shape == [5, 3, 8, 8])
      // Values up to 1, by 3 sums of at most 72 rounded products and eight steps.
      for (drawn, other) in zip(decoded.doubles, expected.doubles) { #expect(abs(drawn - other) < 1e-5) }
      #expect(try place.read("sheet.png").count > 100)
      // One rank's bits, made again here for every number of ranks.
      let alone = try Workplace()
      for name in ["model", "initial.npy"] { try copy("\(Self.latents)/\(name)", to: name, in: alone) }
      _ = try alone.digest(
        [
          "model", "--method", "ddim", "--steps", "8", "--samples", "5", "--initial", "initial.npy", "--decode", "model",
          "--decoded", "own.npy", "--tolerance", "0",
        ])
      #expect(try alone.read("own.npy") == place.read("samples-decoded.npy"))
      #expect(try !alone.content.contains("samples-decoded.npy"))
    }

    @Test("a decoder that does not fit is refused before the run, by name")
    func decoders() throws {
      let place = try Workplace()
      try copy(Self.latents + "/model", to: "model", in: place)
      let command = ["sample", "model", "--method", "ddim", "--steps", "3", "--decode"]
      try place.run(command + ["none"]).expectRefusal(66, "none", "vae_decoder/model.onnx")
      try place.run(["sample", "model", "--decoded", "x.npy"]).expectRefusal(64, "--decode FOLDER")
      try place.run(["sample", "mixture.json", "--decode", "model"], ranks: 2).expectRefusal(65, "vae_decoder/model.onnx", "[1, 5]")
      let file = "model/vae_decoder/config.json"
      for (text, words) in [
        (#"{"_class_name": "AutoencoderX"}"#, ["scaling_factor"]), (#"{"scaling_factor": 0}"#, ["scaling_factor", "above 0"]),
        (#"{"latents_mean": [1], "latents_std": [1, 1, 1, 1]}"#, ["latents_mean", "latents_std"]),
        (#"{"latents_mean": [1, 2], "latents_std": [1, 2]}"#, ["latents_mean", "4 channels"]),
      ] {
        try place.write(text, to: file)
        let run = try place.run(command + ["model"])
        for word in [file] + words { run.expectRefusal(65, word) }
      }
      try FileManager.default.removeItem(atPath: "\(place.path)/\(file)")
      try place.run(command + ["model"]).expectRefusal(66, "config.json", "scaling_factor")
      #expect(try place.content == ["model"])
    }
  }
}
