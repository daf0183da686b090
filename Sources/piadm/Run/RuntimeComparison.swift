import Diffusion
import Foundation
import ScoreModels

/// A row of a network by OpenVINO and by ONNX Runtime, where Python has that package.
struct RuntimeComparison: Encodable {
  let runtime: String
  let version: String
  /// The largest difference of the predictions, over the largest of their elements.
  let difference: Double

  /// What rounds differently in two correct runtimes; found on random networks (`jobs/operators.py`).
  static let tolerance = 1e-4

  var text: String {
    let size = String(format: "%.2g", difference)
    let verdict = difference <= Self.tolerance ? "" : ", MORE THAN ROUNDING"
    return "against".padding(toLength: 14, withPad: " ", startingAt: 0)
      + "\(runtime) \(version): a row differs by at most \(size) of the largest element\(verdict)\n"
  }

  /// - Throws: `WrongUsage` where the model is no network in an ONNX file, `MissingPackage` where
  ///   no Python has ONNX Runtime, `BadData` where that cannot evaluate the network.
  init(_ model: any ScoreModel<Float>, named name: String, at time: NoiseTime) throws {
    guard let network = model as? OpenVINOModel<Float> else {
      throw WrongUsage("--against onnxruntime compares a network in an ONNX file, and \(name) has none")
    }
    let state: [Float] = CounterNoise(seed: 0).normals(model.dimension, stream: .initialState, step: 0, sample: 0)
    let scale = Float(model.parametrization.inputScale(at: time))
    let call = try network.call(state.map { scale * $0 }, at: time)
    guard call.file.hasSuffix(".onnx") else {
      throw WrongUsage("--against onnxruntime compares a network in an ONNX file, not \(call.file)")
    }
    let python = try Self.python(beside: network.library.path)
    let folder = FileManager.default.temporaryDirectory.appending(path: "piadm-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let inputs = try call.inputs.enumerated().map { number, input in
      let file = folder.appending(path: "\(number)").path
      try input.values.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: file))
      return Request.Input(name: input.name, shape: input.shape, file: file)
    }
    let answer = folder.appending(path: "output").path
    let request = Request(network: call.file, inputs: inputs, output: call.output.name, answer: answer)
    let (status, output, errors) = try Self.run(
      python, ["-c", Self.script, String(decoding: try JSONEncoder().encode(request), as: UTF8.self)])
    guard status == 0, let bytes = try? Data(contentsOf: URL(fileURLWithPath: answer)),
      bytes.count == 4 * call.output.values.count
    else {
      let reason = errors.split(separator: "\n").last.map { String($0) } ?? "it says nothing"
      throw BadData("\(call.file): ONNX Runtime cannot evaluate this network: \(reason)")
    }
    let other = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    let size = other.reduce(0) { max($0, abs($1)) }
    let largest = zip(call.output.values, other).reduce(Float(0)) { $1.0 == $1.1 ? $0 : max($0, abs($1.0 - $1.1)) }
    runtime = "ONNX Runtime"
    version = output.trimmingCharacters(in: .whitespacesAndNewlines)
    difference = Double(largest / max(size, .leastNormalMagnitude))
  }

  private struct Request: Encodable {
    struct Input: Encodable {
      let name: String
      let shape: [Int]
      let file: String
    }
    let network: String
    let inputs: [Input]
    let output: String
    let answer: String
  }

  /// Without the runtime's own optimizations, some of which round weights and activations to
  /// eight bits, and with full products of bytes, which it cuts off on processors without VNNI.
  private static let script = """
    import json, sys
    import numpy, onnxruntime
    request = json.loads(sys.argv[1])
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.x64quantprecision", "1")
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(request["network"], options, providers=["CPUExecutionProvider"])
    types = {"tensor(float)": "f4", "tensor(double)": "f8", "tensor(float16)": "f2", "tensor(bool)": "?",
             "tensor(int64)": "i8", "tensor(int32)": "i4", "tensor(int16)": "i2", "tensor(int8)": "i1", "tensor(uint8)": "u1"}
    kinds = {port.name: types[port.type] for port in session.get_inputs()}
    values = {i["name"]: numpy.fromfile(i["file"], "f4").reshape(i["shape"]).astype(kinds[i["name"]]) for i in request["inputs"]}
    names = [port.name for port in session.get_outputs()]
    name = request["output"] if request["output"] in names else names[0]
    session.run([name], values)[0].astype("f4").tofile(request["answer"])
    print(onnxruntime.__version__)
    """

  /// A Python that has the package: of the active virtual environment, of the one that OpenVINO
  /// is in, or the one on the path.
  private static func python(beside library: String) throws -> String {
    var candidates: [String] = []
    if let active = ProcessInfo.processInfo.environment["VIRTUAL_ENV"] { candidates.append("\(active)/bin/python3") }
    if let range = library.range(of: "/lib/python") { candidates.append("\(library[..<range.lowerBound])/bin/python3") }
    candidates += (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
    let found = candidates.first {
      FileManager.default.isExecutableFile(atPath: $0)
        && (try? run($0, ["-c", "import numpy, onnxruntime"]))?.status == 0
    }
    guard let found else {
      throw MissingPackage("--against onnxruntime: no Python here has it; pip install onnxruntime numpy")
    }
    return found
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String, errors: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let failure = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: failure, as: UTF8.self))
  }
}

/// A package of another language that a command needs.
struct MissingPackage: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
