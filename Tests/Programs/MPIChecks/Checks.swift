import MPI

/// Every check by the name that the tests give.
let checks: [String: @Sendable (Communicator) throws -> Void] = [
  "blocking": checkBlockingMessages,
  "non-blocking": checkNonBlockingMessages,
  "persistent": checkPersistentMessages,
  "request-sets": checkRequestSets,
  "probes": checkProbes,
  "exact-sum": printExactSums,
  "large": checkLargeCounts,
  "collectives": checkCollectives,
  "checked-collectives": checkCollectives,
  "communicators": checkCommunicators,
  "files": checkFiles,
  "agreement": checkAgreement,
  "refusals": checkRefusals,
  "own-types": checkOwnTypes,
  "operations": checkOperations,
  "exchanges": checkExchanges,
  "started-collectives": checkStartedCollectives,
  "grids": checkGrids,
  "nodes": checkNodes,
  "failures": checkFailures,
  "checked-exchanges": checkExchanges,
  "checked-started-collectives": checkStartedCollectives,
  "checked-grids": checkGrids,
  "checked-nodes": checkNodes,
  "checked-communicators": checkCommunicators,
  "checked-files": checkFiles,
  "checked-overlap": checkOverlapUnderCheck,
  "checked-differences": checkDifferences,
  "stall": stall,

  "abort": { world in
    if world.rank == world.size - 1 { world.abort(exitCode: 42) }
    try world.barrier()
    try waitForever(world)
  },
  "throw": { world in
    if world.rank == world.size - 1 {
      throw CodedError(exitCode: 65, description: "bad data in this rank's file")
    }
    try waitForever(world)
  },
  "wait-forever": waitForever,
  "agreed-throw": { world in
    try world.agree {
      throw CodedError(exitCode: 66, description: "the same file is missing on all ranks")
    }
  },
  "agreed-throw-of-one": { world in
    try world.agree {
      if world.rank == world.size - 1 {
        throw CodedError(exitCode: 66, description: "no memory on this rank")
      }
    }
  },
  "agreed-throw-of-some": { world in
    try world.withSplit(color: min(world.rank, 1)) { part in
      if world.rank == 0 { try waitForever(part) }
      try part.agree { throw CodedError(exitCode: 67, description: "these ranks failed") }
    }
  },
  "dropped-request": { world in
    let request = try world.startReceive(into: Buffer(repeating: 0.0, count: 1), from: world[world.rank])
    _ = consume request
    try world.send([1.0].span, to: world[world.rank])
  },
  "checked-mismatch-of-started": { world in
    if world.rank == 0 {
      _ = try world.allReduce(1, .sum)
    } else {
      _ = try world.startAllReduce(Buffer(repeating: 1, count: 1), .sum).wait()
    }
  },
  "checked-mismatch": { world in
    var values = [1.0, 2.0]
    if world.rank == 0 {
      try world.broadcast(&values, root: 0)
    } else {
      try world.allReduce(&values, .sum)
    }
  },
]

/// A receive that nobody answers: only the end of the job ends it.
func waitForever(_ communicator: Communicator) throws {
  var nothing = [0.0]
  try communicator.receive(into: &nothing, from: .any, tag: 999)
}
