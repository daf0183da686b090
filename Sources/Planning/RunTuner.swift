import Foundation
public import PicardSampler

/// What is left to choose of how samples are computed: by which solver, and how it shares
/// the work out. None of it changes the law of the samples; solver, window and chunk
/// change their bits at a tolerance above 0.
public struct RunChoice: Hashable, Codable, Sendable {
  public enum Solver: Hashable, Codable, Sendable {
    case sequential
    /// The parallel iteration.
    case picard(Extent, chunk: Int)
  }

  public var solver: Solver
  /// Groups of ranks, each with samples of its own.
  public var replicas: Int

  public init(solver: Solver, replicas: Int) {
    (self.solver, self.replicas) = (solver, replicas)
  }
}

/// Predicts what a run takes with each choice, and chooses.
///
/// It knows what a call costs on the ranks at hand, what a round costs beside its calls,
/// and from measurements of networks how many rounds there are. A prediction is right to
/// about a fifth; so few and coarse candidates are compared, and of nearly equal ones the
/// simplest is taken, which makes a choice repeat.
public struct RunTuner: Sendable {
  /// Steps of the trajectory, the corrector's included.
  public var steps: Int
  /// Steps of the longest block, which a window moves through.
  public var blockSteps: Int
  /// Every step adds noise.
  public var isRandom: Bool
  public var samples: Int
  public var ranks: Int
  /// A call while all ranks call, any latency included.
  public var score: ScoreCost
  /// Seconds that a round takes beside calls and updates, and those of a chunk's boundary
  /// state on its way to the next rank.
  public var roundSeconds: Double
  public var hopSeconds: Double
  /// Seconds of the update of one slice in one round.
  public var updateSeconds: Double
  /// Rows that one slice is evaluated at in a round: one, and its probes.
  public var rowsOfSlice: Int
  /// By what factor a linearization and a tolerance have more rounds beyond those that
  /// the window moves in.
  public var roundsFactor: Double
  /// What is stated, and so not chosen.
  public var stated: Stated
  /// The largest number of slices that fit into a rank's memory, a sample.
  public var mostSlices: Int

  /// The part of a choice that a person states.
  public struct Stated: Hashable, Sendable {
    public enum Solver: Hashable, Sendable { case any, sequential, picard }

    public var solver = Solver.any
    /// `nil` where any will do.
    public var extent: Extent?
    public var chunk: Int?
    public var replicas: Int?

    public init() {}
  }

  public init(
    steps: Int, blockSteps: Int, isRandom: Bool, samples: Int, ranks: Int, score: ScoreCost, roundSeconds: Double,
    hopSeconds: Double, updateSeconds: Double, rowsOfSlice: Int = 1, roundsFactor: Double = 1, stated: Stated = Stated(), mostSlices: Int = .max
  ) {
    self.steps = steps
    self.blockSteps = blockSteps
    self.isRandom = isRandom
    self.samples = samples
    self.ranks = ranks
    self.score = score
    self.roundSeconds = roundSeconds
    self.hopSeconds = hopSeconds
    self.updateSeconds = updateSeconds
    self.rowsOfSlice = rowsOfSlice
    self.roundsFactor = roundsFactor
    self.stated = stated
    self.mostSlices = mostSlices
  }

  /// Of the choices within a twentieth of the least predicted time, the first: sequential
  /// before parallel, few slices before many, many replicas before few.
  public var best: (choice: RunChoice, seconds: Double) {
    let predicted = candidates.map { (choice: $0, seconds: seconds($0)) }
    let least = predicted.map(\.seconds).min() ?? 0
    return predicted.first { $0.seconds <= 1.05 * least } ?? predicted[0]
  }

  /// Predicted seconds of sampling.
  public func seconds(_ choice: RunChoice) -> Double {
    // Of the group that has most.
    let samples = (samples + choice.replicas - 1) / choice.replicas
    switch choice.solver {
    case .sequential:
      return Double(steps) * (score.time(of: samples) + Double(samples) * updateSeconds)
    case .picard(let extent, let chunk):
      let open = extent.size(of: blockSteps)
      let ranks = max(1, ranks / choice.replicas)
      let chunks = (open + chunk - 1) / chunk
      let busiest = busiest(open: open, chunk: chunk, ranks: ranks)
      func work(_ slices: Int) -> Double {
        score.time(of: slices * samples * rowsOfSlice) + Double(slices * samples) * updateSeconds
      }
      let rounds = rounds(open: open, isWhole: extent == .blocks)
      let messages = roundSeconds + (ranks > 1 ? Double(chunks - 1) * hopSeconds : 0)
      // A window that shrinks has a third of its slices, as a rule.
      return rounds.full * work(busiest) + (rounds.all - rounds.full) * work(max(1, busiest / 3))
        + rounds.all * messages
    }
  }

