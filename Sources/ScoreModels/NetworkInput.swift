import Foundation

/// An input or output of a network, as its file declares it.
public struct NetworkInput: Hashable, Sendable, CustomStringConvertible {
  /// As the exporter named it, such as `sample`.
  public let name: String
  /// ONNX's name of the element type, such as `float` or `int64`.
  public let elementType: String
  /// Lengths of the axes; `nil` where an axis is free.
  public let shape: [Int?]
  /// Names of the axes, where the file gives them any. Axes of one name are equally long.
  let axes: [String?]

  /// Such as `sample float [?, 1, 8, 8]`.
  public var description: String {
    "\(name) \(elementType) [" + shape.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ") + "]"
  }

  /// The inputs of the network in an ONNX file, without its weights.
  ///
  /// - Parameter path: names the file in errors.
  /// - Throws: `ScoreModelError` for a file that is no ONNX model.
  static func all(of data: Data, path: String) throws(ScoreModelError) -> [NetworkInput] {
    do {
      guard let graph = try ProtobufFields(data).first(7) else { throw MalformedProtobuf() }
      var (inputs, weights) = ([NetworkInput](), Set<String>())
      var fields = ProtobufFields(graph)
      while let field = try fields.next() {
        guard case .bytes(let message) = field.value else { continue }
        // Field numbers of onnx.proto: the graph's initializers and inputs.
        if field.number == 5, let name = try ProtobufFields(message).first(8) {
          weights.insert(String(decoding: name, as: UTF8.self))
        } else if field.number == 11 {
          inputs.append(try NetworkInput(message))
        }
      }
      return inputs.filter { !weights.contains($0.name) }
    } catch {
      throw ScoreModelError(.badData, "\(path): is no ONNX model, or is damaged; export or copy it again")
    }
  }

  init(name: String, elementType: String, shape: [Int?]) {
    (self.name, self.elementType, self.shape) = (name, elementType, shape)
    axes = shape.map { _ in nil }
  }

  /// From the ONNX message ValueInfoProto.
  private init(_ message: Data) throws(MalformedProtobuf) {
    name = String(decoding: try ProtobufFields(message).first(1) ?? Data(), as: UTF8.self)
    var (code, lengths, axes) = (0, [Int?](), [String?]())
    if let type = try ProtobufFields(message).first(2), let tensor = try ProtobufFields(type).first(1) {
      var fields = ProtobufFields(tensor)
      while let field = try fields.next() {
        switch (field.number, field.value) {
        case (1, .varint(let number)): code = Int(clamping: number)
        case (2, .bytes(let shape)): (lengths, axes) = try Self.lengths(shape)
        default: break
        }
      }
    }
    // The enumeration TensorProto.DataType.
    let names = [
      "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
      "double", "uint32", "uint64", "complex64", "complex128", "bfloat16",
    ]
    elementType = names.indices.contains(code) ? names[code] : "type \(code)"
    shape = lengths
    self.axes = axes
  }

  private static func lengths(_ message: Data) throws(MalformedProtobuf) -> ([Int?], [String?]) {
    var (lengths, names) = ([Int?](), [String?]())
    var fields = ProtobufFields(message)
    while let field = try fields.next() {
      guard field.number == 1, case .bytes(let axis) = field.value else { continue }
      var fields = ProtobufFields(axis)
      var (length, name) = (Int?.none, String?.none)
      while let field = try fields.next() {
        switch (field.number, field.value) {
        case (1, .varint(let number)): length = Int(exactly: number)
        case (2, .bytes(let text)) where !text.isEmpty: name = String(decoding: text, as: UTF8.self)
        default: break
        }
      }
      lengths.append(length)
      names.append(name)
    }
    return (lengths, names)
  }
}

extension ProtobufFields {
  /// The bytes of the first field of this number.
  fileprivate func first(_ number: Int) throws(MalformedProtobuf) -> Data? {
    var fields = self
    while let field = try fields.next() {
      if field.number == number, case .bytes(let bytes) = field.value { return bytes }
    }
    return nil
  }
}
