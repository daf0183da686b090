import Diffusion
import Foundation
import NumPyFormat
import Testing

import ScoreModels

private let schedule = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 10, from: 0.1, to: 0.2))

private func open(_ file: String) throws -> OpenVINOModel<Float> {
  try OpenVINOModel(file: file, parametrization: .noise, schedule: schedule)
}

/// All but the first two need OpenVINO and fail, naming it and the command
/// that installs it, where it is missing.
@Suite(.tags(.needsOpenVINO)) struct OpenVINOTests {
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

  /// `2 sample + timestep`, row by row, however the network takes its timestep.
  @Test(arguments: [
    "integer-timestep.onnx", "scalar-timestep.onnx", "one-timestep.onnx", "fixed-batch.onnx",
    "fixed-batch-scalar.onnx", "half.onnx", "bfloat.onnx",
  ])
  func `rows keep their own timestep in networks of every batch, timestep and number type`(file: String) throws {
    let model = try open(fixturePath(file))
    // Timesteps of 0 to 9, most of them twice; small integers are exact in every type.
    let rows = 13
    let timesteps = (0..<rows).map { $0 * 7 % 10 }
    let states = (0..<rows * 3).map { Float($0 % 16) }
    let times = timesteps.map { NoiseTime(alphaBar: schedule.alphaBar[$0], timestep: Double($0)) }
    let expected = states.enumerated().map { 2 * $1 + Float(timesteps[$0 / 3]) }
    #expect(try prediction(model, states, times) == expected)
    let wide = try OpenVINOModel<Double>(file: fixturePath(file), parametrization: .noise, schedule: schedule)
    #expect(try prediction(wide, states.map { Double($0) }, times) == expected.map { Double($0) })
  }

  /// Schedulers hand networks fractions between training timesteps, which
  /// tools cut off for integer inputs.
  @Test func `an integer timestep is the one below a scheduler's, and else the nearest`() throws {
    let model = try open(fixturePath("integer-timestep.onnx"))
    let between = NoiseTime(s: -0.3 * log(schedule.alphaBar[4]) - 0.7 * log(schedule.alphaBar[5]))
    var chosen = between
    chosen.timestep = 4.7
    #expect(try prediction(model, [0, 0, 0, 0, 0, 0], [between, chosen]) == [5, 5, 5, 4, 4, 4])
  }

  @Test func `further inputs go to the rows of their samples, and guidance combines both branches`() throws {
    try withTemporaryFolder { folder in
      func write(_ name: String, _ shape: [Int], _ values: [Float]) throws -> String {
        let path = folder.appendingPathComponent(name).path
        var bytes = Data(NumPyHeader(elementType: .float32, shape: shape).encoded)
        values.withUnsafeBytes { bytes.append(contentsOf: $0) }
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
      }
      let labels = try write("labels.npy", [3, 2], [1, 2, 3, 4, 5, 6])
      let null = try write("null.npy", [2], [10, 20])
      let bias = try write("bias.npy", [3], [0, 100, 200])
      func open(_ guidance: Double?) throws -> OpenVINOModel<Float> {
        try OpenVINOModel(
          file: fixturePath("labels.onnx"), parametrization: .noise, schedule: schedule,
          conditions: Conditions(
            files: ["labels": labels, "bias": bias], nullFiles: guidance == nil ? [:] : ["labels": null],
            guidance: guidance.map { Guidance(scale: $0) }, samples: 3))
      }
      let samples = [2, 0, 1, 0]
      let times = (0..<4).map { NoiseTime(alphaBar: schedule.alphaBar[$0], timestep: Double($0)) }
      for guidance in [nil, 3.0] {
        let model = try open(guidance)
        var output = [Float](repeating: .nan, count: 12)
        var span = output.mutableSpan
        try model.predict(
          [Float](repeating: 1, count: 12).span, at: times.span, of: samples.span, into: &span)
        let expected: [Float] = (0..<12).map { index in
          let row = index / 3
          let sum = Float([3, 7, 11][samples[row]])
          let rest = 2 + Float(row) + Float(100 * (index % 3))
          return guidance == nil ? rest + sum : rest + 30 + 3 * (sum - 30)
        }
        #expect(output == expected)
      }
      func refused(
        _ code: ScoreModelError.Code, _ files: [String: String], _ nulls: [String: String] = [:], _ words: String...
      ) throws {
        let error = #expect(throws: ScoreModelError.self) {
          try OpenVINOModel<Float>(
            file: fixturePath("labels.onnx"), parametrization: .noise, schedule: schedule,
            conditions: Conditions(files: files, nullFiles: nulls, guidance: nulls.isEmpty ? nil : Guidance(scale: 2), samples: 3))
        }
        #expect(error?.code == code)
        for word in words { #expect(error?.description.contains(word) == true, "\(String(describing: error))") }
      }
      try refused(.badData, ["bias": bias], [:], "'labels'", "`condition` labels=")
      try refused(.badData, ["bias": bias, "labels": bias], [:], "[3]", "[2]", "3 samples")
      try refused(.usage, ["bias": bias, "labels": labels, "hue": null], [:], "hue", "labels [?, 2]")
      try refused(.usage, ["bias": bias, "labels": labels], ["bias": bias], "bias", "batch axis")
      try refused(.badData, ["bias": labels, "labels": labels], [:], "[3, 2]", "[3]")
      let bad = try write("bad.npy", [2], [1, .infinity])
      try refused(.badData, ["bias": bias, "labels": bad], [:], "bad.npy", "finite")
    }
  }

  @Test func `a shape that the network leaves free is stated, and must fit`() throws {
    func open(_ file: String, _ shape: [Int]?) throws -> OpenVINOModel<Float> {
      try OpenVINOModel(
        file: fixturePath(file), parametrization: .noise, schedule: schedule, sampleShape: shape)
    }
    let times = [NoiseTime(alphaBar: schedule.alphaBar[3], timestep: 3)]
    #expect(try prediction(open("free-shape.onnx", [5]), [1, 2, 3, 4, 5], times) == [5, 7, 9, 11, 13])
    #expect(try open("half.onnx", [3]).shape == [3])
    expectFailure(.usage, naming: "[?, ?]", "`sampleShape`") { try open("free-shape.onnx", nil) }
    expectFailure(.usage, naming: "`sampleShape` 4", "[?, 3]") { try open("half.onnx", [4]) }
    expectFailure(.usage, naming: "`sampleShape` 1,3", "[?, 3]") { try open("half.onnx", [1, 3]) }
  }

  @Test(arguments: [
    ("further-input.onnx", "'labels' [?, 3] is supplied by nobody"),
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
