/// Why a runtime does not take a network, from the runtime's own text: the cause in one
/// line, then what mends it. Every mend was tried with OpenVINO 2026.4 and PyTorch 2.13.
enum UnreadableNetwork {
  /// - Parameter text: what the runtime says, on one line.
  /// - Returns: cause and mend; `nil` where the text names none of those known.
  static func explain(_ text: String) -> String? {
    if text.contains("padding mode: [wrap]") {
      return "its periodic padding (operator Pad of mode wrap) is not supported by OpenVINO; export it with "
        + "torch.onnx.export(..., dynamo=False, opset_version=17), which writes the padding as slices and concatenations"
    }
    if text.contains("RDFT") || text.contains("DFT") && text.contains("Signal size") {
      return "an inverse FFT in it is longer than its input, which OpenVINO does not support; export it with opset_version=18, "
        + "or write an FFT of n numbers as products with the matrices cos and sin of 2 pi j k / n"
    }
    guard let operators = missingOperators(text) else { return nil }
    let names = operators.joined(separator: ", ")
    if operators.contains(where: { $0.hasPrefix("com.microsoft") && $0.lowercased().contains("fft") }) {
      return "OpenVINO has no operator \(names); export the FFT as ONNX's DFT (torch.onnx.export with opset_version=18), or write "
        + "it as products with the matrices cos and sin of 2 pi j k / n"
    }
    if operators.contains(where: { $0.hasPrefix("com.microsoft") }) {
      return "it was optimized for ONNX Runtime (operator \(names)); give the file from before that, or save it again with "
        + "graph_optimization_level = ORT_ENABLE_BASIC"
    }
    return "OpenVINO has no operator \(names); write it with others before the export"
  }

  /// Operators that the runtime lists as unknown to it.
  private static func missingOperators(_ text: String) -> [String]? {
    guard let match = text.firstMatch(of: #/No conversion rule found for operations: ((?:[A-Za-z0-9_.:]+(?:, )?)+)/#) else { return nil }
    return match.output.1.split(separator: ", ").map { String($0) }
  }
}
