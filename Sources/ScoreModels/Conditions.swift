import InputFiles
import NumPyFormat

/// Further inputs of a network, as a person states them: arrays by the names of
/// the inputs, each one for all samples or one a sample.
public struct Conditions: Hashable, Sendable {
  /// `.npy` files by the name of the input.
  public var files: [String: String]
  /// What the unconditional branch of guidance is given instead.
  public var nullFiles: [String: String]
  /// `nil` evaluates the conditional branch alone.
  public var guidance: Guidance?
  /// Samples of the run.
  public var samples: Int
  /// The number of the first of them, whose rows are the files' first.
  public var firstSample: Int

  /// Without files a model gets nothing further.
  public init(
    files: [String: String] = [:], nullFiles: [String: String] = [:], guidance: Guidance? = nil, samples: Int = 1,
    firstSample: Int = 0
  ) {
    self.firstSample = firstSample
    self.files = files
    self.nullFiles = nullFiles
    self.guidance = guidance
    self.samples = samples
  }

  /// - Throws: `ScoreModelError` where anything is stated for a model that
  ///   takes nothing further.
  func refuse(by model: String) throws {
    if let name = files.keys.min() ?? nullFiles.keys.min() {
      throw ScoreModelError(.usage, "`condition` \(name): MODEL \(model) has no further inputs; leave it away")
    }
    if guidance != nil {
      throw ScoreModelError(.usage, "`guidance`: MODEL \(model) has no further inputs; leave it away")
    }
  }

  /// The values for a network's inputs, in their order.
  ///
  /// - Parameter fixed: those of the model itself, in whose place others may be stated.
  func values(
    for ports: [NetworkPort], batch: Int?, file: String, fixed: [String: StatedArray] = [:], files record: InputFiles
  ) throws -> [ConditionValues] {
    for name in Set(files.keys).union(nullFiles.keys).union(fixed.keys).sorted() where !ports.contains(where: { $0.name == name }) {
      let known = ports.map { "\($0.name) \($0.shapeText)" }
      throw ScoreModelError(
        .usage,
        "`condition` \(name): \(file) has no such further input; it has \(known.isEmpty ? "none" : known.joined(separator: ", "))")
    }
    return try ports.map { port in
      func read(_ option: String, _ path: String) throws -> StatedArray {
        let label = "\(option) \(port.name)"
        return StatedArray(
          array: try NumPyArray(contentsOf: path, in: record, as: .option(label)), source: "--\(label)=\(path)")
      }
      guard let array = try files[port.name].map({ try read("condition", $0) }) ?? fixed[port.name] else {
        let rest = port.rowShapeText(batch: batch)
        throw ScoreModelError(
          .badData,
          "\(file): its input '\(port.name)' \(port.shapeText) is supplied by nobody; give it with `condition` "
            + "\(port.name)=FILE.npy, of shape \(rest) for all samples alike or with an axis of \(samples) samples in front")
      }
      var values = ConditionValues(port: port, batch: batch)
      values.firstSample = firstSample
      values.conditional = try values.rows(array, samples: samples)
      values.null = try nullFiles[port.name].map { try values.rows(read("condition-null", $0), samples: samples) }
      if values.null != nil, !values.hasBatchAxis {
        throw ScoreModelError(
          .usage,
          "`conditionNull` \(port.name): the input has no batch axis, so both branches of guidance share it; leave it away")
      }
      if let null = values.null, null.rowShape != values.conditional.rowShape {
        throw ScoreModelError(
          .badData,
          "`conditionNull` \(port.name): has shape \(null.rowShape) a sample, `condition` \(values.conditional.rowShape); they must be equal")
      }
      return values
    }
  }
}

/// One further input for some samples: a row each.
public struct ConditionRows: Hashable, Sendable {
  /// Shape of one sample's values.
  public var rowShape: [Int]
  /// The rows one after another.
  public var values: [Float]

  /// - Parameters:
  ///   - rowShape: shape of one sample's values.
  ///   - values: of all rows, one after another.
  public init(rowShape: [Int], values: [Float]) {
    self.rowShape = rowShape
    self.values = values
  }
}

