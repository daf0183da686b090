import Foundation

/// The operators of an ONNX model, those of graphs within others too.
///
/// Field numbers are those of `onnx.proto`.
struct ONNXNodes {
  struct Node {
    var kind = ""
    var domain = ""
    var name = ""
    /// Names of values; empty where an optional one is omitted.
    var inputs: [String] = []
    var integers: [String: [Int]] = [:]
    var texts: [String: String] = [:]
    fileprivate var graphs: [Data] = []

    func integer(_ attribute: String) -> Int? { integers[attribute]?.first }

    func has(input: Int) -> Bool { inputs.count > input && !inputs[input].isEmpty }
  }

  /// Version of ONNX's own set of operators.
  private(set) var version = 0
  private(set) var all: [Node] = []
  /// Constant numbers in single precision by the name of their value, where they are few.
  private(set) var numbers: [String: [Float]] = [:]

  /// - Throws: for bytes that are no ONNX model.
  init(_ model: Data) throws(MalformedProtobuf) {
    var fields = ProtobufFields(model)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (7, .bytes(let graph)): try readGraph(graph, depth: 0)
      case (8, .bytes(let set)): try readOperatorSet(set)
      case (25, .bytes(let function)):
        try forEach(7, of: function) { nodes, node throws(MalformedProtobuf) in try nodes.readNode(node, depth: 0) }
      default: break
      }
    }
  }

  private mutating func readOperatorSet(_ message: Data) throws(MalformedProtobuf) {
    var (domain, version) = ("", 0)
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let text)): domain = String(decoding: text, as: UTF8.self)
      case (2, .varint(let number)): version = Int(clamping: number)
      default: break
      }
    }
    if domain.isEmpty || domain == "ai.onnx" { self.version = version }
  }

  private mutating func forEach(
    _ number: Int, of message: Data, _ body: (inout ONNXNodes, Data) throws(MalformedProtobuf) -> Void
  ) throws(MalformedProtobuf) {
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      if field.number == number, case .bytes(let inner) = field.value { try body(&self, inner) }
    }
  }

  private mutating func readGraph(_ message: Data, depth: Int) throws(MalformedProtobuf) {
    // Deeper than any exporter nests; a file cannot make this recurse without end.
    guard depth < 32 else { throw MalformedProtobuf() }
    try forEach(5, of: message) { nodes, tensor throws(MalformedProtobuf) in
      let (name, values) = try Self.tensor(tensor)
      if let name, let values { nodes.numbers[name] = values }
    }
    try forEach(1, of: message) { nodes, node throws(MalformedProtobuf) in try nodes.readNode(node, depth: depth) }
  }

  private mutating func readNode(_ message: Data, depth: Int) throws(MalformedProtobuf) {
    var (node, output) = (Node(), "")
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      guard case .bytes(let bytes) = field.value else { continue }
      switch field.number {
      case 1: node.inputs.append(String(decoding: bytes, as: UTF8.self))
      case 2: if output.isEmpty { output = String(decoding: bytes, as: UTF8.self) }
      case 3: node.name = String(decoding: bytes, as: UTF8.self)
      case 4: node.kind = String(decoding: bytes, as: UTF8.self)
      case 5:
        if let values = try Self.readAttribute(bytes, of: &node), node.kind.isEmpty || node.kind == "Constant" {
          numbers[output] = values
        }
      case 7: node.domain = String(decoding: bytes, as: UTF8.self)
      default: break
      }
    }
    let graphs = node.graphs
    node.graphs = []
    all.append(node)
    for graph in graphs { try readGraph(graph, depth: depth + 1) }
  }

  /// - Returns: the numbers of a tensor that the attribute holds.
  private static func readAttribute(_ message: Data, of node: inout Node) throws(MalformedProtobuf) -> [Float]? {
    var (name, text, tensor) = ("", String?.none, Data?.none)
    var integers: [Int] = []
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let bytes)): name = String(decoding: bytes, as: UTF8.self)
      case (3, .varint(let number)), (8, .varint(let number)): integers.append(Int(truncatingIfNeeded: number))
      case (4, .bytes(let bytes)): text = String(decoding: bytes, as: UTF8.self)
      case (5, .bytes(let bytes)): tensor = bytes
      case (6, .bytes(let bytes)), (11, .bytes(let bytes)): node.graphs.append(bytes)
      case (8, .bytes(let packed)):
        var numbers = ProtobufFields(packed)
        while !numbers.isAtEnd { integers.append(Int(truncatingIfNeeded: try numbers.varint())) }
      default: break
      }
    }
    node.integers[name] = integers
    node.texts[name] = text
    guard let tensor else { return nil }
    return try Self.tensor(tensor).values
  }

  /// A tensor's name, and its numbers where they are a few in single precision, stored as bytes.
  private static func tensor(_ message: Data) throws(MalformedProtobuf) -> (name: String?, values: [Float]?) {
    var (name, raw, type) = (String?.none, Data?.none, UInt64(0))
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (2, .varint(let number)): type = number
      case (8, .bytes(let bytes)): name = String(decoding: bytes, as: UTF8.self)
      case (9, .bytes(let bytes)): raw = bytes
      default: break
      }
    }
    guard type == 1, let raw, raw.count <= 64, raw.count % 4 == 0 else { return (name, nil) }
    let bytes = Array(raw)
    return (
      name,
      stride(from: 0, to: bytes.count, by: 4).map { first in
        Float(bitPattern: (0..<4).reduce(0) { $0 | UInt32(bytes[first + $1]) << UInt32(8 * $1) })
      }
    )
  }
}
