public import Diffusion
import COpenVINO
import Foundation
public import InputFiles

/// A trained network in an ONNX file, evaluated by OpenVINO on the CPU in
/// single precision.
///
/// The network takes `sample` `[batch, shape...]`, `timestep` `[batch]` or
/// `[]` and whatever `Conditions` supply, and returns its prediction in the
/// sample's shape; its inputs and outputs may be of any number type. States in
/// single precision are handed over where they lie, where every row is a row of
/// one call; states in double precision are rounded on the way in and widened
/// on the way out.
///
/// One object serves one thread at a time.
public final class OpenVINOModel<Scalar: StateScalar>: ScoreModel {
  /// Shape of one sample, without the batch.
  public let shape: [Int]
  /// What the network is.
  public let convention: NetworkConvention
  /// What the network predicts.
  public var parametrization: Parametrization { convention.parametrization }
  /// The noise times that the network was trained at.
  public var schedule: (any NoiseSchedule)? { convention.schedule }
  public var bound: EstimateBound? { convention.bound }
  public var variance: LearnedVariance? { network.interface.hasVariance ? convention.variance : nil }
  /// The network's inputs, as its file declares them.
  public let inputs: [NetworkInput]
  /// The name of the output that is the prediction.
  public let output: String
  /// The scheduler that the model came with.
  public var scheduler: SchedulerSummary? { convention.scheduler }
  public var ownMethod: OwnMethod? { convention.ownMethod }
  /// Numbers in the network's weights.
  public let parameterCount: Int
  /// The library that evaluates the network.
  public let library: OpenVINOLibrary
  /// Threads of one evaluation.
  public let threads: Int

  /// Whether one evaluation gains from several threads.
  public var isLarge: Bool { parameterCount > Self.mostForOneThread }
  private static var mostForOneThread: Int { 4_000_000 }

  /// OpenVINO 2026 packs the weights of matrix products anew for 1 row, for 2
  /// to 63 and for more, and keeps every copy. Networks too large for that are
  /// called in the middle range, where samples are vectors and so every row is
  /// a row of their products.
  private var rowsOfCall: ClosedRange<Int> { isLarge && shape.count == 1 ? 2...63 : 1...Int.max }
  private let rowsAlone: Bool
  /// Is told of every call: the file, the output's name, the inputs, and the output.
  var recorder: ((_ file: String, _ name: String, _ inputs: [NetworkMemory], _ shape: [Int], _ output: UnsafePointer<Float>) -> Void)?
  private let network: CompiledNetwork<NetworkInterface>
  private var conditions: [ConditionValues]
  private var guidance: Guidance?
  private var timesteps: [Float] = []
  private var input: [Float] = []
  private var predictions: [Float] = []
  /// What the second half of the channels says, laid out like `predictions`.
  private var statements: [Float] = []
  /// Where the rows of the last call are among them.
  private var statedPlaces: [Int] = []
  private var inputTimesteps: [Float] = []
  private var conditionRows: [[Float]]

  /// Reads, checks and compiles the network.
  ///
  /// - Parameters:
  ///   - file: the network, in ONNX or OpenVINO's format.
  ///   - parametrization: what the network predicts.
  ///   - schedule: the noise times it was trained on, which give its
  ///     `timestep` input.
  ///   - bound: what is done to its denoised estimates.
  ///   - conditions: what its further inputs are given.
  ///   - sampleShape: the shape of one sample, where the file leaves axes free.
  ///   - names: of its inputs and output, where they are stated.
  ///   - rowsAlone: every row is evaluated in a call of its own, each branch of
  ///     guidance too; a call of a network with a fixed batch is filled up with
  ///     copies of it.
  ///   - threads: threads of one evaluation; `nil` takes one for networks of
  ///     up to 4 million parameters, where splitting a row's work costs more
  ///     than it saves, and else as many as there are processors.
  ///   - processors: processors that this process has to itself; `nil` for all
  ///     that it may run on.
  ///   - library: OpenVINO; `nil` looks for it where `OpenVINOLibrary` does.
  ///   - files: records what is read.
  /// - Throws: `ScoreModelError` for a missing library or file, a file that
  ///   OpenVINO cannot read, inputs or outputs other than those above, and
  ///   inputs that nobody supplies.
  public convenience init(
    file: String, parametrization: Parametrization, schedule: any NoiseSchedule, bound: EstimateBound? = nil,
    conditions: Conditions = Conditions(), sampleShape: [Int]? = nil, names: NetworkNames = NetworkNames(),
    rowsAlone: Bool = false, threads: Int? = nil, processors: Int? = nil, library: OpenVINOLibrary? = nil,
    files: InputFiles = InputFiles()
  ) throws {
    let (folder, place) = ModelFolder.of(file, files)
    try self.init(
      network: NetworkFile(at: place, in: folder),
      convention: NetworkConvention(parametrization, schedule: schedule, bound: bound), conditions: conditions,
      sampleShape: sampleShape, names: names, rowsAlone: rowsAlone, threads: threads, processors: processors,
      library: library, files: files)
  }

