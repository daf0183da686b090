#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// The Slurm job step that a process runs in, from srun's environment.
struct SlurmStep: Equatable {
  /// Tasks in the step, as srun counts them.
  let tasks: Int
  /// This task's number.
  let rank: Int
  /// Whether a launcher that knows MPI has started this process: mpirun inside
  /// the step, or srun through PMI.
  let hasLauncher: Bool

  /// Nil outside a step. The script of a batch job is no step of its own:
  /// there `SLURM_NTASKS` tells what the job may start, and
  /// `SLURM_STEP_NUM_TASKS` is not set.
  init?(environment: (String) -> String?) {
    guard let tasks = environment("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }) else { return nil }
    self.tasks = tasks
    self.rank = environment("SLURM_PROCID").flatMap { Int($0) } ?? 0
    self.hasLauncher = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"]
      .contains { environment($0) != nil }
  }

  static var current: SlurmStep? {
    SlurmStep { name in getenv(name).map { String(cString: $0) } }
  }

  /// Whether a world of one rank means that MPI did not find the other tasks.
  var isLeftAlone: Bool { tasks > 1 && !hasLauncher }
}
