public import Diffusion
import Foundation

/// A `scheduler_config.json` as diffusers writes it: a schedule, what the model
/// predicts, what is done to its estimates, and the class's own method. Absent
/// keys have diffusers' own defaults. A key that the class does not read is
/// ignored, as diffusers does, and named; a value that is read and not
/// supported is refused by name.
package struct SchedulerConfiguration {
  package let schedule: any NoiseSchedule
  package let parametrization: Parametrization
  package let bound: EstimateBound?
  /// What the class asks of a second half of the network's channels; `nil` where
  /// it asks nothing.
  package let variance: LearnedVariance?
  package let summary: SchedulerSummary

  package init(_ object: JSONObject) throws {
    var object = object
    guard let name = try object.string("_class_name") else {
      throw object.missing("_class_name", needed: "the scheduler's class")
    }
    guard let scheduler = SchedulerClass.named(name) else {
      throw object.unsupported("_class_name", "\"\(name)\"", supported: SchedulerClass.names)
    }
    // Says who wrote the file; nothing depends on it.
    _ = object.value("_diffusers_version")
    let settings = try scheduler.read(&object)
    // What concerns the class's own method alone, which is not here.
    for key in scheduler.methodKeys { _ = object.value(key) }
    (schedule, parametrization, bound) = (settings.schedule, settings.parametrization, settings.bound)
    variance = settings.variance
    summary = SchedulerSummary(className: name, method: settings.method, ignoredKeys: object.otherKeys)
  }
}

/// Which scheduler a model has.
public struct SchedulerSummary: Hashable, Sendable {
  /// The class that its file names.
  public let className: String
  /// The method of the class.
  public let method: OwnMethod
  /// Keys of the file that the class does not read.
  public let ignoredKeys: [String]
}

/// What is read from a scheduler's file.
struct SchedulerSettings {
  var schedule: any NoiseSchedule
  var parametrization: Parametrization
  var bound: EstimateBound?
  var method: OwnMethod
  var variance: LearnedVariance?
}
