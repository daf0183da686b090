import Foundation
import MPI

/// How this process was started.
///
/// Read before MPI starts, since Open MPI sets the same variables in a process
/// that runs alone.
struct Launcher {
  static let atStart = Launcher(Launch())

  /// `nil` where this process runs alone.
  let name: String?
  private let rank: Int
  private let speaksForJob: Bool

  init(_ launch: Launch) {
    name = launch.launcher
    rank = launch.rank
    speaksForJob = launch.speaksForJob
  }

  /// Whether this process tells of an error that all ranks meet by themselves,
  /// before MPI starts: the first one does.
  ///
  /// A launcher ends all ranks when the first one leaves with an error; that
  /// should be the rank that has the message, so that the others wait a moment.
  /// One that is still there then, and may have inherited its number from
  /// another job, speaks for itself.
  func speaks() -> Bool {
    if rank != 0 { Thread.sleep(forTimeInterval: 1) }
    return speaksForJob
  }
}
