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
  private var handle: cmpi_request
  private let storage: UnsafeMutableBufferPointer<Element>

  init(_ handle: cmpi_request, _ storage: UnsafeMutableBufferPointer<Element>) {
    self.handle = handle
    self.storage = storage
  }

  /// The buffer's elements.
  public var span: Span<Element> {
    @_lifetime(borrow self)
    get { _overrideLifetime(Span(_unsafeElements: storage), borrowing: self) }
  }

  /// The buffer's elements.
  public var mutableSpan: MutableSpan<Element> {
    @_lifetime(&self)
    mutating get {
      _overrideLifetime(MutableSpan(_unsafeElements: storage), mutating: &self)
    }
  }

  public subscript(index: Int) -> Element {
    get { span[index] }
    set {
      var elements = mutableSpan
      elements[index] = newValue
    }
  }

  /// Starts the message.
  public consuming func start() throws(MPIError) -> StartedRequest<Element> {
    try check(MPI_Start(&handle.raw), "MPI_Start")
    return StartedRequest(handle, storage)
  }

  /// Gives up the request and returns its buffer.
  public consuming func free() throws(MPIError) -> Buffer<Element> {
    try check(MPI_Request_free(&handle.raw), "MPI_Request_free")
    return Buffer(adopting: storage)
  }
}

/// A ``PersistentRequest`` that is under way.
public struct StartedRequest<Element: Scalar>: ~Copyable {
  private var pending: PendingCall
  private let storage: UnsafeMutableBufferPointer<Element>

  init(_ handle: cmpi_request, _ storage: UnsafeMutableBufferPointer<Element>) {
    pending = PendingCall(handle)
    self.storage = storage
  }

  /// Whether the message has completed. Does not wait.
  public mutating func test() throws(MPIError) -> Bool { try pending.test() }

  /// Waits for the message to complete; a request that failed is freed with
  /// its buffer.
  public consuming func wait() throws(MPIError) -> PersistentRequest<Element> {
    var status = Status()
    return try wait(&status)
  }

  /// Waits for the message to complete; `status` tells what was received.
  public consuming func wait(_ status: inout Status) throws(MPIError) -> PersistentRequest<Element>
  {
    do {
      try pending.wait()
    } catch {
      // Some libraries have freed the request by now, others have not.
      var handle = pending.handle
      MPI_Request_free(&handle.raw)
      storage.deallocate()
      throw error
    }
    status = pending.status
    return PersistentRequest(pending.handle, storage)
  }
}

extension Communicator {
  /// Binds the arguments of a send that will be made many times.
  public func prepareSend<Element: Scalar>(
    _ buffer: consuming Buffer<Element>, to rank: Int, tag: Int = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Send_init(
            storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
            handle.raw, &request.raw),
          "MPI_Send_init")
      }
    }
    return PersistentRequest(request, storage)
  }

  /// Binds the arguments of a receive that will be made many times.
  public func prepareReceive<Element: Scalar>(
    into buffer: consuming Buffer<Element>, from rank: Int, tag: Int = 0
  ) throws(MPIError) -> PersistentRequest<Element> {
    let storage = buffer.release()
    let request = try request(for: storage) { (request) throws(MPIError) in
      try withCount(storage.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Recv_init(
            storage.baseAddress, count, datatype.raw, Int32(clamping: rank), Int32(clamping: tag),
            handle.raw, &request.raw),
          "MPI_Recv_init")
      }
    }
    return PersistentRequest(request, storage)
  }
}
