/// A drawing of a few kinds of marks, in points from the top left.
///
/// It is written as SVG, with text as text, or as PNG; both show the same.
package struct Figure: Sendable {
  package let width: Double
  package let height: Double
  package private(set) var marks: [Mark] = []

  package init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  package enum Mark: Sendable {
    case rectangle(Rectangle, fill: Color)
    /// Straight lines from point to point, with round ends and corners.
    case line([Point], Stroke)
    case dot(Point, radius: Double, fill: Color)
    case text(Text)
    /// Pixels stretched over a rectangle, each a sharp block.
    case image(Pixels, in: Rectangle)
  }

  package mutating func fill(_ rectangle: Rectangle, _ color: Color) {
    marks.append(.rectangle(rectangle, fill: color))
  }

  package mutating func line(_ points: [Point], _ stroke: Stroke) {
    if points.count > 1 { marks.append(.line(points, stroke)) }
  }

  package mutating func dot(_ center: Point, radius: Double, _ color: Color) {
    marks.append(.dot(center, radius: radius, fill: color))
  }

  package mutating func image(_ pixels: Pixels, in rectangle: Rectangle) {
    marks.append(.image(pixels, in: rectangle))
  }

  package mutating func text(
    _ string: String, at position: Point, size: Double = 9, _ anchor: Text.Anchor = .start,
    color: Color = .ink, isUpright: Bool = false
  ) {
    marks.append(
      .text(Text(string: string, position: position, size: size, anchor: anchor, color: color, isUpright: isUpright)))
  }

  package mutating func frame(_ r: Rectangle, _ stroke: Stroke) {
    line(
      [
        Point(r.x, r.y), Point(r.maxX, r.y), Point(r.maxX, r.maxY), Point(r.x, r.maxY),
        Point(r.x, r.y),
      ], stroke)
  }
}

package struct Point: Hashable, Sendable {
  package var x: Double
  package var y: Double
  package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }
}

package struct Rectangle: Hashable, Sendable {
  package var x: Double
  package var y: Double
  package var width: Double
  package var height: Double

  package init(x: Double, y: Double, width: Double, height: Double) {
    (self.x, self.y, self.width, self.height) = (x, y, width, height)
  }

  package var maxX: Double { x + width }
  package var maxY: Double { y + height }
}

package struct Stroke: Hashable, Sendable {
  package var color: Color
  package var width: Double
  /// Lengths of a dash and of the gap after it; `nil` for a whole line.
  package var dash: Dash?

  package struct Dash: Hashable, Sendable {
    package var on: Double
    package var off: Double
  }

  package init(_ color: Color, width: Double = 0.8, dash: (on: Double, off: Double)? = nil) {
    self.color = color
    self.width = width
    self.dash = dash.map { Dash(on: $0.on, off: $0.off) }
  }
}

package struct Text: Hashable, Sendable {
  package enum Anchor: String, Hashable, Sendable { case start, middle, end }

  package var string: String
  /// On the base line.
  package var position: Point
  package var size: Double
  package var anchor: Anchor
  package var color: Color
  /// Turned by a quarter, from bottom to top.
  package var isUpright: Bool
}
