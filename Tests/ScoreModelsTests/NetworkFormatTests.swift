import Diffusion
import Foundation
import InputFiles
import ScoreModels
import Testing

/// These tests need OpenVINO and fail, naming it, where it is missing.
@Suite(.tags(.needsOpenVINO)) struct NetworkFormatTests {
  private let schedule = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))

  /// Fifty steps of DDIM from the same noise.
  private func sample(_ model: any ScoreModel<Float>) throws -> [Double] {
    let grid = try schedule.grid(steps: 50)
    let map = try StepMap(.posterior, on: grid, noiseLevel: 0)
    var state: [Double] = CounterNoise(seed: 2).normals(12, stream: .initialState, step: 0, sample: 0)
    for (time, step) in zip(grid.nodes, map.steps) {
      let (p, q) = model.parametrization.conversion(to: .denoised, at: time)
      let noise = try prediction(model, state.map { Float($0) }, [time])
      for k in state.indices { state[k] = step.state * state[k] + step.value * (p * state[k] + q * Double(noise[k])) }
    }
    return state
  }

  /// Against the same weights, rounded alike by another program and written in ONNX, only
  /// roundings of single precision remain; those of the weights themselves show against the
  /// unrounded network.
  @Test("OpenVINO's format is read with weights of every type", arguments: ["float32", "float16", "bfloat16", "int8"])
  func openVINO(type: String) throws {
    let folder = try fixturePath("own/formats/\(type)")
    let model = try ModelSource(folder).open(as: Float.self)
    let drawn = try sample(model)
    func network(_ name: String) throws -> OpenVINOModel<Float> {
      try OpenVINOModel(file: fixturePath("own/formats/\(name).onnx"), parametrization: .noise, schedule: schedule)
    }
    let alike = try sample(network(type))
    let exact = try sample(network("float32"))
    let scale = exact.map(abs).max() ?? 0
    func difference(_ other: [Double]) -> Double { zip(drawn, other).map { abs($0 - $1) }.max() ?? 0 }
    #expect(difference(alike) <= 1e-5 * scale)
    // Half a unit of the last of 24, 11 and 8 bits, and of 255 steps, with room for 64 terms.
    let rounding = ["float32": 0x1p-24, "float16": 0x1p-11, "bfloat16": 0x1p-8, "int8": 1 / 255.0]
    #expect(difference(exact) <= 8 * (rounding[type] ?? 0) * scale + 1e-5 * scale)
    #expect(type == "float32" || difference(exact) > 1e-6 * scale)
    #expect((model as? OpenVINOModel<Float>)?.inputs.map(\.description) == ["sample float [?, 12]", "timestep float [?]"])
  }

  @Test("a network whose file of weights is missing or short, or which is cut, is refused by name")
  func damaged() throws {
    try withTemporaryFolder { folder in
      let copy = folder.path + "/model"
      try FileManager.default.copyItem(atPath: fixturePath("own/formats/float16"), toPath: copy)
      let (layers, weights) = (copy + "/unet/openvino_model.xml", copy + "/unet/openvino_model.bin")
      let (text, bytes) = (try Data(contentsOf: URL(fileURLWithPath: layers)), try Data(contentsOf: URL(fileURLWithPath: weights)))
      func refuse(_ code: ScoreModelError.Code, _ word: String) {
        expectFailure(code, naming: word) { try ModelSource(copy).open(as: Float.self) }
      }
      try bytes.dropLast().write(to: URL(fileURLWithPath: weights))
      refuse(.badData, weights)
      try FileManager.default.removeItem(atPath: weights)
      refuse(.missingFile, weights)
      try bytes.write(to: URL(fileURLWithPath: weights))
      for length in [0, 10, text.count / 2, text.count - 10] {
        try text.prefix(length).write(to: URL(fileURLWithPath: layers))
        refuse(.badData, layers)
      }
      try text.write(to: URL(fileURLWithPath: layers))
      _ = try ModelSource(copy).open(as: Float.self)
      // Two networks, of which either could be meant.
      try FileManager.default.copyItem(atPath: fixturePath("own/formats/float32.onnx"), toPath: copy + "/model.onnx")
      refuse(.badData, "unet/openvino_model.xml")
    }
  }

  @Test(
    "a network that the runtime does not take is refused with the cause, and advice that was tried",
    arguments: [
      ("periodic", ["periodic padding", "dynamo=False, opset_version=17"]),
      ("optimized", ["optimized for ONNX Runtime", "com.microsoft.nchwc.Conv", "ORT_ENABLE_BASIC"]),
      ("fft", ["com.microsoft.Irfft", "opset_version=18"]),
    ])
  func unreadable(name: String, words: [String]) throws {
    let file = try fixturePath("unreadable/\(name).onnx")
    let error = #expect(throws: ScoreModelError.self) {
      try OpenVINOModel<Float>(file: file, parametrization: .noise, schedule: schedule)
    }
    #expect(error?.code == .badData)
    for word in [file] + words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "")") }
  }

  @Test("a folder of links, as a model cache has them, is a model, and all its files are recorded")
  func links() throws {
    try withTemporaryFolder { folder in
      let source = try fixturePath("own/formats/int8")
      let files = FileManager.default
      for place in ["blobs", "snapshots/1/unet"] {
        try files.createDirectory(atPath: "\(folder.path)/\(place)", withIntermediateDirectories: true)
      }
      for (index, place) in ["unet/openvino_model.xml", "unet/openvino_model.bin", "scheduler_config.json"].enumerated() {
        try files.copyItem(atPath: "\(source)/\(place)", toPath: "\(folder.path)/blobs/\(index)")
        let up = place.hasPrefix("unet") ? "../../.." : "../.."
        try files.createSymbolicLink(
          atPath: "\(folder.path)/snapshots/1/\(place)", withDestinationPath: "\(up)/blobs/\(index)")
      }
      let record = InputFiles()
      let model = try ModelSource(folder.path + "/snapshots/1").open(as: Float.self, files: record)
      #expect(try sample(model) == sample(ModelSource(source).open(as: Float.self)))
      #expect(
        Set(record.entries.map(\.role))
          == Set(["unet/openvino_model.xml", "unet/openvino_model.bin", "scheduler_config.json"].map { .model(place: $0) }))
      #expect(Set(record.entries.map(\.digest)).count == 3)
    }
  }

  @Test("a pipeline with a second network for other noise levels is refused")
  func secondNetwork() throws {
    try withTemporaryFolder { folder in
      let copy = folder.path + "/model"
      try FileManager.default.copyItem(atPath: fixturePath("own/formats/int8"), toPath: copy)
      let index = URL(fileURLWithPath: copy + "/model_index.json")
      try Data(#"{"_class_name": "P", "unet": ["diffusers", "U"], "unet_2": [null, null]}"#.utf8).write(to: index)
      _ = try ModelSource(copy).open(as: Float.self)
      try Data(#"{"_class_name": "P", "unet": ["diffusers", "U"], "unet_2": ["diffusers", "U"]}"#.utf8).write(to: index)
      expectFailure(.badData, naming: "unet_2") { try ModelSource(copy).open(as: Float.self) }
    }
  }
}
