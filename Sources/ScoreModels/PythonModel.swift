public import Diffusion
import Foundation
public import InputFiles

/// A model in a Python file: a plug-in that needs no build.
///
/// The file defines a class `Model`; `Model(CONFIG)` has a `shape`, and either
/// `predicts` (what `predict(y, alpha, sigma)` returns) or `scheduler` (the
/// schedule that a network was trained with, as diffusers writes it; then
/// `predict(x, timestep)` is the network). `jobs/plugins` has examples.
///
/// It is evaluated in a process of its own, which the interpreter named in
/// `PIADM_PYTHON` runs, else that of the active virtual environment, else
/// `python3`.
///
/// One object serves one thread at a time.
public final class PythonModel<Scalar: StateScalar>: ScoreModel {
  public let shape: [Int]
  public let parametrization: Parametrization
  public let schedule: (any NoiseSchedule)?
  public let bound: EstimateBound?
  public let ownMethod: OwnMethod?
  /// The source.
  public let file: String
  /// Threads of one evaluation: the model's own choice, else one, so that bits
  /// do not depend on the processors of a rank.
  public let threads: Int
  public let conditionRanks: [String: Int]

  private let hasIntegerTimesteps: Bool
  private let worker: PythonWorker

  private struct Opening: Encodable {
    let file: String
    let configuration: String
    let scalar: String
    let threads: Int
    let samples: Int
    let firstSample: Int
    let conditions: [String: String]
    let nullConditions: [String: String]
    let guidance: Double?
  }

  private struct Answer: Decodable {
    let shape: [Int]
    let predicts: String
    let hasIntegerTimesteps: Bool
    let threads: Int
    let conditionRanks: [String: Int]
    /// JSON, in which Python may have written infinities.
    let scheduler: String?
  }

