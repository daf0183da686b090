import Foundation

/// What the launcher's environment tells before MPI is started.
enum Launcher {
  /// Rank by Open MPI, by MPICH and Intel MPI (PMI), by Slurm's PMIx.
  private static let rankVariables = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", "SLURM_PROCID"]

  private static let rank: Int? = {
    let environment = ProcessInfo.processInfo.environment
    return rankVariables.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first
  }()

  /// The launcher by the variables that it leaves.
  static var description: String {
    let environment = ProcessInfo.processInfo.environment
    let known = [
      ("OMPI_COMM_WORLD_RANK", "mpirun of Open MPI"), ("PMI_RANK", "PMI (MPICH's mpiexec, or srun)"),
      ("PMIX_RANK", "PMIx"), ("SLURM_PROCID", "srun"),
    ]
    return known.first { environment[$0.0] != nil }?.1 ?? "none: this process runs alone"
  }

  static var isPresent: Bool { rank != nil }

  static var isFirstRank: Bool { (rank ?? 0) == 0 }

  static func letFirstRankSpeak() { Thread.sleep(forTimeInterval: 1) }
}
