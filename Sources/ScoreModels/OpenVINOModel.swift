public import Diffusion
import COpenVINO
import Foundation

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
  /// What the network predicts.
  public let parametrization: Parametrization
  /// The noise times that the network was trained at.
  public let schedule: (any NoiseSchedule)?
  public let bound: EstimateBound?
  /// The scheduler that the model came with.
  public let scheduler: SchedulerSummary?
  public var ownMethod: OwnMethod? { scheduler?.method }
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
  private let trainingSchedule: any NoiseSchedule
  private let network: CompiledNetwork
  private var conditions: [ConditionValues]
  private let guidance: Float?
  private var timesteps: [Float] = []
  private var input: [Float] = []
  private var output: [Float] = []
  private var inputTimesteps: [Float] = []
  private var conditionRows: [[Float]]

  /// Reads, checks and compiles the network.
  ///
  /// - Parameters:
  ///   - file: the ONNX file.
  ///   - parametrization: what the network predicts.
  ///   - schedule: the noise times it was trained on, which give its
  ///     `timestep` input.
  ///   - bound: what is done to its denoised estimates.
  ///   - scheduler: the scheduler that it came with.
  ///   - conditions: what its further inputs are given.
  ///   - sampleShape: the shape of one sample, where the file leaves axes free.
  ///   - threads: threads of one evaluation; `nil` takes one for networks of
  ///     up to 4 million parameters, where splitting a row's work costs more
  ///     than it saves, and else as many as there are processors.
  ///   - processors: processors that this process has to itself; `nil` for all
  ///     that it may run on.
  ///   - library: OpenVINO; `nil` looks for it where `OpenVINOLibrary` does.
  /// - Throws: `ScoreModelError` for a missing library or file, a file that
  ///   OpenVINO cannot read, inputs or outputs other than those above, and
  ///   inputs that nobody supplies.
  public init(
    file: String, parametrization: Parametrization, schedule: any NoiseSchedule, bound: EstimateBound? = nil,
    scheduler: SchedulerSummary? = nil, conditions: Conditions = Conditions(), sampleShape: [Int]? = nil, threads: Int? = nil, processors: Int? = nil,
    library: OpenVINOLibrary? = nil
  ) throws {
    let contents = try ONNXFile(contentsOf: file)
    parameterCount = contents.parameterCount
    let library = try library ?? OpenVINOLibrary()
    self.library = library
    self.parametrization = parametrization
    self.schedule = schedule
    self.bound = bound
    self.scheduler = scheduler
    trainingSchedule = schedule
    self.threads = threads ?? (parameterCount <= Self.mostForOneThread ? 1 : processors ?? allowedProcessorCount())
    network = try CompiledNetwork(
      file: file, outline: contents.outline(of: file), threads: self.threads, library: library)
    let interface = network.interface
    shape = try interface.sampleShape(stated: sampleShape, file: file)
    self.conditions = try conditions.values(for: interface.conditions, batch: interface.batch, file: file)
    guidance = conditions.guidance.map { Float($0) }
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
      rows: rowsOfCall, isGuided: guidance != nil)
    fillInputs(plan, of: samples)
    if Scalar.self == Float.self, plan.isPlain {
      try states.withUnsafeBytes { states in
        try output.withUnsafeMutableBytes { output in
          try evaluate(plan, states.assumingMemoryBound(to: Float.self), output.assumingMemoryBound(to: Float.self))
        }
      }
      return
    }
    grow(&input, to: plan.entries.count * dimension)
    grow(&self.output, to: plan.entries.count * dimension)
    for (place, entry) in plan.entries.enumerated() {
      let (from, to) = (entry.row * dimension, place * dimension)
      for k in 0..<dimension { input[to + k] = Float(states[from + k]) }
    }
    try input.withUnsafeBufferPointer { input in
      try self.output.withUnsafeMutableBufferPointer { output in try evaluate(plan, input, output) }
    }
    for (row, places) in plan.places.enumerated() {
      let (to, conditional, null) = (row * dimension, places.conditional * dimension, places.null * dimension)
      for k in 0..<dimension {
        let prediction = self.output[conditional + k]
        guard let guidance else {
          output[to + k] = Scalar(prediction)
          continue
        }
        let unconditional = self.output[null + k]
        output[to + k] = Scalar(unconditional + guidance * (prediction - unconditional))
      }
    }
  }

  /// The network's timestep. Between training timesteps, networks that take
  /// integers get what a tool hands them that cuts its own timestep off, and
  /// else the nearest one.
  private func timestep(at time: NoiseTime) -> Float {
    let isInteger = library.isInteger(network.interface.timestep.elementType)
    if let timestep = time.timestep { return Float(isInteger ? timestep.rounded(.towardZero) : timestep) }
    let timestep = trainingSchedule.timestep(at: time)
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
        let times = [interface.sharesTimestep ? 1 : call.count, 1]
        var inputs = [
          CompiledNetwork.Input(port: interface.sample, shape: batch, values: input + call.lowerBound * dimension),
          CompiledNetwork.Input(
            port: interface.timestep, shape: Array(times.prefix(rank)), values: timesteps + call.lowerBound),
        ]
        try withConditions(call, &inputs, from: 0) { inputs in
          try network.evaluate(inputs, shape: batch, into: output + call.lowerBound * dimension)
        }
      }
    }
  }

  /// Adds the further inputs of one call, from number `index` on, to `inputs`.
  private func withConditions(
    _ call: Range<Int>, _ inputs: inout [CompiledNetwork.Input], from index: Int,
    _ body: ([CompiledNetwork.Input]) throws -> Void
  ) throws {
    guard index < conditions.count else { return try body(inputs) }
    let values = conditions[index]
    let rows = values.hasBatchAxis ? conditionRows[index] : values.conditional.values
    try rows.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      let first = values.hasBatchAxis ? call.lowerBound * values.conditional.count : 0
      inputs.append(
        CompiledNetwork.Input(port: values.port, shape: values.shape(rows: call.count), values: rows + first))
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
