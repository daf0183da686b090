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

    /// An ONNX model with its weights in it: a product with each matrix, one after
    /// another. Field numbers are those of `onnx.proto`.
    private func network(_ weights: [UInt8]) -> [UInt8] {
      func field(_ number: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var length: [UInt8] = []
        var rest = bytes.count
        while rest >= 128 { length.append(UInt8(rest % 128) + 128); rest /= 128 }
        return [number << 3 | 2] + length + [UInt8(rest)] + bytes
      }
      func text(_ number: UInt8, _ text: String) -> [UInt8] { field(number, Array(text.utf8)) }
      func number(_ number: UInt8, _ value: Int) -> [UInt8] {
        value < 128 ? [number << 3, UInt8(value)] : [number << 3, UInt8(value % 128) + 128, UInt8(value / 128)]
      }
      let (batch, row) = (field(1, text(2, "batch")), field(1, number(1, width)))
      func port(_ field11or12: UInt8, _ name: String, _ axes: [UInt8]) -> [UInt8] {
        field(field11or12, text(1, name) + field(2, field(1, number(1, 1) + field(2, axes))))
      }
      func node(_ operation: String, _ inputs: [String], _ output: String) -> [UInt8] {
        field(1, inputs.flatMap { text(1, $0) } + text(2, output) + text(4, operation))
      }
      let bytes = weights.count / layers
      // OpenVINO leaves inputs out that nothing depends on.
      var graph = node("ReduceSum", ["timestep"], "total") + node("Mul", ["total", "zero"], "nothing")
      graph += node("Add", ["sample", "nothing"], "hidden0")
      graph += field(5, number(2, 1) + text(8, "zero") + field(9, [0, 0, 0, 0]))
      for layer in 0..<layers {
        let output = layer + 1 == layers ? "prediction" : "hidden\(layer + 1)"
        graph += node("MatMul", ["hidden\(layer)", "weight\(layer)"], output)
        let matrix = Array(weights[(layer * bytes)..<((layer + 1) * bytes)])
        graph += field(
          5, number(1, width) + number(1, width) + number(2, 1) + text(8, "weight\(layer)") + field(9, matrix))
      }
      graph += port(11, "sample", batch + row) + port(11, "timestep", batch) + port(12, "prediction", batch + row)
      return number(1, 8) + field(7, text(2, "large") + graph) + field(8, number(2, 17))
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

    @Test(
      "a rank has the weights of a large network to itself once, and shares the file of them",
      arguments: [true, false])
    func memory(inAFileOfTheirOwn: Bool) throws {
      let place = try Workplace()
      try export("twice-the-sample.onnx", to: "small", in: place)
      try export("large.onnx", to: "large", in: place)
      let weights = weights()
      if inAFileOfTheirOwn {
        try place.write(weights, to: "large/weights.bin")
      } else {
        try place.write(network(weights), to: "large/model.onnx")
      }
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
