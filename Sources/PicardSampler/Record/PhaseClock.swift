/// Where a rank's time went, in seconds.
public struct PhaseSeconds: Hashable, Sendable {
  /// The model, waiting for `--score-latency` included.
  public var score = 0.0
  /// States, norms and secants.
  public var update = 0.0
  /// Sending boundary states and waiting for them.
  public var exchange = 0.0
  /// Agreeing on the changes.
  public var reduce = 0.0
  /// What of `exchange` and `reduce` was waiting for other ranks.
  public var wait = 0.0
}

/// A stopwatch that is in one phase at a time: a phase within another one
/// stops the outer one's time.
final class PhaseClock {
  @exclusivity(unchecked) var observer: (any RunObserver)?
  /// By the number of a phase. Sums stay in the clock's own type: there are
  /// some twenty of them in a round that may take no more than 0.2 ms.
  @exclusivity(unchecked) private var measured = [Duration](repeating: .zero, count: SolverPhase.allCases.count)
  @exclusivity(unchecked) private var waited = Duration.zero
  @exclusivity(unchecked) private var current: SolverPhase?
  @exclusivity(unchecked) private var since = ContinuousClock.now

  var seconds: PhaseSeconds {
    func seconds(_ phase: SolverPhase) -> Double { measured[Int(phase.rawValue)] / .seconds(1) }
    return PhaseSeconds(
      score: seconds(.score), update: seconds(.update), exchange: seconds(.exchange),
      reduce: seconds(.reduce), wait: waited / .seconds(1) + seconds(.reduce))
  }

  func time<Result>(_ phase: SolverPhase, _ body: () throws -> Result) rethrows -> Result {
    let outer = current
    enter(phase)
    let start = since
    defer {
      enter(outer)
      observer?.ended(phase, since: start, at: since)
    }
    return try body()
  }

  /// Waits for a message; what is done meanwhile, a phase of its own, is no waiting.
  func awaitMessage(of bytes: Int, from source: Int, _ body: () throws -> Void) rethrows {
    let start = ContinuousClock.now
    let before = measured[Int(SolverPhase.update.rawValue)]
    try body()
    let end = ContinuousClock.now
    waited += end - start - (measured[Int(SolverPhase.update.rawValue)] - before)
    observer?.received(bytes: bytes, from: source, waitingSince: start, until: end)
  }

  private func enter(_ phase: SolverPhase?) {
    let now = ContinuousClock.now
    if let current { measured[Int(current.rawValue)] += now - since }
    (current, since) = (phase, now)
  }
}
