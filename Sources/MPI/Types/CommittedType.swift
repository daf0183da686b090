internal import CMPI
import Synchronization

/// A datatype that was made with MPI.
///
/// Only the thread that calls MPI may free it, and its owner may go on another
/// one: it is freed when the next one is made, or when MPI ends.
final class CommittedType: @unchecked Sendable {
  let handle: cmpi_datatype

  /// Takes over `handle`.
  init(_ handle: cmpi_datatype) throws(MPIError) {
    self.handle = handle
    var raw = handle.raw
    Self.freeReleased()
    try check(MPI_Type_commit(&raw), "MPI_Type_commit")
    Self.all.withLock { $0.alive.append(self.handle) }
  }

  deinit {
    let handle = handle
    Self.all.withLock { all in
      all.alive.removeAll { cmpi_same_type($0, handle) != 0 }
      all.released.append(handle)
    }
  }

  private struct Handles: @unchecked Sendable {
    var alive: [cmpi_datatype] = []
    var released: [cmpi_datatype] = []
  }
  private static let all = Mutex(Handles())

  private static func freeReleased() {
    var handles = all.withLock { all in
      defer { all.released = [] }
      return all.released
    }
    for index in handles.indices { MPI_Type_free(&handles[index].raw) }
  }

  /// Before MPI ends.
  static func freeAll() {
    freeReleased()
    var handles = all.withLock { all in
      defer { all.alive = [] }
      return all.alive
    }
    for index in handles.indices { MPI_Type_free(&handles[index].raw) }
  }
}
