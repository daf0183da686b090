import Diffusion

/// What was found of the rows of a model's calls.
public struct RowCheck: Hashable, Sendable {
  /// A row has the same bits in calls of all sizes, on all ranks. Where it has not, a
  /// rank makes calls of those sizes only that agree with a row alone.
  public internal(set) var isInvariant = true
  /// Numbers of rows of the calls that the run makes on this rank, descending.
  public internal(set) var sizes: [Int] = []
  /// Rows that this rank has evaluated for it before the run.
  public internal(set) var rowsBefore = 0
  /// Seconds that they took.
  public internal(set) var secondsBefore = 0.0
  /// Rows of the run that it has evaluated again.
  public internal(set) var rowsAgain = 0
  /// Seconds that they took.
  public internal(set) var secondsAgain = 0.0

  /// Why a model is of no use, and by how much its predictions differ.
  var failure: (cause: RowDependence.Cause, difference: Double)?

  public static func == (a: Self, b: Self) -> Bool {
    (a.isInvariant, a.sizes, a.rowsBefore, a.rowsAgain) == (b.isInvariant, b.sizes, b.rowsBefore, b.rowsAgain)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(sizes)
    hasher.combine(rowsBefore)
  }
}

/// A model's prediction for a row is not a function of that row: samples would
/// depend on the number of ranks, or differ from run to run.
public struct RowDependence: Error, Hashable, Sendable, CustomStringConvertible {
  /// What a prediction depends on beside its row.
  public enum Cause: Int, Hashable, Sendable {
    /// It depends on the other rows of the call.
    case company = 1
    /// The same call gives other predictions when it is made again.
    case chance
  }

  /// What the prediction depends on.
  public let cause: Cause
  /// The largest difference of predictions, over the largest of their elements.
  public let difference: Double
  /// Found in rows of the run, not in the check before it.
  public let isInRun: Bool

  public var description: String {
    let place = isInRun ? ", seen in rows of this run that were evaluated again" : ""
    return switch cause {
    case .company:
      """
      a prediction of the model depends on the other rows of its call: it changes by \(difference) of the largest \
      element\(place); `rows: 1` evaluates every row alone
      """
    case .chance:
      "a prediction of the model changes by \(difference) of the largest element when the same call is made again\(place)"
    }
  }
}

extension ScoreBatch {
  /// A call of a model that takes this long gains nothing from more rows.
  private static var longCallSeconds: Double { 0.5 }

  /// Checks on this rank that a row's prediction has the same bits alone and in calls
  /// of the sizes that a run makes, beside other rows each time, and chooses those sizes.
  ///
  /// It evaluates no more rows than twice `load`, those that are evaluated again after
  /// the run included. Where every call has one row, it is evaluated twice.
  /// Solvers do this by themselves; `agree` must follow on all ranks.
  ///
  /// - Parameters:
  ///   - load: rows of a round on a rank, the same number on all ranks.
  ///   - trajectory: the steps, from whose noise times rows are taken.
  ///   - samples: numbers of the samples.
  /// - Throws: what the model throws.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func checkRows(load: Int, of trajectory: Trajectory, samples: [Int]) throws {
    var check = RowCheck()
    func predictions(_ rows: [TestRow<Scalar>]) throws -> (rows: [[Scalar]], seconds: Double) {
      let result = try self.predictions(of: rows)
      check.rowsBefore += rows.count
      check.secondsBefore += result.seconds
      return result
    }
    defer { self.check = check }
    guard load > 0, !samples.isEmpty else { return }
    let rows = TestRows<Scalar>(
      times: trajectory.stages.flatMap { $0.slices.map(\.time) }, samples: samples,
      parametrization: model.parametrization, dimension: dimension)

