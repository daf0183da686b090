import MPI
import PicardSampler

/// What a run warns of before its first round.
extension SampleRun {
  /// Ranks that have nothing to do.
  func warnOfIdleRanks(_ trajectory: Trajectory, _ picard: PicardOptions) throws {
    let (samples, replicas) = (configuration.samplesAtOnce, configuration.solver.groups)
    if replicas > samples {
      try write(
        """
        warning: \(replicas) groups of ranks share \(samples) sample\(samples == 1 ? "" : "s"), so \(replicas - samples) of them \
        \(replicas - samples == 1 ? "has" : "have") nothing to do; with --replicas \(samples) more ranks draw each sample

        """)
    }
    let steps = trajectory.longestStage
    if case .stated(.window(let slices, _)) = configuration.solver.window, configuration.solver.solver != .sequential, slices > steps {
      try write(
        "warning: --window \(slices) is larger than the \(steps) steps: all of them are iterated at the same time, as with --window \(steps)\n")
    }
    let ranks = world.size / replicas
    let useful = configuration.solver.solver == .sequential ? 1 : picard.activeChunks(trajectory)
    guard ranks > useful else { return }
    let (idle, have) = (ranks - useful, ranks - useful == 1 ? "has" : "have")
    if configuration.solver.solver == .sequential {
      try write(
        """
        warning: a sequential run works on one rank, so \(idle) of \(ranks) \(have) nothing to do; \
        --replicas draws several samples at once

        """)
    } else {
      let shrunk = picard.extent.grows ? ", while the window has not grown" : ""
      try write(
        """
        warning: \(ranks) ranks share \(useful) chunk\(useful == 1 ? "" : "s"), so \(idle) of them \(have) nothing to do\(shrunk); \
        --replicas draws several samples at once, a smaller --chunk gives more chunks

        """)
    }
  }
}
