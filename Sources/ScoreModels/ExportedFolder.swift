import Diffusion
import Foundation
import InputFiles

/// A folder as diffusers, Optimum and optimum-intel export models: the network in ONNX or
/// OpenVINO's format, at the top or in the folder of a pipeline's component, and what it is
/// in a scheduler's file as diffusers writes it or in a `piadm.json`.
struct ExportedFolder {
  let network: NetworkFile
  let convention: NetworkConvention
  let names: NetworkNames
  /// Further inputs that the folder holds, by input.
  let conditions: [String: StatedArray]

  /// Reads all files of the folder that a run depends on.
  ///
  /// - Throws: `ScoreModelError` for what is missing, damaged or ambiguous.
  init(_ folder: ModelFolder) throws {
    let component = try Self.component(of: folder)
    let stated = try folder.has(Self.ownFile) ? StatedNetwork(JSONObject(at: Self.ownFile, in: folder)) : nil
    convention = try stated?.convention ?? Self.configuration(in: folder).convention
    names = stated?.names ?? NetworkNames()
    network = try NetworkFile(at: component.network, in: folder)
    conditions = try (stated?.conditions ?? [:]).mapValues { name in
      StatedArray(
        array: try folder.array(of: name, namedBy: Self.ownFile), source: "\(folder.path(of: Self.ownFile)): \(name)")
    }
  }

  private static let ownFile = "piadm.json"

  private static func configuration(in folder: ModelFolder) throws -> SchedulerConfiguration {
    let places = ["scheduler_config.json", "scheduler/scheduler_config.json"]
    guard let place = places.first(where: { folder.has($0) }) else {
      throw ScoreModelError(
        .missingFile,
        "\(folder.path): holds neither \(places.joined(separator: " nor ")) nor \(ownFile); needed: the schedule that the "
          + #"network was trained with, as diffusers writes it, such as {"_class_name": "DDPMScheduler", "#
          + #""beta_schedule": "linear", "beta_start": 0.0001, "beta_end": 0.02, "num_train_timesteps": 1000, "#
          + #""prediction_type": "epsilon", "clip_sample": false}, or a piadm.json that says what the network is"#)
    }
    return try SchedulerConfiguration(JSONObject(at: place, in: folder))
  }

  /// A network that denoises, in a folder of a pipeline.
  private struct Component {
    /// The folder; "" for the top.
    var name: String
    var network: String
  }

  /// Folders of pipelines that hold the network that denoises.
  private static let components = ["", "unet", "transformer", "prior"]

  private static func component(of folder: ModelFolder) throws -> Component {
    let found = components.compactMap { name -> Component? in
      let prefix = name.isEmpty ? "" : name + "/"
      return NetworkFile.names.map { prefix + $0 }.first { folder.has($0) }.map { Component(name: name, network: $0) }
    }
    guard let component = found.first else {
      let all = components.flatMap { name in NetworkFile.names.map { name.isEmpty ? $0 : "\(name)/\($0)" } }
      let index = folder.has("model_index.json")
      throw ScoreModelError(
        .missingFile,
        "\(folder.path): holds neither \(all.joined(separator: " nor "))"
          + (index
            ? "; it is a pipeline of PyTorch weights: export its network, as jobs/export/from-diffusers.py or optimum-cli does"
            : ""))
    }
    if found.count > 1 {
      throw ScoreModelError(
        .badData,
        "\(folder.path): holds \(found.map(\.network).joined(separator: " and ")); one network is needed: name its folder, "
          + "with the scheduler_config.json in it")
    }
    try refuseSecondNetwork(beside: component, in: folder)
    return component
  }

  /// Pipelines with one network for high noise and another for low noise say so in their
  /// index; one of them alone gives wrong samples.
  private static func refuseSecondNetwork(beside component: Component, in folder: ModelFolder) throws {
    guard !component.name.isEmpty, folder.has("model_index.json") else { return }
    let index = try JSONObject(at: "model_index.json", in: folder)
    let second = "\(component.name)_2"
    if case .array(let names) = index.values[second], names.contains(where: { $0 != .null }) {
      throw ScoreModelError(
        .badData,
        "\(folder.path(of: "model_index.json")): the pipeline has a second network, \(second), for other noise levels, which is "
          + "not supported")
    }
  }

  /// - Parameter followsScheduler: the scheduler's own method is the default.
  func open<Scalar: StateScalar>(
    as _: Scalar.Type, followsScheduler: Bool, threads: Int?, processors: Int?, conditions: Conditions,
    sampleShape: [Int]?, rowsAlone: Bool, output: String?, files: InputFiles
  ) throws -> any ScoreModel<Scalar> {
    var (names, convention) = (names, convention)
    names.output = output ?? names.output
    if !followsScheduler { (convention.scheduler, convention.ownMethod) = (nil, nil) }
    return try OpenVINOModel<Scalar>(
      network: network, convention: convention, conditions: conditions, fixed: self.conditions,
      sampleShape: sampleShape, names: names, rowsAlone: rowsAlone, threads: threads, processors: processors, files: files)
  }
}
