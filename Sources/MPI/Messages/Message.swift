internal import CMPI

/// A message that has arrived and has been set aside for this program, but not
/// been received: its length is known before there is a buffer for it.
///
/// No other receive can take it (a matched probe). A message must be received;
/// one that is dropped is counted as a request that was never completed.
public struct Message: ~Copyable {
  private var handle: cmpi_message
  /// Where the message is from, and how long it is.
  public let status: Status

  init(_ handle: cmpi_message, _ status: Status) {
    self.handle = handle
    self.status = status
    OutstandingRequests.count += 1
  }

  /// Receives the message into a buffer at least as long.
  public consuming func receive<Element: Transferable>(into buffer: inout MutableSpan<Element>)
    throws(MPIError)
  {
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try receive(into: buffer.baseAddress, buffer.count, try Element.datatype.type.handle())
    }
  }

  /// Receives the message as an array of its own length.
  ///
  /// - Throws: an ``MPIError`` of class ``ErrorClass/datatype`` if the message
  ///   holds no whole number of elements; it is lost then.
  public consuming func receive<Element: Transferable>(_ type: Element.Type) throws(MPIError)
    -> [Element]
  {
    let datatype = try Element.datatype.type.handle()
    guard let count = try status.count(of: type) else {
      let byteCount = try status.byteCount()
      let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
      defer { bytes.deallocate() }
      try receive(into: bytes.baseAddress, byteCount, cmpi_byte())
      throw MPIError(
        .datatype, call: "MPI_Mrecv",
        message: "a message of \(byteCount) bytes holds no whole number of \(type)")
    }
    return try elements(count) { (address) throws(MPIError) in
      try receive(into: address, count, datatype)
    }
  }

  private mutating func receive(
    into address: UnsafeMutableRawPointer?, _ count: Int, _ datatype: cmpi_datatype
  ) throws(MPIError) {
    OutstandingRequests.count -= 1
    try blocking("MPI_Mrecv") {
      cmpi_mrecv(address, MPI_Count(count), datatype.raw, &handle.raw, cmpi_status_ignore())
    }
  }
}

/// An array that a call fills.
@usableFromInline
func elements<Element: Transferable>(
  _ count: Int, _ fill: (UnsafeMutablePointer<Element>?) throws(MPIError) -> Void
) throws(MPIError) -> [Element] {
  do {
    return try [Element](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      try fill(buffer.baseAddress)
      initializedCount = count
    }
  } catch {
    // The closure throws nothing else.
    throw error as! MPIError
  }
}

extension Communicator {
  /// Waits for a message and sets it aside.
  public func probe<From: Source, Tag: TagPattern>(from source: From, tag: Tag = 0)
    throws(MPIError) -> Message
  {
    let rank = try number(of: source.sourceNumber, "MPI_Mprobe")
    let tag = try number(of: tag.tagNumber, "MPI_Mprobe")
    var found = cmpi_message()
    var status = Status()
    try message("MPI_Mprobe") { MPI_Mprobe(rank, tag, $0, &found.raw, &status.handle.raw) }
    return Message(found, status)
  }

  /// Sets a message aside if one has arrived. Does not wait.
  public func probeIfArrived<From: Source, Tag: TagPattern>(from source: From, tag: Tag = 0)
    throws(MPIError) -> Message?
  {
    let rank = try number(of: source.sourceNumber, "MPI_Improbe")
    let tag = try number(of: tag.tagNumber, "MPI_Improbe")
    try requireOpen("MPI_Improbe")
    var found = cmpi_message()
    var status = Status()
    var hasArrived: Int32 = 0
    try check(
      MPI_Improbe(rank, tag, handle.raw, &hasArrived, &found.raw, &status.handle.raw),
      "MPI_Improbe")
    return hasArrived == 0 ? nil : Message(found, status)
  }
}
