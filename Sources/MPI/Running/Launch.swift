#if canImport(Darwin)
  internal import Darwin
#else
  internal import Glibc
#endif

/// How this process was started, as its environment tells: for errors that every
/// process meets before MPI is there, and that one of them should report.
///
/// To be read before MPI starts: Open MPI in a process by itself sets the
/// variables of its launcher.
public struct Launch: Sendable {
  /// What has started this process; nil where it runs by itself.
  public let launcher: String?
  /// This process's number in the job; 0 where no launcher tells.
  public let rank: Int
  /// The Slurm job step that it belongs to; nil outside one.
  public let slurmStep: SlurmStep?
  /// Whether the parent of this process is a program that starts ranks. Where it
  /// is not, but a shell perhaps, the rank may be left over from another job.
  public let isStartedByLauncher: Bool

  /// The variables of each launcher: the rank, and what it sets beside it. A
  /// rank alone is not believed, since a program that was started by one rank
  /// of another job inherits what that program left over.
  private static let launchers = [
    (name: "mpirun of Open MPI", rank: "OMPI_COMM_WORLD_RANK", size: "OMPI_COMM_WORLD_SIZE"),
    (name: "PMIx", rank: "PMIX_RANK", size: "PMIX_NAMESPACE"),
    (name: "PMI (mpiexec of MPICH, or srun)", rank: "PMI_RANK", size: "PMI_SIZE"),
    (name: "srun", rank: "SLURM_PROCID", size: "SLURM_STEP_NUM_TASKS"),
  ]

  /// How the names of programs begin that start ranks: of Open MPI, PRRTE, MPICH
  /// and its relatives, and Slurm.
  private static let parents = ["mpirun", "mpiexec", "orte", "prte", "prun", "hydra", "pmi_proxy", "slurmstepd"]

  /// What the environment tells of this process, or of another one.
  ///
  /// - Parameters:
  ///   - environment: the value of a variable.
  ///   - parent: the name of the process that has started this one.
  public init(
    environment: (String) -> String? = Launch.variable,
    parent: String? = Launch.parentName
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
    isStartedByLauncher = parent.map { name in Self.parents.contains { name.hasPrefix($0) } } ?? false
  }

  /// A variable of this process's environment.
  public static func variable(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }

  /// Lets MPI start this process by itself, where variables of a launcher say otherwise: in
  /// a step of Slurm with one task and no PMI, in which some libraries refuse to start, and
  /// in a program that a rank of another job has started, whose number it has inherited.
  package func hideFromLibrary() {
    if let slurmStep, slurmStep.tasks == 1, !slurmStep.hasLauncher {
      for name in ["SLURM_STEPID", "SLURM_STEP_ID"] { unsetenv(name) }
    }
    guard launcher != nil, !isStartedByLauncher, Self.isBelowRank() else { return }
    for name in Self.variables()
    where ["OMPI_", "PMIX_", "PMI_", "ORTE_", "OPAL_"].contains(where: { name.hasPrefix($0) })
      && !name.hasPrefix("OMPI_MCA_mpi_") && !name.hasPrefix("OMPI_ALLOW_RUN_AS_ROOT")
    {
      unsetenv(name)
    }
  }

  /// Names of the environment's variables.
  private static func variables() -> [String] {
    content("/proc/self/environ").split(separator: "\0").map { String($0.prefix { $0 != "=" }) }
  }

  /// Whether a program between this process and its launcher has loaded an MPI library,
  /// and so is a rank itself.
  private static func isBelowRank() -> Bool {
    var process = getppid()
    // No chain of shells is as long.
    for _ in 0..<64 where process > 1 {
      guard let name = firstLine("/proc/\(process)/comm"), !parents.contains(where: { name.hasPrefix($0) }) else {
        return false
      }
      if content("/proc/\(process)/maps").contains("/libmpi") { return true }
      // "pid (name) state parent"; the name may hold anything.
      let rest = content("/proc/\(process)/stat").split(separator: ")").last?.split(separator: " ")
      guard let parent = rest?.dropFirst().first.flatMap({ pid_t($0) }) else { return false }
      process = parent
    }
    return false
  }

  private static func firstLine(_ path: String) -> String? {
    content(path).split(separator: "\n").first.map { String($0) }
  }

  /// All of a file of the kernel's, which does not tell its length.
  private static func content(_ path: String) -> String {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return "" }
    defer { close(file) }
    var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
    while case let count = read(file, &buffer, buffer.count), count > 0 { bytes += buffer.prefix(count) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The name of the process that has started this one, as the kernel tells it: at most 15 characters.
  public static var parentName: String? {
    let file = open("/proc/\(getppid())/comm", O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let bytes = [UInt8](unsafeUninitializedCapacity: 64) { buffer, count in
      count = max(0, read(file, buffer.baseAddress, buffer.count))
    }
    return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
  }

  /// Whether this process tells of an error that every process of the job meets
  /// by itself.
  public var speaksForJob: Bool { rank == 0 || !isStartedByLauncher }
}

/// The Slurm job step that a process runs in, from srun's environment.
public struct SlurmStep: Equatable, Sendable {
  /// Tasks in the step, as srun counts them.
  public let tasks: Int
  /// Whether a launcher that knows MPI has started this process: mpirun inside
  /// the step, or srun through PMI.
  let hasLauncher: Bool

  /// Nil outside a step. The script of a batch job is no step of its own:
  /// there `SLURM_NTASKS` tells what the job may start, and
  /// `SLURM_STEP_NUM_TASKS` is not set.
  public init?(environment: (String) -> String?) {
    guard let tasks = environment("SLURM_STEP_NUM_TASKS").flatMap({ Int($0) }) else { return nil }
    self.tasks = tasks
    self.hasLauncher = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK", "PMIX_RANK"]
      .contains { environment($0) != nil }
  }

  /// Whether a world of one rank means that MPI did not find the other tasks.
  public var isLeftAlone: Bool { tasks > 1 && !hasLauncher }
}
