import ArgumentParser
import Diffusion
import Foundation
import MPI
import PicardSampler
import Results

struct BenchDimension: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dimension",
    abstract: "Measure sequential steps and parallel rounds against the dimension.",
    discussion: """
      For targets whose sampling error is known exactly, in dimensions 2^2, 2^4, ..., 2^20: as \
      many steps as keep the divergence of the sequential sampler from the target within \
      --divergence, and the rounds until the iteration's error is below the sampler's own.

        piadm bench dimension --largest 12
        mpirun -n 2 piadm bench dimension --json dimension.json --table dimension.md

      In 2^20 dimensions, the secant in one block and the theory's blocks alone. \
      jobs/dimension.sh does the latter and draws the numbers. Where a whole trajectory needs \
      more memory than --memory, a window of as many steps as fit slides over it.
      """)

  @Option(help: ArgumentHelp("The largest dimension as a power of 2, even, from 8 to 20.", valueName: "exponent"))
  var largest = 20

  @Option(help: ArgumentHelp("Divergence, in nats, that the sequential sampler may have.", valueName: "delta^2"))
  var divergence = 1.0

  @Option(help: ArgumentHelp("Memory for the states of a sample, over all ranks.", valueName: "GB"))
  var memory = 14.0

  @Option(help: ArgumentHelp("The numbers.", valueName: "file.json"))
  var json: String?

  @Option(help: ArgumentHelp("The tables, in Markdown.", valueName: "file.md"))
  var table: String?

  func validate() throws {
    guard 8...20 ~= largest, largest % 2 == 0 else {
      throw ValidationError("--largest must be even and from 8 to 20, not \(largest)")
    }
    guard divergence >= 0.01, divergence <= 100 else {
      throw ValidationError("--divergence must be from 0.01 to 100, not \(divergence)")
    }
    guard memory >= 0.1, memory <= 1e6 else {
      throw ValidationError("--memory must be from 0.1 to 1000000, not \(memory)")
    }
    guard json != "", table != "" else { throw ValidationError("an output file needs a name") }
    if let json, let table, json.isSameFile(as: table) {
      throw ValidationError("--json and --table both name \(json)")
    }
  }

  mutating func run() throws {
    let command = self
    try Failure.underMPI { world in try command.measure(world) }
  }

  private func measure(_ world: Communicator) throws {
    try world.agree {
      if world.rank == 0 {
        for file in [json, table].compactMap({ $0 }) { try WholeFile(file).checkWritable() }
      }
    }
    let study = DimensionStudy(
      world: world, divergence: divergence, memory: memory * 1e9)
    let start = world.wallTime
    var points: [DimensionPoint] = []
    func note(_ point: DimensionPoint) throws {
      points.append(point)
      try world.agree {
        guard world.rank == 0 else { return }
        try write(DimensionTables.line(point) + "\n")
        try store(record(world, start, points))
      }
    }
    if world.rank == 0 { try write(DimensionTables.head + "\n") }
    for exponent in stride(from: 2, through: largest, by: 2) {
      let dimension = 1 << exponent
      let spread = try SpreadTarget(dimension: dimension)
      // Steps and numbers grow together: all of it in 2^20 dimensions would take
      // several times as long as the rest.
      let isEssential = exponent > 18
      for method in [SamplingMethod.piadmSDE, .piadmODE] {
        let plan = try study.plan(spread, method)
        // One step a round takes too long where there are many. `elementwise` knows
        // most of a Jacobian that is diagonal, as here, which says little of others.
        let jacobi: [Linearization] = plan.steps <= 128 ? [.jacobi] : []
        try study.measure(
          spread, plan, .whole, [.secant] + (isEssential ? [] : [.increment, .linearPart] + jacobi), note: note)
        if isEssential, method == .piadmODE { continue }
        let inBlocks = try study.plan(spread, method, inBlocks: true)
        try study.measure(spread, inBlocks, .blocks, [.linearPart, .secant], note: note)
      }
      if exponent <= 10 {
        let plan = try study.pathPlan(spread)
        try study.measure(spread, plan, .paths, [.linearPart, .secant], note: note)
      }
      guard !isEssential else { continue }
      for target in [try MixtureTarget(dimension: dimension), try FieldTarget(dimension: dimension)]
        as [any DimensionTarget]
      {
        let plan = try study.plan(target, .piadmSDE)
        try study.measure(target, plan, .whole, [.secant], note: note)
      }
    }
    if world.rank == 0 { try write("\n" + DimensionTables(record(world, start, points)).growth) }
  }

  private func record(_ world: Communicator, _ start: Double, _ points: [DimensionPoint]) -> DimensionRecord {
    DimensionRecord(
      divergence: divergence, ranks: world.size, seconds: world.wallTime - start, points: points,
      fits: DimensionFit.all(points))
  }

  /// Stores what is measured so far, so that a run that is ended leaves that.
  private func store(_ record: DimensionRecord) throws {
    if let json { try record.write(to: json) }
    if let table { try WholeFile(table).write(Data(DimensionTables(record).text.utf8)) }
  }
}

