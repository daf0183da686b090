import CMPIBench
import MPI

/// Seconds that `repeats` round trips between ranks 0 and 1 take.
func pingPong(_ world: Communicator, _ buffer: inout MutableSpan<UInt8>, repeats: Int) throws
  -> Double
{
  try world.barrier()
  let start = world.wallTime
  for _ in 0..<repeats {
    if world.rank == 0 {
      try world.send(buffer.span, to: 1)
      try world.receive(into: &buffer, from: 1)
    } else if world.rank == 1 {
      try world.receive(into: &buffer, from: 0)
      try world.send(buffer.span, to: 0)
    }
  }
  return world.wallTime - start
}

/// Seconds that `repeats` sums over all ranks take, in place.
func allReduce(_ world: Communicator, _ buffer: inout MutableSpan<Double>, repeats: Int) throws
  -> Double
{
  try world.barrier()
  let start = world.wallTime
  for _ in 0..<repeats {
    try world.allReduce(&buffer, .sum)
  }
  return world.wallTime - start
}
