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
  let rank: Int

  init(_ launch: Launch) {
    name = launch.launcher
    rank = launch.rank
  }

  /// A launcher ends all ranks when the first one leaves with an error; the
  /// rank that has the message should be that one.
  func letFirstRankSpeak() {
    if rank != 0 { Thread.sleep(forTimeInterval: 1) }
  }
}
