import Diffusion
import Foundation
import NumPyFormat
import Testing

import ScoreModels

/// The examples of `jobs/plugins`, and plug-ins with faults, built by these
/// tests: they need a C compiler, gfortran, and the virtual environment that
/// `jobs/setup.sh` makes, and fail, naming what is missing, without them.
@Suite struct PluginTests {
  private static let top = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func run(_ command: [String]) throws {
    let process = Process()
    let messages = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = top
    process.standardOutput = messages
    process.standardError = messages
    try process.run()
    let text = String(decoding: try messages.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(command.joined(separator: " ")): \(text)")
  }

  /// Builds the faulty plug-in, with the fault that a macro chooses, for `body`.
  private func withFaultyPlugin(_ macro: String, _ body: (String) throws -> Void) throws {
    try withTemporaryFolder { folder in
      let library = folder.appendingPathComponent("faulty.so").path
      try Self.run([
        "cc", "-shared", "-fPIC", "-I", "Sources/CScorePlugin/include", "-D\(macro)", "-o", library,
        fixturePath("faulty_plugin.c"),
      ])
      try body(library)
    }
  }

  private let times = [1e-3, 0.01, 0.1, 1, 5].map { NoiseTime(s: $0) }

  /// Checks that a plug-in has the scores of a closed-form target.
  private func expectScores(
    of plugin: any ScoreModel<Double>, _ target: any ScoreModel<Double>, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(plugin.dimension == target.dimension, sourceLocation: sourceLocation)
    for (number, time) in times.enumerated() {
      let state: [Double] = CounterNoise(seed: 3).normals(
        target.dimension, stream: .initialState, step: 0, sample: number)
      let (p, q) = plugin.parametrization.conversion(to: .score, at: time)
      let scores = zip(state, try prediction(plugin, state, [time])).map { p * $0 + q * $1 }
      for (score, exact) in zip(scores, try prediction(target, state, [time])) {
        // Rounding, times 1/sigma where the score comes from the clean sample.
        #expect(abs(score - exact) <= 1e-12 * (1 + abs(exact)) / time.sigma, sourceLocation: sourceLocation)
      }
    }
    let test = try SelfTest(of: plugin, at: times)
    #expect(test.isUsable, "\(test)", sourceLocation: sourceLocation)
  }

  @Test(
    "the examples in C, Fortran and Python have the scores of the same closed-form targets (needs cc, gfortran, numpy)")
  func examples() throws {
    try withTemporaryFolder { folder in
      try Self.run(["jobs/plugins/build.sh", folder.path])
      func library(_ name: String) -> String { folder.appendingPathComponent(name).path }

      try expectScores(
        of: PluginModel(file: library("gaussian.so"), configuration: "6 0.5 0.04"),
        Gaussian(mean: [Double](repeating: 0.5, count: 6), variances: [Double](repeating: 0.04, count: 6)))

      try expectScores(
        of: PluginModel(file: library("two_wells.so")),
        GaussianMixture(
          means: [[Double](repeating: 1, count: 8), [Double](repeating: -1, count: 8)], variance: 0.04))

      let data: [Float] = (0..<24).map { Float(($0 * 7) % 11) / 5 - 1 }
      var bytes = Data(NumPyHeader(elementType: .float32, shape: [4, 2, 3]).encoded)
      data.withUnsafeBytes { bytes.append(contentsOf: $0) }
      try bytes.write(to: URL(fileURLWithPath: library("data.npy")))
      let source = Self.top.appendingPathComponent("jobs/plugins/empirical.py").path
      let empirical = try PythonModel<Double>(file: source, configuration: library("data.npy"))
      #expect(empirical.shape == [2, 3])
      #expect(empirical.parametrization == .sample)
      try expectScores(
        of: empirical,
        GaussianMixture(means: (0..<4).map { row in data[(6 * row)..<(6 * row + 6)].map { Double($0) } }, variance: 0.05))

      expectFailure(.badData, naming: "empirical.py", "absent.npy", "FileNotFoundError", "line 16, in __init__") {
        try PythonModel<Float>(file: source, configuration: "absent.npy")
      }
      expectFailure(.badData, naming: "gaussian.so", "'6'", "positive variance") {
        try PluginModel<Float>(file: library("gaussian.so"), configuration: "6")
      }
    }
  }

  @Test(arguments: [
    ("shape = (2,)", ["no class Model"]),
    ("class Model:\n  def __init__(self, c): pass", ["AttributeError", "shape"]),
    ("class Model:\n  shape = (0,)\n  def __init__(self, c): pass", ["Model.shape is (0,)"]),
    ("class Model:\n  shape = (2,)\n  predicts = 'eps'\n  def __init__(self, c): pass", ["Model.predicts is 'eps'", "noise"]),
    ("class Model:\n  shape = (2,)\n  scheduler = {'_class_name': 'Other'}\n  def __init__(self, c): pass", ["_class_name", "Other"]),
    ("class Model:\n  shape = (2,)\n  conditions = {'label': (3,)}\n  def __init__(self, c): pass", ["'label'", "`condition` label=FILE.npy"]),
    ("class Model\n", ["SyntaxError", "line 1"]),
    ("import absent_module", ["ModuleNotFoundError", "line 1"]),
    ("import os; os._exit(4)", ["Python ended with code 4"]),
    ("import os; os.kill(os.getpid(), 11)", ["Python crashed with signal 11"]),
  ])
  func `a plug-in in Python that makes no model is refused with the place`(source: String, words: [String]) throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.py")
      try Data(source.utf8).write(to: file)
      let error = #expect(throws: ScoreModelError.self) { try PythonModel<Float>(file: file.path, configuration: "settings") }
      #expect(error?.code == .badData)
      for word in [file.path] + words {
        #expect(error?.description.contains(word) == true, "no '\(word)' in: \(error?.description ?? "")")
      }
    }
  }

  @Test(arguments: [
    ("return y[:1, :1]", ScoreModelError.Code.evaluation, "returned shape (1, 1) for 2 rows; (2, 3) is needed"),
    ("return y / 0", .badData, "not finite"),
    ("return y.absent", .evaluation, "model.py, line 4, in predict"),
    ("import os; os._exit(0)", .evaluation, "Python ended with code 0"),
  ])
  func `a plug-in in Python that fails to evaluate is named with the reason`(
    body: String, code: ScoreModelError.Code, words: String
  ) throws {
    try withTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.py")
      try Data("class Model:\n  shape, __init__ = (3,), lambda self, c: None\n  def predict(self, y, alpha, sigma):\n    \(body)\n".utf8)
        .write(to: file)
      let model = try PythonModel<Float>(file: file.path)
      let error = #expect(throws: ScoreModelError.self) {
        try prediction(model, [1, 2, 3, 4, 5, 6], [times[0], times[1]])
      }
      #expect(error?.code == code)
      #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
  }

  @Test(arguments: [
    ("OTHER_VERSION", ["version 7", "of version 1"]),
    ("NO_MODEL", ["'settings'", "the configuration is not understood"]),
    ("NO_DESTROY", ["piadm_score_destroy"]),
    ("UNDEFINED", ["absent_function"]),
    ("DIMENSION=0", ["piadm_score_dimension", "0"]),
    ("DIMENSION=-4", ["piadm_score_dimension", "-4"]),
    ("DIMENSION=INT64_MAX", ["piadm_score_dimension"]),
    ("SHAPE=3,1", ["piadm_score_shape", "[3, 1]", "2"]),
    ("SHAPE=-1,-2", ["piadm_score_shape", "[-1, -2]"]),
    ("SHAPE=INT64_MAX,INT64_MAX,2", ["piadm_score_shape"]),
    ("RANK=0", ["piadm_score_shape", "0 axes"]),
    ("RANK=9", ["piadm_score_shape", "9 axes"]),
    ("PREDICTION=6", ["piadm_score_prediction", "6"]),
    ("PREDICTION=-1", ["piadm_score_prediction", "-1"]),
  ])
  func `a plug-in that breaks the interface is refused by name`(macro: String, words: [String]) throws {
    try withFaultyPlugin(macro) { library in
      let error = #expect(throws: ScoreModelError.self) {
        try PluginModel<Float>(file: library, configuration: "settings")
      }
      #expect(error?.code == .badData)
      for word in [library] + words {
        #expect(error?.description.contains(word) == true, "no '\(word)' in: \(error?.description ?? "")")
      }
    }
  }

  @Test func `a plug-in can state what it is as a piadm.json does`() throws {
    let stated = #"{\"process\": \"variance-exploding\", \"predicts\": \"denoiser\", \"range\": [0.01, 20]}"#
    try withFaultyPlugin("CONVENTION=\"\(stated)\"") { library in
      let model = try PluginModel<Double>(file: library)
      #expect(model.parametrization == .denoiser)
      let schedule = try #require(model.schedule)
      #expect(abs(schedule.trainedTimes.greatest.edmSigma - 20) < 1e-12)
    }
    for (text, words) in [
      (#"{\"process\": \"vp\"}"#, ["piadm_score_convention", "\"process\""]),
      (#"{\"process\": \"flow\", \"predicts\": \"sample\", \"time\": \"sigma\"}"#, ["\"time\"", "alpha and sigma"]),
    ] {
      try withFaultyPlugin("CONVENTION=\"\(text)\"") { library in
        let error = #expect(throws: ScoreModelError.self) { try PluginModel<Double>(file: library) }
        for word in words { #expect(error?.description.contains(word) == true, "\(error?.description ?? "")") }
      }
    }
  }

  @Test(arguments: [
    ("NAN_NEAR_THE_DATA", ScoreModelError.Code.badData, "not finite"),
    ("UNSET", .badData, "left one unset"),
    ("FAILS", .evaluation, "the solver inside does not converge"),
  ])
  func `a plug-in that fails to evaluate is named with the reason`(
    macro: String, code: ScoreModelError.Code, reason: String
  ) throws {
    try withFaultyPlugin(macro) { library in
      let model = try PluginModel<Float>(file: library)
      expectFailure(code, naming: library, reason) {
        try prediction(model, [1, 2, 3, 4], [NoiseTime(s: 1), NoiseTime(s: 0.001)])
      }
      // A state that is no number is not the plug-in's fault.
      if macro == "NAN_NEAR_THE_DATA" {
        #expect(try prediction(model, [1, .nan], [NoiseTime(s: 1)])[1].isNaN)
      }
    }
  }

  @Test func `what is no plug-in is refused`() throws {
    expectFailure(.missingFile, naming: "absent.so") { try PluginModel<Float>(file: "absent.so") }
    try withTemporaryFolder { folder in
      expectFailure(.badData, naming: folder.path) { try PluginModel<Float>(file: folder.path) }
      let text = folder.appendingPathComponent("text.so")
      try Data("no library\n".utf8).write(to: text)
      expectFailure(.badData, naming: "text.so", "piadm_score.h") { try PluginModel<Float>(file: text.path) }
      let other = folder.appendingPathComponent("other.so").path
      try Data("int other;\n".utf8).write(to: folder.appendingPathComponent("other.c"))
      try Self.run(["cc", "-shared", "-fPIC", "-o", other, "\(folder.path)/other.c"])
      expectFailure(.badData, naming: "other.so", "piadm_score_version") { try PluginModel<Float>(file: other) }
      // Needs a library that is not there any more.
      let needing = folder.appendingPathComponent("needing.so").path
      try Self.run(["cc", "-shared", "-fPIC", "-Wl,--no-as-needed", "-o", needing, "\(folder.path)/other.c", other])
      try FileManager.default.removeItem(atPath: other)
      expectFailure(.missingLibrary, naming: "needing.so", "other.so", "LD_LIBRARY_PATH") {
        try PluginModel<Float>(file: needing)
      }
    }
  }

  @Test func `a plug-in is named with its configuration, which may hold colons`() throws {
    #expect(try ModelSource("plugin:a/b.so") == .plugin(file: "a/b.so", configuration: ""))
    #expect(try ModelSource("plugin:b.so:") == .plugin(file: "b.so", configuration: ""))
    #expect(try ModelSource("plugin:b.so:x=1:y=2") == .plugin(file: "b.so", configuration: "x=1:y=2"))
    expectFailure(.usage, naming: "plugin::x") { try ModelSource("plugin::x") }
  }
}
