import COpenVINO

/// Which input of a network is the sample, which the timestep, which are
/// further ones, and which output is the prediction: by name, or where the
/// names are others, by shape.
struct NetworkInterface {
  let sample: NetworkPort
  let timestep: NetworkPort
  let prediction: NetworkPort
  /// Further inputs.
  let conditions: [NetworkPort]
  /// Rows of every call; `nil` where they are free.
  let batch: Int?
  /// All rows of a call share one timestep.
  let sharesTimestep: Bool

  /// - Throws: `ScoreModelError` that lists the inputs, where they are not to
  ///   be told apart.
  init(inputs: [NetworkPort], outputs: [NetworkPort], file: String) throws {
    func refuse(_ what: String) -> ScoreModelError {
      let list = inputs.map { "\($0.name) \($0.shapeText)" }.joined(separator: ", ")
      return ScoreModelError(
        .badData,
        "\(file): \(what). Needed: inputs 'sample' [batch, shape...] and 'timestep' [batch] or [], and an output in "
          + "the sample's shape; the inputs are: \(list.isEmpty ? "none" : list)")
    }
    func input(_ name: String, or fits: (NetworkPort) -> Bool) throws -> NetworkPort {
      if let named = inputs.first(where: { $0.name == name }) { return named }
      let fitting = inputs.filter { fits($0) && $0.name != "sample" && $0.name != "timestep" }
      guard fitting.count == 1 else {
        throw refuse("it has no input '\(name)', and \(fitting.count) inputs in the shape of one")
      }
      return fitting[0]
    }
    let sample = try input("sample") { input in
      (input.shape?.count ?? 0) >= 2 && outputs.contains { $0.mayHaveShape(of: input) }
    }
    guard let lengths = sample.shape, lengths.count >= 2, lengths.allSatisfy({ $0 != 0 }) else {
      throw refuse("its input '\(sample.name)' has shape \(sample.shapeText)")
    }
    let timestep = try input("timestep") { $0 != sample && ($0.shape?.count ?? 2) <= 1 }
    guard let times = timestep.shape, times.count <= 2, times.dropFirst().allSatisfy({ $0 == 1 }),
      times.first.map({ $0 == nil || $0 == 1 || $0 == lengths[0] }) ?? true
    else {
      throw refuse("its input '\(timestep.name)' has shape \(timestep.shapeText)")
    }
    let fitting = outputs.filter { $0.mayHaveShape(of: sample) }
    guard fitting.count == 1 else {
      let shapes = outputs.map(\.shapeText).joined(separator: ", ")
      throw refuse(
        fitting.isEmpty
          ? "its output has shape \(shapes.isEmpty ? "none" : shapes)" : "it has \(fitting.count) outputs in the sample's shape")
    }
    self.sample = sample
    self.timestep = timestep
    prediction = fitting[0]
    conditions = inputs.filter { $0 != sample && $0 != timestep }
    batch = lengths[0]
    sharesTimestep = times.isEmpty || times[0] == 1 && batch != 1
  }

  /// The shape of one sample, its free axes taken from `stated`.
  func sampleShape(stated: [Int]?, file: String) throws -> [Int] {
    let lengths = (sample.shape ?? []).dropFirst()
    if let stated {
      guard stated.count == lengths.count, zip(stated, lengths).allSatisfy({ $1 == nil || $0 == $1 }) else {
        throw ScoreModelError(
          .usage, "--shape \(stated.map { "\($0)" }.joined(separator: ",")) does not fit \(file), whose input '\(sample.name)' has shape \(sample.shapeText)")
      }
      return stated
    }
    let known = lengths.compactMap { $0 }
    guard known.count == lengths.count else {
      throw ScoreModelError(
        .usage,
        "\(file): its input '\(sample.name)' has shape \(sample.shapeText), free where it says ?: state a sample's shape with --shape, as in --shape \(lengths.map { "\($0 ?? 32)" }.joined(separator: ","))")
    }
    return known
  }
}

extension NetworkPort {
  /// The shapes are equal, or may be where axes are free. The first axis, of
  /// the rows of a call, must be free where that of `other` is.
  fileprivate func mayHaveShape(of other: NetworkPort) -> Bool {
    guard let shape, let lengths = other.shape else { return shape == nil }
    guard shape.count == lengths.count else { return false }
    return zip(shape, lengths).enumerated().allSatisfy { axis, pair in
      pair.0 == nil || pair.0 == pair.1 || pair.1 == nil && axis > 0
    }
  }
}
