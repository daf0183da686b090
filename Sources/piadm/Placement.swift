import Foundation
import MPI

/// Which rank runs where, and on which processors.
struct Placement {
  /// Host and processors of every rank; empty but on rank 0.
  let ranks: [(host: String, processors: String)]

  /// Collective over the ranks of a communicator.
  init(_ communicator: Communicator) throws {
    let hosts = try communicator.gatherText(communicator.processorName)
    let processors = try communicator.gatherText(Self.allowedProcessors)
    ranks = Array(zip(hosts, processors))
  }

  var hosts: [String] { ranks.map(\.host) }

  var text: String {
    ranks.enumerated().map { rank, place in
      "rank \(rank)   \(place.host), processors \(place.processors)"
    }.joined(separator: "\n")
  }

  /// The processors that this process may run on, as the kernel lists them.
  private static var allowedProcessors: String {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return line?.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? "unknown"
  }
}

extension Communicator {
  /// Short texts of all ranks, on rank 0; longer ones are cut.
  func gatherText(_ text: String) throws -> [String] {
    let length = 256
    var bytes = Array(text.utf8.prefix(length))
    bytes += [UInt8](repeating: 0, count: length - bytes.count)
    let all = try gather(bytes, root: 0)
    return stride(from: 0, to: all.count, by: length).map {
      String(decoding: all[$0..<($0 + length)].prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
