internal import CMPI

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
public struct RequestSet<Element: Scalar>: ~Copyable {
  // One entry a slot, in memory of its own rather than in arrays: changing an
  // element of an array in generic code allocates. MPI skips null requests,
  // which are those of free and of completed slots.
  private var handles: UnsafeMutablePointer<cmpi_request>
  private var slots: UnsafeMutablePointer<Slot<Element>>
  private var capacity: Int

  /// - Parameter capacity: for how many requests at a time to make room; more
  ///   can be added.
  public init(capacity: Int) {
    self.capacity = max(capacity, 1)
    handles = .allocate(capacity: self.capacity)
    slots = .allocate(capacity: self.capacity)
    initialize(from: 0)
  }

  // Buffers of requests under way are left to MPI.
  deinit {
    for index in 0..<capacity where slots[index].isComplete { slots[index].storage?.deallocate() }
    handles.deallocate()
    slots.deallocate()
  }

  private func initialize(from first: Int) {
    let count = capacity - first
    (handles + first).initialize(repeating: cmpi_request_null(), count: count)
    (slots + first).initialize(repeating: Slot(), count: count)
  }

  private mutating func grow() {
    let (oldHandles, oldSlots, oldCapacity) = (handles, slots, capacity)
    capacity *= 2
    handles = .allocate(capacity: capacity)
    slots = .allocate(capacity: capacity)
    handles.moveInitialize(from: oldHandles, count: oldCapacity)
    slots.moveInitialize(from: oldSlots, count: oldCapacity)
    initialize(from: oldCapacity)
    oldHandles.deallocate()
    oldSlots.deallocate()
  }

  /// Adds a request and returns its slot: the lowest that is free.
  public mutating func add(_ request: consuming Request<Element>) -> Int {
    let storage = request.storage
    let pending = request.pending
    var index = 0
    while index < capacity, slots[index].storage != nil { index += 1 }
    if index == capacity { grow() }
    handles[index] = pending.isComplete ? cmpi_request_null() : pending.handle
    slots[index] = Slot(
      storage: storage, status: pending.status.handle, isComplete: pending.isComplete)
    return index
  }

  /// Waits until all requests have completed.
  ///
  /// When some fail, the first failure is thrown, and the buffers of those
  /// that failed are freed.
  public mutating func waitAll() throws(MPIError) {
    // One after the other: MPI moves all messages on while it waits for one,
    // and MPI_Waitall of Open MPI 4.1.4, once MPI has been started for a
    // program with threads, never returns when a request has failed.
    var failure = MPI_SUCCESS
    for index in 0..<capacity where slots[index].isUnderWay {
      let code = MPI_Wait(&handles[index].raw, &slots[index].status.raw)
      complete(index, code)
      if failure == MPI_SUCCESS { failure = code }
    }
    try check(failure, "MPI_Wait")
  }

  /// Waits until one of the requests has completed and returns its slot, once
  /// for each request; nil when none is under way.
  public mutating func waitAny() throws(MPIError) -> Int? {
    var index: Int32 = MPI_UNDEFINED
    var status = cmpi_status()
    let code = cmpi_waitany(Int32(capacity), handles, &index, &status)
    if index != MPI_UNDEFINED {
      slots[Int(index)].status = status
      complete(Int(index), code)
    }
    try check(code, "MPI_Waitany")
    return index == MPI_UNDEFINED ? nil : Int(index)
  }

  /// Waits for the request of a slot and gives its buffer back.
  public mutating func wait(_ index: Int) throws(MPIError) -> Buffer<Element> {
    var status = Status()
    return try wait(index, &status)
  }

  /// Waits for the request of a slot and gives its buffer back; `status` tells
  /// what was received.
  public mutating func wait(_ index: Int, _ status: inout Status) throws(MPIError)
    -> Buffer<Element>
  {
    let isSlot = (0..<capacity).contains(index)
    if isSlot, slots[index].isUnderWay {
      let code = MPI_Wait(&handles[index].raw, &slots[index].status.raw)
      complete(index, code)
      try check(code, "MPI_Wait")
    }
    guard isSlot, let storage = slots[index].storage else {
      throw MPIError(.request, call: "MPI_Wait", message: "no request is in slot \(index)")
    }
    status.handle = slots[index].status
    slots[index] = Slot()
    return Buffer(adopting: storage)
  }

  /// Notes the end of a request; the buffer of one that failed is freed.
  private func complete(_ index: Int, _ outcome: Int32) {
    OutstandingRequests.count -= 1
    handles[index] = cmpi_request_null()
    if outcome == MPI_SUCCESS {
      slots[index].isComplete = true
    } else {
      slots[index].storage?.deallocate()
      slots[index] = Slot()
    }
  }
}

/// The buffer of a request in a ``RequestSet``, or nothing.
private struct Slot<Element: Scalar> {
  var storage: UnsafeMutableBufferPointer<Element>?
  var status = cmpi_status()
  var isComplete = false

  var isUnderWay: Bool { storage != nil && !isComplete }
}
