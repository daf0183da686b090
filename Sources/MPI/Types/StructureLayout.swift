internal import CMPI
import Synchronization

/// Where the numbers of a struct lie in memory.
///
/// Layouts are made once for each type and never freed, so that a reference to
/// one needs no counting.
@usableFromInline
final class StructureLayout: @unchecked Sendable {
  /// A number of the struct.
  struct Field {
    let offset: Int
    let type: PredefinedType
  }

  let name: String
  /// Bytes from one element of an array to the next.
  let stride: Int
  /// Bytes of all fields, without padding.
  let payload: Int
  private let fields: [Field]
  /// Why the type has no layout; nil if it has one.
  private let problem: String?
  /// MPI's datatype, once it is made; only the thread that calls MPI looks at it.
  private var committed: CommittedType?

  private init<Element: BitwiseCopyable>(
    _ type: Element.Type, _ fields: [Field], problem: String?
  ) {
    name = "\(type)"
    stride = MemoryLayout<Element>.stride
    payload = fields.reduce(0) { $0 + $1.type.size }
    self.fields = fields
    self.problem = problem
  }

  /// MPI's datatype of one element.
  func handle() throws(MPIError) -> cmpi_datatype {
    if let committed { return committed.handle }
    if let problem {
      throw MPIError(.datatype, call: "MPI_Type_create_struct", message: problem)
    }
    let made = try make()
    committed = made
    return made.handle
  }

  private func make() throws(MPIError) -> CommittedType {
    var packed = cmpi_datatype()
    let lengths = [Int32](repeating: 1, count: fields.count)
    let offsets = fields.map { MPI_Aint($0.offset) }
    let types = fields.map { $0.type.handle.raw }
    try check(
      MPI_Type_create_struct(Int32(fields.count), lengths, offsets, types, &packed.raw),
      "MPI_Type_create_struct")
    var spaced = cmpi_datatype()
    try check(
      MPI_Type_create_resized(packed.raw, 0, MPI_Aint(stride), &spaced.raw),
      "MPI_Type_create_resized")
    try check(MPI_Type_free(&packed.raw), "MPI_Type_free")
    var (lower, extent) = (MPI_Aint(0), MPI_Aint(0))
    var size: Int32 = 0
    try check(MPI_Type_get_extent(spaced.raw, &lower, &extent), "MPI_Type_get_extent")
    try check(MPI_Type_size(spaced.raw, &size), "MPI_Type_size")
    guard Int(extent) == stride, Int(size) == payload else {
      throw MPIError(
        .datatype, call: "MPI_Type_size",
        message: "\(name) has \(payload) of \(stride) bytes, but \(size) of \(extent) for MPI")
    }
    return try CommittedType(spaced)
  }
}

// MARK: - Finding a layout

extension StructureLayout {
  private static let known = Mutex<[ObjectIdentifier: StructureLayout]>([:])

  /// The layout of a type, which `make` finds if it is not known yet.
  static func of<Element>(_ type: Element.Type, _ make: () -> StructureLayout)
    -> Unmanaged<StructureLayout>
  {
    let identifier = ObjectIdentifier(type)
    if let layout = known.withLock({ $0[identifier] }) { return .passUnretained(layout) }
    // Outside the lock: it looks for the layouts of the fields.
    let made = make()
    return known.withLock { known in
      let layout = known[identifier] ?? made
      known[identifier] = layout
      return .passUnretained(layout)
    }
  }

  /// `count` values of one type in a row.
  convenience init<Element: BitwiseCopyable, Part: Transferable>(
    _ type: Element.Type, repeating part: Part.Type, _ count: Int
  ) {
    let (fields, problem) = Self.fields(of: part.datatype.type)
    let stride = MemoryLayout<Part>.stride
    self.init(
      type,
      (0..<count).flatMap { index in
        fields.map { Field(offset: $0.offset + index * stride, type: $0.type) }
      },
      problem: count == 0 ? "\(type) has no elements" : problem)
  }

  /// The stored properties of a struct.
  convenience init<Element: BitwiseCopyable>(reflecting type: Element.Type) {
    var finder = FieldFinder()
    do throws(NoLayout) {
      try finder.find(in: type)
      self.init(type, finder.fields, problem: nil)
    } catch {
      self.init(type, [], problem: "\(type) has no layout for MPI: \(error.reason)")
    }
  }

