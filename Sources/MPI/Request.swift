internal import CMPI

/// A message, or a reduction, under way.
///
/// The request owns the buffer that MPI reads or writes, and ``wait()`` gives
/// it back: touching it early does not compile. Every request must be waited
/// for. One that is dropped keeps its memory, since MPI may still write to
/// it, and is counted: ``withEnvironment(_:_:)`` refuses to end MPI in order
/// while requests are outstanding.
public struct Request<Element: Scalar>: ~Copyable {
  @usableFromInline var pending: PendingCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ pending: PendingCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.pending = pending
    self.storage = storage
  }

  /// Whether the call has completed. Does not wait; `wait()` then returns at
  /// once. MPI makes progress while it is asked.
  @inlinable
  public mutating func test() throws(MPIError) -> Bool { try pending.test() }

  /// Waits for the call to complete and gives the buffer back; the buffer of
  /// a call that failed is freed.
  @inlinable
  public consuming func wait() throws(MPIError) -> Buffer<Element> {
    var status = Status.empty
    return try wait(&status)
  }

  /// Waits for the call to complete and gives the buffer back; `status` tells
  /// what was received.
  @inlinable
  public consuming func wait(_ status: inout Status) throws(MPIError) -> Buffer<Element> {
    do {
      try pending.wait()
    } catch {
      storage.deallocate()
      throw error
    }
    status = pending.status
    return Buffer(adopting: storage)
  }
}

/// A barrier under way; see ``Communicator/startBarrier()``.
public struct BarrierRequest: ~Copyable {
  private var pending: PendingCall

  init(_ handle: cmpi_request) { pending = PendingCall(handle) }

  /// Whether all ranks have reached the barrier.
  public mutating func test() throws(MPIError) -> Bool { try pending.test() }

  /// Waits until all ranks have reached the barrier.
  public consuming func wait() throws(MPIError) { try pending.wait() }
}

/// What MPI knows of a call under way.
@usableFromInline
struct PendingCall {
  private(set) var handle: cmpi_request
  @usableFromInline private(set) var status = Status()
  private(set) var isComplete = false
  /// What is to follow, where one call was too long for one request.
  private let further: FurtherRequests?

  init(_ handle: cmpi_request, further: [cmpi_request] = []) {
    self.handle = handle
    self.further = further.isEmpty ? nil : FurtherRequests(further)
    OutstandingRequests.count += 1
  }

  @usableFromInline
  mutating func test() throws(MPIError) -> Bool {
    while !isComplete {
      var flag: Int32 = 0
      let code = MPI_Test(&handle.raw, &flag, &status.handle.raw)
      if code == MPI_SUCCESS && flag == 0 { return false }
      advance(code)
      try check(code, "MPI_Test")
    }
    return true
  }

  @usableFromInline
  mutating func wait() throws(MPIError) {
    StallWatch.shared.begin("MPI_Wait")
    defer { StallWatch.shared.end() }
    while !isComplete {
      let code = MPI_Wait(&handle.raw, &status.handle.raw)
      advance(code)
      try check(code, "MPI_Wait")
    }
  }

  /// Frees a persistent request that has failed. Open MPI has done so by now,
  /// and has left a null handle.
  @usableFromInline
  func free() {
    var handle = handle
    if cmpi_request_is_null(handle) == 0 { MPI_Request_free(&handle.raw) }
  }

  /// Notes that another call has found the request completed.
  mutating func complete(_ status: Status, _ code: Int32) {
    self.status = status
    advance(code)
  }

  private mutating func advance(_ code: Int32) {
    if code == MPI_SUCCESS, let next = further?.handles.popLast() {
      handle = next
    } else {
      isComplete = true
      OutstandingRequests.count -= 1
    }
  }
}

/// In a class of its own, which costs the usual single request nothing.
private final class FurtherRequests {
  var handles: [cmpi_request]
  init(_ handles: [cmpi_request]) { self.handles = handles }
}

/// The requests that were started and not yet completed.
///
/// MPI is the process's own and belongs to one thread, and so does the count.
enum OutstandingRequests {
  nonisolated(unsafe) static var count = 0
}
