import Diffusion
import Foundation
import Testing

import ScoreModels

private let schedule = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 10, from: 0.1, to: 0.2))

private func open(_ file: String) throws -> OpenVINOModel<Float> {
  try OpenVINOModel(file: file, parametrization: .noise, schedule: schedule)
}

/// All but the first two need OpenVINO and fail, naming it and the command
/// that installs it, where it is missing.
@Suite struct OpenVINOTests {
  @Test func `a library that is not there is named with the command that installs it`() throws {
    try withTemporaryFolder { folder in
      let absent = folder.appendingPathComponent("libopenvino_c.so").path
      for place in [absent, folder.path] {
        expectFailure(.missingLibrary, naming: "OpenVINO", place, "pip install openvino") {
          try OpenVINOLibrary(environment: ["PIADM_OPENVINO": place], startFolders: [])
        }
      }
    }
  }

  @Test func `a library that cannot be loaded is refused with the loader's reason`() throws {
    try withTemporaryFolder { folder in
      let library = folder.appendingPathComponent("libopenvino_c.so.1")
      try Data("no library".utf8).write(to: library)
      expectFailure(.missingLibrary, naming: library.path, "file too short") {
        try OpenVINOLibrary(environment: ["PIADM_OPENVINO": folder.path], startFolders: [])
      }
    }
  }

  @Test func `the library tells its version and where it was found`() throws {
    let library = try OpenVINOLibrary()
    #expect(library.path.contains("libopenvino_c.so"))
    #expect(Int(library.version.prefix { $0 != "." }).map { $0 >= 2023 } == true, "\(library.version)")
  }

  @Test func `a virtual environment in a folder above is searched`() throws {
    let library = try OpenVINOLibrary()
    guard library.path.hasPrefix("/") else {
      Issue.record("OpenVINO was found by the loader, without a path, so it cannot be linked into a test environment")
      return
    }
    try withTemporaryFolder { folder in
      let packages = folder.appendingPathComponent(".venv/lib/python3.0/site-packages/openvino")
      try FileManager.default.createDirectory(at: packages, withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        at: packages.appendingPathComponent("libs"),
        withDestinationURL: URL(fileURLWithPath: library.path).deletingLastPathComponent())
      let deep = folder.appendingPathComponent("a/b").path
      let found = try OpenVINOLibrary(environment: [:], startFolders: [deep])
      #expect(found.path.hasPrefix(packages.path))
      #expect(found.version == library.version)
    }
  }

  @Test func `a small network is evaluated in rows`() throws {
    let model = try open(fixturePath("twice-the-sample.onnx"))
    #expect(model.shape == [3])
    let states: [Float] = [1, 2, 3, -4, 5, 0.5]
    let times = [NoiseTime(s: 0.5), NoiseTime(s: 1)]
    #expect(try prediction(model, states, times) == states.map { 2 * $0 })
    #expect(try prediction(model, [], []) == [])
  }

  @Test(arguments: [
    ("integer-timestep.onnx", "'timestep' is not float32"),
    ("scalar-timestep.onnx", "input 'timestep' has shape []"),
    ("fixed-batch.onnx", "input 'sample' has shape [4, 3]"),
    ("further-input.onnx", "input 'labels' is not known"),
    ("flat-output.onnx", "output has shape [1, ?]"),
  ])
  func `a network with other inputs or outputs is refused by name`(file: String, reason: String) throws {
    expectFailure(.badData, naming: file, reason) { try open(fixturePath(file)) }
  }

  @Test func `a network whose weights are missing is refused by name`() throws {
    expectFailure(.missingFile, naming: "weights-missing.onnx", "absent-weights.bin") {
      try open(fixturePath("weights-missing.onnx"))
    }
  }

  @Test func `weights in another file are used, and refused where they are cut short`() throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.onnx")
      try FileManager.default.copyItem(atPath: fixturePath("weights-missing.onnx"), toPath: file.path)
      let weights = folder.appendingPathComponent("absent-weights.bin")
      let values: [Float] = [1, 10, 100]
      try values.withUnsafeBytes { try Data($0).write(to: weights) }
      let model = try open(file.path)
      #expect(model.parameterCount == 4)
      #expect(try prediction(model, [1, 2, 3], [NoiseTime(s: 1)]) == [1, 20, 300])
      try Data(count: 11).write(to: weights)
      expectFailure(.badData, naming: weights.path) { try open(file.path) }
    }
  }

  @Test func `a damaged network is refused`() throws {
    let whole = try Data(contentsOf: URL(fileURLWithPath: fixturePath("twice-the-sample.onnx")))
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.onnx")
      for length in 0..<whole.count {
        try whole.prefix(length).write(to: file)
        expectFailure(.badData, naming: file.path) { try open(file.path) }
      }
      try Data("not a network at all".utf8).write(to: file)
      expectFailure(.badData, naming: file.path) { try open(file.path) }
    }
  }

  @Test func `a missing file is told from a folder`() throws {
    try withTemporaryFolder { folder in
      expectFailure(.missingFile, naming: "absent.onnx") { try open(folder.appendingPathComponent("absent.onnx").path) }
      expectFailure(.badData, naming: "folder") { try open(folder.path) }
    }
  }
}
