import COpenVINO

/// A network compiled by OpenVINO, with its one inference request. All its
/// inputs and outputs are handed over in single precision, whatever the types
/// of the file; OpenVINO converts them.
///
/// Compiling with a free batch axis costs some 15 microseconds a call against
/// a network compiled for one batch size, which would take 0.1 s to set up
/// for every size that occurs.
final class CompiledNetwork<Interface> {
  /// What the inputs and outputs are.
  let interface: Interface

  let file: String
  private let library: OpenVINOLibrary
  private let core: OpaquePointer
  private let compiled: OpaquePointer
  private let request: OpaquePointer

  private var functions: ov_functions { library.functions.pointee }

  /// The network's inputs, as its file declares them.
  let inputs: [NetworkPort]

  /// - Parameters:
  ///   - inputShape: the shape of the only input, where free axes get fixed lengths.
  ///   - understand: tells what the inputs and outputs are, and refuses others.
  init(
    _ network: NetworkFile, threads: Int, library: OpenVINOLibrary, inputShape: [Int]? = nil,
    understand: (_ inputs: [NetworkPort], _ outputs: [NetworkPort]) throws -> Interface
  ) throws {
    file = network.path
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
      let status = network.outline.map { ov_functions_read_bytes(functions, core, $0, $0.count, &model) } ?? -1
      // Without an outline, or where this OpenVINO does not take it, the file does.
      if status != 0 {
        try library.check(
          functions.pointee.core_read_model(core, file, network.weights, &model), .badData, ofFile: file,
          otherwise: "\(file): OpenVINO cannot read this model; export it again\(file.hasSuffix(".xml") ? "" : " to ONNX (opset 17 or later)")")
      }
    }
    made.model = model
    guard let core, let readModel = model else { throw ScoreModelError(.badData, "\(file): OpenVINO read no model") }

    if let inputShape {
      var lengths = inputShape.map { ov_dimension(min: Int64($0), max: Int64($0)) }
      try library.check(
        ov_functions_reshape_single_input(functions, readModel, Int64(lengths.count), &lengths), .badData,
        "\(file): OpenVINO cannot give this model an input of shape \(inputShape)")
    }
    let outputs: [NetworkPort]
    (inputs, outputs) = (try library.inputs(of: readModel, file: file), try library.outputs(of: readModel, file: file))
    interface = try understand(inputs, outputs)
    if (inputs + outputs).contains(where: { $0.elementType != library.float32 }) {
      try library.check(
        ov_functions_convert_ports(functions, &made.model, inputs.count, outputs.count, library.float32), .badData,
        "\(file): OpenVINO cannot convert its inputs and outputs to single precision")
    }

    var compiled: OpaquePointer?
    if let model = made.model {
      try library.check(
        ov_functions_compile(functions, core, model, "\(threads)", "f32", &compiled), .badData, ofFile: file,
        otherwise: "\(file): OpenVINO cannot compile this model for the CPU")
    }
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

  typealias Input = NetworkMemory

  /// Evaluates the network on and into the caller's memory.
  func evaluate(
    _ inputs: [Input], _ port: NetworkPort, shape: [Int], into output: UnsafeMutablePointer<Float>
  ) throws {
    for input in inputs {
      // OpenVINO takes inputs by mutable address and does not write to them.
      try withTensor(at: UnsafeMutableRawPointer(mutating: input.values), input.shape) { tensor in
        try check(functions.infer_request_set_input_tensor_by_index(request, input.port.index, tensor))
      }
    }
    try withTensor(at: output, shape) { tensor in
      try check(functions.infer_request_set_output_tensor_by_index(request, port.index, tensor))
    }
    try check(functions.infer_request_infer(request))
  }

  /// A float32 tensor over memory that stays the caller's.
  private func withTensor(
    at address: UnsafeMutableRawPointer, _ shape: [Int], _ body: (OpaquePointer) throws -> Void
  ) throws {
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
    try library.check(status, .evaluation, ofFile: file, otherwise: "\(file): OpenVINO failed to evaluate this model")
  }
}

/// Memory of the caller that a call reads, as a tensor of this shape.
struct NetworkMemory {
  var port: NetworkPort
  var shape: [Int]
  var values: UnsafePointer<Float>
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