  fileprivate static func fields(of type: ElementType) -> ([Field], problem: String?) {
    switch type {
    case .predefined(let type): return ([Field(offset: 0, type: type)], nil)
    case .structure(let layout):
      let layout = layout.takeUnretainedValue()
      return (layout.fields, layout.problem)
    }
  }
}

private struct NoLayout: Error {
  let reason: String
}

/// Looks for the numbers in a struct: types of the properties by reflection of a
/// value, offsets by the rule that properties follow each other, each at the
/// next multiple of its alignment. The memory of a value with known bytes must
/// then agree with the properties' own bytes.
private struct FieldFinder {
  var fields: [StructureLayout.Field] = []

  mutating func find<Element: BitwiseCopyable>(in type: Element.Type) throws(NoLayout) {
    // All bits zero, until the types are known to be numbers, for which any
    // bits are a value.
    try find(in: Self.value(type) { _ in 0 }, at: 0, name: "\(type)")
    try compare(Self.value(type, pattern), at: 0)
  }

  private func pattern(_ index: Int) -> UInt8 { UInt8(truncatingIfNeeded: index * 37 + index / 256 + 11) }

  private static func value<Value: BitwiseCopyable>(
    _: Value.Type, _ byte: (Int) -> UInt8
  ) -> Value {
    withUnsafeTemporaryAllocation(
      byteCount: max(MemoryLayout<Value>.size, 1), alignment: MemoryLayout<Value>.alignment
    ) { memory in
      for index in memory.indices { memory[index] = byte(index) }
      return memory.load(as: Value.self)
    }
  }

  /// Adds the numbers of a struct or tuple at an offset.
  private mutating func find<Value>(in value: Value, at offset: Int, name: String) throws(NoLayout) {
    let mirror = Mirror(reflecting: value)
    if value is any CustomReflectable {
      throw NoLayout(reason: "\(name) describes itself by a mirror of its own")
    }
    guard mirror.displayStyle == .struct || mirror.displayStyle == .tuple else {
      throw NoLayout(reason: "\(name) is a \(Value.self), which is neither a number nor a struct of numbers")
    }
    if mirror.children.isEmpty { throw NoLayout(reason: "\(name) has no stored properties") }
    var end = 0
    var alignment = 1
    for child in mirror.children {
      let place = name + "." + (child.label ?? "?")
      func add<Property>(_ property: Property) throws(NoLayout) {
        let own = MemoryLayout<Property>.alignment
        let start = (end + own - 1) / own * own
        end = start + MemoryLayout<Property>.size
        alignment = max(alignment, own)
        if let type = Property.self as? any Transferable.Type {
          let (found, problem) = StructureLayout.fields(of: type.elementType)
          if let problem { throw NoLayout(reason: problem) }
          fields += found.map { .init(offset: offset + start + $0.offset, type: $0.type) }
        } else if Mirror(reflecting: property).displayStyle == .tuple {
          try find(in: property, at: offset + start, name: place)
        } else {
          throw NoLayout(reason: "\(place) is a \(Property.self), which is not Transferable")
        }
      }
      try add(child.value)
    }
    // C counts the padding at the end as part of the struct, Swift does not.
    let padded = (end + alignment - 1) / alignment * alignment
    guard alignment == MemoryLayout<Value>.alignment,
      MemoryLayout<Value>.size == end || MemoryLayout<Value>.size == padded
    else {
      throw NoLayout(reason: "the properties of \(name) do not follow each other in memory")
    }
  }

  /// Compares the bytes of every property with those of the pattern at its place.
  private func compare<Value>(_ value: Value, at start: Int) throws(NoLayout) {
    var end = start
    for child in Mirror(reflecting: value).children {
      func compare<Property>(_ property: Property) throws(NoLayout) {
        let alignment = MemoryLayout<Property>.alignment
        let place = (end + alignment - 1) / alignment * alignment
        end = place + MemoryLayout<Property>.size
        guard let type = Property.self as? any Transferable.Type else {
          return try self.compare(property, at: place)
        }
        let fields = StructureLayout.fields(of: type.elementType).0
        let agrees = withUnsafeBytes(of: property) { bytes in
          fields.allSatisfy { field in
            (field.offset..<field.offset + field.type.size).allSatisfy {
              bytes[$0] == pattern(place + $0)
            }
          }
        }
        if !agrees {
          throw NoLayout(reason: "property \(child.label ?? "?") is not where the rules of layout put it")
        }
      }
      try compare(child.value)
    }
  }
}

extension Transferable {
  fileprivate static var elementType: ElementType { datatype.type }
}
