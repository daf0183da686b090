import Foundation

/// The tensors that an ONNX model holds or names: its initializers, the constants of its
/// nodes, and those of all graphs within them.
///
/// Field numbers are those of `onnx.proto`.
struct ONNXTensors {
  struct Tensor {
    var count = 1
    /// It is an initializer of the outermost graph.
    var isWeight = false
    /// The file that holds the tensor, where it is another.
    var location: String?
    /// Bytes that this file has at least.
    var end = 0
  }

  private(set) var all: [Tensor] = []

  /// - Throws: for bytes that are no ONNX model.
  init(_ model: Data) throws(MalformedProtobuf) {
    var (hasGraph, hasOperatorSet) = (false, false)
    var fields = ProtobufFields(model)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (7, .bytes(let graph)):
        hasGraph = true
        try read(graph, as: .graph(isOutermost: true), depth: 0)
      case (8, _): hasOperatorSet = true
      case (25, .bytes(let function)): try read(function, as: .function, depth: 0)
      default: break
      }
    }
    guard hasGraph, hasOperatorSet else { throw MalformedProtobuf() }
  }

  /// Messages that hold tensors, or others that do.
  private enum Message {
    case graph(isOutermost: Bool), function, node, attribute, sparse, tensor(isWeight: Bool)

    /// What a field of the message holds.
    func content(of number: Int) -> Message? {
      switch (self, number) {
      case (.graph, 1), (.function, 7): .node
      case (.graph(let isOutermost), 5): .tensor(isWeight: isOutermost)
      case (.graph, 15), (.attribute, 22), (.attribute, 23): .sparse
      case (.node, 5): .attribute
      case (.attribute, 5), (.attribute, 10), (.sparse, 1), (.sparse, 2): .tensor(isWeight: false)
      case (.attribute, 6), (.attribute, 11): .graph(isOutermost: false)
      default: nil
      }
    }
  }

  /// Graphs lie within graphs; no model of use goes this deep.
  private static var greatestDepth: Int { 200 }

  private mutating func read(_ data: Data, as message: Message, depth: Int) throws(MalformedProtobuf) {
    guard depth < Self.greatestDepth else { throw MalformedProtobuf() }
    if case .tensor(let isWeight) = message { return all.append(try Self.tensor(data, isWeight)) }
    var fields = ProtobufFields(data)
    while let field = try fields.next() {
      guard case .bytes(let content) = field.value, let kind = message.content(of: field.number) else { continue }
      try read(content, as: kind, depth: depth + 1)
    }
  }

  private static func tensor(_ message: Data, _ isWeight: Bool) throws(MalformedProtobuf) -> Tensor {
    var tensor = Tensor(isWeight: isWeight)
    var (offset, length) = (0, 0)
    func multiply(by dimension: UInt64) throws(MalformedProtobuf) {
      guard let dimension = Int(exactly: dimension) else { throw MalformedProtobuf() }
      let (count, overflow) = tensor.count.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw MalformedProtobuf() }
      tensor.count = count
    }
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      switch (field.number, field.value) {
      case (1, .varint(let dimension)):
        try multiply(by: dimension)
      case (1, .bytes(let packed)):
        var dimensions = ProtobufFields(packed)
        while !dimensions.isAtEnd { try multiply(by: dimensions.varint()) }
      case (13, .bytes(let entry)):
        let (key, value) = try ONNXEntry.parse(entry)
        switch key {
        case "location": tensor.location = value
        case "offset": offset = Int(value) ?? 0
        case "length": length = Int(value) ?? 0
        default: break
        }
      default: break
      }
    }
    let (end, overflow) = offset.addingReportingOverflow(length)
    guard !overflow, offset >= 0, length >= 0 else { throw MalformedProtobuf() }
    tensor.end = end
    return tensor
  }
}

/// A key with its value, as `external_data` has them.
enum ONNXEntry {
  static func parse(_ message: Data) throws(MalformedProtobuf) -> (key: String, value: String) {
    var (key, value) = ("", "")
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      guard case .bytes(let text) = field.value else { continue }
      switch field.number {
      case 1: key = String(decoding: text, as: UTF8.self)
      case 2: value = String(decoding: text, as: UTF8.self)
      default: break
      }
    }
    return (key, value)
  }
}