/// What `--json` stores.
struct DimensionRecord: Encodable {
  let divergence: Double
  let ranks: Int
  let seconds: Double
  let points: [DimensionPoint]
  let fits: [DimensionFit]

  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try WholeFile(path).write(encoder.encode(self) + Data("\n".utf8))
  }
}

/// How steps and rounds grow from dimension 2^6 on.
struct DimensionFit: Encodable {
  let target: String
  let method: String
  let setting: DimensionPoint.Setting
  let linearization: String
  /// Powers of `d` and of `log d` that the sequential steps grow as.
  let steps: Growth
  /// The same for the rounds.
  let rounds: Growth

  struct Growth: Encodable {
    let dimension: PowerFit
    let logarithm: PowerFit
  }

  static func all(_ points: [DimensionPoint]) -> [DimensionFit] {
    var groups: [[String]: [DimensionPoint]] = [:]
    var order: [[String]] = []
    for point in points where point.dimension >= 64 && point.linearization != "none" {
      let key = [point.target, point.method, point.setting.rawValue, point.linearization]
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(point)
    }
    return order.compactMap { key in
      guard let points = groups[key], points.count >= 3 else { return nil }
      let dimensions = points.map { Double($0.dimension) }
      func growth(_ values: [Double]) -> Growth {
        Growth(
          dimension: PowerFit(dimensions, values),
          logarithm: PowerFit(dimensions.map { log($0) }, values))
      }
      return DimensionFit(
        target: key[0], method: key[1], setting: points[0].setting, linearization: key[3],
        steps: growth(points.map { Double($0.sequentialSteps) }), rounds: growth(points.map(\.rounds)))
    }
  }
}

/// The record as tables for people, in Markdown.
struct DimensionTables {
  let record: DimensionRecord

  init(_ record: DimensionRecord) { self.record = record }

  static let head = """
    | target | method | setting | d | steps | linearization | rounds | error / discretization | memory |
    |---|---|---|---|---|---|---|---|---|
    """

  static func line(_ point: DimensionPoint) -> String {
    let rounds = point.rounds == point.rounds.rounded() ? "\(Int(point.rounds))" : String(format: "%.1f", point.rounds)
    return "| \(point.target) | \(point.method) | \(point.setting.rawValue) "
      + "| 2^\(point.dimension.trailingZeroBitCount) | \(point.sequentialSteps) | \(point.linearization) | \(rounds) "
      + String(
        format: "| %.0e / %.0e | %@ |", point.picardError, point.discretizationError,
        size(point.memoryBytes))
  }

  var text: String {
    ([Self.head] + record.points.map(Self.line)).joined(separator: "\n")
      + "\n\nGrowth from d = 2^6 on: exponents with standard errors.\n\n" + growth
  }

  var growth: String {
    let head = """
      | target | method | setting | linearization | steps: of d | rounds: of d | rounds: of log d |
      |---|---|---|---|---|---|---|

      """
    return record.fits.reduce(head) { text, fit in
      text + "| \(fit.target) | \(fit.method) | \(fit.setting.rawValue) | \(fit.linearization) "
        + "| \(number(fit.steps.dimension)) | \(number(fit.rounds.dimension)) | \(number(fit.rounds.logarithm)) |\n"
    }
  }

  private func number(_ fit: PowerFit) -> String {
    String(format: "%.3f ± %.3f", fit.exponent, fit.standardError)
  }

  private static func size(_ bytes: Int) -> String {
    bytes >= 1 << 30
      ? String(format: "%.1f GiB", Double(bytes) / 0x1p30) : String(format: "%.1f MiB", Double(bytes) / 0x1p20)
  }
}
