package import Foundation

/// A network without its weights: an ONNX model that names the file it was made
/// of, with an offset and a length, wherever that holds many numbers.
///
/// A runtime reads weights that are in the model into memory of its own, beside
/// the copy in the layout of its kernels. Weights in a file of their own it maps,
/// and all ranks of a host share those pages. The numbers of a tensor lie in the
/// file as they would in one of their own, so that a file serves as both.
/// Weights that are in other files already are named by where those lie, which a
/// runtime does not find out behind links.
/// Field numbers are those of `onnx.proto`.
package struct ONNXOutline {
  /// The model, or `nil` where it holds few weights and names no file.
  package let bytes: [UInt8]?

  /// - Parameters:
  ///   - data: all of the file.
  ///   - path: its absolute path.
  ///   - weightFiles: absolute paths of files by the names that the model gives them.
  ///   - fewest: tensors of fewer bytes stay: a network has many of them, and a
  ///     page is 4 KiB.
  /// - Throws: `MalformedProtobuf`.
  package init(
    of data: Data, path: String, weightFiles: [String: String] = [:], fewest: Int = 1 << 16
  ) throws(MalformedProtobuf) {
    var outline = Outline(path: path, weightFiles: weightFiles, fewest: fewest)
    let model = try outline.model(data)
    bytes = outline.isChanged ? model : nil
  }

  private struct Outline {
    let path: String
    let weightFiles: [String: String]
    let fewest: Int
    var isChanged = false

    mutating func model(_ message: Data) throws(MalformedProtobuf) -> [UInt8] {
      try rewrite(message, 7) { (outline, graph) throws(MalformedProtobuf) in
        try outline.rewrite(graph, 5) { (outline, tensor) throws(MalformedProtobuf) in
          try outline.tensor(tensor)
        }
      }
    }

    /// Copies a message with other bytes in one of its fields.
    private mutating func rewrite(
      _ message: Data, _ number: Int,
      _ change: (inout Outline, Data) throws(MalformedProtobuf) -> [UInt8]
    ) throws(MalformedProtobuf) -> [UInt8] {
      var output: [UInt8] = []
      var fields = ProtobufFields(message)
      var start = fields.position
      while let field = try fields.next() {
        if field.number == number, case .bytes(let inner) = field.value {
          output.append(number, try change(&self, inner))
        } else {
          output += message[start..<fields.position]
        }
        start = fields.position
      }
      return output
    }

    /// A tensor whose numbers (`raw_data`) are named by their place in the file
    /// (`external_data`, with the `data_location` EXTERNAL), if there are many.
    private mutating func tensor(_ message: Data) throws(MalformedProtobuf) -> [UInt8] {
      var (output, numbers): ([UInt8], Data?) = ([], nil)
      var fields = ProtobufFields(message)
      var start = fields.position
      while let field = try fields.next() {
        switch (field.number, field.value) {
        case (9, .bytes(let raw)): numbers = raw
        case (13, .bytes(let entry)): output.append(13, try located(entry))
        case (14, _) where numbers != nil: break
        default: output += message[start..<fields.position]
        }
        start = fields.position
      }
      // Numbers that are elsewhere, or are no bytes, stay as they are.
      guard let numbers else { return output }
      guard numbers.count >= fewest else { return Array(message) }
      for (key, value) in [
        ("location", path), ("offset", "\(numbers.startIndex)"), ("length", "\(numbers.count)"),
      ] { output.append(13, Self.entry(key, value)) }
      let isExternal: [UInt8] = [14 << 3, 1]
      isChanged = true
      return output + isExternal
    }

    /// An entry of `external_data`, the location replaced by where the file lies.
    private mutating func located(_ message: Data) throws(MalformedProtobuf) -> [UInt8] {
      let (key, value) = try ONNXEntry.parse(message)
      guard key == "location", let file = weightFiles[value] else { return Array(message) }
      isChanged = true
      return Self.entry(key, file)
    }

    private static func entry(_ key: String, _ value: String) -> [UInt8] {
      var entry: [UInt8] = []
      entry.append(1, Array(key.utf8))
      entry.append(2, Array(value.utf8))
      return entry
    }
  }
}

extension [UInt8] {
  /// Adds a field of bytes.
  fileprivate mutating func append(_ number: Int, _ bytes: [UInt8]) {
    append(varint: UInt64(number << 3 | 2))
    append(varint: UInt64(bytes.count))
    self += bytes
  }

  private mutating func append(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
