import Drawing
import PicardSampler

/// Where the time of every rank went, as bars.
struct TimePanel {
  let ranks: [PhaseSeconds]

  /// With more ranks a bar is the mean of neighbours.
  private static let mostBars = 64

  private struct Share: Sendable {
    var name: String
    var color: Color
    var seconds: @Sendable (PhaseSeconds) -> Double
  }

  /// Work in tones from dark to pale, waiting in white.
  private static let shares = [
    Share(name: "score", color: Color(0.13, 0.25, 0.45)) { $0.score },
    Share(name: "update", color: Color(0.28, 0.52, 0.66)) { $0.update },
    Share(name: "send", color: Color(0.93, 0.62, 0.30)) { max(0, $0.exchange + $0.reduce - $0.wait) },
    Share(name: "start and end", color: Color(0.80, 0.78, 0.74)) { $0.setup + $0.output + max(0, $0.other) },
    Share(name: "wait", color: .white) { $0.wait },
  ]

  func draw(in figure: inout Figure, _ frame: Rectangle) {
    let perBar = (ranks.count + Self.mostBars - 1) / Self.mostBars
    let bars = (ranks.count + perBar - 1) / perBar
    let longest = ranks.map(\.total).max() ?? 1
    let area = PlotArea(
      frame, x: Axis(.linear, from: 0, to: max(longest * 1.02, 1e-6)),
      y: Axis(.linear, from: 0, to: 1))
    let height = min(24, frame.height / Double(bars))
    let gap = min(3, height * 0.15)
    let top = frame.y + (frame.height - height * Double(bars)) / 2
    for bar in 0..<bars {
      let group = ranks[(bar * perBar)..<min(ranks.count, (bar + 1) * perBar)]
      let y = top + Double(bar) * height + gap
      var start = 0.0
      for share in Self.shares {
        let seconds = group.reduce(0) { $0 + share.seconds($1) } / Double(group.count)
        let (left, right) = (area.point(start, 0).x, area.point(start + seconds, 0).x)
        let box = Rectangle(x: left, y: y, width: right - left, height: height - 2 * gap)
        figure.fill(box, share.color)
        if height > 6 { figure.frame(box, Stroke(.ink, width: 0.35)) }
        start += seconds
      }
      if bars <= 16 || bar.isMultiple(of: 8) {
        figure.text("\(bar * perBar)", at: Point(frame.x - 5, y + (height - 2 * gap) / 2 + 3), size: 8, .end)
      }
    }
    drawAxis(in: &figure, area, perBar: perBar)
    drawKey(in: &figure, Point(frame.x, frame.maxY + 40))
  }

  private func drawAxis(in figure: inout Figure, _ area: PlotArea, perBar: Int) {
    let (frame, ink) = (area.frame, Stroke(.ink, width: 0.7))
    figure.frame(frame, ink)
    for tick in area.x.ticks {
      let x = area.point(tick, 0).x
      figure.line([Point(x, frame.maxY), Point(x, frame.maxY + 3)], ink)
      figure.number(tick, .linear, at: Point(x, frame.maxY + 12), .middle)
    }
    figure.text("Where the time of each rank went", at: Point(frame.x, frame.y - 6), size: 10)
    figure.text("seconds", at: Point(frame.x + frame.width / 2, frame.maxY + 24), .middle)
    figure.text(
      perBar == 1 ? "rank" : "rank (means of \(perBar))",
      at: Point(frame.x - 26, frame.y + frame.height / 2), .middle, isUpright: true)
  }

  private func drawKey(in figure: inout Figure, _ place: Point) {
    var x = place.x
    for share in Self.shares {
      let box = Rectangle(x: x, y: place.y - 7, width: 8, height: 8)
      figure.fill(box, share.color)
      figure.frame(box, Stroke(.ink, width: 0.5))
      figure.text(share.name, at: Point(x + 11, place.y), size: 8)
      x += 22 + Text.width(of: share.name, size: 8)
    }
  }
}
