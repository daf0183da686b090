#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// How this process was started, as its environment tells.
///
/// To be read before MPI starts: Open MPI in a process by itself sets the
/// variables of its launcher.
struct Launch {
  /// This process's number in the job; 0 where no launcher tells.
  let rank: Int
  let slurmStep: SlurmStep?

  init(
    environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }
  ) {
    rank =
      ["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"]
      .compactMap(environment).compactMap { Int($0) }.first ?? 0
    slurmStep = SlurmStep(environment: environment)
  }
}

/// The Slurm job step that a process runs in, from srun's environment.
package struct SlurmStep: Equatable {
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
