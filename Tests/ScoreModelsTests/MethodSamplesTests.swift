import Diffusion
import Foundation
import NumPyFormat
import PicardSampler
import Testing

import ScoreModels

/// A scheduler whose method has stages or a history, with the samples that diffusers draws;
/// `PiadmTests/Diffusers/make-classes.py` makes them.
private struct MethodCase {
  let name: String
  let settings: [String: Any]
  let steps: Int
  let calls: Int
  let expected: [Double]

  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "PiadmTests/Diffusers/classes")

  static func all() throws -> [MethodCase] {
    let data = try Data(contentsOf: folder.appending(path: "methods.json"))
    let cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
    return try cases.map { fixture in
      MethodCase(
        name: try #require(fixture["class"] as? String), settings: try #require(fixture["settings"] as? [String: Any]),
        steps: try #require(fixture["steps"] as? Int), calls: try #require(fixture["calls"] as? Int),
        expected: try #require(fixture["expected"] as? [Double]))
    }
  }

  var description: Comment { "\(name) \(settings.map { "\($0): \($1)" }.sorted()), \(steps) steps" }

  /// The folder's model, from its file.
  func model(in folder: URL) throws -> any ScoreModel<Float> {
    try FileManager.default.copyItem(at: Self.folder.appending(path: "model.onnx"), to: folder.appending(path: "model.onnx"))
    let stated = settings.merging(["_class_name": name]) { $1 }
    try JSONSerialization.data(withJSONObject: stated).write(to: folder.appending(path: "scheduler_config.json"))
    return try ModelSource(folder.path).open(as: Float.self)
  }

  /// Of the largest magnitude expected.
  func difference(_ samples: [(number: Int, state: [Float])], scale: Double) throws -> Double {
    let drawn = samples.sorted { $0.number < $1.number }.flatMap(\.state).map { scale * Double($0) }
    try #require(drawn.count == expected.count)
    return zip(drawn, expected).map { abs($0 - $1) }.max()! / expected.map(abs).max()!
  }
}

/// These tests need OpenVINO and fail, naming it, where it is missing.
@Suite struct MethodSamplesTests {
  /// diffusers computes in single precision, and in the scale of the noise level in many classes:
  /// 6e-8 of up to 160 times the samples in each of up to 36 evaluations.
  @Test("a folder's own method draws the samples of its class in diffusers, with as many evaluations")
  func own() throws {
    let cases = try MethodCase.all()
    #expect(cases.count == 48)
    let noise = try NumPyArray(contentsOf: MethodCase.folder.appending(path: "noise.npy").path).doubles
    let initial = try NumPyArray(contentsOf: MethodCase.folder.appending(path: "initial.npy").path).doubles
    for fixture in cases {
      try withTemporaryFolder { folder in
        let model = try fixture.model(in: folder)
        guard case .here(let method) = model.ownMethod else {
          Issue.record("\(fixture.description): its method is not here")
          return
        }
        let grid = try #require(model.schedule).grid(steps: fixture.steps)
        let trajectory = try Trajectory(
          method.stepMap, on: grid, noiseLevel: method.defaultNoiseLevel, bound: model.bound, variance: model.variance)
        #expect(trajectory.slices == fixture.calls, fixture.description)
        let recorded = RecordedNoise(
          initialStates: initial, stepNoise: noise, samples: 2, otherwise: CounterNoise(seed: 0))
        let source = ScaledStart(recorded, deviation: grid.initialDeviation)
        let sequential = try SequentialSolver(
          trajectory, batch: ScoreBatch(model), noise: source, samples: [0, 1]
        ).run().samples
        #expect(try fixture.difference(sequential, scale: grid.finalScale) <= 1e-3, fixture.description)
        let parallel = try PicardSolver(
          trajectory, options: PicardOptions(stop: .tolerance(1e-5), trajectory: trajectory), batch: ScoreBatch(model),
          ring: SingleRank(), noise: source, samples: [0, 1]
        ).run().samples
        #expect(try fixture.difference(parallel, scale: grid.finalScale) <= 1e-3, fixture.description)
      }
    }
  }
}
