internal import CMPI

/// A message that will be sent or received many times, with its arguments
/// bound once.
///
/// It is either at rest, when its buffer may be used, or started
/// (``StartedRequest``), when it may not; the two states are two types, and
/// each turns into the other.
///
/// ```swift
/// var exchange = try world.prepareSend(Buffer(repeating: 0.0, count: 100), to: right)
/// for step in 0..<steps {
///   exchange[0] = Double(step)
///   let started = try exchange.start()
///   exchange = try started.wait()
/// }
/// _ = try exchange.free()
/// ```
public struct PersistentRequest<Element: Scalar>: ~Copyable {
  @usableFromInline var call: BoundCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ call: BoundCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.call = call
    self.storage = storage
  }

  /// The buffer's elements.
  @inlinable
  public var span: Span<Element> {
    @_lifetime(borrow self)
    get { _overrideLifetime(Span(_unsafeElements: storage), borrowing: self) }
  }

  /// The buffer's elements.
  @inlinable
  public var mutableSpan: MutableSpan<Element> {
    @_lifetime(&self)
    mutating get {
      _overrideLifetime(MutableSpan(_unsafeElements: storage), mutating: &self)
    }
  }

  /// The buffer's element at an index from 0.
  @inlinable
  public subscript(index: Int) -> Element {
    get { span[index] }
    set {
      var elements = mutableSpan
      elements[index] = newValue
    }
  }

  /// Starts the message.
  @inlinable
  public consuming func start() throws(MPIError) -> StartedRequest<Element> {
    StartedRequest(call, try call.start(), storage)
  }

  /// Gives up the request and returns its buffer.
  @inlinable
  public consuming func free() throws(MPIError) -> Buffer<Element> {
    try call.free()
    return Buffer(adopting: storage)
  }
}

/// A ``PersistentRequest`` that is under way.
public struct StartedRequest<Element: Scalar>: ~Copyable {
  @usableFromInline let call: BoundCall
  @usableFromInline var pending: PendingCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ call: BoundCall, _ pending: PendingCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.call = call
    self.pending = pending
    self.storage = storage
  }

  /// Whether the message has completed. Does not wait.
  @inlinable
  public mutating func test() throws(MPIError) -> Bool { try pending.test() }

  /// Waits for the message to complete; a request that failed is freed with
  /// its buffer.
  @inlinable
  public consuming func wait() throws(MPIError) -> PersistentRequest<Element> {
    var status = Status.empty
    return try wait(&status)
  }

  /// Waits for the message to complete; `status` tells what was received.
  @inlinable
  public consuming func wait(_ status: inout Status) throws(MPIError) -> PersistentRequest<Element>
  {
    do {
      try pending.wait()
    } catch {
      pending.free()
      storage.deallocate()
      throw error
    }
    status = pending.status
    return PersistentRequest(call, storage)
  }
}

/// A call whose arguments are bound.
@usableFromInline
struct BoundCall {
  private let handle: cmpi_request

  init(_ handle: cmpi_request) { self.handle = handle }

  @usableFromInline
  func start() throws(MPIError) -> PendingCall {
    var handle = handle
    try check(MPI_Start(&handle.raw), "MPI_Start")
    return PendingCall(handle)
  }

  @usableFromInline
  func free() throws(MPIError) {
    var handle = handle
    try check(MPI_Request_free(&handle.raw), "MPI_Request_free")
  }
}

extension Communicator {
  /// Binds the arguments of a send that will be made many times.
  public func prepareSend<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, to rank: Int, tag: Int = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let storage = buffer.release()
    let call = try boundCall(storage, "MPI_Send_init") { (count, datatype, request) in
      MPI_Send_init(
        storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
        handle.raw, &request.raw)
    }
    return PersistentRequest(call, storage)
  }

  /// Binds the arguments of a receive that will be made many times.
  public func prepareReceive<Element: Scalar>(
    into buffer: consuming Buffer<Element>, from rank: Int, tag: Int = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let storage = buffer.release()
    let call = try boundCall(storage, "MPI_Recv_init") { (count, datatype, request) in
      MPI_Recv_init(
        storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
        handle.raw, &request.raw)
    }
    return PersistentRequest(call, storage)
  }

  private func boundCall<Element: Scalar>(
    _ storage: UnsafeMutableBufferPointer<Element>, _ name: StaticString,
    _ makeCall: (Int32, cmpi_datatype, inout cmpi_request) -> Int32
  ) throws(MPIError) -> BoundCall {
    var request = cmpi_request()
    do {
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(makeCall(count, datatype, &request), name)
      }
    } catch {
      storage.deallocate()
      throw error
    }
    return BoundCall(request)
  }
}
