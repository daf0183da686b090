#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// How this process was started, as its environment tells.
///
/// To be read before MPI starts: Open MPI in a process by itself sets the
/// variables of its launcher.
package struct Launch: Sendable {
  /// What has started this process; nil where it runs by itself.
  package let launcher: String?
  /// This process's number in the job; 0 where no launcher tells.
  package let rank: Int
  package let slurmStep: SlurmStep?

  /// The variables of each launcher: the rank, and what it sets beside it. A
  /// rank alone is not believed, since a program that was started by one rank
  /// of another job inherits what that program left over.
  private static let launchers = [
    (name: "mpirun of Open MPI", rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE"),
    (name: "PMIx", rank: "PMIX_RANK", size: "PMIX_NAMESPACE"),
    (name: "PMI (mpiexec of MPICH, or srun)", rank: "PMI_RANK", size: "PMI_SIZE"),
    (name: "srun", rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS"),
  ]

  package init(
    environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
  ) {
    let found = Self.launchers.compactMap { launcher -> (name: String, rank: Int)? in
      guard let rank = environment(launcher.rank).flatMap({ Int($0) }), rank >= 0,
        let size = environment(launcher.size)
      else { return nil }
      // PMIx has a name beside the rank instead of a size.
      if let size = Int(size), rank >= size { return nil }
      return (launcher.name, rank)
    }.first
    launcher = found?.name
    rank = found?.rank ?? 0
    slurmStep = SlurmStep(environment: environment)
  }
}

/// The Slurm job step that a process runs in, from srun's environment.
package struct SlurmStep: Equatable, Sendable {
  /// Tasks in the step, as srun counts them.
  package let tasks: Int
  /// Whether a launcher that knows MPI has started this process: mpirun inside
  /// the step, or srun through PMI.
  let hasLauncher: Bool

  /// Nil outside a step. The script of a batch job is no step of its own:
  /// there `SLURM_NTASKS` tells what the job may start, and
  /// `SLURM_STEP_NUM_TASKS` is not set.
  package init?(environment: (String) -> String?) {
    guard let tasks = environment("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }) else { return nil }
    self.tasks = tasks
    self.hasLauncher = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"]
      .contains { environment($0) != nil }
  }

  /// Whether a world of one rank means that MPI did not find the other tasks.
  package var isLeftAlone: Bool { tasks > 1 && !hasLauncher }
}
