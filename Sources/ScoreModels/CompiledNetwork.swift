import COpenVINO

/// A network compiled by OpenVINO for any number of rows, with its one
/// inference request.
///
/// Compiling with a free batch axis costs some 15 microseconds a call against
/// a network compiled for one batch size, which would take 0.1 s to set up
/// for every size that occurs.
final class CompiledNetwork {
  /// Shape of one row of the sample.
  let sampleShape: [Int]

  private let file: String
  private let library: OpenVINOLibrary
  private let sample: NetworkPort
  private let timestep: NetworkPort
  private let prediction: NetworkPort
  private let core: OpaquePointer
  private let compiled: OpaquePointer
  private let request: OpaquePointer

  private var functions: ov_functions { library.functions.pointee }

  init(file: String, threads: Int, library: OpenVINOLibrary) throws {
    self.file = file
    self.library = library
    let functions = library.functions
    /// What was made so far, in case a later part fails.
    var made = Made(functions: functions)
    defer { made.free() }

    var core: OpaquePointer?
    try library.check(functions.pointee.core_create(&core), .missingLibrary, "OpenVINO at \(library.path) does not start")
    made.core = core
    var model: OpaquePointer?
    if let core {
      try library.check(
        functions.pointee.core_read_model(core, file, nil, &model), .badData,
        "\(file): OpenVINO cannot read this model; export it again to ONNX (opset 17 or later)")
    }
    made.model = model
    guard let core, let model else { throw ScoreModelError(.badData, "\(file): OpenVINO read no model") }

    (sample, timestep, prediction) = try Self.roles(
      inputs: library.inputs(of: model, file: file), outputs: library.outputs(of: model, file: file),
      float32: library.float32, file: file)
    sampleShape = (sample.shape ?? []).dropFirst().compactMap { $0 }

    var compiled: OpaquePointer?
    try library.check(
      ov_functions_compile(functions, core, model, "\(threads)", "f32", &compiled), .badData,
      "\(file): OpenVINO cannot compile this model for the CPU")
    made.compiled = compiled
    var request: OpaquePointer?
    if let compiled {
      try library.check(
        functions.pointee.compiled_model_create_infer_request(compiled, &request), .badData,
        "\(file): OpenVINO cannot prepare this model")
    }
    guard let compiled, let request else { throw ScoreModelError(.badData, "\(file): OpenVINO compiled no model") }
    self.core = core
    self.compiled = compiled
    self.request = request
    made.core = nil
    made.compiled = nil
  }

  deinit {
    functions.infer_request_free(request)
    functions.compiled_model_free(compiled)
    functions.core_free(core)
  }

  /// Evaluates `rows` rows, reading and writing the caller's memory in place.
  func evaluate(
    rows: Int, sample states: UnsafeRawBufferPointer, timesteps: inout [Float],
    into output: UnsafeMutableRawBufferPointer
  ) throws {
    let batch = [rows] + sampleShape
    try timesteps.withUnsafeMutableBytes { times in
      // OpenVINO takes inputs by mutable address and does not write to them.
      let inputs = [
        (sample, UnsafeMutableRawPointer(mutating: states.baseAddress), batch),
        (timestep, times.baseAddress, [rows]),
      ]
      for (port, address, shape) in inputs {
        try withTensor(at: address, shape) { tensor in
          try check(functions.infer_request_set_input_tensor_by_index(request, port.index, tensor))
        }
      }
      try withTensor(at: output.baseAddress, batch) { tensor in
        try check(functions.infer_request_set_output_tensor_by_index(request, prediction.index, tensor))
      }
      try check(functions.infer_request_infer(request))
    }
  }

  /// A float32 tensor over memory that stays the caller's.
  private func withTensor(
    at address: UnsafeMutableRawPointer?, _ shape: [Int], _ body: (OpaquePointer) throws -> Void
  ) throws {
    guard let address else { return }
    var lengths = shape.map { Int64($0) }
    try lengths.withUnsafeMutableBufferPointer { lengths in
      var tensor: OpaquePointer?
      let shape = ov_shape(rank: Int64(lengths.count), dimensions: lengths.baseAddress)
      try check(functions.tensor_create_from_host_ptr(library.float32, shape, address, &tensor))
      guard let tensor else { return }
      defer { functions.tensor_free(tensor) }
      try body(tensor)
    }
  }

  private func check(_ status: Int32) throws {
    try library.check(status, .evaluation, "\(file): OpenVINO failed to evaluate this model")
  }

  /// Which input is the sample, which the timestep, and which output the
  /// prediction.
  private static func roles(
    inputs: [NetworkPort], outputs: [NetworkPort], float32: UInt32, file: String
  ) throws -> (sample: NetworkPort, timestep: NetworkPort, prediction: NetworkPort) {
    func refuse(_ what: String) -> ScoreModelError {
      let list = inputs.map { "\($0.name) \($0.shapeText)" }.joined(separator: ", ")
      return ScoreModelError(
        .badData,
        "\(file): \(what). Needed: inputs 'sample' [batch, shape...] and 'timestep' [batch], both float32, "
          + "batch free, and one output in the sample's shape; the inputs are: \(list.isEmpty ? "none" : list)")
    }
    guard let sample = inputs.first(where: { $0.name == "sample" }) else { throw refuse("it has no input 'sample'") }
    guard let timestep = inputs.first(where: { $0.name == "timestep" }) else {
      throw refuse("it has no input 'timestep'")
    }
    if let further = inputs.first(where: { $0 != sample && $0 != timestep }) {
      throw refuse("its input '\(further.name)' is not known")
    }
    guard let lengths = sample.shape, lengths.count >= 2, lengths[0] == nil,
      lengths.dropFirst().allSatisfy({ ($0 ?? 0) > 0 })
    else {
      throw refuse("its input 'sample' has shape \(sample.shapeText)")
    }
    guard let times = timestep.shape, times.count == 1, times[0] == nil else {
      throw refuse("its input 'timestep' has shape \(timestep.shapeText)")
    }
    guard outputs.count == 1 else { throw refuse("it has \(outputs.count) outputs") }
    let prediction = outputs[0]
    guard let predicted = prediction.shape, predicted.count == lengths.count,
      zip(predicted, lengths).allSatisfy({ $0 == nil || $0 == $1 })
    else {
      throw refuse("its output has shape \(prediction.shapeText)")
    }
    for port in [sample, timestep, prediction] where port.elementType != float32 {
      throw refuse("'\(port.name)' is not float32")
    }
    return (sample, timestep, prediction)
  }
}

/// Handles to free when a network is not finished, and the model, which only
/// compiling needs.
private struct Made {
  let functions: UnsafeMutablePointer<ov_functions>
  var core: OpaquePointer?
  var model: OpaquePointer?
  var compiled: OpaquePointer?

  func free() {
    if let compiled { functions.pointee.compiled_model_free(compiled) }
    if let model { functions.pointee.model_free(model) }
    if let core { functions.pointee.core_free(core) }
  }
}
