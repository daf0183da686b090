internal import CMPI

/// A message that will be sent or received many times, with its arguments
/// bound once.
///
/// It is either at rest, when its buffer may be used, or started
/// (``StartedRequest``), when it may not; the two states are two types, and
/// each turns into the other. One that is dropped at rest is freed with its
/// buffer.
///
/// ```swift
/// var exchange = try world.prepareSend(Buffer(repeating: 0.0, count: 100), to: right)
/// for step in 0..<steps {
///   exchange[0] = Double(step)
///   let started = try exchange.start()
///   exchange = try started.wait()
/// }
/// let buffer = try exchange.free()
/// ```
@frozen
public struct PersistentRequest<Element: Transferable>: ~Copyable {
  @usableFromInline let call: BoundCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ call: BoundCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.call = call
    self.storage = storage
  }

  @inlinable
  deinit {
    call.drop()
    storage.deallocate()
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
    let (call, storage) = (call, storage)
    let pending: PendingCall
    do {
      pending = try call.start()
    } catch {
      _ = consume self
      throw error
    }
    discard self
    return StartedRequest(call, pending, storage)
  }

  /// Gives up the request and returns its buffer.
  @inlinable
  public consuming func free() throws(MPIError) -> Buffer<Element> {
    let (call, storage) = (call, storage)
    discard self
    do {
      try call.free()
    } catch {
      storage.deallocate()
      throw error
    }
    return Buffer(adopting: storage)
  }
}

/// A ``PersistentRequest`` that is under way. It must be waited for, as a
/// ``Request``.
public struct StartedRequest<Element: Transferable>: ~Copyable {
  @usableFromInline let call: BoundCall
  @usableFromInline var pending: PendingCall
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(_ call: BoundCall, _ pending: PendingCall, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.call = call
    self.pending = pending
    self.storage = storage
  }

  /// Whether the message has completed. Does not wait. A message that has failed
  /// throws, here and from `wait()`.
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
  public consuming func wait(_ status: inout Status) throws(MPIError) -> PersistentRequest<Element> {
    do {
      try pending.wait()
    } catch {
      pending.free()
      call.forget()
      storage.deallocate()
      throw error
    }
    status = pending.status
    return PersistentRequest(call, storage)
  }
}

/// A call whose arguments are bound. It holds its communicator by a count that it
/// keeps itself, so that a ``PersistentRequest`` has nothing to release when it is
/// turned into another type.
@usableFromInline
struct BoundCall {
  private let handle: cmpi_request
  private let communicator: Unmanaged<Communicator>

  init(_ handle: cmpi_request, _ communicator: Communicator) {
    self.handle = handle
    self.communicator = .passRetained(communicator)
  }

  @usableFromInline
  func start() throws(MPIError) -> PendingCall {
    try communicator._withUnsafeGuaranteedRef { $0 }.requireOpen("MPI_Start")
    var handle = handle
    try check(MPI_Start(&handle.raw), "MPI_Start")
    return PendingCall(handle)
  }

  @usableFromInline
  func free() throws(MPIError) {
    defer { forget() }
    // MPI frees what is left when it ends.
    if communicator._withUnsafeGuaranteedRef({ $0 }).job.hasEnded { return }
    var handle = handle
    try check(MPI_Request_free(&handle.raw), "MPI_Request_free")
  }

  /// Frees it where nobody can be told of an error.
  @usableFromInline
  func drop() { try? free() }

  /// Lets go of a request that is freed.
  @usableFromInline
  func forget() { communicator.release() }
}

extension Communicator {
  /// Binds the arguments of a send that will be made many times.
  public func prepareSend<Element: Transferable>(
    _ buffer: consuming Buffer<Element>, to peer: Peer, tag: Int = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let rank = try number(of: peer, "MPI_Send_init")
    let tag = try number(ofTag: tag, "MPI_Send_init")
    let datatype = try Element.datatype.type.handle()
    try requireOpen("MPI_Send_init")
    var request = cmpi_request()
    try check(
      cmpi_send_init(
        buffer.storage.baseAddress, MPI_Count(buffer.count), datatype.raw, rank, tag, handle.raw,
        &request.raw),
      "MPI_Send_init")
    return PersistentRequest(BoundCall(request, self), buffer.release())
  }

  /// Binds the arguments of a receive that will be made many times.
  public func prepareReceive<Element: Transferable, From: Source, Tag: TagPattern>(
    into buffer: consuming Buffer<Element>, from source: From, tag: Tag = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let rank = try number(of: source.sourceNumber, "MPI_Recv_init")
    let tag = try number(of: tag.tagNumber, "MPI_Recv_init")
    let datatype = try Element.datatype.type.handle()
    try requireOpen("MPI_Recv_init")
    var request = cmpi_request()
    try check(
      cmpi_recv_init(
        buffer.storage.baseAddress, MPI_Count(buffer.count), datatype.raw, rank, tag, handle.raw,
        &request.raw),
      "MPI_Recv_init")
    return PersistentRequest(BoundCall(request, self), buffer.release())
  }
}
