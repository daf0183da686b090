import Diffusion
import Foundation
import InputFiles
import NumPyFormat
import Testing

import ScoreModels

@Suite struct ModelSourceTests {
  private func target(_ text: String) throws -> ClosedFormTarget {
    try ClosedFormTarget(
      JSONObject(parsing: Data(text.utf8), file: "/absent-folder/target.json"), at: "target.json",
      in: ModelFolder("/absent-folder", InputFiles()))
  }

  @Test func `numbers stand for constant vectors`() throws {
    #expect(
      try target(#"{"target": "gaussian", "dimension": 3, "mean": 0.5, "variances": [1, 2, 3]}"#)
        == .gaussian(mean: [0.5, 0.5, 0.5], variances: [1, 2, 3]))
    #expect(
      try target(#"{"target": "gaussian-mixture", "means": [[0, 1], 2], "variance": 0.05, "weights": [1, 3]}"#)
        == .mixture(means: [[0, 1], [2, 2]], variance: 0.05, weights: [1, 3]))
  }

  @Test func `arrays are read from beside the file`() throws {
    try withTemporaryFolder { folder in
      let digits = try fixturePath("digits-timesteps.npy")
      try FileManager.default.copyItem(atPath: digits, toPath: folder.appendingPathComponent("mean.npy").path)
      let file = folder.appendingPathComponent("target.json")
      try Data(#"{"target": "gaussian", "mean": "mean.npy", "variances": 2}"#.utf8).write(to: file)
      let expected = try NumPyArray(contentsOf: digits).doubles
      #expect(
        try ClosedFormTarget(contentsOf: file.path)
          == .gaussian(mean: expected, variances: expected.map { _ in 2 }))
      let model = try ModelSource(file.path).open(as: Double.self)
      #expect(model.shape == [expected.count])
      #expect(model.schedule == nil)
    }
  }

  @Test func `an array that is missing beside the file is named`() throws {
    let error = #expect(throws: NumPyError.self) {
      try target(#"{"target": "gaussian", "mean": "absent.npy", "variances": 2}"#)
    }
    #expect(error?.exitCode == 66)
    #expect(error?.file == "/absent-folder/absent.npy")
  }

  @Test(arguments: [
    (#"{}"#, "target"),
    (#"{"target": "cauchy"}"#, "cauchy"),
    (#"{"target": "gaussian", "mean": 0, "variances": 1}"#, "dimension"),
    (#"{"target": "gaussian", "mean": [0, 1]}"#, "variances"),
    (#"{"target": "gaussian", "mean": [0, 1], "variances": [1]}"#, "variances"),
    (#"{"target": "gaussian", "mean": [0, 1], "variances": [1, -1]}"#, "variances"),
    (#"{"target": "gaussian", "mean": [], "variances": []}"#, "Gaussian"),
    (#"{"target": "gaussian", "mean": [0, "a"], "variances": 1}"#, "mean"),
    (#"{"target": "gaussian", "mean": "mean.txt", "variances": [1]}"#, "mean"),
    (#"{"target": "gaussian", "mean": true, "variances": [1]}"#, "mean"),
    (#"{"target": "gaussian", "dimension": 0, "mean": 0, "variances": 1}"#, "dimension"),
    (#"{"target": "gaussian", "dimension": 1e12, "mean": 0, "variances": 1}"#, "memory"),
    (#"{"target": "gaussian", "dimension": 2, "mean": 0, "variances": 1, "covariance": 1}"#, "covariance"),
    (#"{"target": "gaussian-mixture", "means": [[0]]}"#, "variance"),
    (#"{"target": "gaussian-mixture", "means": [], "variance": 1}"#, "means"),
    (#"{"target": "gaussian-mixture", "means": 3, "variance": 1}"#, "means"),
    (#"{"target": "gaussian-mixture", "means": [[0], [1, 2]], "variance": 1}"#, "means[1]"),
    (#"{"target": "gaussian-mixture", "means": [[0]], "variance": 1, "weights": [1, 2]}"#, "weights"),
    (#"{"target": "gaussian-mixture", "means": [[0]], "variance": 0}"#, "variance"),
  ])
  func `a target that states something else is refused by name`(text: String, named: String) {
    expectFailure(.badData, naming: "target.json", named) {
      try target(text).model(of: Double.self, file: "target.json")
    }
  }

  @Test func `what names no model is refused with the forms that do`() throws {
    expectFailure(.missingFile, naming: "digitz", "digits") { try ModelSource("digitz") }
    expectFailure(.missingFile, naming: "digits") { try ModelSource("") }
    expectFailure(.usage, naming: "plugin:") { try ModelSource("plugin:") }
    expectFailure(.missingFile, naming: "absent.json") { try ModelSource("absent.json").open(as: Float.self) }
    try withTemporaryFolder { folder in
      expectFailure(.missingFile, naming: "model.onnx", "unet/model.onnx") {
        try ModelSource(folder.path).open(as: Float.self)
      }
      try Data().write(to: folder.appendingPathComponent("model.onnx"))
      expectFailure(.missingFile, naming: "scheduler_config.json") {
        try ModelSource(folder.path).open(as: Float.self)
      }
      expectFailure(.usage, naming: "model.onnx") {
        try ModelSource(folder.appendingPathComponent("model.onnx").path)
      }
    }
  }
}