  /// Rounds of a run with so many slices open, and how many of them work on all of those:
  /// at its end a window shrinks.
  ///
  /// Measured on `digits` with elementwise slopes and the default tolerance, 20 to 1000
  /// steps of `ddpm`, `piadm-sde`, `ddim` and `dpm++2m`, windows from 2 steps to the whole
  /// trajectory: a run takes `M / W` rounds, a number more that hardly depends on the
  /// window, and works in all but two and a few of them on a full window.
  /// `bench rounds digits --method ddpm --steps 1000 --window 2,8,64,512,all --linearization
  /// elementwise --tolerance 1e-3` repeats a part of it.
  package func rounds(open: Int, isWhole: Bool) -> (all: Double, full: Double) {
    guard open > 1 else { return (Double(steps), Double(steps)) }
    let blocks = Double(steps) / Double(blockSteps)
    let share = Double(open) / Double(blockSteps)
    let all = min(1 / share + furtherRounds, Double(blockSteps))
    let full = isWhole ? all - 1 : max(all / 4, all - 2.2 - 1.1 * furtherRounds * share)
    return (blocks * all, blocks * full)
  }

  /// Rounds beyond `M / W`.
  private var furtherRounds: Double {
    let digits = log10(Double(blockSteps))
    let rounds = isRandom ? min(10, 0.4 + 4.3 * digits) : min(7, 2.2 + 2.15 * digits)
    return max(1, rounds) * roundsFactor
  }

  /// Simple ones first.
  private var candidates: [RunChoice] {
    var choices: [RunChoice] = []
    let most = min(ranks, samples)
    if stated.solver != .picard {
      choices.append(RunChoice(solver: .sequential, replicas: stated.replicas ?? most))
    }
    guard stated.solver != .sequential else { return choices }
    var groups = Set(sequence(first: 1) { $0 * 2 }.prefix { $0 < most })
    groups.insert(most)
    if let replicas = stated.replicas { groups = [replicas] }
    for extent in extents {
      for replicas in groups.sorted(by: >) {
        let chunk = chunk(extent, ranks: ranks / replicas)
        choices.append(RunChoice(solver: .picard(extent, chunk: chunk), replicas: replicas))
      }
    }
    return choices
  }

  private var extents: [Extent] {
    if let extent = stated.extent { return [extent] }
    var extents = sequence(first: 2) { $0 * 2 }.prefix { $0 < blockSteps && $0 <= mostSlices }.map { Extent.window($0) }
    if blockSteps <= mostSlices || extents.isEmpty { extents.append(.blocks) }
    return extents
  }

  /// The default chunk. Where the window is chosen too, its half, fourth, ... if the busiest
  /// rank then has less to do by a tenth or more; with a stated window, bits do not depend on
  /// the number of ranks.
  private func chunk(_ extent: Extent, ranks: Int) -> Int {
    if let chunk = stated.chunk { return chunk }
    let open = extent.size(of: blockSteps)
    let usual = PicardOptions.defaultChunk(extent, slices: blockSteps)
    guard stated.extent == nil else { return usual }
    let sizes = Array(sequence(first: usual) { $0 > 1 ? $0 / 2 : nil })
    let loads = sizes.map { busiest(open: open, chunk: $0, ranks: max(1, ranks)) }
    let least = loads.min() ?? 1
    return zip(sizes, loads).first { Double($1) <= 1.1 * Double(least) }?.0 ?? usual
  }

  /// Slices of the rank that has most.
  private func busiest(open: Int, chunk: Int, ranks: Int) -> Int {
    let chunks = (open + chunk - 1) / chunk
    return min(open, (chunks + ranks - 1) / ranks * chunk)
  }
}

extension PicardOptions {
  /// By what factor these options take more rounds than elementwise slopes and a tolerance
  /// of 1e-3, the rounds in which a window moves aside. From the tables of Acceleration in
  /// the documentation, to about a third.
  public static func roundsFactor(_ linearization: Linearization, _ stop: StopRule) -> Double {
    guard case .tolerance(let tolerance) = stop else { return linearization.roundsFactor }
    return linearization.roundsFactor * max(0.5, 1 - 0.12 * (log10(max(tolerance, 1e-8)) + 3))
  }
}