  init(
    network file: NetworkFile, convention: NetworkConvention, conditions: Conditions, fixed: [String: StatedArray] = [:],
    sampleShape: [Int]?, names: NetworkNames, rowsAlone: Bool, threads: Int?, processors: Int?,
    library: OpenVINOLibrary? = nil, files: InputFiles
  ) throws {
    parameterCount = file.parameterCount
    let library = try library ?? OpenVINOLibrary()
    self.library = library
    self.convention = convention
    self.rowsAlone = rowsAlone
    self.threads = threads ?? (parameterCount <= Self.mostForOneThread ? 1 : processors ?? allowedProcessorCount())
    network = try CompiledNetwork(file, threads: self.threads, library: library) { inputs, outputs in
      try NetworkInterface(inputs: inputs, outputs: outputs, names: names, file: file.path)
    }
    inputs = file.declaredInputs ?? network.inputs.map { $0.input(typeNames: library) }
    let interface = network.interface
    output = interface.prediction.name
    shape = try interface.sampleShape(stated: sampleShape, file: file.path)
    self.conditions = try conditions.values(
      for: interface.conditions, batch: interface.batch, file: file.path, fixed: fixed, files: files)
    try SharedAxes.require(self.conditions, beside: shape, of: interface.sample.name, declared: inputs, file: file.path)
    guidance = conditions.guidance
    if let channels = convention.channels?.deviations.count, channels != shape[0] {
      throw ScoreModelError(
        .badData,
        "\(file.path): its \"sigma_data\" has \(channels) numbers, and a sample of shape \(shape) has \(shape[0]) channels; one a "
          + "channel is needed, or one number")
    }
    if convention.variance != nil, !interface.hasVariance {
      throw ScoreModelError(
        .badData,
        "\(file.path): its output '\(interface.prediction.name)' has shape \(interface.prediction.shapeText), but its scheduler's "
          + "\"variance_type\" asks for learned variances; twice the channels of the sample, or \"fixed_small\", are needed")
    }
    conditionRows = self.conditions.map { _ in [] }
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
    timesteps.removeAll(keepingCapacity: true)
    for row in 0..<rows { timesteps.append(timestep(at: times[row])) }
    let interface = network.interface
    let plan = RowPlan(
      timesteps: timesteps[...], sharesTimestep: interface.sharesTimestep, batch: interface.batch,
      rows: rowsOfCall, isGuided: { guidance?.interval.contains(times[$0].edmSigma) ?? false }, rowsAlone: rowsAlone)
    fillInputs(plan, of: samples)
    if Scalar.self == Float.self, plan.isPlain, convention.channels == nil, !interface.hasVariance {
      try states.withUnsafeBytes { states in
        try output.withUnsafeMutableBytes { output in
          try evaluate(plan, states.assumingMemoryBound(to: Float.self), output.assumingMemoryBound(to: Float.self))
        }
      }
      return
    }
    grow(&input, to: plan.entries.count * dimension)
    grow(&predictions, to: plan.entries.count * width)
    for (place, entry) in plan.entries.enumerated() {
      let (from, to) = (entry.row * dimension, place * dimension)
      for k in 0..<dimension { input[to + k] = Float(states[from + k]) }
      if let channels = convention.channels {
        channels.scale(&input, to..<(to + dimension), at: times[entry.row])
      }
    }
    try input.withUnsafeBufferPointer { input in
      try predictions.withUnsafeMutableBufferPointer { output in try evaluate(plan, input, output) }
    }
    if interface.hasVariance { splitChannels(plan) }
    combine(plan, at: times, into: &output)
  }

  /// Numbers of a row of the network's output.
  private var width: Int { network.interface.hasVariance ? 2 * dimension : dimension }

