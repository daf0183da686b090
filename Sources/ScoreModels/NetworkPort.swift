import COpenVINO

/// An input or output of a network, as its file declares it.
struct NetworkPort: Hashable, Sendable {
  let index: Int
  let name: String
  /// OpenVINO's code of the element type.
  let elementType: UInt32
  /// Lengths of the axes, `nil` where they are free; `nil` as a whole where
  /// even the number of axes is free.
  let shape: [Int?]?

  /// The port as a person reads it, such as `sample float [?, 1, 8, 8]`.
  func input(typeNames: OpenVINOLibrary) -> NetworkInput {
    NetworkInput(name: name, elementType: typeNames.name(ofElementType: elementType), shape: shape ?? [])
  }

  /// The shape as error messages show it.
  var shapeText: String {
    guard let shape else { return "[...]" }
    return "[" + shape.map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ") + "]"
  }
}

extension OpenVINOLibrary {
  func inputs(of model: OpaquePointer, file: String) throws -> [NetworkPort] {
    var count = 0
    try check(functions.pointee.model_inputs_size(model, &count), .badData, "\(file): its inputs")
    return try (0..<count).map { index in
      var handle: OpaquePointer?
      try check(
        functions.pointee.model_const_input_by_index(model, index, &handle), .badData,
        "\(file): input \(index)")
      return try port(handle, index, "\(file): input \(index)")
    }
  }

  func outputs(of model: OpaquePointer, file: String) throws -> [NetworkPort] {
    var count = 0
    try check(functions.pointee.model_outputs_size(model, &count), .badData, "\(file): its outputs")
    return try (0..<count).map { index in
      var handle: OpaquePointer?
      try check(
        functions.pointee.model_const_output_by_index(model, index, &handle), .badData,
        "\(file): output \(index)")
      return try port(handle, index, "\(file): output \(index)")
    }
  }

  private func port(_ handle: OpaquePointer?, _ index: Int, _ what: String) throws -> NetworkPort {
    guard let handle else { throw ScoreModelError(.badData, "\(what): none there") }
    defer { functions.pointee.output_const_port_free(handle) }

    var name: UnsafeMutablePointer<CChar>?
    // An output without a name is legal; it is then known by its index.
    let named = functions.pointee.port_get_any_name(handle, &name) == 0
    defer { functions.pointee.free(name) }

    var elementType: UInt32 = 0
    try check(functions.pointee.port_get_element_type(handle, &elementType), .badData, what)

    var partial = ov_partial_shape()
    try check(functions.pointee.port_get_partial_shape(handle, &partial), .badData, what)
    defer { functions.pointee.partial_shape_free(&partial) }
    var shape: [Int?]?
    if partial.rank.min == partial.rank.max {
      shape = (0..<Int(partial.rank.max)).map { axis in
        guard let dimension = partial.dimensions?[axis], dimension.min == dimension.max else { return nil }
        return Int(dimension.max)
      }
    }
    return NetworkPort(
      index: index, name: named ? name.map { String(cString: $0) } ?? "" : "", elementType: elementType,
      shape: shape)
  }
}
