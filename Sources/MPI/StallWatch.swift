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
  /// The clock when the call began in which the main thread is; 0 if it is in none.
  private let since = Atomic<Int>(0)
  /// Address of the call's name, which is never freed.
  private let call = Atomic<UInt>(0)
  private let isAwake = Atomic<Bool>(false)

  /// The main thread begins to wait for other ranks.
  @inline(__always)
  func begin(_ call: StaticString) {
    self.call.store(UInt(bitPattern: call.utf8Start), ordering: .relaxed)
    since.store(clock.load(ordering: .relaxed), ordering: .relaxed)
  }

  @inline(__always)
  func end() { since.store(0, ordering: .relaxed) }

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - seconds: after this long `expire` is called with the call's name, once.
  func start(seconds: Double, expire: @escaping @Sendable (_ call: String) -> Never) {
    guard !isAwake.exchange(true, ordering: .relaxed) else { return }
    let body = Unmanaged.passRetained(Body { [self] in
      while true {
        usleep(100_000)
        let now = clock.wrappingAdd(1, ordering: .relaxed).newValue
        let start = since.load(ordering: .relaxed)
        guard start > 0, Double(now - start) / 10 > seconds,
          let name = UnsafePointer<CChar>(bitPattern: call.load(ordering: .relaxed))
        else { continue }
        expire(String(cString: name))
      }
    })
    var thread = pthread_t()
    // Signals are for the main thread.
    var (all, old) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &old)
    let code = pthread_create(&thread, nil, { body in
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
  public let rank: Int
  /// How long it waited, in seconds.
  public let seconds: Double
  /// The MPI function in which it waits.
  public let call: String

  public var description: String {
    "rank \(rank) has waited \(seconds) s for the other ranks in \(call); one of them hangs, or needs longer than that"
  }
}
