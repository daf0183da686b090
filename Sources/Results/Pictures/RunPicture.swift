package import Drawing
public import PicardSampler

/// A run in one picture: the changes of all slices, where the ranks' time went,
/// and the samples.
public struct RunPicture: Sendable {
  public var report: Report
  /// The seconds of every rank.
  public var ranks: [PhaseSeconds]
  public var residuals: ResidualMap
  /// A slice is done when its change is at most this; `nil` where the number of
  /// rounds is fixed.
  public var tolerance: Double?
  /// The first samples of the run.
  public var samples: SampleRows

  public init(
    report: Report, ranks: [PhaseSeconds], residuals: ResidualMap, tolerance: Double?,
    samples: SampleRows
  ) {
    self.report = report
    self.ranks = ranks
    self.residuals = residuals
    self.tolerance = tolerance
    self.samples = samples
  }

  public func write(to file: PictureFile) throws(OutputError) { try file.write(figure) }

  package var figure: Figure {
    var figure = Figure(width: 720, height: 520)
    let room = figure.width - 92
    figure.text(headline, at: Point(46, 20), size: min(11, room / Text.width(of: headline, size: 1)))
    let map = Rectangle(x: 50, y: 50, width: 300, height: 230)
    let changes = Rectangle(x: 50, y: 342, width: 300, height: 130)
    ResidualPanel(residuals: residuals, tolerance: tolerance, isWeighted: isWeighted).draw(in: &figure, map, changes)
    TimePanel(ranks: ranks).draw(in: &figure, Rectangle(x: 466, y: 50, width: 230, height: 150))
    samples.draw(in: &figure, Rectangle(x: 466, y: 274, width: 230, height: 198))
    return figure
  }

  /// Changes are what they move the last state by, and not by themselves.
  private var isWeighted: Bool {
    let window = report.options["window"] ?? .none, noiseLevel = report.options["noise-level"] ?? .none
    return window != .none && noiseLevel.typed != "0" && tolerance ?? 0 > 0
  }

  /// Without the folders that it lies in.
  private var modelName: String {
    report.model.split(separator: ":").map { $0.split(separator: "/").last.map(String.init) ?? "" }
      .joined(separator: ":")
  }

  private var headline: String {
    "\(modelName), \(report.method): \(counted(report.steps, "step")) in \(counted(report.rounds, "round")), "
      + "\(counted(report.samples, "sample")) on \(counted(report.ranks, "rank"))"
  }
}

/// The map of changes with the front, and the largest change of every round.
struct ResidualPanel {
  let residuals: ResidualMap
  let tolerance: Double?
  let isWeighted: Bool

  func draw(in figure: inout Figure, _ map: Rectangle, _ below: Rectangle) {
    let rounds = Axis(.linear, from: 0, to: Double(max(1, residuals.rounds)), isCount: true)
    let slices = Axis(.linear, from: 0, to: Double(residuals.slices), isCount: true)
    let colors = colorAxis
    let area = PlotArea(map, x: rounds, y: slices)
    let isIterated = residuals.cells.contains { $0 >= 0 }
    if isIterated {
      drawMap(in: &figure, area, colors)
      drawScale(in: &figure, Rectangle(x: map.maxX + 10, y: map.y, width: 9, height: map.height), colors)
      drawFronts(in: &figure, area)
    } else {
      figure.text(
        "sequential: nothing was iterated", at: Point(map.x + map.width / 2, map.y + map.height / 2),
        .middle, color: .paleInk)
    }
    area.drawAxes(in: &figure, title: "Change of every slice", xTitle: "round", yTitle: "slice, from noise to data")
    if isIterated { drawCurve(in: &figure, below, rounds, colors) }
  }

  private func drawCurve(
    in figure: inout Figure, _ below: Rectangle, _ rounds: Axis, _ colors: Axis
  ) {
    let changes = (0..<residuals.columns).map { Double(residuals.largest(column: $0)) }.filter { $0 > 0 }
    let curve = PlotArea(
      below, x: rounds,
      y: Axis(
        .logarithmic, from: max(changes.min() ?? 0.1, colors.high * 1e-12), to: colors.high,
        isWidened: true))
    if let tolerance, tolerance >= curve.y.low {
      figure.line(
        [curve.point(rounds.low, tolerance), curve.point(rounds.high, tolerance)],
        Stroke(.paleInk, width: 0.8, dash: (4, 3)))
      figure.text(
        "tolerance", at: Point(below.maxX + 5, curve.point(0, tolerance).y + 3), size: 8, color: .paleInk)
    }
    let points = (0..<residuals.columns).compactMap { column in
      let change = Double(residuals.largest(column: column))
      return change > 0 ? curve.point(middle(of: column), change) : nil
    }
    figure.line(points, Stroke(.scale(0.75), width: 1.3))
    if points.count < 40 { for point in points { figure.dot(point, radius: 1.7, .scale(0.75)) } }
    curve.drawAxes(in: &figure, title: "Largest change of a round", xTitle: "round", yTitle: isWeighted ? "change, weighted (RMS)" : "change (RMS)")
  }

