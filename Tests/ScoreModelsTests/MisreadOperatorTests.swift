import Diffusion
import Foundation
import NumPyFormat
import ScoreModels
import Testing

private let schedule = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 10, from: 0.1, to: 0.2))

@Suite struct MisreadOperatorTests {
  private func networks(_ kind: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: fixturePath("silent")).filter { $0.hasPrefix(kind) }.sorted()
  }

  private func open(_ name: String, _ conditions: Conditions = Conditions()) throws -> OpenVINOModel<Float> {
    try OpenVINOModel(
      file: fixturePath("silent/\(name)"), parametrization: .noise, schedule: schedule, conditions: conditions)
  }

  @Test func `operators that the runtime computes wrongly are refused by name, with what to do`() throws {
    let wrong = try networks("wrong-")
    #expect(wrong.count == 12)
    for name in wrong {
      let kind = name.dropFirst("wrong-".count).prefix { $0 != "-" && $0 != "." }
      expectFailure(.badData, naming: "OpenVINO computes its operator \(kind)", "; ") { try open(name) }
    }
  }

  @Test func `the same operators are taken where the runtime computes them rightly`() throws {
    let right = try networks("right-")
    #expect(right.count == 8)
    for name in right {
      let model = try open(name)
      #expect(try prediction(model, [Float](repeating: 0.5, count: 32), [NoiseTime(s: 1)]).allSatisfy(\.isFinite))
    }
  }

  @Test func `a network into which a tracer has written its batch of one gets one row a call`() throws {
    let model = try ModelSource(fixturePath("silent/batch-of-one")).open(as: Float.self)
    let times = [NoiseTime(s: 0.1), NoiseTime(s: 1), NoiseTime(s: 3)]
    let states = (0..<48).map { Float($0 % 7) / 3 - 1 }
    let together = try prediction(model, states, times)
    let alone = try times.indices.flatMap { row in
      try prediction(model, Array(states[(16 * row)..<(16 * row + 16)]), [times[row]])
    }
    #expect(together == alone)
    #expect(Set(together).count > 10)
  }

  @Test func `axes of inputs that the file gives one name are equally long, within one input too`() throws {
    try withTemporaryFolder { folder in
      func array(_ name: String, _ shape: [Int]) throws -> String {
        let path = folder.appendingPathComponent(name + ".npy").path
        var bytes = Data(NumPyHeader(elementType: .float32, shape: shape).encoded)
        bytes.append(Data(count: 4 * shape.reduce(1, *)))
        try bytes.write(to: URL(fileURLWithPath: path))
        return path
      }
      func files(mask: Int, rows: Int, columns: Int) throws -> Conditions {
        Conditions(files: [
          "words": try array("words", [7, 3]), "mask": try array("mask", [mask]), "map": try array("map", [rows, columns]),
        ])
      }
      _ = try open("axes.onnx", files(mask: 7, rows: 7, columns: 7))
      expectFailure(.badData, naming: "'words' and 'mask'", "'tokens'", "7 and 5") {
        try open("axes.onnx", files(mask: 5, rows: 7, columns: 7))
      }
      expectFailure(.badData, naming: "'map'", "'tokens'", "7 and 6") {
        try open("axes.onnx", files(mask: 7, rows: 7, columns: 6))
      }
    }
  }
}
