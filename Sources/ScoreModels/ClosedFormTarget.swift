package import Diffusion
import Foundation
package import InputFiles
import NumPyFormat

/// A target with an exact score, as a JSON file states it:
///
///     {"target": "gaussian", "dimension": 64, "mean": 0.5, "variances": [...]}
///     {"target": "gaussian-mixture", "means": [[...], ...], "variance": 0.05, "weights": [...]}
///
/// A vector is an array, a number (all elements the same; then `dimension` is
/// needed unless another vector tells it), or the name of a `.npy` file beside
/// the JSON file. All means together may be one `.npy` file, a row a mean.
package enum ClosedFormTarget: Hashable, Sendable {
  case gaussian(mean: [Double], variances: [Double])
  case mixture(means: [[Double]], variance: Double, weights: [Double]?)

  package init(contentsOf file: String, in files: InputFiles = InputFiles()) throws {
    let (folder, place) = ModelFolder.of(file, files)
    try self.init(JSONObject(at: place, in: folder), at: place, in: folder)
  }

  /// - Parameters:
  ///   - place: of the object's file in its folder, where arrays that it names are looked for.
  package init(_ object: JSONObject, at place: String, in folder: ModelFolder) throws {
    var stated = StatedTarget(object: object, place: place, folder: folder)
    guard let target = try stated.object.string("target") else {
      throw stated.object.missing("target", needed: "\"gaussian\" or \"gaussian-mixture\"")
    }
    let dimension = try stated.object.integer("dimension", in: 1...(1 << 40))
    switch target {
    case "gaussian":
      let mean = try stated.requiredVector("mean")
      let variances = try stated.requiredVector("variances")
      try stated.object.refuseOtherKeys()
      let vectors = try stated.expand([("mean", mean), ("variances", variances)], dimension)
      self = .gaussian(mean: vectors[0], variances: vectors[1])
    case "gaussian-mixture":
      let means = try stated.means()
      guard let variance = try stated.object.number("variance") else { throw stated.object.missing("variance", needed: "a number") }
      let weights = try stated.vector("weights")
      try stated.object.refuseOtherKeys()
      self = .mixture(
        means: try stated.expand(means.enumerated().map { ("means[\($0)]", $1) }, dimension), variance: variance,
        weights: try weights.map { try stated.expand([("weights", $0)], means.count)[0] })
    default:
      throw stated.object.wrong("target", .string(target), needed: "\"gaussian\" or \"gaussian-mixture\"")
    }
  }

  /// The target as a model; `file` is named in errors.
  package func model<Scalar: StateScalar>(of _: Scalar.Type, file: String) throws -> any ScoreModel<Scalar> {
    do {
      switch self {
      case .gaussian(let mean, let variances):
        return try Gaussian<Scalar>(mean: mean, variances: variances)
      case .mixture(let means, let variance, let weights):
        return try GaussianMixture<Scalar>(means: means, variance: variance, weights: weights)
      }
    } catch let error as DiffusionError {
      throw ScoreModelError(.badData, "\(file): \(error)")
    }
  }
}

/// A vector as a target's file states it.
private enum StatedVector {
  case constant(Double)
  case elements([Double])
}

/// A target's JSON object with the folder of the arrays that it names.
private struct StatedTarget {
  var object: JSONObject
  let place: String
  let folder: ModelFolder

  private var file: String { object.file }

  mutating func requiredVector(_ key: String) throws -> StatedVector {
    guard let vector = try vector(key) else { throw object.missing(key, needed: vectorText) }
    return vector
  }

  mutating func vector(_ key: String) throws -> StatedVector? {
    try object.value(key).map { try vector($0, key) }
  }

  mutating func means() throws -> [StatedVector] {
    guard let value = object.value("means") else { throw object.missing("means", needed: meansText) }
    switch value {
    case .array(let rows):
      guard !rows.isEmpty else { throw object.wrong("means", value, needed: "at least one mean") }
      return try rows.enumerated().map { try vector($1, "means[\($0)]") }
    case .string(let name):
      let array = try array(name, key: "means")
      guard array.shape.count == 2, array.shape[0] > 0, array.shape[1] > 0 else {
        throw ScoreModelError(.badData, "\(file): \"means\": \(name) has shape \(array.shape); a row a mean is needed")
      }
      let elements = array.doubles
      let length = array.shape[1]
      return (0..<array.shape[0]).map { .elements(Array(elements[($0 * length)..<(($0 + 1) * length)])) }
    default:
      throw object.wrong("means", value, needed: meansText)
    }
  }

  private func vector(_ value: JSONValue, _ key: String) throws -> StatedVector {
    switch value {
    case .number(let number):
      return .constant(number)
    case .string(let name):
      let array = try array(name, key: key)
      guard array.shape.count == 1 else {
        throw ScoreModelError(.badData, "\(file): \"\(key)\": \(name) has shape \(array.shape); one axis is needed")
      }
      return .elements(array.doubles)
    case .array(let elements):
      return .elements(
        try elements.map { element in
          guard case .number(let number) = element else { throw object.wrong(key, element, needed: "only numbers in the array") }
          return number
        })
    default:
      throw object.wrong(key, value, needed: vectorText)
    }
  }

  /// Brings vectors to their common length.
  func expand(_ vectors: [(key: String, StatedVector)], _ stated: Int?) throws -> [[Double]] {
    var dimension = stated
    var source = "\"dimension\""
    for case (let key, .elements(let elements)) in vectors {
      guard let known = dimension else {
        (dimension, source) = (elements.count, "\"\(key)\"")
        continue
      }
      guard elements.count == known else {
        throw ScoreModelError(.badData, "\(file): \"\(key)\" has \(elements.count) numbers, \(source) says \(known)")
      }
    }
    guard let dimension else {
      throw object.missing("dimension", needed: "an integer, where every vector is stated as one number,")
    }
    let bytes = Double(dimension) * Double(vectors.count) * 8
    guard bytes <= Double(ProcessInfo.processInfo.physicalMemory) / 4 else {
      throw ScoreModelError(
        .badData, "\(file): \(vectors.count) vectors of dimension \(dimension) do not fit in this machine's memory")
    }
    return vectors.map { _, vector in
      switch vector {
      case .constant(let number): [Double](repeating: number, count: dimension)
      case .elements(let elements): elements
      }
    }
  }

  private func array(_ name: String, key: String) throws -> NumPyArray {
    guard name.hasSuffix(".npy") else { throw object.wrong(key, .string(name), needed: vectorText) }
    return try folder.array(of: name, namedBy: place)
  }
}

private let vectorText = "a number, an array of numbers or the name of a .npy file"
private let meansText = "an array of vectors or the name of a .npy file"
