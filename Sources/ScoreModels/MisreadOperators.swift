import Foundation

/// Operators that OpenVINO evaluates otherwise than ONNX defines them, without a word:
/// found by comparing it with ONNX Runtime on random networks (`jobs/operators.py`, OpenVINO
/// 2026.4). A network that holds one is refused.
enum MisreadOperators {
  /// - Throws: `ScoreModelError` that names the operator and what to do.
  static func refuse(_ model: Data, path: String) throws(ScoreModelError) {
    guard let nodes = try? ONNXNodes(model) else { return }
    for node in nodes.all where node.domain.isEmpty || node.domain == "ai.onnx" {
      guard let fault = fault(node, nodes) else { continue }
      let name = node.name.isEmpty ? "" : " '\(node.name)'"
      throw ScoreModelError(
        .badData, "\(path): OpenVINO computes its operator \(node.kind)\(name) wrongly: \(fault.what); \(fault.cure)")
    }
  }

  private static func fault(_ node: ONNXNodes.Node, _ nodes: ONNXNodes) -> (what: String, cure: String)? {
    switch node.kind {
    case "Resize": resize(node, nodes)
    case "ReduceL1", "ReduceLogSum", "ReduceLogSumExp": reduction(node, nodes.version)
    case "Softmax" where nodes.version < 13 && (node.integer("axis") ?? 1) == 1:
      ("before opset 13 it also runs over all axes behind axis 1, and OpenVINO takes that axis alone", newerOpset)
    case "LSTM" where node.integer("input_forget") ?? 0 != 0:
      ("it ignores input_forget", "build the cell of other operators")
    case "LSTM" where node.has(input: 7):
      ("it ignores the peephole weights", "build the cell of other operators")
    case "AveragePool" where node.integer("ceil_mode") == 1 && node.integer("count_include_pad") == 1:
      (
        "with ceil_mode it counts other elements than count_include_pad says",
        "use ceil_mode=False or count_include_pad=False"
      )
    case "ConvTranspose" where node.texts["auto_pad"]?.hasPrefix("SAME") == true:
      ("its output has another shape with auto_pad", "state pads and output_padding")
    case "DFT" where nodes.version >= 20:
      ("it takes another axis from opset 20 on", "export with opset 17 to 19")
    case "DFT" where node.integer("onesided") == 1:
      ("onesided has another meaning", "use the transform of all frequencies")
    case "BatchNormalization" where node.integer("training_mode") == 1:
      (
        "it takes the stored statistics where the file asks for those of the batch",
        "export in evaluation mode (model.eval())"
      )
    default: nil
    }
  }

  private static let newerOpset = "export with opset 18 or later"

  private static func resize(_ node: ONNXNodes.Node, _ nodes: ONNXNodes) -> (what: String, cure: String)? {
    let scales = node.inputs.count > 2 ? nodes.numbers[node.inputs[2]] : nil
    // Nothing is to be averaged where samples are added.
    let isUpward = scales.map { !$0.isEmpty && $0.allSatisfy { $0 >= 1 } } ?? false
    if node.integer("antialias") == 1, !isUpward {
      return ("it ignores antialias", "resize without it, or average before (a convolution or a pool)")
    }
    if node.integer("exclude_outside") == 1, node.texts["mode"] == "cubic" {
      return ("it ignores exclude_outside", "resize without it")
    }
    // The last of 8 elements is taken for the one before it where 24 are made of them.
    if node.texts["mode"] ?? "nearest" == "nearest", node.texts["coordinate_transformation_mode"] == "align_corners",
      let rounding = node.texts["nearest_mode"], ["floor", "ceil"].contains(rounding)
    {
      return (
        "with align_corners it rounds coordinates before \(rounding) is taken of them",
        "resize with half_pixel or asymmetric coordinates"
      )
    }
    if let policy = node.texts["keep_aspect_ratio_policy"], policy != "stretch" {
      return ("it ignores keep_aspect_ratio_policy", "state the sizes")
    }
    return nil
  }

  private static func reduction(_ node: ONNXNodes.Node, _ version: Int) -> (what: String, cure: String)? {
    if version >= 13, node.integers["axes"]?.isEmpty == false {
      return ("it reduces over all axes, not those of its attribute", newerOpset)
    }
    if node.kind == "ReduceLogSum", node.integer("noop_with_empty_axes") == 1, !node.has(input: 1) {
      return ("it ignores noop_with_empty_axes", "use Log in its place")
    }
    return nil
  }
}
