import Foundation
import Launching
import NumPyFormat
import Testing

/// A scheduler whose method is here, with the samples that diffusers draws;
/// `Diffusers/make-classes.py` makes them. Nothing changes its settings, which are values of JSON.
private struct ClassCase: CustomTestStringConvertible, @unchecked Sendable {
  let name: String
  let settings: [String: Any]
  let steps: Int
  let options: [String]
  let expected: [Double]

  static let folder = Bundle.module.resourceURL!.appending(path: "Diffusers/classes")

  static var all: [ClassCase] {
    guard let data = try? Data(contentsOf: folder.appending(path: "samples.json")),
      let cases = try? JSONSerialization.jsonObject(with: data) as? [[String: Any]]
    else { return [] }
    return cases.compactMap { fixture in
      guard let name = fixture["class"] as? String, let settings = fixture["settings"] as? [String: Any],
        let steps = fixture["steps"] as? Int, let options = fixture["options"] as? [String],
        let expected = fixture["expected"] as? [Double]
      else { return nil }
      return ClassCase(name: name, settings: settings, steps: steps, options: options, expected: expected)
    }
  }

  var testDescription: String {
    "\(name) \(settings.map { "\($0): \($1)" }.sorted().joined(separator: ", ")) \(options.joined(separator: " "))"
  }

  /// A folder with the network and this scheduler's file.
  func model(in place: Workplace) throws {
    let files = FileManager.default
    try files.createDirectory(atPath: "\(place.path)/model", withIntermediateDirectories: true)
    let learns = (settings["variance_type"] as? String)?.hasPrefix("learned") ?? false
    try files.copyItem(
      atPath: Self.folder.appending(path: learns ? "doubled.onnx" : "model.onnx").path,
      toPath: "\(place.path)/model/model.onnx")
    for file in ["initial.npy", "noise.npy"] {
      try files.copyItem(atPath: Self.folder.appending(path: file).path, toPath: "\(place.path)/model/\(file)")
    }
    let stated = settings.merging(["_class_name": name]) { $1 }
    try place.write([UInt8](JSONSerialization.data(withJSONObject: stated)), to: "model/scheduler_config.json")
  }

  /// The options of a run, but for the method: it is the scheduler's.
  var run: [String] {
    ["model", "--steps", "\(steps)", "--samples", "2", "--initial", "model/initial.npy"] + options
  }

  /// The first of the steps' noise, which there is for 20.
  func writeNoise(in place: Workplace) throws -> [String] {
    guard steps <= 20 else { return [] }
    let recorded = try place.array("model/noise.npy")
    let count = steps * recorded.shape.dropFirst().reduce(1, *)
    try place.writeArray(
      Array(recorded.doubles.prefix(count)), shape: [steps] + recorded.shape.dropFirst(), to: "noise.npy")
    return ["--noise", "noise.npy"]
  }

  /// Of the largest magnitude expected.
  func difference(_ place: Workplace) throws -> Double {
    let drawn = try place.array("samples.npy").doubles
    try #require(drawn.count == expected.count)
    return zip(drawn, expected).map { abs($0 - $1) }.max()! / expected.map(abs).max()!
  }
}

extension CommandLineTests {
  @Suite struct SchedulerClassSamples {
    @Test("there is a case for every kind of setting")
    func allCases() {
      #expect(ClassCase.all.count == 44)
    }

    /// Where diffusers computes in the scale of the noise level, single
    /// precision leaves 6e-8 of up to 700 times the samples in each of 20 steps.
    @Test("a folder's own method draws the samples of its class in diffusers", arguments: ClassCase.all)
    fileprivate func own(_ model: ClassCase) throws {
      let place = try Workplace()
      try model.model(in: place)
      let options = try model.run + model.writeNoise(in: place)
      _ = try place.digest(options + ["--solver", "sequential"])
      #expect(try model.difference(place) <= 1e-3)
      _ = try place.digest(options + ["--tolerance", "1e-5"], ranks: 2)
      #expect(try model.difference(place) <= 1e-3)
    }

    @Test("a run says which scheduler it follows, and which keys of its file count for nothing")
    func header() throws {
      let place = try Workplace()
      let model = ClassCase(
        name: "EulerDiscreteScheduler", settings: ["skip_prk_steps": true, "clip_sample": false], steps: 3, options: [],
        expected: [])
      try model.model(in: place)
      let sample = try place.run(["sample", "--progress", "none"] + model.run)
      let inspect = try place.run(["inspect", "model"])
      for run in [sample, inspect] {
        #expect(run.exitCode == 0, "\(run.standardError)")
        #expect(run.standardOutput.contains("EulerDiscreteScheduler, whose own method is ddim"))
        #expect(run.standardOutput.contains("does not read: clip_sample, skip_prk_steps\n"))
      }
      #expect(sample.standardOutput.contains(#/\n  method +ddim\n/#))
    }

