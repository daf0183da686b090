/// Values in memory that one owner at a time may touch.
///
/// A non-blocking call takes the buffer and its request gives it back from
/// `wait()`, so that touching it while MPI reads or writes it does not
/// compile. The memory never moves and starts on a cache line.
@frozen
public struct Buffer<Element: Transferable>: ~Copyable {
  @usableFromInline let storage: UnsafeMutableBufferPointer<Element>

  @inlinable
  init(adopting storage: UnsafeMutableBufferPointer<Element>) { self.storage = storage }

  @inlinable
  static func allocate(_ count: Int) -> UnsafeMutableBufferPointer<Element> {
    let cacheLine = 64
    precondition(count >= 0, "a buffer of \(count) elements")
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: count * MemoryLayout<Element>.stride, alignment: cacheLine)
    return UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Element.self, capacity: count), count: count)
  }

  /// A buffer of `count` copies of a value.
  @inlinable
  public init(repeating value: Element, count: Int) {
    storage = Self.allocate(count)
    storage.initialize(repeating: value)
  }

  /// A buffer with the values of a span.
  @inlinable
  public init(copying values: Span<Element>) {
    storage = Self.allocate(values.count)
    values.withUnsafeBufferPointer { _ = storage.initialize(from: $0) }
  }

  @inlinable
  deinit { storage.deallocate() }

  /// The memory without its owner, for as long as MPI works on it.
  @inlinable
  consuming func release() -> UnsafeMutableBufferPointer<Element> {
    let storage = self.storage
    discard self
    return storage
  }

  /// Number of elements.
  @inlinable public var count: Int { storage.count }

  /// The element at an index from 0; a trap outside, as of an array.
  @inlinable
  public subscript(index: Int) -> Element {
    get {
      precondition(storage.indices.contains(index), "Buffer index out of range")
      return storage[index]
    }
    set {
      precondition(storage.indices.contains(index), "Buffer index out of range")
      storage[index] = newValue
    }
  }

  /// The elements, to read.
  @inlinable
  public var span: Span<Element> {
    @_lifetime(borrow self)
    get { _overrideLifetime(Span(_unsafeElements: storage), borrowing: self) }
  }

  /// The elements, to change.
  @inlinable
  public var mutableSpan: MutableSpan<Element> {
    @_lifetime(&self)
    mutating get {
      _overrideLifetime(MutableSpan(_unsafeElements: storage), mutating: &self)
    }
  }
}
