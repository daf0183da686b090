internal import CMPI

extension Communicator {
  /// Runs `body` with an array that the ranks of a node have in memory once, and
  /// that all of them read (`MPI_Win_allocate_shared`).
  ///
  /// Collective, over ranks that share memory: those of ``withNode(_:)``. Rank 0
  /// fills the array; then all ranks may read it, and none may write.
  ///
  /// ```swift
  /// try world.withNode { node in
  ///   try node.withSharedArray(of: Float.self, count: count, fill: read) { weights in
  ///     …
  ///   }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - type: the type of the elements.
  ///   - count: their number, the same on every rank.
  ///   - fill: called on rank 0, with elements that are zero bits. When it
  ///     throws, all ranks throw, as in ``agree(on:_:)``.
  ///   - body: what to do with the array. The memory is freed when it returns;
  ///     see ``withSplit(color:key:_:)`` for errors.
  public func withSharedArray<Element: Transferable, Result>(
    of type: Element.Type, count: Int, fill: (inout MutableSpan<Element>) throws -> Void,
    _ body: (Span<Element>) throws -> Result
  ) throws -> Result {
    let alignment = MemoryLayout<Element>.alignment
    let (byteCount, isTooLarge) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard count >= 0, !isTooLarge, byteCount < Int.max - alignment else {
      throw MPIError(
        .count, call: "MPI_Win_allocate_shared", message: "\(count) elements of \(type)")
    }
    // Refuses a type without a layout, for which zero bits may be no value.
    _ = try type.datatype.type.handle()
    let window = try SharedWindow(
      self, byteCount: byteCount + alignment, CollectiveArguments(count: count, type.datatype.type))
    return try scoped(end: { try window.free(self) }, abandon: {}) {
      // The elements begin at the same byte on all ranks, which have the memory at
      // different addresses: the library aligns for numbers only.
      let start = try window.memory()
      var offset = [start.alignedUp(toMultipleOf: alignment) - start]
      try broadcast(&offset, root: 0)
      let memory = start + offset[0]
      guard memory == memory.alignedUp(toMultipleOf: alignment) else {
        throw MPIError(
          .buffer, call: "MPI_Win_shared_query", message: "the memory is not aligned for \(type)")
      }
      let elements = UnsafeMutableBufferPointer(
        start: memory.bindMemory(to: Element.self, capacity: count), count: count)
      _ = try agree(on: 0) {
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        var span = elements.mutableSpan
        try fill(&span)
      }
      try window.synchronize()
      return try body(elements.span)
    }
  }
}

/// Memory that the ranks of a node share.
private final class SharedWindow {
  private var handle = cmpi_win()

  /// Collective. The memory is rank 0's.
  init(_ communicator: Communicator, byteCount: Int, _ arguments: CollectiveArguments) throws(MPIError) {
    var own: UnsafeMutableRawPointer?
    let length = communicator.rank == 0 ? MPI_Aint(byteCount) : 0
    try communicator.collective("MPI_Win_allocate_shared", arguments) {
      MPI_Win_allocate_shared(length, 1, cmpi_info_null().raw, $0, &own, &handle.raw)
    }
    try check(cmpi_win_return_errors(handle.raw), "MPI_Win_set_errhandler")
  }

  func memory() throws(MPIError) -> UnsafeMutableRawPointer {
    var size: MPI_Aint = 0
    var unit: Int32 = 0
    var address: UnsafeMutableRawPointer?
    try check(MPI_Win_shared_query(handle.raw, 0, &size, &unit, &address), "MPI_Win_shared_query")
    guard let address else {
      throw MPIError(.buffer, call: "MPI_Win_shared_query", message: "the memory has no address")
    }
    return address
  }

  /// What rank 0 has written is there for all; collective.
  func synchronize() throws(MPIError) {
    try blocking("MPI_Win_fence") { MPI_Win_fence(0, handle.raw) }
  }

  /// Collective.
  func free(_ communicator: Communicator) throws(MPIError) {
    try communicator.collective("MPI_Win_free", CollectiveArguments()) { _ in
      MPI_Win_free(&handle.raw)
    }
  }
}
