import ArgumentParser
import NumPyFormat
import Results
import ScoreModels

/// What a model is given beside states and noise times.
struct ModelOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A further input of the network, one array for all samples or one a sample; may be repeated.", valueName: "name=file.npy"))
  var condition: [String] = []

  @Option(help: ArgumentHelp("What guidance gives that input in the unconditional branch; may be repeated.", valueName: "name=file.npy"))
  var conditionNull: [String] = []

  @Option(help: ArgumentHelp("Classifier-free guidance: null + G (conditional - null). (default: off)", valueName: "g"))
  var guidance: Double?

  @Option(help: ArgumentHelp("Shape of one sample, as in 4,64,64, where the network leaves it free.", valueName: "lengths"))
  var shape: Shape?

  /// Lengths of axes.
  struct Shape: ExpressibleByArgument {
    let lengths: [Int]

    init?(argument: String) {
      let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
      let lengths = parts.compactMap { $0 }
      // The product is that of a sample that fits into memory.
      let elements = lengths.reduce(1.0) { $0 * Double($1) }
      guard lengths.count == parts.count, lengths.allSatisfy({ $0 >= 1 }), elements <= 0x1p40 else { return nil }
      self.lengths = lengths
    }
  }

  /// Files that a run reads.
  var files: [String] { (condition + conditionNull).compactMap { Self.assignment($0)?.file } }

  /// Names of the inputs that are given.
  var conditionNames: [String] { condition.compactMap { Self.assignment($0)?.name } }

  func conditions(samples: Int, firstSample: Int = 0) -> Conditions {
    func files(_ stated: [String]) -> [String: String] {
      Dictionary(stated.compactMap { Self.assignment($0) }, uniquingKeysWith: { first, _ in first })
    }
    return Conditions(
      files: files(condition), nullFiles: files(conditionNull), guidance: guidance, samples: samples,
      firstSample: firstSample)
  }

  /// The conditions as they are stored beside the samples.
  func arrays() throws -> [NamedArray] {
    try condition.compactMap { Self.assignment($0) }.map {
      let array = try NumPyArray(contentsOf: $0.file)
      return NamedArray(name: $0.name, values: array.floats, shape: array.shape)
    }
  }

  private static func assignment(_ stated: String) -> (name: String, file: String)? {
    guard let equals = stated.firstIndex(of: "="), equals != stated.startIndex else { return nil }
    let file = stated[stated.index(after: equals)...]
    return file.isEmpty ? nil : (String(stated[..<equals]), String(file))
  }

  func validate() throws {
    for (option, stated) in [("condition", condition), ("condition-null", conditionNull)] {
      var names: Set<String> = []
      for text in stated {
        guard let name = Self.assignment(text)?.name else {
          throw ValidationError("--\(option) must be NAME=FILE.npy, not '\(text)'")
        }
        guard names.insert(name).inserted else {
          throw ValidationError("--\(option) states '\(name)' twice")
        }
      }
    }
    let known = Set(condition.compactMap { Self.assignment($0)?.name })
    for text in conditionNull {
      guard let name = Self.assignment(text)?.name, known.contains(name) else {
        throw ValidationError("--condition-null \(text) needs a --condition of the same name")
      }
    }
    if let guidance, !guidance.isFinite { throw ValidationError("--guidance must be a number, not \(guidance)") }
    if (guidance == nil) != conditionNull.isEmpty {
      throw ValidationError(
        guidance == nil
          ? "--condition-null is used by --guidance alone: give both, or neither"
          : "--guidance needs what the unconditional branch is given: --condition-null NAME=FILE.npy")
    }
  }
}