    // Two rows alone: not both of them can be the one that the others' results depend on. Of
    // two rows in all a second call would be beyond twice as many.
    var known: [Int: [Scalar]] = [:]
    var secondsAlone = 0.0
    let isRepeated = load == 1 || limit == 1
    for row in isRepeated ? [0, 0] : load == 2 ? [0] : [0, 1] {
      let alone = try predictions([rows[row]])
      if let difference = known[row].flatMap({ difference($0, alone.rows[0]) }) {
        check.failure = (.chance, difference)
        return
      }
      known[row] = alone.rows[0]
      // The first call of a size takes longer.
      secondsAlone = alone.seconds
    }
    let full = try fullCall(load, secondsAlone: secondsAlone) { try predictions((0..<$0).map { rows[$0] }).seconds }
    // Where every call has one row, nothing else shows whether predictions repeat.
    if full == 1, !isRepeated, let first = known[0],
      let difference = difference(first, try predictions([rows[0]]).rows[0])
    {
      check.failure = (.chance, difference)
      return
    }
    var sizes = CallSizes(full: full)
    sizes.note(1, seconds: secondsAlone)
    for size in sizes.sizes.reversed().dropFirst() {
      // Each row is in other places of calls of other sizes.
      let call = (0..<size).reversed()
      let found = try predictions(call.map { rows[$0] }).rows
      let agrees = zip(call, found).allSatisfy { row, prediction in
        known[row].map { difference($0, prediction) == nil } ?? true
      }
      if agrees {
        for (row, prediction) in zip(call, found) { known[row] = prediction }
        continue
      }
      check.isInvariant = false
      check.failure = try cause(call.map { rows[$0] }, found, others: call.map { rows[$0 + full] }) {
        try predictions($0).rows
      }
      if check.failure != nil { return }
      sizes.keep(below: size)
      break
    }
    self.sizes = sizes
    check.sizes = sizes.sizes
    let rest = min(max(1, 2 * load - check.rowsBefore), max(1, (1 << 20) / dimension))
    witnesses = sizes.full > 1 ? Witnesses(capacity: sizes.sizes.first { $0 <= rest } ?? 1) : nil
  }

  /// Rows of the largest call: a round's, or an equal share of them.
  private func fullCall(_ load: Int, secondsAlone: Double, timing: (Int) throws -> Double) throws -> Int {
    let calls = (load - 1) / limit + 1
    let full = (load - 1) / calls + 1
    let few = max(1, Int(min(Self.longCallSeconds / max(secondsAlone, 1e-9), 1e9)))
    guard choosesRows, few < full else { return full }
    guard few > 1 else { return 1 }
    // A row together with others may take much less time than alone.
    let seconds = try timing(few)
    return min(full, max(few, Int(min(Double(few) * Self.longCallSeconds / max(seconds, 1e-9), 1e9))))
  }

  /// Why the rows of a call have other predictions than in other calls: by its repetition,
  /// and by half of them beside other rows. `nil` where it is the call's size alone.
  private func cause(
    _ call: [TestRow<Scalar>], _ found: [[Scalar]], others: [TestRow<Scalar>],
    predict: ([TestRow<Scalar>]) throws -> [[Scalar]]
  ) throws -> (RowDependence.Cause, Double)? {
    func largest(_ a: some Sequence<[Scalar]>, _ b: some Sequence<[Scalar]>) -> Double? {
      zip(a, b).compactMap { difference($0, $1) }.max()
    }
    if let difference = largest(found, try predict(call)) { return (.chance, difference) }
    let kept = (call.count + 1) / 2
    guard call.count > kept else { return nil }
    for others in [others, others.map(\.enlarged)] {
      let mixed = try predict(Array(call.prefix(kept) + others.dropFirst(kept)))
      if let difference = largest(found.prefix(kept), mixed.prefix(kept)) { return (.company, difference) }
    }
    return nil
  }

  /// Lets all ranks know what `checkRows` has found on any of them. Collective.
  ///
  /// - Throws: `RowDependence`, on all ranks alike.
  public func agree(load: Int, over ring: any Ring) throws {
    guard var check else { preconditionFailure("agree follows checkRows") }
    var found = [
      Double(check.failure?.cause.rawValue ?? 0), check.failure?.difference ?? 0, check.isInvariant ? 0 : 1,
    ]
    try maximum(&found, over: ring)
    if let cause = RowDependence.Cause(rawValue: Int(found[0])) {
      throw RowDependence(cause: cause, difference: found[1], isInRun: false)
    }
    check.isInvariant = found[2] == 0
    self.check = check
    if ring.size > 1 { agreedLoad = load } else { ownLoad = load }
  }

  /// What a solver does before its first round, unless it was done for as many rows. Collective.
  func checkOnce(load: Int, of trajectory: Trajectory, samples: [Int], over ring: any Ring) throws {
    guard load > (ring.size > 1 ? agreedLoad : max(agreedLoad, ownLoad)) else { return }
    try checkRows(load: load, of: trajectory, samples: samples)
    try agree(load: load, over: ring)
  }

  /// Keeps no more of the rows that were evaluated until now: what the model is given beside
  /// them has changed, and their predictions with it.
  public func forgetRows() { witnesses = witnesses.map { Witnesses(capacity: $0.capacity) } }

  /// Evaluates some of the run's rows again, beside others than those that they were with,
  /// and compares bits: for models whose rows depend on their company in rare states only.
  /// Collective.
  ///
  /// - Throws: `RowDependence`, on all ranks alike; what the model throws.
  func checkAgain(over ring: any Ring) throws {
    var found = [0.0, 0.0]
    if rows > 1, let witnesses, let first = witnesses.rows.first {
      let call = (0..<witnesses.capacity).map { $0 < witnesses.rows.count ? witnesses.rows[$0] : first }
      let result = try predictions(of: call)
      check?.rowsAgain += call.count
      check?.secondsAgain += result.seconds
      if let company = zip(witnesses.predictions, result.rows).compactMap({ difference($0, $1) }).max() {
        let repeated = zip(result.rows, try predictions(of: call).rows).compactMap { difference($0, $1) }.max()
        let cause: RowDependence.Cause = repeated == nil ? .company : .chance
        found = [Double(cause.rawValue), repeated ?? company]
      }
    }
    try maximum(&found, over: ring)
    if let cause = RowDependence.Cause(rawValue: Int(found[0])) {
      throw RowDependence(cause: cause, difference: found[1], isInRun: true)
    }
  }

  private func maximum(_ values: inout [Double], over ring: any Ring) throws {
    guard ring.size > 1 else { return }
    var span = values.mutableSpan
    try ring.maximum(&span)
  }
}

/// The largest difference over the largest element; `nil` where all bits are the same.
/// That a number is none is said where the run meets it.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func difference<Scalar: StateScalar>(_ a: [Scalar], _ b: [Scalar]) -> Double? {
  var (largest, size, isSame) = (0.0, 0.0, true)
  for (x, y) in zip(a, b) where !(x.isNaN && y.isNaN) {
    if x != y || x.sign != y.sign { isSame = false }
    largest = max(largest, Double(abs(x - y)))
    size = max(size, Double(abs(x)))
  }
  guard !isSame else { return nil }
  let relative = largest / max(size, .leastNormalMagnitude)
  return relative.isNaN ? .infinity : relative
}
