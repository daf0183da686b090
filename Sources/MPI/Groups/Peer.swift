internal import CMPI

/// The other end of a message: a rank of a communicator, or no process.
///
/// A communicator makes it, `world[3]` or `world.neighbor(-1)`, and checks the
/// number. A plain number is no peer, so that `to: world.rank - 1`, which on
/// rank 0 might mean anything, does not compile.
@frozen
public struct Peer: Hashable, Sendable {
  /// As MPI has it: a rank, or `MPI_PROC_NULL`.
  @usableFromInline let number: Int32

  @usableFromInline
  init(number: Int32) { self.number = number }

  /// No process: messages to and from it complete at once and are empty
  /// (`MPI_PROC_NULL`), which spares a domain's edge a special case.
  public static var noProcess: Peer { Peer(number: Int32(MPI_PROC_NULL)) }

  /// The rank; nil for no process.
  @inlinable public var rank: Int? { number < 0 ? nil : Int(number) }
}

/// Whom a message may come from: a ``Peer``, or any rank of the communicator
/// (``AnySource``, written `.any`).
public protocol Source: Sendable {
  /// As a receive takes it.
  var sourceNumber: SourceNumber { get }
}

/// A ``Source`` as the library knows it; made by ``Peer`` and ``AnySource`` only.
@frozen
public struct SourceNumber: Sendable {
  @usableFromInline let number: Int32
  @usableFromInline init(_ number: Int32) { self.number = number }
}

extension Peer: Source {
  @inlinable public var sourceNumber: SourceNumber { SourceNumber(number) }
}

/// Any rank may be the sender (`MPI_ANY_SOURCE`); written `.any`.
@frozen
public struct AnySource: Source {
  @inlinable init() {}
  public var sourceNumber: SourceNumber { SourceNumber(Int32(MPI_ANY_SOURCE)) }
}

extension Source where Self == AnySource {
  /// Any rank of the communicator.
  @inlinable public static var any: AnySource { AnySource() }
}

/// Which tags a receive takes: one number, or any (``AnyTag``, written `.any`).
public protocol TagPattern: Sendable {
  /// As a receive takes it.
  var tagNumber: TagNumber { get }
}

/// A ``TagPattern`` as the library knows it; made by `Int` and ``AnyTag`` only.
@frozen
public struct TagNumber: Sendable {
  /// nil for any tag.
  @usableFromInline let number: Int?
  @usableFromInline init(_ number: Int?) { self.number = number }
}

extension Int: TagPattern {
  @inlinable public var tagNumber: TagNumber { TagNumber(self) }
}

/// Any tag matches (`MPI_ANY_TAG`); written `.any`.
@frozen
public struct AnyTag: TagPattern {
  @inlinable init() {}
  @inlinable public var tagNumber: TagNumber { TagNumber(nil) }
}

extension TagPattern where Self == AnyTag {
  /// Any tag.
  @inlinable public static var any: AnyTag { AnyTag() }
}

// MARK: - Peers of a communicator

extension Communicator {
  /// The rank with this number.
  ///
  /// - Throws: an ``MPIError`` of class ``ErrorClass/rank`` unless the number is
  ///   in `0..<size`.
  @inlinable
  public subscript(rank: Int) -> Peer {
    get throws(MPIError) {
      guard UInt(bitPattern: rank) < UInt(bitPattern: size) else {
        throw noSuchRank(rank, "naming a rank")
      }
      return Peer(number: Int32(truncatingIfNeeded: rank))
    }
  }

  /// The rank that is this many places further on, in a row that ends at both
  /// sides: beyond its ends is no process.
  public func neighbor(_ offset: Int) -> Peer {
    let (number, isOverflow) = rank.addingReportingOverflow(offset)
    guard !isOverflow, (0..<size).contains(number) else { return .noProcess }
    return Peer(number: Int32(number))
  }

  /// The rank that is this many places further on, in a ring.
  public func ringNeighbor(_ offset: Int) -> Peer {
    let place = (rank + offset % size) % size
    return Peer(number: Int32(place < 0 ? place + size : place))
  }
}

// MARK: - Numbers that MPI may see

extension Communicator {
  @usableFromInline @inline(never)
  func noSuchRank(_ rank: Int, _ call: StaticString) -> MPIError {
    MPIError(.rank, call: call, message: "rank \(rank) is not in 0..<\(size)")
  }

  /// The number of a peer, which may be of another communicator.
  @inline(__always)
  func number(of peer: Peer, _ call: StaticString) throws(MPIError) -> Int32 {
    guard peer.number < size32, peer.number >= 0 || peer.number == MPI_PROC_NULL else {
      throw noSuchRank(Int(peer.number), call)
    }
    return peer.number
  }

  @inline(__always)
  func number(of source: SourceNumber, _ call: StaticString) throws(MPIError) -> Int32 {
    guard source.number < size32 else { throw noSuchRank(Int(source.number), call) }
    return source.number
  }

  @inline(__always)
  func number(ofTag tag: Int, _ call: StaticString) throws(MPIError) -> Int32 {
    guard UInt(bitPattern: tag) <= UInt(bitPattern: job.largestTag) else {
      throw noSuchTag(tag, call)
    }
    return Int32(truncatingIfNeeded: tag)
  }

  @inline(__always)
  func number(of tag: TagNumber, _ call: StaticString) throws(MPIError) -> Int32 {
    guard let tag = tag.number else { return Int32(MPI_ANY_TAG) }
    return try number(ofTag: tag, call)
  }

  @inline(__always)
  func number(ofRoot root: Int, _ call: StaticString) throws(MPIError) -> Int32 {
    guard UInt(bitPattern: root) < UInt(bitPattern: size) else {
      throw MPIError(.root, call: call, message: "root \(root) is not in 0..<\(size)")
    }
    return Int32(truncatingIfNeeded: root)
  }

  @inline(never)
  private func noSuchTag(_ tag: Int, _ call: StaticString) -> MPIError {
    MPIError(
      .tag, call: call, message: "tag \(tag) is not in 0...\(job.largestTag), the tags of this library")
  }
}
