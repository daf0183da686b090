import Foundation

/// How this process was started, by the variables that launchers set.
///
/// Read before MPI starts, since Open MPI sets the same variables in a process
/// that runs alone.
struct Launcher {
  static let atStart = Launcher(environment: ProcessInfo.processInfo.environment)

  /// `nil` where this process runs alone.
  let name: String?
  let rank: Int

  init(environment: [String: String]) {
    let known = [
      ("OMPI_COMM_WORLD_RANK", "mpirun of Open MPI"), ("PMI_RANK", "PMI (mpiexec of MPICH, or srun)"),
      ("PMIX_RANK", "PMIx"), ("SLURM_PROCID", "srun"),
    ]
    let found = known.first { environment[$0.0] != nil }
    name = found?.1
    rank = found.flatMap { environment[$0.0] }.flatMap { Int($0) } ?? 0
  }

  /// A launcher ends all ranks when the first one leaves with an error; the
  /// rank that has the message should be that one.
  func letFirstRankSpeak() {
    if rank != 0 { Thread.sleep(forTimeInterval: 1) }
  }
}
