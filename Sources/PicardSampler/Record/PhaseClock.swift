/// A stopwatch that is in one phase at a time, on a clock that never goes back: a phase within
/// another one stops the outer one's time. A program and its solver may share one.
public final class PhaseClock {
  /// Is told of phases and messages.
  @exclusivity(unchecked) public var observer: (any RunObserver)?
  private let start = ContinuousClock.now
  /// By the number of a phase. Sums stay in the clock's own type: there are
  /// some twenty of them in a round that may take no more than 0.2 ms.
  @exclusivity(unchecked) private var measured = [Duration](repeating: .zero, count: Phase.allCases.count)
  @exclusivity(unchecked) private var waited = Duration.zero
  @exclusivity(unchecked) private var current: Phase?
  @exclusivity(unchecked) private var since = ContinuousClock.now

  /// A clock that starts now, in no phase.
  public init() {}

  /// The time spent until now, the running phase included.
  public var seconds: PhaseSeconds {
    var seconds = PhaseSeconds(total: (ContinuousClock.now - start) / .seconds(1))
    for phase in Phase.allCases { seconds[phase] = measured[phase.rawValue] / .seconds(1) }
    if let current { seconds[current] += (ContinuousClock.now - since) / .seconds(1) }
    seconds.wait = waited / .seconds(1) + seconds.reduce
    return seconds
  }

  /// Ends the phase that runs, if any, and begins `phase`, if any.
  public func enter(_ phase: Phase?) {
    let now = ContinuousClock.now
    if let current { measured[current.rawValue] += now - since }
    (current, since) = (phase, now)
  }

  func time<Result>(_ phase: Phase, _ body: () throws -> Result) rethrows -> Result {
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
    let before = measured[Phase.update.rawValue]
    try body()
    let end = ContinuousClock.now
    waited += end - start - (measured[Phase.update.rawValue] - before)
    observer?.received(bytes: bytes, from: source, waitingSince: start, until: end)
  }
}
