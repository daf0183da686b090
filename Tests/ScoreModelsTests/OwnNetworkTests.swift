import Diffusion
import Foundation
import NumPyFormat
import ScoreModels
import Testing

/// The networks of `Fixtures/own`: all know the same data.
private let names = [
  "edm-denoiser", "edm-raw", "ve-score", "vp-score", "vp-velocity", "flow-forwards", "flow-backwards", "flow-unit",
  "conditional", "two-outputs",
]

func ownNetwork(_ name: String) throws -> String { try fixturePath("own/\(name)") }

func openOwn<Scalar: StateScalar>(_ name: String, at folder: String, as _: Scalar.Type) throws -> any ScoreModel<Scalar> {
  let conditions = name == "conditional" ? Conditions(files: ["label": "\(folder)/label.npy"]) : Conditions()
  return try ModelSource(folder).open(as: Scalar.self, conditions: conditions)
}

/// What `make-own-networks.py` says of the data: the mean given `y = alpha x_0 + sigma eps`.
private func exactEstimate(_ name: String, _ state: [Double], at time: NoiseTime) -> [Double] {
  let offset = [0.5, 0, -0.5]
  return state.enumerated().map { index, y in
    let k = Double(index)
    let isConditional = name == "conditional"
    let mean = cos(k) + (isConditional ? 2 * sin(k) + offset[index / 4] : 0)
    let variance = 0.1 + 0.05 * k
    let (a, b) = (time.alpha, time.sigma)
    return (a * variance * y + b * b * mean) / (a * a * variance + b * b)
  }
}

/// These tests need OpenVINO and fail, naming it, where it is missing.
@Suite(.tags(.needsOpenVINO)) struct OwnNetworkTests {
  @Test("what piadm.json says of a network gives the formula's estimates on its own grid", arguments: names)
  func estimates(name: String) throws {
    let model = try openOwn(name, at: ownNetwork(name), as: Float.self)
    #expect(model.shape == [3, 2, 2])
    let schedule = try #require(model.schedule)
    for (number, time) in try schedule.grid(steps: 20).nodes.dropLast().enumerated() {
      let state: [Double] = CounterNoise(seed: 7).normals(12, stream: .initialState, step: 0, sample: number)
      let (p, q) = model.parametrization.conversion(to: .denoised, at: time)
      // Nothing is to be learnt of the data from pure noise but by flows.
      guard q.isFinite else { continue }
      let scale = model.parametrization.inputScale(at: time)
      let predicted = try prediction(model, state.map { Float(scale * $0) }, [time])
      for (k, exact) in exactEstimate(name, state, at: time).enumerated() {
        let estimate = p * state[k] + q * Double(predicted[k])
        // Single precision, which predictions of the noise and the score multiply by sigma_E.
        #expect(abs(estimate - exact) <= 1e-5 * max(1, min(time.edmSigma, 1 / time.alpha)), "\(name) at \(time)")
      }
    }
  }

  @Test("samples of piadm.json's networks are those of the formula", arguments: names)
  func samples(name: String) throws {
    let model = try openOwn(name, at: ownNetwork(name), as: Float.self)
    let schedule = try #require(model.schedule)
    let full = try schedule.grid(steps: 30)
    // From where all predictions tell of the data.
    let nodes = full.nodes.filter { $0.edmSigma < 60 }
    let map = try StepMap(.posterior, on: TimeGrid(nodes: nodes), noiseLevel: 0)
    let start: [Double] = CounterNoise(seed: 9).normals(12, stream: .initialState, step: 0, sample: 0)
    var (state, exact) = (start, start)
    for (time, step) in zip(nodes, map.steps) {
      let (p, q) = model.parametrization.conversion(to: .denoised, at: time)
      let scale = model.parametrization.inputScale(at: time)
      let predicted = try prediction(model, state.map { Float(scale * $0) }, [time])
      let estimate = exactEstimate(name, exact, at: time)
      for k in state.indices {
        state[k] = step.state * state[k] + step.value * (p * state[k] + q * Double(predicted[k]))
        exact[k] = step.state * exact[k] + step.value * estimate[k]
      }
    }
    for (drawn, expected) in zip(state, exact) { #expect(abs(drawn - expected) <= 1e-5, "\(name)") }
  }

  @Test(
    "a piadm.json that says nothing of use is refused by key and mend",
    arguments: [
      (#"{"predicts": "noise"}"#, ["\"process\" is missing", "variance-preserving"]),
      (#"{"process": "vp", "predicts": "noise"}"#, ["\"process\"", "vp", "variance-exploding"]),
      (#"{"process": "flow", "predicts": "epsilon", "time": "t"}"#, ["\"predicts\"", "epsilon", "noise-minus-data"]),
      (#"{"process": "flow", "predicts": "noise-minus-data"}"#, ["\"time\" is missing", "flow-time"]),
      (#"{"process": "flow", "predicts": "noise-minus-data", "time": "t"}"#, ["\"time\" is \"t\"", "flow-time"]),
      (#"{"process": "flow", "predicts": "noise-minus-data", "time": "flow-time", "range": [0, 2]}"#, ["\"range\"", "<= 1"]),
      (#"{"process": "flow", "predicts": "noise-minus-data", "time": "flow-time", "grid": "karras"}"#, ["\"grid\"", "pure noise"]),
      (#"{"process": "flow", "predicts": "noise-minus-data", "time": "flow-time", "beta_max": 3}"#, ["\"beta_max\"", "omit"]),
      (#"{"process": "variance-exploding", "predicts": "preconditioned", "time": "sigma"}"#, ["\"sigma_data\" is missing"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "sigma_data": 1, "time": "sigma"}"#, ["\"sigma_data\"", "preconditioned"]),
      (#"{"process": "flow", "predicts": "preconditioned", "sigma_data": 1, "time": "sigma"}"#, ["\"predicts\"", "variance-exploding"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "time_scale": 9}"#, ["\"time_scale\"", "flow-time"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "timestep"}"#, ["\"timestep\"", "variance-preserving"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "sigma_mim": 1}"#, ["sigma_mim", "known here"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "inputs": {"x": "x"}}"#, ["\"inputs\"", "\"sample\""]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "inputs": {"sample": "y"}}"#, ["no input 'y'", "sigma [?]"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "output": "E"}"#, ["no output 'E'", "D [?, 3, 2, 2]"]),
      (#"{"process": "variance-exploding", "predicts": "preconditioned", "time": "sigma", "sigma_data": [1, 2]}"#, ["\"sigma_data\"", "3 channels"]),
      (#"{"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "conditions": {"y": "../y.npy"}}"#, ["../y.npy", "outside"]),
    ])
  func refusals(text: String, words: [String]) throws {
    try withTemporaryFolder { folder in
      try FileManager.default.copyItem(
        atPath: ownNetwork("edm-denoiser") + "/model.onnx", toPath: folder.path + "/model.onnx")
      try Data(text.utf8).write(to: folder.appendingPathComponent("piadm.json"))
      let error = #expect(throws: ScoreModelError.self) { try ModelSource(folder.path).open(as: Float.self) }
      #expect(error?.code == .badData)
      for word in words { #expect(error?.description.contains(word) == true, "no '\(word)' in: \(error?.description ?? "")") }
    }
  }
}
