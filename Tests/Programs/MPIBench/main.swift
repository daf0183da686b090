// What this library adds to the time of MPI's calls: the same loops in Swift
// and in C, taken in turn, on two ranks.
//
//     mpirun -n 2 MPIBench            times and their ratios, from 8 B to 4 MiB
//     mpirun -n 2 MPIBench allocations     heap allocations in 1000 exchanges

import CMPIBench
import MPI

do {
  try withEnvironment { world in
    if CommandLine.arguments.dropFirst().first == "allocations" {
      try printAllocations(world)
    } else {
      try printTimes(world)
    }
  }
} catch {
  exitProgram(error.exitCode)
}