  /// Takes the second half of the channels out of the predictions.
  private func splitChannels(_ plan: RowPlan) {
    grow(&statements, to: plan.entries.count * dimension)
    for place in plan.entries.indices {
      let (from, to) = (place * width, place * dimension)
      for k in 0..<dimension {
        predictions[to + k] = predictions[from + k]
        statements[to + k] = predictions[from + dimension + k]
      }
    }
    // Guidance is of the prediction alone.
    statedPlaces = plan.places.map(\.conditional)
  }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, of samples: Span<Int>,
    into output: inout MutableSpan<Scalar>, variances: inout MutableSpan<Scalar>
  ) throws {
    precondition(network.interface.hasVariance, "the network has no channels of variances")
    try predict(states, at: times, of: samples, into: &output)
    for row in 0..<times.count {
      let (from, to) = (statedPlaces[row] * dimension, row * dimension)
      for k in 0..<dimension { variances[to + k] = Scalar(statements[from + k]) }
    }
  }

  /// The predictions of the rows, from those of the plan's entries.
  private func combine(_ plan: RowPlan, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>) {
    for (row, places) in plan.places.enumerated() {
      let (to, conditional) = (row * dimension, places.conditional * dimension)
      if let guidance, places.null != places.conditional {
        let null = places.null * dimension
        guidance.combine(&predictions, conditional..<(conditional + dimension), null: null..<(null + dimension))
      }
      if let channels = convention.channels {
        channels.denoise(&predictions, states: input, conditional..<(conditional + dimension), at: times[row])
      }
      for k in 0..<dimension { output[to + k] = Scalar(predictions[conditional + k]) }
    }
  }

  /// Runs `body` with the conditional branch alone: guided predictions are those of no data.
  public func withoutGuidance<Result>(_ body: () throws -> Result) rethrows -> Result {
    let stated = guidance
    guidance = nil
    defer { guidance = stated }
    return try body()
  }

  /// The network's timestep. Between training timesteps, networks that take
  /// integers get what a tool hands them that cuts its own timestep off, and
  /// else the nearest one.
  private func timestep(at time: NoiseTime) -> Float {
    let isInteger = library.isInteger(network.interface.timestep.elementType)
    if let timestep = time.timestep { return Float(isInteger ? timestep.rounded(.towardZero) : timestep) }
    let timestep = convention.schedule.timestep(at: time)
    return Float(isInteger ? timestep.rounded() : timestep)
  }

  /// Timesteps and further inputs of all entries.
  private func fillInputs(_ plan: RowPlan, of samples: Span<Int>) {
    inputTimesteps.removeAll(keepingCapacity: true)
    for entry in plan.entries { inputTimesteps.append(timesteps[entry.row]) }
    for (index, values) in conditions.enumerated() {
      conditionRows[index].removeAll(keepingCapacity: true)
      guard values.hasBatchAxis else { continue }
      for entry in plan.entries {
        let rows = entry.isNull ? values.null ?? values.conditional : values.conditional
        // Calls that time or check the model state no sample of the run.
        conditionRows[index] += rows.row(of: max(0, samples[entry.row] - values.firstSample))
      }
    }
  }

  private func evaluate(
    _ plan: RowPlan, _ input: UnsafeBufferPointer<Float>, _ output: UnsafeMutableBufferPointer<Float>
  ) throws {
    let interface = network.interface
    guard let input = input.baseAddress, let output = output.baseAddress else { return }
    for call in plan.calls {
      let batch = [call.count] + shape
      try inputTimesteps.withUnsafeBufferPointer { timesteps in
        guard let timesteps = timesteps.baseAddress else { return }
        let rank = interface.timestep.shape?.count ?? 0
        let times = [interface.sharesTimestep ? 1 : call.count] + [Int](repeating: 1, count: max(rank - 1, 0))
        var inputs = [
          NetworkMemory(port: interface.sample, shape: batch, values: input + call.lowerBound * dimension),
          NetworkMemory(
            port: interface.timestep, shape: Array(times.prefix(rank)), values: timesteps + call.lowerBound),
        ]
        try withConditions(call, &inputs, from: 0) { inputs in
          var shape = batch
          if interface.hasVariance { shape[1] *= 2 }
          let place = output + call.lowerBound * width
          try network.evaluate(inputs, interface.prediction, shape: shape, into: place)
          recorder?(network.file, interface.prediction.name, inputs, shape, UnsafePointer(place))
        }
      }
    }
  }

  /// Adds the further inputs of one call, from number `index` on, to `inputs`.
  private func withConditions(
    _ call: Range<Int>, _ inputs: inout [NetworkMemory], from index: Int,
    _ body: ([NetworkMemory]) throws -> Void
  ) throws {
    guard index < conditions.count else { return try body(inputs) }
    let values = conditions[index]
    let rows = values.hasBatchAxis ? conditionRows[index] : values.conditional.values
    try rows.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      let first = values.hasBatchAxis ? call.lowerBound * values.conditional.count : 0
      inputs.append(
        NetworkMemory(port: values.port, shape: values.shape(rows: call.count), values: rows + first))
      try withConditions(call, &inputs, from: index + 1, body)
    }
  }
}

extension OpenVINOModel: ConditionedModel {
  public var conditionRanks: [String: Int] {
    Dictionary(uniqueKeysWithValues: conditions.map { ($0.port.name, $0.conditional.rowShape.count) })
  }

  public func setConditions(_ rows: [String: ConditionRows], samples: Range<Int>) throws {
    for (name, rows) in rows.sorted(by: { $0.key < $1.key }) {
      guard let index = conditions.firstIndex(where: { $0.port.name == name }) else {
        throw ScoreModelError(.usage, "condition \(name): the network has no such further input")
      }
      try conditions[index].replace(by: rows, from: samples.lowerBound)
    }
  }
}

private func grow(_ values: inout [Float], to count: Int) {
  if values.count < count { values = [Float](repeating: 0, count: count) }
}

/// The number of processors that this process may run on: launchers bind ranks
/// to some of the machine's, which `ProcessInfo` does not show.
private func allowedProcessorCount() -> Int {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
  let count = mask?.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
  return count.flatMap { $0 > 0 ? $0 : nil } ?? ProcessInfo.processInfo.activeProcessorCount
}
