import Diffusion
import Foundation

/// A `piadm.json`: what a network is that comes without the files of diffusers.
///
/// It states the process, the prediction and the time input, or leaves them to a
/// scheduler's file and states names and fixed inputs alone.
/// `OwnNetworks.md` of the documentation has every key.
struct StatedNetwork {
  /// `nil` where the file leaves that to a scheduler's file.
  let convention: NetworkConvention?
  let names: NetworkNames
  /// `.npy` files of further inputs, by input, relative to the file.
  let conditions: [String: String]

  /// Keys that state a convention; those of a discrete process beside them.
  static let conventionKeys = [
    "process", "predicts", "negated", "sigma_data", "time", "time_scale", "time_at_data", "beta_min", "beta_max",
    "alpha_schedule", "range", "grid", "rho", "ends_clean", "clip",
  ]
  static let discreteKeys = [
    "num_train_timesteps", "beta_schedule", "beta_start", "beta_end", "trained_betas", "rescale_betas_zero_snr",
    "timestep_spacing", "steps_offset",
  ]
  static let otherKeys = ["$schema", "comment", "inputs", "output", "conditions"]

  init(_ object: JSONObject) throws {
    var object = object
    // What editors and people note.
    for key in ["$schema", "comment"] { _ = object.value(key) }
    var names = NetworkNames()
    let inputs = try object.names("inputs")
    for (key, name) in inputs {
      switch key {
      case "sample": names.sample = name
      case "time": names.time = name
      default:
        throw object.wrong(
          "inputs", .string(key), needed: "only \"sample\" and \"time\" as keys, with the names of the network's inputs,")
      }
    }
    names.output = try object.string("output")
    self.names = names
    conditions = try object.names("conditions")
    if let name = conditions.values.first(where: { !$0.hasSuffix(".npy") }) {
      throw object.wrong("conditions", .string(name), needed: "the name of a .npy file beside it")
    }
    let stated = (Self.conventionKeys + Self.discreteKeys).filter { object.values[$0] != nil }
    if stated.isEmpty {
      convention = nil
    } else {
      convention = try NetworkConvention(stated: &object)
    }
    try object.refuseOtherKeys()
  }
}

extension JSONObject {
  /// An object of strings.
  fileprivate mutating func names(_ key: String) throws -> [String: String] {
    guard let value = value(key) else { return [:] }
    guard case .object(let entries) = value else { throw wrong(key, value, needed: "an object of names") }
    return try entries.mapValues { entry in
      guard case .string(let name) = entry, !name.isEmpty else { throw wrong(key, entry, needed: "a name in quotes") }
      return name
    }
  }
}
