import Diffusion
import Foundation

/// A folder as diffusers and Optimum export models: the network as
/// `model.onnx` or `unet/model.onnx`, its schedule as `scheduler_config.json`
/// or `scheduler/scheduler_config.json`.
struct ExportedFolder {
  let network: String
  let configuration: String

  /// - Throws: `ScoreModelError.Code.missingFile`, naming what is missing.
  init(_ path: String) throws {
    func find(_ places: [String], hint: String = "") throws -> String {
      guard let place = places.first(where: { FileManager.default.fileExists(atPath: "\(path)/\($0)") }) else {
        throw ScoreModelError(.missingFile, "\(path): holds neither \(places.joined(separator: " nor "))\(hint)")
      }
      return try ScoreModels.path(of: place, within: path, namedBy: "MODEL \(path)")
    }
    network = try find(["model.onnx", "unet/model.onnx"])
    configuration = try find(
      ["scheduler_config.json", "scheduler/scheduler_config.json"],
      hint: #"; needed: the schedule that the network was trained with, as diffusers writes it, such as "#
        + #"{"_class_name": "DDPMScheduler", "beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02, "#
        + #""num_train_timesteps": 1000, "prediction_type": "epsilon", "clip_sample": false}"#)
  }

  func open<Scalar: StateScalar>(
    as _: Scalar.Type, threads: Int?, processors: Int?, conditions: Conditions, sampleShape: [Int]?
  ) throws -> any ScoreModel<Scalar> {
    let configuration = try SchedulerConfiguration(contentsOf: configuration)
    return try OpenVINOModel<Scalar>(
      file: network, parametrization: configuration.parametrization, schedule: configuration.schedule,
      bound: configuration.bound, scheduler: configuration.summary, conditions: conditions, sampleShape: sampleShape, threads: threads,
      processors: processors)
  }
}
