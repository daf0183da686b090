internal import CMPI

/// What MPI knows of a call under way.
@usableFromInline
struct PendingCall {
  private(set) var handle: cmpi_request
  @usableFromInline private(set) var status = Status()
  private(set) var isComplete = false
  /// What few calls have; nil for the usual one, which it costs nothing.
  private var rest: Rest?

  private final class Rest {
    /// Requests that follow, where one call was too long for one request.
    var further: [cmpi_request] = []
    /// Why the call failed, for everyone who asks again.
    var failure: MPIError?
    /// The operation of a reduction.
    var owner: UserOperation?
    /// Whether all ranks make this call.
    var comparison: CollectiveComparison?
  }

  init(
    _ handle: cmpi_request, further: [cmpi_request] = [], keeping owner: UserOperation? = nil,
    comparison: CollectiveComparison? = nil
  ) {
    self.handle = handle
    OutstandingRequests.count += 1
    if further.isEmpty, owner == nil, comparison == nil { return }
    let rest = Rest()
    rest.further = further
    rest.owner = owner
    rest.comparison = comparison
    self.rest = rest
  }

  /// Whether MPI alone can tell when the call is complete, and tells it of one request.
  var isPlain: Bool { rest == nil }

  /// Whether MPI may still use the memory of a call that has failed.
  @usableFromInline var mayUseMemory: Bool { !isComplete }

  @usableFromInline
  mutating func test() throws(MPIError) -> Bool {
    if let comparison = rest?.comparison, try !comparison.test() { return false }
    while !isComplete {
      var flag: Int32 = 0
      let code = MPI_Test(&handle.raw, &flag, &status.handle.raw)
      if code == MPI_SUCCESS && flag == 0 { return false }
      advance(code, "MPI_Test")
    }
    if let failure = rest?.failure { throw failure }
    return true
  }

  @usableFromInline
  mutating func wait() throws(MPIError) {
    StallWatch.shared.begin("MPI_Wait")
    defer { StallWatch.shared.end() }
    if let comparison = rest?.comparison, try !comparison.test() { try comparison.wait() }
    while !isComplete {
      let code = MPI_Wait(&handle.raw, &status.handle.raw)
      advance(code, "MPI_Wait")
    }
    if let failure = rest?.failure { throw failure }
  }

  /// Frees a persistent request that has failed. Open MPI has done so by now,
  /// and has left a null handle.
  @usableFromInline
  func free() {
    var handle = handle
    if cmpi_request_is_null(handle) == 0 { MPI_Request_free(&handle.raw) }
  }

  /// Notes that another call has found the request completed, or failed.
  mutating func complete(_ status: Status, _ code: Int32) {
    self.status = status
    // The set's call has made it null.
    handle = cmpi_request_null()
    advance(code, "MPI_Waitany")
  }

  private mutating func advance(_ code: Int32, _ call: StaticString) {
    if code != MPI_SUCCESS {
      if rest == nil { rest = Rest() }
      // The runs that follow are MPI's until they are over.
      if let rest {
        rest.failure = MPIError(code: code, call: call)
        for index in rest.further.indices { MPI_Wait(&rest.further[index].raw, cmpi_status_ignore()) }
        rest.further = []
      }
    } else if let next = rest?.further.popLast() {
      handle = next
      return
    }
    isComplete = true
    OutstandingRequests.count -= 1
  }
}

/// The requests that were started and not yet completed.
///
/// MPI is the process's own and one thread at a time calls it, so that the count
/// needs no lock.
enum OutstandingRequests {
  nonisolated(unsafe) static var count = 0
}
