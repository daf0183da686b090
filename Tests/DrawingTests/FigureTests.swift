import Drawing
import Foundation
import Testing

@Suite struct Figures {
  private var small: Figure {
    var figure = Figure(width: 40, height: 20)
    figure.fill(Rectangle(x: 2, y: 2, width: 10, height: 10), Color(1, 0, 0))
    figure.line([Point(20, 2), Point(20, 18)], Stroke(.ink, width: 2, dash: (3, 4)))
    figure.dot(Point(30, 10), radius: 4, Color(0, 0, 1))
    figure.text("1 < 2 & 3", at: Point(4, 18), size: 4, .start)
    return figure
  }

  @Test("SVG holds every mark, text as text")
  func svg() throws {
    #expect(
      try small.svg() == """
        <svg xmlns="http://www.w3.org/2000/svg" width="40pt" height="20pt" viewBox="0 0 40 20" font-family="Helvetica, Arial, sans-serif">
        <rect width="100%" height="100%" fill="#ffffff"/>
        <rect x="2" y="2" width="10" height="10" fill="#ff0000"/>
        <polyline points="20,2 20,18" fill="none" stroke="#1a1a1a" stroke-width="2" stroke-linejoin="round" stroke-linecap="round" stroke-dasharray="3 4"/>
        <circle cx="30" cy="10" r="4" fill="#0000ff"/>
        <text x="4" y="18" font-size="4" text-anchor="start" fill="#1a1a1a">1 &lt; 2 &amp; 3</text>
        </svg>

        """)
  }

  private func color(_ pixels: Pixels, _ x: Int, _ y: Int) -> [UInt8] {
    Array(pixels.values[((y * pixels.width + x) * 3)..<((y * pixels.width + x) * 3 + 3)])
  }

  @Test("pixels show the marks where they are, smooth at their edges")
  func pixels() {
    let pixels = small.pixels(scale: 2)
    #expect(pixels.width == 80 && pixels.height == 40)
    #expect(color(pixels, 0, 0) == [255, 255, 255])
    #expect(color(pixels, 10, 10) == [255, 0, 0])
    #expect(color(pixels, 3, 3) == [255, 255, 255])
    #expect(color(pixels, 4, 4) == [255, 0, 0])
    #expect(color(pixels, 60, 20) == [0, 0, 255])
    // The dash begins with ink, then comes a gap.
    #expect(color(pixels, 40, 6) == [26, 26, 26])
    #expect(color(pixels, 40, 14) == [255, 255, 255])
    // A rectangle that covers half a pixel mixes half of its colour in.
    var half = Figure(width: 2, height: 1)
    half.fill(Rectangle(x: 0, y: 0, width: 0.5, height: 1), Color(grey: 0))
    #expect(color(half.pixels(scale: 1), 0, 0) == [128, 128, 128])
  }

  @Test("text lies on its base line, as wide as it says, and turns")
  func text() {
    func ink(_ figure: Figure) -> (x: ClosedRange<Int>, y: ClosedRange<Int>)? {
      let pixels = figure.pixels(scale: 1)
      let dark = (0..<(pixels.width * pixels.height)).filter { pixels.values[$0 * 3] < 128 }
      let (xs, ys) = (dark.map { $0 % pixels.width }, dark.map { $0 / pixels.width })
      guard let left = xs.min(), let right = xs.max(), let top = ys.min(), let bottom = ys.max()
      else { return nil }
      return (left...right, top...bottom)
    }
    let width = Text.width(of: "HIH", size: 40)
    for (anchor, start) in [(Text.Anchor.start, 100.0), (.middle, 100 - width / 2), (.end, 100 - width)] {
      var figure = Figure(width: 200, height: 100)
      figure.text("HIH", at: Point(100, 60), size: 40, anchor)
      let box = ink(figure)
      // Half of the pen, and a pixel of rounding, beyond the glyphs.
      #expect(abs(Double(box?.x.lowerBound ?? 0) - start) < 3)
      #expect(abs(Double(box?.x.upperBound ?? 0) - start - width) < 3)
      #expect(abs((box?.y.upperBound ?? 0) - 60) < 3)
      #expect(abs((box?.y.lowerBound ?? 0) - 32) < 3)
    }
    var upright = Figure(width: 100, height: 200)
    upright.text("HIH", at: Point(60, 100), size: 40, .start, isUpright: true)
    let box = ink(upright)
    #expect(abs((box?.x.upperBound ?? 0) - 60) < 3)
    #expect(abs(Double(100 - (box?.y.lowerBound ?? 0)) - width) < 3)
  }

  @Test("every printable character has a shape of its own")
  func glyphs() {
    var shapes: [[UInt8]: Character] = [:]
    for code in 33...126 {
      let character = Character(Unicode.Scalar(UInt8(code)))
      var figure = Figure(width: 30, height: 40)
      figure.text(String(character), at: Point(8, 28), size: 24)
      let pixels = figure.pixels(scale: 1).values
      #expect(pixels.contains { $0 < 128 }, "\(character) is blank")
      #expect(shapes.updateValue(character, forKey: pixels) == nil, "\(character) looks like another")
    }
  }

  @Test("the scale of quantities darkens evenly, so that it reads in grey")
  func scale() {
    let lumas = (0...20).map { Color.scale(Double($0) / 20).luma }
    for (pale, dark) in zip(lumas, lumas.dropFirst()) {
      // 20 equal steps would be 0.044 each.
      #expect(pale - dark > 0.02 && pale - dark < 0.08)
    }
  }

  @Test("ticks are round numbers within the axis, on both scales")
  func ticks() {
    #expect(Axis(.linear, from: 0, to: 88).ticks == [0, 20, 40, 60, 80])
    #expect(Axis(.linear, from: -1.2, to: 1.1).ticks.count == 5)
    let powers = Axis(.logarithmic, from: 2e-4, to: 30, isWidened: true)
    #expect(abs(powers.low / 1e-4 - 1) < 1e-9 && abs(powers.high / 100 - 1) < 1e-9)
    #expect(powers.ticks.count == 7)
    #expect(Axis(.logarithmic, from: 1e-200, to: 1).ticks.count <= 7)
    // What is counted has whole numbers only.
    #expect(Axis(.linear, from: 0, to: 3).ticks == [0, 0.5, 1, 1.5, 2, 2.5, 3])
    #expect(Axis(.linear, from: 0, to: 3, isCount: true).ticks == [0, 1, 2, 3])
    #expect(Axis(.linear, from: 0, to: 1, isCount: true).ticks == [0, 1])
    #expect(Axis(.linear, from: 0, to: 88, isCount: true).ticks == [0, 20, 40, 60, 80])
    for (low, high) in [(0.0, 0.0), (1.0, 1.0), (-3.0, -3.0)] {
      #expect(!Axis(.linear, from: low, to: high).ticks.isEmpty)
    }
  }

  @Test("an image is stretched without blur, and embedded in SVG as PNG")
  func image() throws {
    var pixels = Pixels(width: 2, height: 1, channels: 1, filledWith: 0)
    pixels.values[1] = 200
    var figure = Figure(width: 4, height: 4)
    figure.image(pixels, in: Rectangle(x: 0, y: 0, width: 4, height: 4))
    let drawn = figure.pixels(scale: 1)
    #expect(color(drawn, 1, 3) == [0, 0, 0])
    #expect(color(drawn, 2, 0) == [200, 200, 200])
    let data = try #require(try figure.svg().firstMatch(of: #/base64,([^"]+)"/#)?.1)
    #expect(Data(base64Encoded: String(data))?.starts(with: [0x89, 0x50, 0x4E, 0x47]) == true)
  }
}
