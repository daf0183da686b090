import Synchronization

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Ends the job where this rank waits too long in one blocking call, because
/// another rank hangs: a thread of its own counts the time, since the one that
/// waits cannot.
///
/// Time in which the whole job is stopped, as by a batch system that lends its
/// nodes to others for a while, does not count.
final class StallWatch: Sendable {
  static let shared = StallWatch()

  /// Counts tenths of a second since the start.
  private let clock = Atomic<Int>(1)
  /// The clock when the main thread began to wait; negative since it is at work.
  private let since = Atomic<Int>(-1)
  /// Address of the name of the call in which it waits, which is never freed; 0
  /// where it looks at the time itself.
  private let call = Atomic<UInt>(0)
  private let isAwake = Atomic<Bool>(false)
  /// Where other ranks ask what this one does.
  private let rollCall = Mutex<RollCall?>(nil)

  /// The main thread begins to wait for other ranks.
  @inline(__always)
  func begin(_ call: StaticString) {
    self.call.store(UInt(bitPattern: call.utf8Start), ordering: .relaxed)
    since.store(clock.load(ordering: .relaxed), ordering: .relaxed)
  }

  /// The main thread begins to wait in a loop that ends by itself.
  @inline(__always)
  func beginLoop() {
    call.store(0, ordering: .relaxed)
    since.store(clock.load(ordering: .relaxed), ordering: .relaxed)
  }

  @inline(__always)
  func end() { since.store(-clock.load(ordering: .relaxed), ordering: .relaxed) }

  /// What the main thread does.
  private var activity: RollCall.Activity {
    let (now, start) = (clock.load(ordering: .relaxed), since.load(ordering: .relaxed))
    return start > 0 ? .waits(seconds: Double(now - start) / 10) : .works(seconds: Double(now + start) / 10)
  }

  /// From now on other ranks can ask, and be asked.
  func join(_ call: RollCall) { rollCall.withLock { $0 = call } }

  /// Answers the ranks that have asked.
  private func answer() { rollCall.withLock { $0 }?.answer(activity) }

  /// Asks the other ranks what they do, for the report of this one; `nil` where
  /// they cannot be asked. Where a lower rank waits too, it is left to that one to speak.
  func finding(meanwhile: () -> Void = {}) -> String? {
    guard let rollCall = rollCall.withLock({ $0 }) else { return nil }
    let answers = rollCall.ask(meanwhile: meanwhile)
    if rollCall.hasLowerWaiting(in: answers) { sleep(4) }
    return rollCall.finding(in: answers)
  }

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - seconds: after this long `expire` is called, once, with the call's name
  ///     and what was found out of the other ranks.
  func start(seconds: Double, expire: @escaping @Sendable (_ call: String, _ finding: String?) -> Never) {
    guard !isAwake.exchange(true, ordering: .relaxed) else { return }
    let body = Unmanaged.passRetained(
      Body { [self] in
        while true {
          usleep(100_000)
          answer()
          let now = clock.wrappingAdd(1, ordering: .relaxed).newValue
          let start = since.load(ordering: .relaxed)
          guard start > 0, Double(now - start) / 10 > seconds,
            let name = UnsafePointer<CChar>(bitPattern: call.load(ordering: .relaxed))
          else { continue }
          expire(String(cString: name), finding(meanwhile: answer))
        }
      })
    var thread = pthread_t()
    // Signals are for the main thread.
    var (all, old) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &old)
    let code = pthread_create(
      &thread, nil,
      { body in
        if let body { Unmanaged<Body>.fromOpaque(body).takeUnretainedValue().run() }
        return nil
      }, body.toOpaque())
    pthread_sigmask(SIG_SETMASK, &old, nil)
    if code == 0 { pthread_detach(thread) }
  }

  private final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
}

/// That a rank has waited too long for the others.
public struct StallError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The rank that waited.
  public let rank: Int
  /// How long it waited, in seconds.
  public let seconds: Double
  /// The MPI function in which it waits.
  public let call: String
  /// What the other ranks do, as far as they have told; nil where they could not be asked.
  public let finding: String?

  public var description: String {
    "rank \(rank) has waited \(seconds) s for the other ranks in \(call)\(finding.map { ": " + $0 } ?? ""); one of them hangs, or needs longer than that"
  }
}
