public import Diffusion

/// What a network is: the state that it is handed, what it predicts, and what it is told of
/// the noise. One description, whatever states it: a scheduler's file, a `piadm.json` or a
/// plug-in.
public struct NetworkConvention: Sendable {
  /// The state that the network is handed, and what it predicts. With `channels`, those of
  /// the denoiser around the network.
  public var parametrization: Parametrization
  /// The noise that it was trained on, how a run steps through it by default, and what the
  /// network is told of it.
  public var schedule: any NoiseSchedule
  /// What is done to its denoised estimates.
  public var bound: EstimateBound?
  /// What a second half of its channels says of the variance of steps; `nil` where the
  /// network has none, or it is of no use.
  public var variance: LearnedVariance?
  /// The scheduler that states it; `nil` where none does.
  public var scheduler: SchedulerSummary?
  /// The method that is the default for it; `nil` leaves that to the program.
  public var ownMethod: OwnMethod?
  /// The preconditioning of a network with a standard deviation of the data a channel.
  public var channels: ChannelPreconditioning?

  /// A convention that no file states.
  public init(
    _ parametrization: Parametrization, schedule: any NoiseSchedule, bound: EstimateBound? = nil,
    channels: ChannelPreconditioning? = nil
  ) {
    self.parametrization = parametrization
    self.schedule = schedule
    self.bound = bound
    self.channels = channels
  }
}

extension SchedulerConfiguration {
  var convention: NetworkConvention {
    var convention = NetworkConvention(parametrization, schedule: schedule, bound: bound)
    convention.variance = variance
    convention.scheduler = summary
    convention.ownMethod = summary.method
    return convention
  }
}

/// The denoiser of Karras et al. (NeurIPS 2022, table 1) around a network `F`, with a
/// standard deviation of the data for each channel, the first axis of a sample.
public struct ChannelPreconditioning: Hashable, Sendable {
  /// Of each channel.
  public var deviations: [Double]
  /// The network returns `-F`.
  public var isNegated: Bool

  /// Deviations as a network was trained with.
  public init(deviations: [Double], isNegated: Bool = false) {
    self.deviations = deviations
    self.isNegated = isNegated
  }

  /// Makes a row of states `x = y / alpha` what the network is handed.
  func scale(_ states: inout [Float], _ row: Range<Int>, at time: NoiseTime) {
    forEachChannel(of: row, at: time) { elements, deviation, scale in
      for k in elements { states[k] = Float(Double(states[k]) / scale) }
    }
  }

  /// Makes a row of predictions the denoised estimate `D`.
  ///
  /// - Parameter states: what the network was handed, laid out like the predictions.
  func denoise(_ predictions: inout [Float], states: [Float], _ row: Range<Int>, at time: NoiseTime) {
    let sigma = time.edmSigma
    forEachChannel(of: row, at: time) { elements, deviation, scale in
      // c_skip x = (c_skip scale) c_in x, with c_in = 1 / scale.
      let skip = deviation * deviation / scale
      let out = (isNegated ? -1 : 1) * sigma * deviation / scale
      for k in elements { predictions[k] = Float(skip * Double(states[k]) + out * Double(predictions[k])) }
    }
  }

  private func forEachChannel(
    of row: Range<Int>, at time: NoiseTime, _ body: (Range<Int>, _ deviation: Double, _ scale: Double) -> Void
  ) {
    let length = row.count / deviations.count
    for (channel, deviation) in deviations.enumerated() {
      let first = row.lowerBound + channel * length
      let scale = (deviation * deviation + time.edmSigma * time.edmSigma).squareRoot()
      body(first..<(first + length), deviation, scale)
    }
  }
}
