package import Drawing

/// Time and efficiency over the number of ranks, predicted and measured.
public struct ScalingPicture: Sendable {
  public struct Point: Hashable, Sendable {
    public var ranks: Int
    public var seconds: Double

    public init(ranks: Int, seconds: Double) {
      self.ranks = ranks
      self.seconds = seconds
    }
  }

  public var title: String
  /// Of the sequential sampler on one rank.
  public var sequentialSeconds: Double
  public var predicted: [Point]
  public var measured: [Point]
  /// Predictions for more ranks than these are drawn as a broken line.
  public var ranksAtHand: Int

  public init(
    title: String, sequentialSeconds: Double, predicted: [Point], measured: [Point], ranksAtHand: Int
  ) {
    self.title = title
    self.sequentialSeconds = sequentialSeconds
    self.predicted = predicted
    self.measured = measured
    self.ranksAtHand = ranksAtHand
  }

  public func write(to file: PictureFile) throws(OutputError) { try file.write(figure) }

  package var figure: Figure {
    var figure = Figure(width: 640, height: 290)
    figure.text(title, at: Point2D(50, 20), size: 11)
    let most = Double((predicted + measured).map(\.ranks).max() ?? 1)
    let ranks = Axis(.logarithmic, from: 1, to: max(10, most), isWidened: true)
    let times = (predicted + measured).map(\.seconds) + [sequentialSeconds]
    let time = PlotArea(
      Rectangle(x: 50, y: 50, width: 250, height: 180), x: ranks,
      y: Axis(.logarithmic, from: times.min() ?? 1, to: times.max() ?? 10, isWidened: true))
    figure.line(
      [time.point(ranks.low, sequentialSeconds), time.point(ranks.high, sequentialSeconds)],
      Stroke(.paleInk, width: 0.8, dash: (1, 3)))
    draw(in: &figure, time) { $0.seconds }
    time.drawAxes(in: &figure, title: "Sampling time", xTitle: "ranks", yTitle: "seconds")

    let efficiency = PlotArea(
      Rectangle(x: 370, y: 50, width: 250, height: 180), x: ranks, y: Axis(.linear, from: 0, to: 100))
    draw(in: &figure, efficiency) { 100 * sequentialSeconds / $0.seconds / Double($0.ranks) }
    efficiency.drawAxes(in: &figure, title: "Efficiency over sequential sampling", xTitle: "ranks", yTitle: "%")
    drawKey(in: &figure, Point2D(50, 276))
    return figure
  }

  private func draw(in figure: inout Figure, _ area: PlotArea, _ value: (Point) -> Double) {
    func line(_ points: [Point], dash: (on: Double, off: Double)?) {
      figure.line(points.map { area.point(Double($0.ranks), value($0)) }, Stroke(.scale(0.75), width: 1.4, dash: dash))
    }
    let here = predicted.filter { $0.ranks <= ranksAtHand }
    line(here, dash: nil)
    line((here.last.map { [$0] } ?? []) + predicted.filter { $0.ranks > ranksAtHand }, dash: (4, 3))
    for point in measured { figure.dot(area.point(Double(point.ranks), value(point)), radius: 2.6, .ink) }
  }

  private func drawKey(in figure: inout Figure, _ place: Point2D) {
    let sample = Stroke(.scale(0.75), width: 1.3)
    var entries: [(name: String, stroke: Stroke?)] = []
    if ranksAtHand > 0 { entries.append(("predicted", sample)) }
    if predicted.contains(where: { $0.ranks > ranksAtHand }) {
      entries.append(("predicted, not at hand", Stroke(sample.color, width: 1.3, dash: (4, 3))))
    }
    if !measured.isEmpty { entries.append(("measured", nil)) }
    entries.append(("sequential", Stroke(.paleInk, width: 1, dash: (1, 3))))
    var x = place.x
    for (name, stroke) in entries {
      if let stroke {
        figure.line([Point2D(x, place.y - 3), Point2D(x + 19, place.y - 3)], stroke)
      } else {
        figure.dot(Point2D(x + 10, place.y - 3), radius: 2.6, .ink)
      }
      figure.text(name, at: Point2D(x + 24, place.y), size: 8)
      x += 40 + Text.width(of: name, size: 8)
    }
  }
}

private typealias Point2D = Drawing.Point
