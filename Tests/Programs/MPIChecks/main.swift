// Checks of the MPI library that need ranks: `mpirun -n P MPIChecks NAME+NAME`.
// A check that fails throws, which ends the job with code 70 and its message.

import MPI

let names = CommandLine.arguments.dropFirst().first?.split(separator: "+").map(String.init) ?? []
guard !names.isEmpty, names.allSatisfy({ checks[$0] != nil }) else {
  fatalError("usage: MPIChecks NAME+NAME... [argument], NAME one of \(checks.keys.sorted())")
}

var options = EnvironmentOptions()
options.checksCollectives = names[0].hasPrefix("checked")
options.report = { error in
  FailureReport("\(error)", exitCode: (error as? CodedError)?.exitCode ?? 70)
}

if names == ["stall"] { options.stallTimeout = 0.5 }

do {
  let ended = try withEnvironment(options) { world in
    for name in names { try checks[name]?(world) }
    if world.rank == 0 { print("passed on \(world.size)") }
    return world
  }
  // MPI has ended; whoever still has the communicator is told so.
  do {
    try expectError(.communicator) { try ended.barrier() }
    try expectError(.communicator) { try ended.send([1].span, to: ended[0]) }
    try expectError(.communicator) { try ended.deleteFile(at: "nowhere") }
    try expect(!ended.processorName.isEmpty, "the host still has a name")
  } catch {
    fatalError("\(error)")
  }
} catch {
  exitProgram(error.exitCode)
}