  /// Starts Python and makes the model.
  ///
  /// - Parameters:
  ///   - file: the Python file.
  ///   - configuration: text for its `Model`, whose meaning is its own.
  ///   - conditions: further inputs of `predict`.
  ///   - threads: threads of one evaluation; `nil` for the default.
  ///   - files: records what is read.
  /// - Throws: `ScoreModelError` for a missing file or interpreter, and for
  ///   what the file raises, with its place there.
  public init(
    file: String, configuration: String = "", conditions: Conditions = Conditions(), threads: Int? = nil,
    files: InputFiles = InputFiles()
  ) throws {
    self.file = file
    try ModelSource.record(file, configuration, in: files)
    for (option, stated) in [("condition", conditions.files), ("condition-null", conditions.nullFiles)] {
      for (name, path) in stated.sorted(by: { $0.key < $1.key }) {
        _ = try files.contents(of: path, as: .option("\(option) \(name)"))
      }
    }
    if let guidance = conditions.guidance, guidance != Guidance(scale: guidance.scale) {
      throw ScoreModelError(
        .usage, "`guidanceRescale` and `guidanceInterval`: a plug-in in Python is guided by `guidance` alone; omit them")
    }
    let worker = try PythonWorker(threads: threads ?? 1)
    self.worker = worker
    let opening = Opening(
      file: file, configuration: configuration, scalar: MemoryLayout<Scalar>.size == 4 ? "float32" : "float64",
      threads: threads ?? 1, samples: conditions.samples, firstSample: conditions.firstSample,
      conditions: conditions.files,
      nullConditions: conditions.nullFiles, guidance: conditions.guidance?.scale)
    func failure(_ reason: String) -> ScoreModelError {
      ScoreModelError(
        .badData,
        "\(file): the plug-in makes no model of the configuration '\(configuration)': \(reason) [\(worker.interpreter)]")
    }
    let reply: PythonWorker.Reply
    do {
      reply = try worker.ask(rows: 0, text: Array(JSONEncoder().encode(opening)))
    } catch let error as ScoreModelError {
      throw failure(error.description)
    }
    guard reply.isSuccess else { throw failure(String(decoding: reply.text, as: UTF8.self)) }
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(reply.text)),
      answer.shape.reduce(1.0, { $0 * Double($1) }) <= 0x1p40
    else { throw failure("its shape or scheduler is not usable") }
    shape = answer.shape
    self.threads = answer.threads
    conditionRanks = answer.conditionRanks
    hasIntegerTimesteps = answer.hasIntegerTimesteps
    if let scheduler = answer.scheduler {
      let configuration = try SchedulerConfiguration(
        JSONObject(parsing: Data(scheduler.utf8), file: "\(file): Model.scheduler"))
      (schedule, bound) = (configuration.schedule, configuration.bound)
      (parametrization, ownMethod) = (configuration.parametrization, configuration.summary.method)
      return
    }
    let known: [String: Parametrization] = [
      "score": .score, "noise": .noise, "velocity": .velocity, "sample": .sample, "denoiser": .denoiser,
      "flow": .flow(isNegated: false),
    ]
    guard let parametrization = known[answer.predicts] else {
      throw failure(
        "Model.predicts is '\(answer.predicts)'; one of \(known.keys.sorted().joined(separator: ", ")) is needed")
    }
    (schedule, bound, ownMethod) = (nil, nil, nil)
    self.parametrization = parametrization
  }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) throws {
    let samples = [Int](repeating: 0, count: times.count)
    try predict(states, at: times, of: samples.span, into: &output)
  }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>
  ) throws {
    let rows = times.count
    guard rows > 0 else { return }
    precondition(states.count == rows * dimension && output.count == rows * dimension && samples.count == rows)
    let (numberBytes, stateBytes) = (4 * rows * 8, states.count * MemoryLayout<Scalar>.size)
    let memory = try worker.memory(bytes: numberBytes + 2 * stateBytes)
    let numbers = memory.bindMemory(to: Double.self)
    for row in 0..<rows {
      numbers[row] = times[row].alpha
      numbers[rows + row] = times[row].sigma
      numbers[2 * rows + row] = timestep(at: times[row])
      numbers[3 * rows + row] = Double(samples[row])
    }
    states.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(rebasing: memory[numberBytes...]).copyMemory(from: $0)
    }
    let reply = try worker.ask(rows: rows)
    guard reply.isSuccess else {
      throw ScoreModelError(
        .evaluation, "\(file): the plug-in failed: \(String(decoding: reply.text, as: UTF8.self))")
    }
    let predictions = UnsafeMutableRawBufferPointer(rebasing: memory[(numberBytes + stateBytes)...])
      .bindMemory(to: Scalar.self)
    for index in 0..<states.count { output[index] = predictions[index] }
    for row in 0..<rows {
      let elements = (row * dimension)..<((row + 1) * dimension)
      guard elements.allSatisfy({ predictions[$0].isFinite }) || !elements.allSatisfy({ states[$0].isFinite }) else {
        throw ScoreModelError(
          .badData,
          "\(file): the plug-in returned a number that is not finite for a finite state at noise time "
            + "\(times[row].s) (alpha \(times[row].alpha), sigma \(times[row].sigma))")
      }
    }
  }

  private struct Rows: Encodable {
    let shape: [Int]
    let values: [Float]
  }

  private func timestep(at time: NoiseTime) -> Double {
    if let timestep = time.timestep { return hasIntegerTimesteps ? timestep.rounded(.towardZero) : timestep }
    guard let timestep = schedule?.timestep(at: time) else { return 0 }
    return hasIntegerTimesteps ? timestep.rounded() : timestep
  }
}

extension PythonModel: ConditionedModel {
  private struct Change: Encodable {
    let firstSample: Int
    let rows: [String: Rows]
  }

  public func setConditions(_ rows: [String: ConditionRows], samples: Range<Int>) throws {
    let change = Change(
      firstSample: samples.lowerBound,
      rows: rows.mapValues { Rows(shape: [samples.count] + $0.rowShape, values: $0.values) })
    let reply = try worker.ask(rows: -1, text: Array(JSONEncoder().encode(change)))
    guard reply.isSuccess else {
      throw ScoreModelError(.badData, "\(file): \(String(decoding: reply.text, as: UTF8.self))")
    }
  }
}
