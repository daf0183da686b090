package import Foundation

/// What the outside of an ONNX file tells before a runtime reads it: that it
/// is whole, how many parameters it has, and where they are.
///
/// The runtime's readers write to standard error when they try a file that is
/// not theirs, and do not say which weights are missing; hence this look ahead.
/// Field numbers are those of `onnx.proto`.
package struct ONNXFile {
  /// Numbers in the network's weights.
  private(set) var parameterCount = 0
  /// Other files that hold weights.
  package private(set) var weightFiles: [String] = []

  /// - Throws: `ScoreModelError` for a file that is missing, unreadable, cut
  ///   short or no ONNX model, and for files of weights that it names and
  ///   that are missing or too short.
  package init(contentsOf path: String) throws {
    _ = try sizeOfRegularFile(path)
    let data: Data
    do {
      data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
    } catch {
      throw ScoreModelError(.inputOutput, "\(path): cannot be read: \(error.localizedDescription)")
    }
    try self.init(parsing: data, path: path)
  }

  /// Reads a model that is in memory; `path` is where other files of weights
  /// are looked for.
  package init(parsing data: Data, path: String) throws {
    func damaged() -> ScoreModelError {
      ScoreModelError(
        .badData, "\(path): is no ONNX model, or is cut short or damaged; export or copy it again")
    }
    guard let tensors = try? Self.weights(data) else { throw damaged() }
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
    for tensor in tensors {
      let (sum, overflow) = parameterCount.addingReportingOverflow(tensor.count)
      guard !overflow else { throw damaged() }
      parameterCount = sum
      guard let location = tensor.location else { continue }
      let file = try ScoreModels.path(of: location, within: folder, namedBy: path)
      guard FileManager.default.fileExists(atPath: file) else {
        throw ScoreModelError(.missingFile, "\(path): its weights are in \(file), which is missing; copy it there")
      }
      guard try sizeOfRegularFile(file) >= tensor.end else {
        throw ScoreModelError(.badData, "\(file): is shorter than the weights that \(path) has in it; copy it again")
      }
      if !weightFiles.contains(file) { weightFiles.append(file) }
    }
  }

  private struct Tensor {
    var count = 1
    /// The file that holds the tensor, where it is another.
    var location: String?
    /// Bytes that this file has at least.
    var end = 0
  }

  private static func weights(_ model: Data) throws(MalformedProtobuf) -> [Tensor] {
    var tensors: [Tensor] = []
    var (hasGraph, hasOperatorSet) = (false, false)
    var fields = ProtobufFields(model)
    while let field = try fields.next() {
      if field.number == 8 { hasOperatorSet = true }
      guard field.number == 7, case .bytes(let graph) = field.value else { continue }
      hasGraph = true
      var fields = ProtobufFields(graph)
      while let field = try fields.next() {
        guard field.number == 5, case .bytes(let initializer) = field.value else { continue }
        tensors.append(try tensor(initializer))
      }
    }
    guard hasGraph, hasOperatorSet else { throw MalformedProtobuf() }
    return tensors
  }

  private static func tensor(_ message: Data) throws(MalformedProtobuf) -> Tensor {
    var tensor = Tensor()
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
        let (key, value) = try self.entry(entry)
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

  /// A key with its value.
  private static func entry(_ message: Data) throws(MalformedProtobuf) -> (key: String, value: String) {
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

/// The size of a file in bytes, or why it cannot be read.
func sizeOfRegularFile(_ path: String) throws -> Int {
  var status = stat()
  guard stat(path, &status) == 0 else {
    let code = errno
    if code == ENOENT || code == ENOTDIR { throw ScoreModelError(.missingFile, "\(path): no such file") }
    throw ScoreModelError(.inputOutput, "\(path): cannot be read: \(String(cString: strerror(code)))")
  }
  guard status.st_mode & S_IFMT == S_IFREG else {
    throw ScoreModelError(.badData, "\(path): is a folder, a pipe or a device, not a file")
  }
  guard access(path, R_OK) == 0 else {
    throw ScoreModelError(.inputOutput, "\(path): cannot be read: \(String(cString: strerror(errno)))")
  }
  return Int(status.st_size)
}
