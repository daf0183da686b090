import Foundation
import Synchronization

/// Signals that ask a run to store its state and end: those with which batch
/// systems announce the end of a job.
enum StopSignals {
  private static let hasCome = Atomic<Bool>(false)

  /// From now on these signals no longer end the process.
  static func listen() {
    var own = sigset_t()
    sigemptyset(&own)
    for number in [SIGUSR1, SIGTERM] {
      signal(number) { _ in StopSignals.hasCome.store(true, ordering: .relaxed) }
      sigaddset(&own, number)
    }
    // Whoever started this process may have blocked them, and that is inherited.
    pthread_sigmask(SIG_UNBLOCK, &own, nil)
  }

  static var haveCome: Bool { hasCome.load(ordering: .relaxed) }
}