/// A model whose further inputs can be changed between runs.
public protocol ConditionedModel: AnyObject {
  /// Axes of a row of each further input, by name.
  var conditionRanks: [String: Int] { get }

  /// Replaces inputs by name.
  ///
  /// - Parameters:
  ///   - rows: a row for each of the samples.
  ///   - samples: their numbers.
  /// - Throws: `ScoreModelError` where the model has no such input, or rows of
  ///   another shape.
  func setConditions(_ rows: [String: ConditionRows], samples: Range<Int>) throws
}

/// An array, and where it is from, as error messages say it.
struct StatedArray {
  let array: NumPyArray
  let source: String
}

/// What one further input of a network is given.
struct ConditionValues {
  struct Rows {
    /// Shape of one sample's values.
    var rowShape: [Int] = []
    /// One row for all samples, or a row a sample.
    var values: [Float] = []
    var isShared = true

    /// Elements of a row.
    var count: Int { rowShape.reduce(1, *) }

    func row(of sample: Int) -> ArraySlice<Float> {
      isShared ? values[...] : values[(sample * count)..<((sample + 1) * count)]
    }
  }

  let port: NetworkPort
  /// The input has a row for every row of the sample.
  let hasBatchAxis: Bool
  var conditional = Rows()
  var null: Rows?
  /// The sample to which the first row belongs.
  var firstSample = 0

  init(port: NetworkPort, batch: Int?) {
    self.port = port
    hasBatchAxis = port.hasBatchAxis(batch)
  }

  /// Replaces the rows, the first of which is sample `first`'s.
  mutating func replace(by rows: ConditionRows, from first: Int) throws {
    let lengths = (port.shape ?? []).dropFirst(hasBatchAxis ? 1 : 0)
    guard hasBatchAxis, rows.rowShape.count == lengths.count,
      zip(rows.rowShape, lengths).allSatisfy({ $1 == nil || $0 == $1 })
    else {
      throw ScoreModelError(
        .badData, "condition \(port.name): rows of shape \(rows.rowShape) do not fit the input \(port.shapeText)")
    }
    conditional = Rows(rowShape: rows.rowShape, values: rows.values, isShared: false)
    firstSample = first
  }

  /// Shape of the whole input for `rows` rows.
  func shape(rows: Int) -> [Int] { (hasBatchAxis ? [rows] : []) + conditional.rowShape }

  fileprivate func rows(_ stated: StatedArray, samples: Int) throws -> Rows {
    let array = stated.array
    let lengths = (port.shape ?? []).dropFirst(hasBatchAxis ? 1 : 0)
    func fits(_ shape: some Collection<Int>) -> Bool {
      shape.count == lengths.count && zip(shape, lengths).allSatisfy { $1 == nil || $0 == $1 }
    }
    let values = array.floats
    guard !values.isEmpty, values.allSatisfy(\.isFinite) else {
      throw ScoreModelError(
        .badData, "\(stated.source): has \(values.isEmpty ? "no numbers" : "numbers that are not finite")")
    }
    if fits(array.shape) { return Rows(rowShape: array.shape, values: values, isShared: true) }
    if hasBatchAxis, let first = array.shape.first, first == 1 || first == samples, fits(array.shape.dropFirst()) {
      return Rows(rowShape: Array(array.shape.dropFirst()), values: values, isShared: first == 1)
    }
    let text = "[" + lengths.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ") + "]"
    throw ScoreModelError(
      .badData,
      "\(stated.source): has shape \(array.shape); \(text) for all samples alike"
        + (hasBatchAxis ? ", or with an axis of \(samples) samples in front," : "") + " is needed")
  }
}

extension NetworkPort {
  /// The first axis runs over the rows of a call.
  fileprivate func hasBatchAxis(_ batch: Int?) -> Bool {
    guard let shape, let first = shape.first else { return false }
    return first == nil || first == batch
  }

  fileprivate func rowShapeText(batch: Int?) -> String {
    let lengths = (shape ?? []).dropFirst(hasBatchAxis(batch) ? 1 : 0)
    return "[" + lengths.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ") + "]"
  }
}
