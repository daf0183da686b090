internal import CMPI

/// What is known of a message that was received or probed.
public struct Status {
  var handle: cmpi_status

  init() {
    handle = cmpi_status()
    handle.raw.MPI_SOURCE = Int32(MPI_PROC_NULL)
  }

  /// A status to be filled in by ``Request/wait(_:)``.
  public static var empty: Status { Status() }

  /// Who sent the message: where to send an answer.
  public var sender: Peer {
    handle.raw.MPI_SOURCE < 0 ? .noProcess : Peer(number: handle.raw.MPI_SOURCE)
  }
  /// The rank that sent the message; -1 if it is from no process.
  public var source: Int { sender.rank ?? -1 }
  /// The tag that it was sent with; -1 if it is from no process.
  public var tag: Int { sender == .noProcess ? -1 : Int(handle.raw.MPI_TAG) }

  /// How many elements the message holds, or nil if it does not hold a whole
  /// number of them.
  public func count<Element: Transferable>(of type: Element.Type) throws(MPIError) -> Int? {
    // Refuses a type without a layout.
    _ = try Element.datatype.type.handle()
    let (count, rest) = try byteCount().quotientAndRemainder(
      dividingBy: Element.datatype.type.payload)
    return rest == 0 ? count : nil
  }

  /// Bytes of the message.
  func byteCount() throws(MPIError) -> Int {
    // MPI_Get_elements_x, since MPI_Get_count stops at 2^31.
    var count: MPI_Count = 0
    var raw = handle.raw
    try check(MPI_Get_elements_x(&raw, cmpi_byte().raw, &count), "MPI_Get_elements_x")
    return count == MPI_Count(MPI_UNDEFINED) ? 0 : Int(count)
  }
}
