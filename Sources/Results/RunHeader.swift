import Foundation

/// The first lines of a run's log: what runs where, and with which options.
public struct RunHeader: Hashable, Sendable {
  public var versions: Report.Versions
  public var model: String
  /// Shape of one sample.
  public var shape: [Int]
  /// What the model's scheduler says, line by line.
  public var scheduler: [String]
  public var seed: UInt64
  /// The host of every rank.
  public var hosts: [String]
  /// Threads with which each rank evaluates the model.
  public var threadsPerRank: Int
  public var options: [String: OptionValue]

  public init(
    versions: Report.Versions, model: String, shape: [Int], scheduler: [String] = [], seed: UInt64, hosts: [String],
    threadsPerRank: Int, options: [String: OptionValue]
  ) {
    self.versions = versions
    self.model = model
    self.shape = shape
    self.scheduler = scheduler
    self.seed = seed
    self.hosts = hosts
    self.threadsPerRank = threadsPerRank
    self.options = options
  }

  public var text: String {
    let names = hosts.reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var lines = [
      "piadm \(versions.piadm), Swift \(versions.swift), OpenVINO \(versions.openvino)",
      "MPI      \(versions.mpi)",
      "ranks    \(hosts.count) on \(counted(names.count, "host")), \(counted(threadsPerRank, "thread")) each",
    ]
    for name in names {
      let ranks = hosts.indices.filter { hosts[$0] == name }
      lines.append("         \(name): \(ranks.count == 1 ? "rank" : "ranks") \(ranges(ranks))")
    }
    lines.append("model    \(model), samples of shape \(shape.map(String.init).joined(separator: " x "))")
    lines += scheduler.enumerated().map { ($0 == 0 ? "schedule " : "         ") + $1 }
    lines.append("seed     \(seed)")
    lines.append("options")
    let width = options.keys.map(\.count).max() ?? 0
    for (name, value) in options.sorted(by: { $0.key < $1.key }) {
      lines.append("  \(name.padding(toLength: width, withPad: " ", startingAt: 0))  \(value.typed)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

func counted(_ count: Int, _ noun: String) -> String {
  "\(count) \(noun)\(count == 1 ? "" : "s")"
}

/// Ascending numbers with runs drawn together, such as `0-3,7`.
func ranges(_ numbers: [Int]) -> String {
  var runs: [ClosedRange<Int>] = []
  for number in numbers {
    if let last = runs.last, number == last.upperBound + 1 {
      runs[runs.count - 1] = last.lowerBound...number
    } else {
      runs.append(number...number)
    }
  }
  return runs.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
    .joined(separator: ",")
}
