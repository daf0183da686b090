/// Is told what a rank does; for timelines.
public protocol RunObserver: AnyObject {
  /// A phase has ended. Phases within it were told before.
  func ended(
    _ phase: Phase, since start: ContinuousClock.Instant, at end: ContinuousClock.Instant)

  /// A message is leaving for another rank. Messages between two ranks arrive in
  /// the order in which they were sent.
  func sent(bytes: Int, to rank: Int)

  /// A message of another rank has come.
  func received(
    bytes: Int, from rank: Int, waitingSince start: ContinuousClock.Instant,
    until end: ContinuousClock.Instant)
}
