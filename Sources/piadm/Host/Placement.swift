import Foundation
import MPI

/// Which rank runs where, and on which processors.
struct Placement {
  struct Rank {
    let host: String
    /// The processors it may run on: the affinity mask that launchers set.
    let processors: ProcessorSet
    /// One processor for each core that it may run on: hyperthreads share one.
    let cores: ProcessorSet
    /// Those that its job may use on the host.
    let available: ProcessorSet
  }

  /// All ranks, on every one of them.
  let ranks: [Rank]

  /// Collective over the ranks of a communicator.
  init(_ communicator: Communicator) throws {
    let here = ProcessorSet.allowed
    let facts = [
      communicator.processorName, here.text, here.cores.text, ProcessorSet.availableToJob.text,
    ]
    let columns = try facts.map { try communicator.allGatherText($0) }
    ranks = (0..<communicator.size).map { rank in
      Rank(
        host: columns[0][rank], processors: ProcessorSet(columns[1][rank]),
        cores: ProcessorSet(columns[2][rank]), available: ProcessorSet(columns[3][rank]))
    }
  }

  var hosts: [String] { ranks.map(\.host) }

  /// Ranks on the host of a rank, that one included.
  func ranksBeside(_ rank: Int) -> Int { ranks.count { $0.host == ranks[rank].host } }

  /// The threads a rank can run at once: its processors, divided among the ranks
  /// that may run on them too.
  func threads(of rank: Int) -> Int {
    let own = ranks[rank]
    let sharers = ranks.filter { $0.host == own.host && !$0.cores.isDisjoint(with: own.cores) }
    return max(1, own.processors.count / max(1, sharers.count))
  }

  var text: String {
    ranks.enumerated().map { rank, place in
      let threads = threads(of: rank)
      return "rank \(rank)   \(place.host), processors \(place.processors.text), \(threads) thread\(threads == 1 ? "" : "s")"
    }.joined(separator: "\n")
  }

  /// Where ranks wait for each other's cores.
  var crowding: [String] {
    eachHost { host, members in
      // The ranks whose cores are too few for all that may run on them alone.
      let crowded = members.filter { rank in
        members.filter { ranks[$0].cores.isSubset(of: ranks[rank].cores) }.count > ranks[rank].cores.count
      }
      guard let first = crowded.first else { return nil }
      let cores = crowded.reduce(into: ProcessorSet()) { $0.formUnion(ranks[$1].cores) }
      let isBound = ranks[first].processors != ranks[first].available
      return "ranks \(ProcessorSet(crowded).text) on \(host) share \(cores.count == 1 ? "core" : "cores") \(cores.text): "
        + (isBound
          ? "bind each to its own, as mpirun --bind-to core --map-by slot:PE=N or srun --cpu-bind=cores --cpus-per-task=N does"
          : "start at most one rank for each core")
    }
  }

  /// Where processors stay idle because all ranks are bound to others.
  var idleness: [String] {
    eachHost { host, members in
      let used = members.reduce(into: ProcessorSet()) { $0.formUnion(ranks[$1].processors) }
      let idle = ranks[members[0]].available.subtracting(used)
      guard !idle.isEmpty else { return nil }
      return "no rank may run on \(idle.count == 1 ? "processor" : "processors") \(idle.text) of \(host): "
        + "give each more, as mpirun --map-by slot:PE=N, mpirun --bind-to none or srun --cpus-per-task=N does, or start more ranks"
    }
  }

  private func eachHost(_ judge: (_ host: String, _ members: [Int]) -> String?) -> [String] {
    Dictionary(grouping: ranks.indices) { ranks[$0].host }
      .sorted { $0.value[0] < $1.value[0] }.compactMap { judge($0.key, $0.value) }
  }
}

extension Communicator {
  /// Short texts of all ranks, on all of them; longer ones are cut.
  func allGatherText(_ text: String) throws -> [String] {
    let length = 512
    var bytes = Array(text.utf8.prefix(length))
    bytes += [UInt8](repeating: 0, count: length - bytes.count)
    let all = try allGather(bytes)
    return stride(from: 0, to: all.count, by: length).map {
      String(decoding: all[$0..<($0 + length)].prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