  private func middle(of column: Int) -> Double {
    min(Double(residuals.rounds), (Double(column) + 0.5) * Double(residuals.roundsPerColumn))
  }

  /// From the largest change down to a decade below the tolerance, or eight decades.
  private var colorAxis: Axis {
    let changes = residuals.cells.filter { $0 > 0 && $0.isFinite }
    let largest = Double(changes.max() ?? 1)
    let smallest = Double(changes.min() ?? 0.1)
    let floor = tolerance.map { $0 > 0 ? $0 / 10 : 0 } ?? 0
    return Axis(
      .logarithmic, from: max(smallest, floor, largest * 1e-8), to: max(largest, smallest * 10),
      isWidened: true)
  }

  private func drawMap(in figure: inout Figure, _ area: PlotArea, _ colors: Axis) {
    guard residuals.columns > 0 else { return }
    var pixels = Pixels(width: residuals.columns, height: residuals.rows, channels: 3, filledWith: 255)
    for column in 0..<residuals.columns {
      for row in 0..<residuals.rows {
        let change = residuals.cell(column: column, row: row)
        guard change >= 0 else { continue }
        let color = Color.scale(change > 0 ? colors.position(of: Double(change)) : 0)
        pixels.set(column, residuals.rows - 1 - row, color)
      }
    }
    // The last cells may reach beyond the last round and slice.
    let width = Double(residuals.columns * residuals.roundsPerColumn) / area.x.high * area.frame.width
    let height = Double(residuals.rows * residuals.slicesPerRow) / area.y.high * area.frame.height
    figure.image(
      pixels, in: Rectangle(x: area.frame.x, y: area.frame.maxY - height, width: width, height: height))
    if width > area.frame.width {
      figure.fill(
        Rectangle(x: area.frame.maxX, y: area.frame.y - 2, width: width - area.frame.width + 1, height: area.frame.height + 4),
        .white)
    }
    if height > area.frame.height {
      figure.fill(
        Rectangle(x: area.frame.x, y: area.frame.maxY - height - 1, width: area.frame.width, height: height - area.frame.height + 1),
        .white)
    }
  }

  /// How far the samples are, and the line that they cannot fall behind.
  private func drawFronts(in figure: inout Figure, _ area: PlotArea) {
    let slowest = [area.point(0, 0), area.point(min(area.x.high, area.y.high), min(area.x.high, area.y.high))]
    var front: [Point] = []
    // A slice is done when it is never again beyond the tolerance.
    var done = residuals.slices
    for column in (0..<residuals.columns).reversed() {
      let round = min(Double(residuals.rounds), Double((column + 1) * residuals.roundsPerColumn))
      done = min(done, frontSlice(column))
      front.append(area.point(round, Double(done)))
    }
    front = [area.point(0, 0)] + front.reversed()
    for (points, dash) in [(front, nil), (slowest, (on: 3.0, off: 3.0))] as [([Point], (on: Double, off: Double)?)] {
      // Narrow, so that little of a narrow window lies under it.
      figure.line(points, Stroke(.white, width: 2))
      figure.line(points, Stroke(.ink, width: 0.9, dash: dash))
    }
    let key = Point(area.frame.x, area.frame.maxY + 40)
    figure.line([Point(key.x, key.y - 3), Point(key.x + 18, key.y - 3)], Stroke(.ink, width: 1.1))
    figure.text("front: done below it", at: Point(key.x + 23, key.y), size: 8)
    figure.line(
      [Point(key.x + 130, key.y - 3), Point(key.x + 148, key.y - 3)], Stroke(.ink, width: 1.1, dash: (3, 3)))
    figure.text("certain: one slice a round", at: Point(key.x + 153, key.y), size: 8)
  }

  /// The first slice that is not done after a column: within a block, the first
  /// one that still changed.
  private func frontSlice(_ column: Int) -> Int {
    let finished = residuals.finished[column]
    let iterated = (0..<residuals.rows).filter { residuals.cell(column: column, row: $0) >= 0 }
    guard let last = iterated.last else { return finished }
    let limit = Float(tolerance ?? 0)
    let moving = iterated.first { residuals.cell(column: column, row: $0) > limit }
    return max(finished, moving.map { $0 * residuals.slicesPerRow } ?? min(residuals.slices, (last + 1) * residuals.slicesPerRow))
  }

  private func drawScale(in figure: inout Figure, _ frame: Rectangle, _ colors: Axis) {
    let count = 64
    for step in 0..<count {
      figure.fill(
        Rectangle(
          x: frame.x, y: frame.maxY - Double(step + 1) / Double(count) * frame.height, width: frame.width,
          height: frame.height / Double(count) + 0.3),
        .scale((Double(step) + 0.5) / Double(count)))
    }
    figure.frame(frame, Stroke(.ink, width: 0.7))
    for tick in colors.ticks {
      let place = frame.maxY - colors.position(of: tick) * frame.height
      figure.line([Point(frame.maxX, place), Point(frame.maxX + 3, place)], Stroke(.ink, width: 0.7))
      figure.number(tick, .logarithmic, at: Point(frame.maxX + 5, place + 3), .start)
    }
  }
}