    @Test("where the own method is not here, a run needs --method and inspect says so")
    func elsewhere() throws {
      let place = try Workplace()
      let model = ClassCase(
        name: "LCMScheduler", settings: [:], steps: 3, options: [], expected: [])
      try model.model(in: place)
      try place.run(["sample"] + model.run, ranks: 2).expectRefusal(
        64, "LCMScheduler", "latent consistency models", "--method", "piadm-sde, piadm-ode, ddpm, ddim, dpm++2m")
      let inspect = try place.run(["inspect", "model"])
      #expect(inspect.exitCode == 0, "\(inspect.standardError)")
      #expect(inspect.standardOutput.contains("latent consistency models) is not implemented"))
      // Under the name that its users know.
      let euler = try place.digest(model.run + ["--method", "euler"])
      #expect(try place.digest(model.run + ["--method", "ddim"], ranks: 2) == euler)
    }

    @Test("a scheduler of learned variances needs a network with twice the channels")
    func variances() throws {
      let place = try Workplace()
      let model = ClassCase(name: "DDPMScheduler", settings: [:], steps: 3, options: [], expected: [])
      try model.model(in: place)
      try place.write(#"{"_class_name": "DDPMScheduler", "variance_type": "learned_range"}"#, to: "model/scheduler_config.json")
      try place.run(["sample"] + model.run).expectRefusal(65, "model.onnx", "variance_type", "twice the channels")
    }

    @Test("steps are 100, or all training steps where there are fewer")
    func defaultSteps() throws {
      let place = try Workplace()
      let model = ClassCase(
        name: "DDIMScheduler", settings: ["num_train_timesteps": 30], steps: 1, options: [], expected: [])
      try model.model(in: place)
      let few = try place.run(["sample", "model", "--progress", "none"])
      #expect(few.standardOutput.contains(#/\n  steps +30\n/#), "\(few.standardOutput)\(few.standardError)")
      try place.run(["sample", "model", "--steps", "31"]).expectRefusal(64, "30 training timesteps", "--steps", "31")
      try place.write(#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#, to: "model/scheduler_config.json")
      let continuous = try place.run(["sample", "model", "--progress", "none"])
      #expect(continuous.standardOutput.contains(#/\n  steps +100\n/#))
    }

    @Test("a shift by the size of a sample is asked for where it is needed, and nowhere else")
    func dynamicShift() throws {
      let place = try Workplace()
      let model = ClassCase(
        name: "FlowMatchEulerDiscreteScheduler", settings: ["use_dynamic_shifting": true], steps: 3, options: [],
        expected: [])
      try model.model(in: place)
      try place.run(["sample"] + model.run).expectRefusal(64, "use_dynamic_shifting", "--sequence-length", "--mu")
      // mu = 0.5 at 256 tokens.
      let length = try place.digest(model.run + ["--sequence-length", "256"])
      #expect(try place.digest(model.run + ["--mu", "0.5"]) == length)
      try place.run(["sample"] + model.run + ["--mu", "0.5", "--sequence-length", "256"])
        .expectRefusal(64, "--mu", "--sequence-length")
      try place.write(#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#, to: "model/scheduler_config.json")
      try place.run(["sample"] + model.run + ["--mu", "0.5"]).expectRefusal(64, "--mu")
      try place.run(["sample", "mixture.json", "--sequence-length", "256"]).expectRefusal(64, "--sequence-length")
    }

    /// `s = log(1 + sigma^2)`.
    @Test("EDM's words for the ends of a grid are the horizon and the early stop")
    func wordsOfEDM() throws {
      let place = try Workplace()
      let (horizon, earlyStop) = (log1p(9.0), log1p(0.0625))
      let levels = try place.digest(
        ["mixture.json", "--steps", "8", "--sigma-max", "3", "--sigma-min", "0.25"])
      #expect(
        try place.digest([
          "mixture.json", "--steps", "8", "--grid", "karras", "--horizon", "\(horizon)", "--early-stop", "\(earlyStop)",
        ]) == levels)
      #expect(
        try place.digest(["mixture.json", "--steps", "8", "--sigma-max", "3", "--sigma-min", "0.25", "--rho", "7"], ranks: 2)
          == levels)
      #expect(
        try place.digest(["mixture.json", "--steps", "8", "--sigma-max", "3", "--sigma-min", "0.25", "--rho", "3"])
          != levels)
      for (options, words) in [
        (["--sigma-max", "3", "--horizon", "2"], ["--sigma-max", "--horizon"]),
        (["--sigma-min", "1", "--early-stop", "0.1"], ["--sigma-min", "--early-stop"]),
        (["--sigma-min", "3", "--sigma-max", "2"], ["--sigma-min", "--sigma-max"]),
        (["--rho", "0"], ["--rho", "positive"]), (["--rho", "5", "--grid", "uniform"], ["--rho", "karras"]),
        (["--sigma-max", "0"], ["--sigma-max", "positive"]),
      ] as [([String], [String])] {
        let run = try place.run(["sample", "mixture.json"] + options)
        for word in words { run.expectRefusal(64, word) }
      }
    }
  }
}
