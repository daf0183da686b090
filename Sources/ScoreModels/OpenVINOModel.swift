public import Diffusion
import COpenVINO
import Foundation

/// A trained network in an ONNX file, evaluated by OpenVINO on the CPU in
/// single precision.
///
/// The network takes `sample`, float32 `[batch, shape...]`, and `timestep`,
/// float32 `[batch]`, and returns its prediction in the sample's shape. States
/// in single precision are handed over where they lie; states in double
/// precision are rounded on the way in and widened on the way out.
///
/// One object serves one thread at a time.
public final class OpenVINOModel<Scalar: StateScalar>: ScoreModel {
  public let shape: [Int]
  public let parametrization: Parametrization
  public let schedule: (any NoiseSchedule)?
  /// Numbers in the network's weights.
  public let parameterCount: Int
  /// The library that evaluates the network.
  public let library: OpenVINOLibrary
  /// Threads of one evaluation.
  public let threads: Int

  /// Whether one evaluation gains from several threads.
  public var isLarge: Bool { parameterCount > Self.mostForOneThread }
  private static var mostForOneThread: Int { 4_000_000 }

  private let file: String
  private let trainingSchedule: any NoiseSchedule
  private let network: CompiledNetwork
  private var timesteps: [Float] = []
  private var roundedStates: [Float] = []
  private var roundedOutput: [Float] = []

  /// Reads, checks and compiles the network.
  ///
  /// - Parameters:
  ///   - file: the ONNX file.
  ///   - parametrization: what the network predicts.
  ///   - schedule: the timesteps it was trained on; they become its
  ///     `timestep` input.
  ///   - threads: threads of one evaluation; `nil` takes one for networks of
  ///     up to 4 million parameters, where splitting a row's work costs more
  ///     than it saves, and else as many as there are processors.
  ///   - processors: processors that this process has to itself; `nil` for all
  ///     that it may run on.
  /// - Throws: `ScoreModelError` for a missing library or file, a file that
  ///   OpenVINO cannot read, and inputs or outputs other than those above.
  public init(
    file: String, parametrization: Parametrization, schedule: any NoiseSchedule, threads: Int? = nil,
    processors: Int? = nil, library: OpenVINOLibrary? = nil
  ) throws {
    parameterCount = try ONNXFile(contentsOf: file).parameterCount
    let library = try library ?? OpenVINOLibrary()
    self.file = file
    self.library = library
    self.parametrization = parametrization
    self.schedule = schedule
    trainingSchedule = schedule
    self.threads = threads ?? (parameterCount <= Self.mostForOneThread ? 1 : processors ?? allowedProcessorCount())
    network = try CompiledNetwork(file: file, threads: self.threads, library: library)
    shape = network.sampleShape
  }

  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) throws {
    let rows = times.count
    guard rows > 0 else { return }
    precondition(states.count == rows * dimension && output.count == rows * dimension)
    if timesteps.count < rows {
      timesteps = [Float](repeating: 0, count: rows)
    }
    for row in 0..<rows {
      let time = times[row]
      timesteps[row] = Float(time.timestep ?? trainingSchedule.timestep(at: time))
    }
    if Scalar.self == Float.self {
      try states.withUnsafeBytes { input in
        try output.withUnsafeMutableBytes { result in
          try network.evaluate(rows: rows, sample: input, timesteps: &timesteps, into: result)
        }
      }
      return
    }
    if roundedStates.count < states.count {
      roundedStates = [Float](repeating: 0, count: states.count)
      roundedOutput = [Float](repeating: 0, count: states.count)
    }
    for index in 0..<states.count { roundedStates[index] = Float(states[index]) }
    try roundedStates.withUnsafeBytes { input in
      try roundedOutput.withUnsafeMutableBytes { result in
        try network.evaluate(rows: rows, sample: input, timesteps: &timesteps, into: result)
      }
    }
    for index in 0..<states.count { output[index] = Scalar(roundedOutput[index]) }
  }
}

/// The number of processors that this process may run on: launchers bind ranks
/// to some of the machine's, which `ProcessInfo` does not show.
private func allowedProcessorCount() -> Int {
  let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
  let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }
  let count = mask?.dropFirst("Cpus_allowed:".count).compactMap(\.hexDigitValue).reduce(0) { $0 + $1.nonzeroBitCount }
  return count.flatMap { $0 > 0 ? $0 : nil } ?? ProcessInfo.processInfo.activeProcessorCount
}

/// The size of a file in bytes, or why it cannot be read.
func sizeOfRegularFile(_ path: String) throws -> Int {
  var status = stat()
  guard stat(path, &status) == 0 else {
    let code = errno
    if code == ENOENT || code == ENOTDIR { throw ScoreModelError(.missingFile, "\(path): no such file") }
    throw ScoreModelError(.inputOutput, "\(path): cannot be read: \(String(cString: strerror(code)))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw ScoreModelError(.badData, "\(path): is a folder, a pipe or a device, not a file")
  }
  guard access(path, R_OK) == 0 else {
    throw ScoreModelError(.inputOutput, "\(path): cannot be read: \(String(cString: strerror(errno)))")
  }
  return Int(status.st_size)
}
