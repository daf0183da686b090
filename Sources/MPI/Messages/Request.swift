internal import CMPI

/// A message, or a collective call, under way.
///
/// The request owns the buffer that MPI reads or writes, and ``wait()`` gives
/// it back: touching it early does not compile. Every request must be waited
/// for. One that is dropped keeps its memory, since MPI may still write to
/// it, and is counted: ``withEnvironment(_:_:)`` refuses to end MPI in order
/// while requests are outstanding.
public struct Request<Element: Transferable>: ~Copyable {
  @usableFromInline var pending: PendingCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ pending: PendingCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.pending = pending
    self.storage = storage
  }

  /// Whether the call has completed. Does not wait; `wait()` then returns at
  /// once. MPI makes progress while it is asked. A call that has failed throws,
  /// here and from `wait()`.
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
      if !pending.mayUseMemory { storage.deallocate() }
      throw error
    }
    status = pending.status
    return Buffer(adopting: storage)
  }
}

/// A barrier under way; see ``Communicator/startBarrier()``.
public struct BarrierRequest: ~Copyable {
  private var pending: PendingCall

  init(_ pending: PendingCall) { self.pending = pending }

  /// Whether all ranks have reached the barrier.
  public mutating func test() throws(MPIError) -> Bool { try pending.test() }

  /// Waits until all ranks have reached the barrier.
  public consuming func wait() throws(MPIError) { try pending.wait() }
}
