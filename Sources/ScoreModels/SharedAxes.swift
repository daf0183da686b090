/// Axes of a network's inputs to which its file gives one name: they are equally long. A
/// runtime does not check it, and computes something from values that do not belong together.
enum SharedAxes {
  /// - Parameters:
  ///   - conditions: what the further inputs are given.
  ///   - shape: of one sample, the input `sample`.
  ///   - declared: the inputs as the file declares them.
  /// - Throws: `ScoreModelError` that names two inputs and the axis.
  static func require(
    _ conditions: [ConditionValues], beside shape: [Int], of sample: String, declared: [NetworkInput], file: String
  ) throws(ScoreModelError) {
    var known: [String: (length: Int, input: String)] = [:]
    let axes = Dictionary(declared.map { ($0.name, $0.axes) }) { first, _ in first }
    func note(_ input: String, _ lengths: [Int?]) throws(ScoreModelError) {
      guard let names = axes[input], names.count == lengths.count else { return }
      for (name, length) in zip(names, lengths) {
        guard let name, let length else { continue }
        guard let other = known[name] else {
          known[name] = (length, input)
          continue
        }
        guard other.length != length else { continue }
        throw ScoreModelError(
          .badData,
          "\(file): its inputs '\(other.input)' and '\(input)' share the axis '\(name)', and are given lengths "
            + "\(other.length) and \(length); give both the same length")
      }
    }
    // The first axis of a batch is the program's own.
    try note(sample, [nil] + shape)
    for values in conditions {
      try note(values.port.name, (values.hasBatchAxis ? [nil] : []) + values.conditional.rowShape)
    }
  }
}
