import Foundation
import PicardSampler

/// What a rank must hold at least. Numbers of steps or samples that no memory
/// can hold are refused before they are allocated.
struct MemoryNeed {
  /// In floating point, which does not overflow.
  let bytes: Double

  /// - Parameters:
  ///   - scalar: bytes of a number.
  ///   - dimension: numbers of a sample.
  ///   - rows: rows of a score call.
  init(
    scalar: Int, dimension: Int, rows: Int, samples: Int, ranks: Int, trajectory: Trajectory,
    solver: SolverOptions
  ) {
    let vector = Double(scalar) * Double(dimension)
    let samples = (Double(samples) / Double(solver.groups)).rounded(.up)
    let isSequential = solver.solver == .sequential
    // Of the sequential solver: state, next state, `f` now and one step back, and noise.
    let kept = isSequential ? 5 : solver.picard(trajectory).rows(for: trajectory)
    // The first rank of the sequential solver has all samples.
    let share = isSequential ? 1 : Double(solver.groups) / Double(ranks)
    // A sample has a window on every rank.
    bytes = vector * Double(kept) * samples * share + 64 * samples + 2 * vector * Double(rows)
  }

  /// - Throws: `WrongUsage` where the ranks of this host have less memory.
  func requireRoom(_ host: HostMemory) throws {
    let share = host.bytes / Double(host.ranks)
    guard bytes <= share else {
      let place = host.ranks == 1 ? "this host has" : "each of the \(host.ranks) ranks on this host has"
      throw WrongUsage(
        """
        this run needs \(gibibytes(bytes)) of memory or more on a rank, and \(place) \
        \(gibibytes(share)): fewer --samples, a smaller --window or --batch, or more ranks need less
        """)
    }
  }

  private func gibibytes(_ bytes: Double) -> String { String(format: "%.3g GiB", bytes / 0x1p30) }
}
