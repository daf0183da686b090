internal import CMPI

/// What is known of a message that was received or probed.
public struct Status {
  var handle: cmpi_status

  init() { handle = cmpi_status() }

  /// A status to be filled in by ``Request/wait(_:)``.
  public static var empty: Status { Status() }

  /// The rank that sent the message.
  public var source: Int { Int(handle.raw.MPI_SOURCE) }
  /// The tag that it was sent with.
  public var tag: Int { Int(handle.raw.MPI_TAG) }

  /// How many elements the message holds, or nil if it does not hold a whole
  /// number of them.
  public func count<Element: Scalar>(of type: Element.Type) throws(MPIError) -> Int? {
    // MPI_Get_elements_x, since MPI_Get_count stops at 2^31.
    var count: MPI_Count = 0
    var raw = handle.raw
    try check(MPI_Get_elements_x(&raw, Element.datatype.handle.raw, &count), "MPI_Get_elements_x")
    return count == MPI_Count(MPI_UNDEFINED) ? nil : Int(count)
  }
}
