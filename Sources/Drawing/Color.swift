/// Red, green and blue from 0 to 1, encoded as sRGB.
package struct Color: Hashable, Sendable {
  package var red: Double
  package var green: Double
  package var blue: Double

  package init(_ red: Double, _ green: Double, _ blue: Double) {
    (self.red, self.green, self.blue) = (red, green, blue)
  }

  package init(grey: Double) { self.init(grey, grey, grey) }

  package static let white = Color(grey: 1)
  /// Text, frames and lines.
  package static let ink = Color(grey: 0.1)
  package static let paleInk = Color(grey: 0.45)

  /// Three bytes.
  var bytes: [UInt8] { [red, green, blue].map { UInt8(($0 * 255).rounded()) } }

  /// How bright it is in grey, from 0 to 1: ITU-R BT.709's weights.
  package var luma: Double { 0.2126 * red + 0.7152 * green + 0.0722 * blue }

  func mixed(with other: Color, _ share: Double) -> Color {
    func mix(_ a: Double, _ b: Double) -> Double { a + share * (b - a) }
    return Color(mix(red, other.red), mix(green, other.green), mix(blue, other.blue))
  }

  /// A scale for quantities, from pale (0) to dark (1): its luma falls evenly,
  /// so that it reads the same in grey.
  package static func scale(_ position: Double) -> Color {
    let stops = [
      Color(0.97, 0.95, 0.87), Color(0.99, 0.78, 0.50), Color(0.93, 0.49, 0.36),
      Color(0.71, 0.22, 0.42), Color(0.38, 0.09, 0.42), Color(0.08, 0.05, 0.22),
    ]
    let place = max(0, min(1, position)) * Double(stops.count - 1)
    let stop = min(stops.count - 2, Int(place))
    return stops[stop].mixed(with: stops[stop + 1], place - Double(stop))
  }
}
