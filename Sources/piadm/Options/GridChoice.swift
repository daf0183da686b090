import Diffusion
import Foundation
import InputFiles
import NumPyFormat
import Results

/// The time grid of a run: from a file, the model's own, or spaced over noise
/// times.
struct GridChoice {
  let grid: TimeGrid
  /// `shrinking`, `uniform`, `karras`, `model`, or the file.
  let name: String
  /// What the grid depends on besides its name and the number of steps.
  let options: [String: OptionValue]

  /// - Parameters:
  ///   - options: as stated.
  ///   - schedule: the model's.
  ///   - shape: of one sample.
  ///   - files: records what is read.
  init(_ options: SamplerOptions, schedule: (any NoiseSchedule)?, shape: [Int], files: InputFiles) throws {
    if let file = options.times {
      (grid, name, self.options) = (try Self.read(file, files), file, [:])
      return
    }
    let words = options.schedule
    let adjusted = words.statesLevels ? schedule?.between(words) : schedule
    let statesNoiseTimes = options.horizon != nil || options.earlyStop != nil
    let kind = options.grid ?? (statesNoiseTimes || adjusted == nil ? words.statesLevels ? .karras : .shrinking : .model)
    name = kind.rawValue
    guard kind == .model else {
      try Self.refuseShift(words, of: schedule, because: "--grid \(kind.rawValue) has no flow times")
      (grid, self.options) = try Self.spaced(kind, options, schedule)
      return
    }
    guard let adjusted else {
      throw WrongUsage(
        schedule == nil
          ? "--grid model needs a model with training timesteps; choose shrinking, uniform or karras"
          : "the model's grid has no levels for --sigma-max, --sigma-min and --rho; choose --grid karras")
    }
    var values: [String: OptionValue] = [:]
    for (option, value) in [("sigma-max", words.sigmaMax), ("sigma-min", words.sigmaMin), ("rho", words.rho)] {
      values[option] = value.map { .number($0) }
    }
    let shifted = try Self.shifted(adjusted, by: words, shape: shape)
    if let mu = shifted.mu { values["mu"] = .number(mu) }
    grid = try .model(shifted.schedule, steps: options.steps ?? min(100, adjusted.mostSteps ?? 100))
    self.options = values
  }

  private static func read(_ file: String, _ files: InputFiles) throws -> TimeGrid {
    let array = try NumPyArray(contentsOf: file, in: files, as: .option("times"))
    guard array.shape.count == 1, array.shape[0] >= 2 else {
      throw BadData("--times \(file): expected a list of M + 1 noise times, not shape \(array.shape)")
    }
    do {
      return try TimeGrid(noiseTimes: array.doubles)
    } catch {
      throw BadData("--times \(file): \("\(error)".namingOptions)")
    }
  }

  private static func spaced(
    _ kind: SamplerOptions.GridName, _ options: SamplerOptions, _ schedule: (any NoiseSchedule)?
  ) throws -> (TimeGrid, [String: OptionValue]) {
    let (steps, words) = (options.steps ?? 100, options.schedule)
    func noiseTime(_ sigma: Double) -> Double { log1p(sigma * sigma) }
    // EDM's words have the model's ends where one of them is not stated.
    let trained = words.sigmaMax != nil || words.sigmaMin != nil ? schedule?.trainedTimes : nil
    let greatest = (trained?.greatest.s).flatMap { $0.isFinite ? $0 : nil }
    let least = (trained?.least.s).flatMap { $0 > 0 ? $0 : nil }
    let horizon = options.horizon ?? words.sigmaMax.map(noiseTime) ?? greatest ?? 10
    let earlyStop = options.earlyStop ?? words.sigmaMin.map(noiseTime) ?? least ?? 1e-3
    let rho = words.rho ?? 7
    var values: [String: OptionValue] = ["horizon": .number(horizon), "early-stop": .number(earlyStop)]
    do {
      switch kind {
      case .shrinking: return (try .shrinking(steps: steps, horizon: horizon, earlyStop: earlyStop), values)
      case .uniform: return (try .uniform(steps: steps, horizon: horizon, earlyStop: earlyStop), values)
      case .karras, .model:
        if words.rho != nil { values["rho"] = .number(rho) }
        return (try .karras(steps: steps, horizon: horizon, earlyStop: earlyStop, rho: rho), values)
      }
    } catch let error as DiffusionError {
      throw WrongUsage(
        "--grid \(kind.rawValue) cannot divide --horizon \(horizon) to --early-stop \(earlyStop) into --steps \(steps): "
          + "\("\(error)".namingOptions); a smaller --horizon, a larger --early-stop or fewer --steps can")
    }
  }

  /// The schedule with its dynamic shift chosen.
  private static func shifted(
    _ schedule: any NoiseSchedule, by words: ScheduleOptions, shape: [Int]
  ) throws -> (schedule: any NoiseSchedule, mu: Double?) {
    guard var flow = schedule as? FlowSchedule, case .dynamic(var shift) = flow.shift else {
      try refuseShift(words, of: schedule, because: "the model's schedule does not shift by the size of a sample")
      return (schedule, nil)
    }
    // Tokens times channels.
    let length = words.sequenceLength ?? (shape.count == 2 ? shape[0] : nil)
    shift.mu = words.mu ?? length.map { shift.mu(ofLength: $0) }
    flow.shift = .dynamic(shift)
    return (flow, shift.mu)
  }

  private static func refuseShift(
    _ words: ScheduleOptions, of schedule: (any NoiseSchedule)?, because reason: String
  ) throws {
    if words.mu != nil { throw WrongUsage("--mu: \(reason); omit it") }
    if words.sequenceLength != nil { throw WrongUsage("--sequence-length: \(reason); omit it") }
  }
}

extension NoiseSchedule {
  /// The schedule with other noise levels at its ends; `nil` where its levels
  /// are those of training timesteps.
  fileprivate func between(_ words: ScheduleOptions) -> (any NoiseSchedule)? {
    switch self {
    case var schedule as DenoiserSchedule:
      schedule.greatest = words.sigmaMax ?? schedule.greatest
      schedule.least = words.sigmaMin ?? schedule.least
      if let rho = words.rho { schedule.levels = .karras(rho: rho) }
      return schedule.least < schedule.greatest ? schedule : nil
    case var schedule as VarianceExplodingSchedule where words.rho == nil:
      schedule.greatest = words.sigmaMax ?? schedule.greatest
      schedule.least = words.sigmaMin ?? schedule.least
      return schedule.least < schedule.greatest ? schedule : nil
    case var schedule as DiscreteSchedule where schedule.levels != .trained:
      schedule.greatestLevel = words.sigmaMax ?? schedule.greatestLevel
      schedule.leastLevel = words.sigmaMin ?? schedule.leastLevel
      if let rho = words.rho { schedule.levels = .karras(rho: rho) }
      return schedule
    case let schedule as ContinuousSchedule:
      return schedule.between(least: words.sigmaMin, greatest: words.sigmaMax, rho: words.rho)
    default:
      return nil
    }
  }
}
