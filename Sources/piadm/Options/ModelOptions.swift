import ArgumentParser
import NumPyFormat
import Results
import ScoreModels

/// What a model is given beside states and noise times.
struct ModelOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("A further input of the network, one array for all samples or one a sample; may be repeated.", valueName: "name=file.npy"))
  var condition: [String] = []

  @Option(help: ArgumentHelp("What guidance gives that input in the unconditional branch; may be repeated.", valueName: "name=file.npy"))
  var conditionNull: [String] = []

  @Option(help: ArgumentHelp("Classifier-free guidance: null + G (conditional - null). (default: off)", valueName: "g"))
  var guidance: Double?

  @Option(
    help: ArgumentHelp("Share of a guided prediction that is brought to the deviation of the conditional one, from 0 to 1.", valueName: "share"))
  var guidanceRescale = 0.0

  @Option(
    help: ArgumentHelp("Noise levels sigma = sigma_E that are guided; others take the conditional branch. (default: all)", valueName: "low:high"))
  var guidanceInterval: NoiseInterval?

  @Option(help: ArgumentHelp("Shape of one sample, as in 4,64,64, where the network leaves it free.", valueName: "lengths"))
  var shape: Shape?

  @Option(
    help: ArgumentHelp("The output of the network that is its prediction, where it has several. (default: by name and shape)", valueName: "name"))
  var networkOutput: String?

  /// Noise levels `sigma_E`.
  struct NoiseInterval: ExpressibleByArgument {
    let levels: ClosedRange<Double>

    init?(argument: String) {
      let ends = argument.split(separator: ":", omittingEmptySubsequences: false).map { Double($0) }
      guard ends.count == 2, let low = ends[0], let high = ends[1], low >= 0, low <= high else { return nil }
      levels = low...high
    }
  }

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
      files: files(condition), nullFiles: files(conditionNull),
      guidance: guidance.map {
        Guidance(scale: $0, rescale: guidanceRescale, interval: guidanceInterval?.levels ?? 0 ... .infinity)
      }, samples: samples, firstSample: firstSample)
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
    if guidance == nil, guidanceRescale != 0 || guidanceInterval != nil {
      throw ValidationError("--guidance-rescale and --guidance-interval need --guidance")
    }
    guard 0...1 ~= guidanceRescale else {
      throw ValidationError("--guidance-rescale must be from 0 to 1, not \(guidanceRescale)")
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
