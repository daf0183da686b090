import Diffusion
import Foundation
import InputFiles
import MPI
import NumPyFormat
import PicardSampler
import Results
import ScoreModels

/// A reader of bytes that others have written. Any bytes give a value or one
/// of the reader's own errors; all else ends the program.
enum Reader: String, CaseIterable {
  case npy, target, schedule, onnx, checkpoint, state, environment

  /// - Returns: whether the bytes are what the reader is for.
  @discardableResult
  func read(_ bytes: [UInt8]) -> Bool {
    do {
      switch self {
      case .npy: _ = try NumPyArray(parsing: bytes, name: "fuzz.npy").doubles
      case .target: try readTarget(bytes)
      case .schedule: try readSchedule(bytes)
      case .onnx: try readNetwork(bytes)
      case .checkpoint: try readCheckpoint(bytes)
      case .state: return try readState(bytes)
      case .environment: readEnvironment(bytes)
      }
      return true
    } catch is NumPyError {
    } catch is ScoreModelError {
    } catch is DiffusionError {
    } catch is CheckpointError {
    } catch is StoredStateError {
    } catch {
      fatalError("\(self) throws \(type(of: error)): \(error)")
    }
    return false
  }

  /// An outline can be made of whatever is read, and names bytes that are there.
  private func readNetwork(_ bytes: [UInt8]) throws {
    let folder = ModelFolder("/nonexistent", InputFiles())
    let file = try ONNXFile(parsing: Data(bytes), at: "model.onnx", in: folder)
    guard file.weightFiles.isEmpty else { return }
    let outline = try ONNXOutline(of: Data(bytes), path: "model.onnx", fewest: 8)
    if let outline = outline.bytes {
      precondition(outline.count <= bytes.count + 200 * (bytes.count / 10 + 1))
      _ = try? ONNXFile(parsing: Data(outline), at: "model.onnx", in: folder)
    }
  }

  private func readTarget(_ bytes: [UInt8]) throws {
    let object = try JSONObject(parsing: Data(bytes), file: "/nonexistent/fuzz.json")
    // A million elements are read as few are; what a machine can only just hold takes
    // this build longer than an input may take. More than any machine holds is refused.
    var copy = object
    if let stated = try? copy.integer("dimension", in: (1 << 20)...(1 << 36)), stated > 0 { return }
    let target = try ClosedFormTarget(object, at: "fuzz.json", in: ModelFolder("/nonexistent", InputFiles()))
    let model: any ScoreModel<Double> = try target.model(of: Double.self, file: "fuzz.json")
    precondition(model.dimension > 0)
  }

  private func readSchedule(_ bytes: [UInt8]) throws {
    let configuration = try SchedulerConfiguration(JSONObject(parsing: Data(bytes), file: "fuzz.json"))
    for steps in [1, 7, 1000] {
      do { _ = try TimeGrid.model(configuration.schedule, steps: steps) } catch is DiffusionError {}
    }
  }

  private func readCheckpoint(_ bytes: [UInt8]) throws {
    let checkpoint = try Checkpoint<SampleProgress>(parsing: bytes, path: "checkpoint")
    _ = checkpoint.header.progress.map(\.round).max()
    // The type says that nothing but a CheckpointError comes.
    for sample in 0..<4 {
      for chunk in 0..<4 { _ = try? checkpoint.piece(CheckpointKey(sample: sample, chunk: chunk)) }
    }
  }

  /// What lies behind the checksums: the first line is the progress of the
  /// samples; then the pieces in their order, each behind its length in 2 bytes,
  /// little-endian.
  ///
  /// - Returns: whether one of the solvers could go on from it.
  private func readState(_ bytes: [UInt8]) throws -> Bool {
    let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
    guard let progress = try? JSONDecoder().decode([SampleProgress].self, from: Data(line)) else { return false }
    let pieces = bytes.dropFirst(line.count + 1)
    var isTaken = false
    func goOn(_ solver: some ResumableSolver) throws {
      var rest = pieces
      do {
        try solver.restore(progress) { _ in
          let length = rest.prefix(2).reversed().reduce(0) { $0 << 8 | Int($1) }
          defer { rest = rest.dropFirst(2 + length) }
          return Array(rest.dropFirst(2).prefix(length))
        }
        isTaken = true
        _ = try solver.run { _ in }
      } catch is SamplingError {
      } catch is StoredStateError {}
    }
    let trajectory = try Trajectory(
      .multistep, on: .shrinking(steps: 8, horizon: 8, earlyStop: 1e-2), noiseLevel: 0, blocks: 2,
      corrector: .init(steps: 2))
    let model = try Gaussian<Float>(mean: [0, 1], variances: [1, 2])
    for extent in [Extent.blocks, .window(3, maximum: 4)] {
      try goOn(
        PicardSolver(
          trajectory,
          options: PicardOptions(
            extent: extent, chunk: 2, anderson: AndersonMixing(history: 2), trajectory: trajectory),
          batch: ScoreBatch(model, rows: 4), ring: SingleRank(), noise: CounterNoise(seed: 1), samples: [0, 1]))
    }
    try goOn(
      SequentialSolver(
        trajectory, batch: ScoreBatch(model, rows: 4), noise: CounterNoise(seed: 1), samples: [0, 1]))
    return isTaken
  }

  /// Lines NAME=VALUE.
  private func readEnvironment(_ bytes: [UInt8]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let variables = Dictionary(
      lines.map { line in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(parts[0]), parts.count > 1 ? String(parts[1]) : "")
      }
    ) { $1 }
    let launch = Launch { variables[$0] }
    precondition(launch.rank >= 0)
    _ = launch.slurmStep?.isLeftAlone
  }
}
