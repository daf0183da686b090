import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// A network of 30 million parameters, its weights in a file of their own.
  /// Needs OpenVINO, and fails, naming it, where it is missing.
  @Suite struct LargeNetworks {
    private let fixtures = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "ScoreModelsTests/Fixtures")
    private let layers = 7
    private let width = 2070

    /// Puts a network into a folder `name`, with a schedule.
    private func export(_ network: String, to name: String, in place: Workplace) throws {
      try FileManager.default.createDirectory(atPath: "\(place.path)/\(name)", withIntermediateDirectories: false)
      try FileManager.default.copyItem(
        atPath: fixtures.appending(path: network).path, toPath: "\(place.path)/\(name)/model.onnx")
      try place.write(#"{"_class_name": "DDIMScheduler", "clip_sample": false}"#, to: "\(name)/scheduler_config.json")
    }

    /// Weights that keep the size of what they act on.
    private func weights() -> [UInt8] {
      var state: UInt32 = 1
      let scale = (3 / Float(width)).squareRoot() / Float(1 << 30)
      let values = (0..<layers * width * width).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return (Float(state >> 1) - Float(1 << 30)) * scale
      }
      return values.withUnsafeBytes { Array($0) }
    }

    private func privateMemory(_ model: String, in place: Workplace) throws -> Int {
      _ = try place.digest(
        [model, "--method", "ddim", "--steps", "8", "--samples", "8", "--iterations", "2", "--report", "report.json"],
        ranks: 2)
      let report = try #require(JSONSerialization.jsonObject(with: place.read("report.json")) as? [String: Any])
      let own = try #require(report["privateMemoryBytes"] as? Int)
      #expect(own < (try #require(report["peakMemoryBytes"] as? Int)))
      return own
    }

    @Test("a rank has the weights of a large network to itself once, and shares the file of them")
    func memory() throws {
      let place = try Workplace()
      try export("twice-the-sample.onnx", to: "small", in: place)
      try export("large.onnx", to: "large", in: place)
      let weights = weights()
      try place.write(weights, to: "large/weights.bin")
      let small = try privateMemory("small", in: place)
      let large = try privateMemory("large", in: place)
      // State, proposal, earlier state, value and noise of 8 samples and 8 slices in single precision.
      let states = 5 * 4 * width * 8 * 8
      #expect(Double(large - small) <= 1.3 * Double(weights.count + states))
      // The check can fail: the weights are there.
      #expect(large - small >= weights.count / 2)
    }
  }
}
