import Foundation

/// The noise times that a model was trained at, and how its scheduler steps
/// through them.
public protocol NoiseSchedule: Hashable, Sendable {
  /// The nodes of a run of `steps` steps, each with the network's timestep.
  /// Schedules that cannot make so many steps exactly make fewer.
  ///
  /// - Throws: `DiffusionError` where the schedule has no such run.
  func grid(steps: Int) throws -> TimeGrid

  /// The largest number of steps that leads through distinct training
  /// timesteps; `nil` where training was continuous in time.
  var mostSteps: Int? { get }

  /// What the network takes as its timestep at any noise time.
  func timestep(at time: NoiseTime) -> Double

  /// The least and the greatest noise time of training.
  var trainedTimes: (least: NoiseTime, greatest: NoiseTime) { get }

  /// The schedule in one line, for people.
  var description: String { get }
}

extension NoiseSchedule {
  public var mostSteps: Int? { nil }
}
