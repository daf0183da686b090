import ArgumentParser
import Diffusion
import Foundation
import MPI
import NumPyFormat
import PicardSampler
import Results
import ScoreModels

/// The exit codes of the program, after BSD's `sysexits.h`.
enum Failure {
  static let usage: Int32 = 64
  static let badData: Int32 = 65
  static let missingFile: Int32 = 66
  static let missingLibrary: Int32 = 69
  static let failed: Int32 = 70
  /// `EX_TEMPFAIL`: run me again.
  static let stopped: Int32 = 75

  /// The message and the exit code of an error.
  static func report(_ error: any Error) -> FailureReport {
    switch error {
    case let error as WrongUsage: FailureReport("piadm: \(error)", exitCode: usage)
    case let error as DiffusionError: FailureReport("piadm: \("\(error)".namingOptions)", exitCode: usage)
    case let error as MissingFile: FailureReport("piadm: \(error)", exitCode: missingFile)
    case let error as MissingPackage: FailureReport("piadm: \(error)", exitCode: missingLibrary)
    case let error as MissingLibrary: FailureReport("piadm: \(error)", exitCode: error.exitCode)
    case let error as NumPyError: FailureReport("piadm: \(error)", exitCode: error.exitCode)
    case let error as BadData: FailureReport("piadm: \(error)", exitCode: badData)
    case EnvironmentError.isolated: FailureReport("piadm: \(error)", exitCode: missingLibrary)
    case let error as RowDependence: FailureReport("piadm: MODEL: \(error.advice)", exitCode: badData)
    case let error as ScoreModelError: FailureReport("piadm: \("\(error)".namingOptions)", exitCode: error.exitCode)
    case let error as CheckpointError: FailureReport("piadm: \("\(error)".namingOptions)", exitCode: error.exitCode)
    case let error as Stopped: FailureReport("piadm: \(error)", exitCode: stopped)
    case let error as OutputError: FailureReport("piadm: \(error)", exitCode: error.exitCode)
    default: FailureReport("piadm: \(error)", exitCode: failed)
    }
  }

  /// Starts MPI for `body`, and ends the program on all ranks where it fails:
  /// one message, from one rank.
  ///
  /// - Parameter stallTimeout: seconds that a rank waits for the others.
  static func underMPI(
    stallTimeout: Double = 300, _ body: (Communicator) throws -> Void
  ) throws {
    var options = EnvironmentOptions()
    options.report = { report($0) }
    options.stallTimeout = stallTimeout
    do {
      try withEnvironment(options) { world in
        try requireSameCommand(world)
        try body(world)
      }
    } catch {
      throw ExitCode(error.exitCode)
    }
  }
}

/// Collective: a job of which ranks were started with other arguments, or as
/// other versions, would wait for messages that never come.
private func requireSameCommand(_ world: Communicator) throws {
  let own = [Piadm.version] + CommandLine.arguments.dropFirst()
  let first = try world.broadcast(encoded: own, root: 0)
  try world.agree {
    guard own != first else { return }
    throw WrongUsage(
      "this rank was started as `piadm \(own[1...].joined(separator: " "))` of version \(own[0]), rank 0 as "
        + "`piadm \(first[1...].joined(separator: " "))` of version \(first[0]); all ranks need the same")
  }
}

/// Options that do not fit together, or do not fit the model.
struct WrongUsage: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A file whose content does not fit the run.
struct BadData: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A file that is to be read and is not there.
struct MissingFile: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension RowDependence {
  /// What a user is told, and what helps.
  var advice: String {
    let size = String(format: "%.2g", difference)
    let place = isInRun ? ", seen in rows of this run when they were evaluated again; its samples were not stored" : ""
    return switch cause {
    case .company:
      """
      its prediction for a row depends on the other rows of the call, by up to \(size) of the largest element\(place). \
      That is so where activations are quantized dynamically, where batch statistics normalize them, and where rows are \
      compared. Quantize statically, or export in evaluation mode; or use --batch 1, which evaluates every row alone
      """
    case .chance:
      """
      its prediction changes by up to \(size) of the largest element when the same call is made again\(place): \
      a random operator (noise, dropout) is left in the network. Export it in evaluation mode, without random operators
      """
    }
  }
}
