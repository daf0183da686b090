internal import CMPI

#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// Requests that are waited for together.
///
/// A request is added under a number, its slot, and ``wait(_:)`` of that slot
/// gives its buffer back; the slot is then free for the next request. A set
/// that is used again and again allocates nothing.
///
/// ```swift
/// var exchange = RequestSet<Double>(capacity: 2)
/// let fromLeft = exchange.add(try world.startReceive(into: ghosts, from: left))
/// let toRight = exchange.add(try world.startSend(edge, to: right))
/// try exchange.waitAll()
/// ghosts = try exchange.wait(fromLeft)
/// edge = try exchange.wait(toRight)
/// ```
public struct RequestSet<Element: Transferable>: ~Copyable {
  @usableFromInline var slots: RequestSlots

  /// - Parameter capacity: for how many requests at a time to make room; more
  ///   can be added.
  @inlinable
  public init(capacity: Int) { slots = RequestSlots(capacity: capacity) }

  /// Adds a request and returns its slot: the lowest that is free.
  @inlinable
  public mutating func add(_ request: consuming Request<Element>) -> Int {
    slots.add(request.pending, UnsafeMutableRawBufferPointer(request.storage))
  }

  /// Waits until all requests have completed.
  ///
  /// When some fail, the first failure is thrown, with its slot as the subject;
  /// `wait(_:)` of every slot that failed throws that slot's own.
  @inlinable
  public mutating func waitAll() throws(MPIError) { try slots.waitAll() }

  /// Waits until one of the requests has completed, or failed, and returns its
  /// slot, once for each request; nil when none is left.
  ///
  /// ``wait(_:)`` of the slot gives the buffer back, or throws the failure.
  @inlinable
  public mutating func waitAny() throws(MPIError) -> Int? { try slots.waitAny() }

  /// Waits for the request of a slot and gives its buffer back. The slot is then
  /// free, also after a failure, of which the buffer is freed.
  @inlinable
  public mutating func wait(_ slot: Int) throws(MPIError) -> Buffer<Element> {
    var status = Status.empty
    return try wait(slot, &status)
  }

  /// Waits for the request of a slot and gives its buffer back; `status` tells
  /// what was received.
  @inlinable
  public mutating func wait(_ slot: Int, _ status: inout Status) throws(MPIError)
    -> Buffer<Element>
  {
    Buffer(adopting: try slots.wait(slot, &status).assumingMemoryBound(to: Element.self))
  }
}

/// The slots of a ``RequestSet``, whatever their elements.
@usableFromInline
struct RequestSlots: ~Copyable {
  // In memory of its own rather than in an array: changing an element of an
  // array in generic code allocates.
  private var slots: UnsafeMutablePointer<Slot?>
  /// The requests as MPI_Waitany takes them, one a slot.
  private var handles: UnsafeMutablePointer<cmpi_request>
  private var capacity: Int

  @usableFromInline
  init(capacity: Int) {
    self.capacity = max(capacity, 1)
    slots = .allocate(capacity: self.capacity)
    slots.initialize(repeating: nil, count: self.capacity)
    handles = .allocate(capacity: self.capacity)
  }

  // Buffers of requests under way are left to MPI.
  @usableFromInline
  deinit {
    for index in 0..<capacity {
      if let slot = slots[index], slot.pending.isComplete { slot.storage.deallocate() }
    }
    slots.deinitialize(count: capacity)
    slots.deallocate()
    handles.deallocate()
  }

  private mutating func grow() {
    let grown = UnsafeMutablePointer<Slot?>.allocate(capacity: 2 * capacity)
    grown.moveInitialize(from: slots, count: capacity)
    (grown + capacity).initialize(repeating: nil, count: capacity)
    slots.deallocate()
    slots = grown
    capacity *= 2
    handles.deallocate()
    handles = .allocate(capacity: capacity)
  }

  @usableFromInline
  mutating func add(_ pending: PendingCall, _ storage: UnsafeMutableRawBufferPointer) -> Int {
    var index = 0
    while index < capacity, slots[index] != nil { index += 1 }
    if index == capacity { grow() }
    slots[index] = Slot(storage: storage, pending: pending)
    return index
  }

  @usableFromInline
  mutating func waitAll() throws(MPIError) {
    // One after the other: MPI moves all messages on while it waits for one,
    // and MPI_Waitall of Open MPI 4.1.4, once MPI has been started for a
    // program with threads, never returns when a request has failed.
    var failure: MPIError?
    for index in 0..<capacity where slots[index] != nil {
      slots[index]?.isReported = true
      do {
        try slots[index]?.pending.wait()
      } catch {
        failure = failure ?? error.about("slot \(index)")
      }
    }
    if let failure { throw failure }
  }

  @usableFromInline
  mutating func waitAny() throws(MPIError) -> Int? {
    StallWatch.shared.begin("MPI_Waitany")
    defer { StallWatch.shared.end() }
    while true {
      var isPlain = true
      for index in 0..<capacity {
        handles[index] = cmpi_request_null()
        guard let slot = slots[index], !slot.isReported else { continue }
        if slot.pending.isComplete { return reported(index) }
        isPlain = isPlain && slot.pending.isPlain
        handles[index] = slot.pending.handle
      }
      if isPlain {
        guard let index = try waitAnyPlain() else { return nil }
        return reported(index)
      }
      // Some have more to ask than MPI knows of.
      for index in 0..<capacity {
        guard let slot = slots[index], !slot.isReported else { continue }
        let isOver = (try? slots[index]!.pending.test()) ?? true
        if isOver { return reported(index) }
      }
      sched_yield()
    }
  }

  /// The slot of the first request that MPI finds over; nil where there is none.
  private func waitAnyPlain() throws(MPIError) -> Int? {
    var found: Int32 = MPI_UNDEFINED
    var status = Status()
    let code = cmpi_waitany(Int32(clamping: capacity), handles, &found, &status.handle)
    guard found != MPI_UNDEFINED else {
      try check(code, "MPI_Waitany")
      return nil
    }
    slots[Int(found)]?.pending.complete(status, code)
    return Int(found)
  }

  private func reported(_ index: Int) -> Int {
    slots[index]?.isReported = true
    return index
  }

  @usableFromInline
  mutating func wait(_ index: Int, _ status: inout Status) throws(MPIError)
    -> UnsafeMutableRawBufferPointer
  {
    guard (0..<capacity).contains(index), slots[index] != nil else {
      throw MPIError(.request, call: "MPI_Wait", message: "no request is in slot \(index)")
    }
    do {
      try slots[index]?.pending.wait()
    } catch {
      if slots[index]?.pending.mayUseMemory == false { slots[index]?.storage.deallocate() }
      slots[index] = nil
      throw error
    }
    let slot = slots[index]!
    slots[index] = nil
    status = slot.pending.status
    return slot.storage
  }
}

/// A request in a ``RequestSet``, or one that has completed and whose buffer
/// has not been asked for yet.
private struct Slot {
  let storage: UnsafeMutableRawBufferPointer
  var pending: PendingCall
  /// Whether `waitAny` or `waitAll` has told of it.
  var isReported = false
}
