import Diffusion
import Foundation
import ScoreModels
import Testing

/// Folders of networks with the samples that other tools draw from them.
private let exports = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().appending(path: "PiadmTests/Diffusers").path

/// Makes a folder of a network with another declaration of it.
private func withDeclaration<Result>(
  of network: String, _ text: String, in file: String, _ body: (String) throws -> Result
) throws -> Result {
  try withTemporaryFolder { folder in
    try FileManager.default.copyItem(atPath: network, toPath: folder.path + "/model.onnx")
    try Data(text.utf8).write(to: folder.appendingPathComponent(file))
    return try body(folder.path)
  }
}

private func check(_ folder: String) throws -> ConventionCheck {
  let model = try ModelSource(folder).open(as: Float.self)
  return try #require(try ConventionCheck(of: model))
}

/// These tests need OpenVINO and fail, naming it, where it is missing.
@Suite(.tags(.needsOpenVINO)) struct ConventionTests {
  private static let noise = """
    "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.0001, "beta_end": 0.02, "clip_sample": false
    """
  private static let process = #""process": "variance-preserving", "time": "timestep""#

  @Test(
    "a wrong declaration is noticed, and the right one named",
    arguments: [
      ("ddpm-epsilon", "scheduler_config.json", "{\(noise), \"prediction_type\": \"sample\"}", "the noise"),
      ("ddpm-epsilon", "scheduler_config.json", "{\(noise), \"prediction_type\": \"v_prediction\"}", "the noise"),
      ("ddpm-epsilon", "piadm.json", "{\(process), \"predicts\": \"noise\", \"negated\": true}", "the noise"),
      (
        "edm-epsilon", "scheduler_config.json",
        #"{"_class_name": "EDMEulerScheduler", "prediction_type": "v_prediction"}"#, "F inside EDM's preconditioning"
      ),
      (
        "edm-epsilon", "piadm.json",
        #"{"process": "variance-exploding", "predicts": "preconditioned", "sigma_data": 0.5, "time": "sigma"}"#,
        "F inside EDM's preconditioning with time input log(sigma) / 4"
      ),
      (
        "flow", "piadm.json",
        #"{"process": "flow", "predicts": "data-minus-noise", "time": "flow-time", "time_scale": 1000}"#, "noise - data"
      ),
      (
        "flow", "piadm.json",
        #"{"process": "flow", "predicts": "noise-minus-data", "time": "flow-time", "time_scale": 1000, "time_at_data": 1}"#,
        "noise - data with time input flow time from 0 at the data"
      ),
      (
        "flow", "piadm.json", #"{"process": "flow", "predicts": "noise-minus-data", "time": "flow-time"}"#,
        "noise - data with time input flow time from 0 at the data to 1 at the noise times 1000"
      ),
    ])
  func wrong(network: String, file: String, declaration: String, right: String) throws {
    try withDeclaration(of: "\(exports)/\(network)/model.onnx", declaration, in: file) { folder in
      let check = try check(folder)
      #expect(check.better?.words.hasPrefix(right) == true, "misfit \(check.declared.misfit), \(check.better?.words ?? "nothing")")
      #expect(check.warnings(bound: nil).count == 1)
    }
  }

  /// Sign and direction wrong together mirror a flow, which mirrored normal data fit.
  @Test(
    "a flow told another sign, direction or scale of time is noticed, whichever it is", arguments: ["flow-forwards", "flow-backwards", "flow-unit"])
  func flows(name: String) throws {
    let own = try String(contentsOfFile: ownNetwork(name) + "/piadm.json", encoding: .utf8)
    var right = 0
    for predicts in ["noise-minus-data", "data-minus-noise"] {
      for scale in [1, 1000] {
        for zero in [0, 1] {
          let text = #"{"process": "flow", "predicts": "\#(predicts)", "time": "flow-time", "time_scale": \#(scale), "time_at_data": \#(zero)}"#
          let isRight = own.contains(predicts) && own.contains("1000") == (scale == 1000) && own.contains("at_data") == (zero == 1)
          let isMirrored = !own.contains(predicts) && own.contains("at_data") != (zero == 1) && own.contains("1000") == (scale == 1000)
          if isMirrored { continue }
          try withDeclaration(of: ownNetwork(name) + "/model.onnx", text, in: "piadm.json") { folder in
            let check = try check(folder)
            #expect((check.better == nil) == isRight, "\(text): \(check.better?.words ?? "fits")")
          }
          right += isRight ? 1 : 0
        }
      }
    }
    #expect(right == 1)
  }

  @Test("the declarations of all networks here pass")
  func right() throws {
    let files = FileManager.default
    var checked = 0
    for name in try files.contentsOfDirectory(atPath: exports).sorted() {
      guard files.fileExists(atPath: "\(exports)/\(name)/run.json") else { continue }
      let options = try #require(
        JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: "\(exports)/\(name)/run.json"))) as? [String: Any])["options"]
      // The test is of networks without further inputs.
      guard let options = options as? [String], !options.contains("--condition") else { continue }
      let shape = options.firstIndex(of: "--shape").map { options[$0 + 1].split(separator: ",").compactMap { Int($0) } }
      let model = try ModelSource("\(exports)/\(name)").open(as: Float.self, sampleShape: shape)
      let check = try #require(try ConventionCheck(of: model), "\(name)")
      #expect(check.better == nil, "\(name): misfit \(check.declared.misfit), \(check.better?.words ?? "")")
      checked += 1
    }
    #expect(checked >= 20)
    for name in ["edm-denoiser", "edm-raw", "ve-score", "vp-score", "vp-velocity", "conditional"] {
      let check = try #require(try ConventionCheck(of: openOwn(name, at: ownNetwork(name), as: Float.self)), "\(name)")
      #expect(check.better == nil && check.declared.misfit < 0.3, "\(name): misfit \(check.declared.misfit)")
    }
    let digits = try #require(try ConventionCheck(of: ModelSource("digits").open(as: Float.self)))
    #expect(digits.better == nil && digits.declared.misfit < 0.4)
  }

  /// A perceptron of random weights, as it is before training.
  private struct Untrained: ScoreModel {
    let shape = [12]
    let parametrization: Parametrization
    let schedule: (any NoiseSchedule)?
    let weights: [Float]

    init(_ parametrization: Parametrization, seed: UInt64, schedule: any NoiseSchedule) {
      self.parametrization = parametrization
      self.schedule = schedule
      weights = CounterNoise(seed: seed).normals(13 * 32 + 32 * 12, stream: .initialState, step: 0, sample: 0)
    }

    func predict(_ states: Span<Float>, at times: Span<NoiseTime>, into output: inout MutableSpan<Float>) {
      for row in 0..<times.count {
        for k in 0..<12 { output[12 * row + k] = 0 }
        for hidden in 0..<32 {
          var sum = Float(times[row].timestep ?? 0) * 1e-3 * weights[12 * 32 + hidden]
          for k in 0..<12 { sum += states[12 * row + k] * weights[32 * k + hidden] / 3 }
          for k in 0..<12 { output[12 * row + k] += tanh(sum) * weights[13 * 32 + 12 * hidden + k] / 6 }
        }
      }
    }
  }

  @Test("networks that are not trained pass, whatever is declared of them")
  func untrained() throws {
    let steps = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    for seed in 0..<6 as Range<UInt64> {
      for declared in [Parametrization.noise, .velocity, .sample, Parametrization(.noise, isNegated: true)] {
        let check = try #require(try ConventionCheck(of: Untrained(declared, seed: seed, schedule: steps)))
        #expect(check.better == nil, "\(declared): \(check.declared.misfit), \(check.better?.words ?? "")")
      }
      let flow = try #require(try ConventionCheck(of: Untrained(.flow, seed: seed, schedule: FlowSchedule())))
      #expect(flow.better == nil, "flow: \(flow.declared.misfit), \(flow.better?.words ?? "")")
    }
  }

  @Test("estimates that mostly lie beyond clip_sample's bound are told")
  func clipped() throws {
    // Data of deviation up to 0.8 about means up to 1, held to 0.05.
    let text = #"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "clip": 0.05}"#
    try withDeclaration(of: ownNetwork("edm-denoiser") + "/model.onnx", text, in: "piadm.json") { folder in
      let model = try ModelSource(folder).open(as: Float.self)
      let check = try #require(try ConventionCheck(of: model))
      #expect(check.declared.beyondBound > 0.5)
      #expect(check.warnings(bound: model.bound).contains { $0.contains("clip_sample") })
    }
  }
}
