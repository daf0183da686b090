import Foundation

extension Figure {
  /// The figure as an SVG file.
  package func svg() throws(PNGRefusal) -> String {
    var lines = [
      """
      <svg xmlns="http://www.w3.org/2000/svg" width="\(n(width))pt" height="\(n(height))pt" \
      viewBox="0 0 \(n(width)) \(n(height))" font-family="Helvetica, Arial, sans-serif">
      """,
      "<rect width=\"100%\" height=\"100%\" fill=\"\(Color.white.hex)\"/>",
    ]
    for mark in marks { lines.append(try element(mark)) }
    return (lines + ["</svg>"]).joined(separator: "\n") + "\n"
  }

  private func element(_ mark: Mark) throws(PNGRefusal) -> String {
    switch mark {
    case .rectangle(let r, let fill):
      return "<rect \(place(r)) fill=\"\(fill.hex)\"/>"
    case .line(let points, let stroke):
      let dash = stroke.dash.map { " stroke-dasharray=\"\(n($0.on)) \(n($0.off))\"" } ?? ""
      return """
        <polyline points="\(points.map { "\(n($0.x)),\(n($0.y))" }.joined(separator: " "))" fill="none" \
        stroke="\(stroke.color.hex)" stroke-width="\(n(stroke.width))" stroke-linejoin="round" \
        stroke-linecap="round"\(dash)/>
        """
    case .dot(let center, let radius, let fill):
      return "<circle cx=\"\(n(center.x))\" cy=\"\(n(center.y))\" r=\"\(n(radius))\" fill=\"\(fill.hex)\"/>"
    case .text(let text):
      let (x, y) = (n(text.position.x), n(text.position.y))
      let turn = text.isUpright ? " transform=\"rotate(-90 \(x) \(y))\"" : ""
      return """
        <text x="\(x)" y="\(y)" font-size="\(n(text.size))" text-anchor="\(text.anchor.rawValue)" \
        fill="\(text.color.hex)"\(turn)>\(escaped(text.string))</text>
        """
    case .image(let pixels, let r):
      // Large, since not every viewer heeds `pixelated`: others smooth only the rims.
      let factor = max(1, 1024 / max(pixels.width, pixels.height))
      let data = Data(try pixels.magnified(by: factor).encodedAsPNG()).base64EncodedString()
      return """
        <image \(place(r)) preserveAspectRatio="none" style="image-rendering: pixelated" \
        href="data:image/png;base64,\(data)"/>
        """
    }
  }

  private func place(_ r: Rectangle) -> String {
    "x=\"\(n(r.x))\" y=\"\(n(r.y))\" width=\"\(n(r.width))\" height=\"\(n(r.height))\""
  }
}

extension Color {
  fileprivate var hex: String { "#" + bytes.map { String(format: "%02x", $0) }.joined() }
}

/// Hundredths of a point.
private func n(_ value: Double) -> String {
  let rounded = (value * 100).rounded() / 100
  return rounded == rounded.rounded() ? "\(Int(rounded))" : "\(rounded)"
}

private func escaped(_ text: String) -> String {
  text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
}
