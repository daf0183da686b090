// Checks of the MPI library that need ranks: `mpirun -n P MPIChecks NAME`.
// A check that fails throws, which ends the job with code 70 and its message.

import MPI

guard CommandLine.arguments.count >= 2, let check = checks[CommandLine.arguments[1]] else {
  fatalError("usage: MPIChecks NAME [argument], NAME one of \(checks.keys.sorted())")
}

var options = EnvironmentOptions()
options.checksCollectives = CommandLine.arguments[1].hasPrefix("checked")
options.report = { error in
  FailureReport("\(error)", exitCode: (error as? CodedError)?.exitCode ?? 70)
}

do {
  try withEnvironment(options) { world in
    try check(world)
    if world.rank == 0 { print("passed on \(world.size)") }
  }
} catch {
  exitProgram(error.exitCode)
}
