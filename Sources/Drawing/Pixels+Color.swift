extension Pixels {
  /// Sets a pixel of a picture in colour.
  package mutating func set(_ x: Int, _ y: Int, _ color: Color) {
    for (channel, value) in color.bytes.enumerated() { values[(y * width + x) * 3 + channel] = value }
  }
}
