import Foundation
public import MPI

/// How this rank's clock relates to that of rank 0, in nanoseconds.
///
/// Ranks on one kernel share its clock. Elsewhere the difference is measured
/// by messages to rank 0 and back, at the start and at the end of a run, and
/// what lies between is interpolated: clocks of different hosts drift by
/// microseconds a second.
public struct RankClock: Hashable, Sendable {
  private var first: Reading
  private var last: Reading

  private struct Reading: Hashable, Sendable {
    /// This rank's time of the measurement.
    var time: Int64
    /// Rank 0's time less this rank's.
    var offset: Int64
  }

  /// Measures for the first time. Collective.
  public init(_ world: Communicator) throws {
    let reading = try Self.measure(world)
    (first, last) = (reading, reading)
  }

  /// A clock that runs ahead of rank 0's by nothing.
  package init(offset: Int64, drift: Int64, from start: Int64, to end: Int64) {
    first = Reading(time: start, offset: offset)
    last = Reading(time: end, offset: offset + drift)
  }

  /// Measures once more, at the end of a run. Collective.
  public mutating func measureAgain(_ world: Communicator) throws {
    last = try Self.measure(world)
  }

  /// Nanoseconds of this rank's monotonic clock.
  public static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// A time of this rank on rank 0's clock.
  public func onRankZero(_ time: Int64) -> Int64 {
    guard last.time > first.time else { return time + first.offset }
    let share = Double(time - first.time) / Double(last.time - first.time)
    return time + first.offset + Int64((share * Double(last.offset - first.offset)).rounded())
  }

  private static let exchanges = 16

  /// The offset by the exchange with the shortest way there and back: rank 0's
  /// time was read halfway.
  private static func measure(_ world: Communicator) throws -> Reading {
    // Told apart by the boot of the kernel, and by the time namespace.
    let kernel = try kernelIdentity()
    let kernels = try world.allGather([kernel])
    for rank in 1..<max(1, world.size) where kernels[rank] != kernels[0] {
      var message: [Int64] = [0]
      if world.rank == 0 {
        for _ in 0..<exchanges {
          var span = message.mutableSpan
          try world.receive(into: &span, from: world[rank])
          message[0] = now
          try world.send(message.span, to: world[rank])
        }
      } else if world.rank == rank {
        var best: (roundTrip: Int64, reading: Reading)?
        for _ in 0..<exchanges {
          let start = now
          try world.send(message.span, to: world[0])
          var span = message.mutableSpan
          try world.receive(into: &span, from: world[0])
          let end = now
          if end - start < best?.roundTrip ?? .max {
            let middle = start + (end - start) / 2
            best = (end - start, Reading(time: middle, offset: message[0] - middle))
          }
        }
        if let best { return best.reading }
      }
    }
    return Reading(time: now, offset: 0)
  }

  private static func kernelIdentity() throws -> UInt64 {
    let boot = (try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)) ?? ""
    let space = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/time")) ?? ""
    // FNV-1a, since Swift's own hash differs between processes.
    return (boot + space).utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
