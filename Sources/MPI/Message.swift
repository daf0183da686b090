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
  public consuming func receive<Element: Scalar>(into buffer: inout MutableSpan<Element>)
    throws(MPIError)
  {
    OutstandingRequests.count -= 1
    try buffer.withUnsafeMutableBufferPointer { (buffer) throws(MPIError) in
      try withCount(buffer.count, Element.datatype) { (count, datatype) throws(MPIError) in
        try check(
          MPI_Mrecv(
            buffer.baseAddress, count, datatype.raw, &handle.raw, cmpi_status_ignore()),
          "MPI_Mrecv")
      }
    }
  }

  /// Receives the message as an array of its own length.
  public consuming func receive<Element: Scalar & AdditiveArithmetic>(_ type: Element.Type)
    throws(MPIError) -> [Element]
  {
    guard let count = try status.count(of: type) else {
      throw MPIError(
        .datatype, call: "MPI_Mrecv", message: "the message holds no whole number of \(type)")
    }
    var elements = [Element](repeating: .zero, count: count)
    var span = elements.mutableSpan
    try receive(into: &span)
    return elements
  }
}

extension Communicator {
  /// Waits for a message and sets it aside.
  public func probe(from rank: Int, tag: Int = 0) throws(MPIError) -> Message {
    var message = cmpi_message()
    var status = Status()
    try check(
      MPI_Mprobe(
        Int32(clamping: rank), Int32(clamping: tag), handle.raw, &message.raw, &status.handle.raw),
      "MPI_Mprobe")
    return Message(message, status)
  }

  /// Sets a message aside if one has arrived. Does not wait.
  public func probeIfArrived(from rank: Int, tag: Int = 0) throws(MPIError) -> Message? {
    var message = cmpi_message()
    var status = Status()
    var hasArrived: Int32 = 0
    try check(
      MPI_Improbe(
        Int32(clamping: rank), Int32(clamping: tag), handle.raw, &hasArrived, &message.raw,
        &status.handle.raw),
      "MPI_Improbe")
    return hasArrived == 0 ? nil : Message(message, status)
  }
}
