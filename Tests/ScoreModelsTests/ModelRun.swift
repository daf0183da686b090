import Diffusion
import Foundation
import ScoreModels
import Testing

func fixturePath(_ name: String) throws -> String {
  try #require(Bundle.module.resourceURL).appendingPathComponent("Fixtures/\(name)").path
}

/// A model's prediction for rows of states.
func prediction<Scalar: StateScalar>(
  _ model: any ScoreModel<Scalar>, _ states: [Scalar], _ times: [NoiseTime]
) throws -> [Scalar] {
  var output = [Scalar](repeating: .nan, count: states.count)
  var span = output.mutableSpan
  try model.predict(states.span, at: times.span, into: &span)
  return output
}

/// A file or folder that exists while `body` runs.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder)
}

/// The error that `body` throws, which must carry `code` and name each of `words`.
func expectFailure<Result>(
  _ code: ScoreModelError.Code, naming words: String..., in body: () throws -> Result
) {
  let error = #expect(throws: ScoreModelError.self) { _ = try body() }
  guard let error else { return }
  #expect(error.code == code, "\(error)")
  for word in words {
    #expect(error.description.contains(word), "\(error)")
  }
}
