import Foundation

extension Figure {
  /// The figure as pixels, edges smoothed.
  ///
  /// - Parameter scale: pixels a point.
  package func pixels(scale: Double = 3) -> Pixels {
    var raster = Raster(
      width: Int((width * scale).rounded()), height: Int((height * scale).rounded()))
    for mark in marks {
      switch mark {
      case .rectangle(let rectangle, let fill):
        raster.fill(rectangle.scaled(scale), fill)
      case .line(let points, let stroke):
        let points = points.map { $0.scaled(scale) }
        let dash = stroke.dash.map { (on: $0.on * scale, off: $0.off * scale) }
        raster.draw(dash.map { dashes(points, $0) } ?? [points], width: stroke.width * scale, stroke.color)
      case .dot(let center, let radius, let fill):
        let center = center.scaled(scale)
        raster.draw([[center, center]], width: 2 * radius * scale, fill)
      case .text(let text):
        let size = text.size * scale
        raster.draw(text.lines(size: size, at: text.position.scaled(scale)), width: StrokeFont.pen * size, text.color)
      case .image(let image, let rectangle):
        raster.draw(image, in: rectangle.scaled(scale))
      }
    }
    return raster.pixels
  }

  package func png(scale: Double = 3) throws(PNGRefusal) -> [UInt8] {
    try pixels(scale: scale).encodedAsPNG()
  }
}

extension Text {
  /// Width in points, as drawn in PNG; letters of SVG are about as wide.
  package static func width(of string: String, size: Double) -> Double {
    StrokeFont.width(of: string) * size
  }

  fileprivate func lines(size: Double, at position: Point) -> [[Point]] {
    let width = StrokeFont.width(of: string) * size
    let shift: Double =
      switch anchor {
      case .start: 0
      case .middle: -width / 2
      case .end: -width
      }
    return StrokeFont.lines(of: string).map { line in
      line.map { point in
        let (along, across) = (point.x * size + shift, point.y * size)
        return isUpright
          ? Point(position.x + across, position.y - along)
          : Point(position.x + along, position.y + across)
      }
    }
  }
}

extension Point {
  fileprivate func scaled(_ scale: Double) -> Point { Point(x * scale, y * scale) }
}

extension Rectangle {
  fileprivate func scaled(_ scale: Double) -> Rectangle {
    Rectangle(x: x * scale, y: y * scale, width: width * scale, height: height * scale)
  }
}

/// Cuts a line into its dashes.
private func dashes(_ points: [Point], _ dash: (on: Double, off: Double)) -> [[Point]] {
  var lines: [[Point]] = [[points[0]]]
  var isOn = true
  var rest = dash.on
  for (start, end) in zip(points, points.dropFirst()) {
    let length = hypot(end.x - start.x, end.y - start.y)
    var done = 0.0
    while length - done > rest {
      done += rest
      let t = done / length
      let point = Point(start.x + t * (end.x - start.x), start.y + t * (end.y - start.y))
      if isOn { lines[lines.count - 1].append(point) } else { lines.append([point]) }
      isOn.toggle()
      rest = isOn ? dash.on : dash.off
    }
    rest -= length - done
    if isOn { lines[lines.count - 1].append(end) }
  }
  return lines.filter { $0.count > 1 }
}

/// Pixels that marks are painted on, one over the other.
private struct Raster {
  var pixels: Pixels

  init(width: Int, height: Int) {
    pixels = Pixels(width: width, height: height, channels: 3, filledWith: 255)
  }

  private mutating func paint(_ x: Int, _ y: Int, _ color: Color, coverage: Double) {
    let first = (y * pixels.width + x) * 3
    for (channel, value) in color.bytes.enumerated() {
      let old = Double(pixels.values[first + channel])
      pixels.values[first + channel] = UInt8((old + coverage * (Double(value) - old)).rounded())
    }
  }

  /// The pixels that lie between two positions at least in part.
  private func range(_ low: Double, _ high: Double, _ count: Int) -> Range<Int> {
    let (first, last) = (max(0, low.rounded(.down)), min(Double(count), high.rounded(.up)))
    return first < last ? Int(first)..<Int(last) : 0..<0
  }

  mutating func fill(_ r: Rectangle, _ color: Color) {
    for y in range(r.y, r.maxY, pixels.height) {
      let rows = min(r.maxY, Double(y) + 1) - max(r.y, Double(y))
      for x in range(r.x, r.maxX, pixels.width) {
        let columns = min(r.maxX, Double(x) + 1) - max(r.x, Double(x))
        paint(x, y, color, coverage: rows * columns)
      }
    }
  }

  /// Lines of a round pen; where they cross they are painted once.
  mutating func draw(_ lines: [[Point]], width: Double, _ color: Color) {
    let points = lines.joined()
    guard let first = points.first else { return }
    let reach = width / 2 + 1
    var (left, right, top, bottom) = (first.x, first.x, first.y, first.y)
    for point in points {
      (left, right) = (min(left, point.x), max(right, point.x))
      (top, bottom) = (min(top, point.y), max(bottom, point.y))
    }
    let columns = range(left - reach, right + reach, pixels.width)
    let rows = range(top - reach, bottom + reach, pixels.height)
    var coverage = [Double](repeating: 0, count: columns.count * rows.count)
    for line in lines {
      for (start, end) in zip(line, line.dropFirst()) {
        let ys = range(min(start.y, end.y) - reach, max(start.y, end.y) + reach, pixels.height)
        let xs = range(min(start.x, end.x) - reach, max(start.x, end.x) + reach, pixels.width)
        for y in ys {
          for x in xs {
            let distance = distance(Point(Double(x) + 0.5, Double(y) + 0.5), start, end)
            // A pen thinner than a pixel is paler, not thinner.
            let value = min(min(1, width), max(0, width / 2 + 0.5 - distance))
            let index = (y - rows.lowerBound) * columns.count + x - columns.lowerBound
            coverage[index] = max(coverage[index], value)
          }
        }
      }
    }
    for y in rows {
      for x in columns {
        let value = coverage[(y - rows.lowerBound) * columns.count + x - columns.lowerBound]
        if value > 0 { paint(x, y, color, coverage: value) }
      }
    }
  }

  mutating func draw(_ image: Pixels, in r: Rectangle) {
    for y in range(r.y.rounded(), r.maxY.rounded(), pixels.height) {
      let row = min(image.height - 1, max(0, Int((Double(y) + 0.5 - r.y) / r.height * Double(image.height))))
      for x in range(r.x.rounded(), r.maxX.rounded(), pixels.width) {
        let column = min(image.width - 1, max(0, Int((Double(x) + 0.5 - r.x) / r.width * Double(image.width))))
        for channel in 0..<3 {
          pixels.values[(y * pixels.width + x) * 3 + channel] =
            image.values[(row * image.width + column) * image.channels + (image.channels == 3 ? channel : 0)]
        }
      }
    }
  }
}

/// The distance of a point from a piece of a line.
private func distance(_ point: Point, _ start: Point, _ end: Point) -> Double {
  let (dx, dy) = (end.x - start.x, end.y - start.y)
  let (px, py) = (point.x - start.x, point.y - start.y)
  let length = dx * dx + dy * dy
  let t = length > 0 ? max(0, min(1, (px * dx + py * dy) / length)) : 0
  return hypot(px - t * dx, py - t * dy)
}
