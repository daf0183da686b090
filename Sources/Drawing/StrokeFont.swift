import Foundation

/// Letters as strokes of a round pen, for pictures without a font file.
///
/// A glyph is drawn in units of a fourteenth of the height of a capital, from
/// the base line up: `M` moves the pen, `L` draws a line, `Q` a quadratic curve
/// (control point, end), `E` an arc of an ellipse (centre, radii, angles in
/// degrees). The first number is the glyph's width.
enum StrokeFont {
  /// The height of a capital, relative to the size of the text.
  static let capHeight = 0.7
  /// Width of the pen, relative to the size of the text.
  static let pen = 0.085
  private static let unitsPerCapital = 14.0
  /// Room between two glyphs.
  private static let gap = 3.1
  private static let wordSpace = 3.6

  /// The lines of a text of size 1 whose base line starts at the origin; y downwards.
  static func lines(of text: String) -> [[Point]] {
    var lines: [[Point]] = []
    var pen = 0.0
    let unit = capHeight / unitsPerCapital
    for character in text {
      let glyph = glyphs[character] ?? missing
      for line in glyph.lines {
        lines.append(line.map { Point((pen + $0.x) * unit, -$0.y * unit) })
      }
      pen += glyph.width + gap
    }
    return lines
  }

  /// The width of a text of size 1.
  static func width(of text: String) -> Double {
    let units = text.reduce(0) { $0 + (glyphs[$1] ?? missing).width + gap }
    return max(0, units - gap) * capHeight / unitsPerCapital
  }

  fileprivate struct Glyph {
    var width: Double
    var lines: [[Point]]
  }

  private static let missing = Glyph(parsing: "7 M0 0 L7 0 L7 14 L0 14 L0 0")
  private static let glyphs = paths.mapValues { Glyph(parsing: $0) }

  private static let paths: [Character: String] = [
    " ": "\(wordSpace)",
    "A": "9 M0 0 L4.5 14 L9 0 M1.6 5 L7.4 5",
    "B": "8.4 M0 0 L0 14 L4.5 14 Q8 14 8 10.7 Q8 7.5 4.5 7.5 L0 7.5 M4.5 7.5 Q8.4 7.5 8.4 3.7 Q8.4 0 4.5 0 L0 0",
    "C": "9.6 E5.6 7 5.6 7 45 315",
    "D": "9.4 M0 0 L0 14 L3.5 14 Q9.4 14 9.4 7 Q9.4 0 3.5 0 L0 0",
    "E": "7.2 M7.2 0 L0 0 L0 14 L7.2 14 M0 7.3 L6.3 7.3",
    "F": "7 M0 0 L0 14 L7 14 M0 7.1 L6.1 7.1",
    "G": "11 E5.6 7 5.6 7 48 360 M11.2 7 L6.6 7",
    "H": "9 M0 0 L0 14 M9 0 L9 14 M0 7.3 L9 7.3",
    "I": "0 M0 0 L0 14",
    "J": "6 M6 14 L6 4 Q6 0 3 0 Q0 0 0 3.5",
    "K": "8.4 M0 0 L0 14 M8 14 L0 5.5 M3 8.7 L8.4 0",
    "L": "7 M0 14 L0 0 L7 0",
    "M": "11 M0 0 L0 14 L5.5 3 L11 14 L11 0",
    "N": "9 M0 0 L0 14 L9 0 L9 14",
    "O": "11.6 E5.8 7 5.8 7 0 360",
    "P": "8.3 M0 0 L0 14 L4.5 14 Q8.3 14 8.3 10.2 Q8.3 6.4 4.5 6.4 L0 6.4",
    "Q": "11.6 E5.8 7 5.8 7 0 360 M7.3 3.5 L11.3 -1",
    "R": "8.6 M0 0 L0 14 L4.5 14 Q8.3 14 8.3 10.2 Q8.3 6.4 4.5 6.4 L0 6.4 M4.3 6.4 L8.6 0",
    "S": "8.4 M8 11.3 Q7.4 14 4.2 14 Q0.6 14 0.6 10.7 Q0.6 8.2 4.3 7.3 Q8.4 6.4 8.4 3.5 Q8.4 0 4.3 0 Q0.5 0 0 3",
    "T": "9 M0 14 L9 14 M4.5 14 L4.5 0",
    "U": "9 M0 14 L0 5 Q0 0 4.5 0 Q9 0 9 5 L9 14",
    "V": "9 M0 14 L4.5 0 L9 14",
    "W": "14 M0 14 L3.5 0 L7 12.5 L10.5 0 L14 14",
    "X": "9 M0 14 L9 0 M9 14 L0 0",
    "Y": "9 M0 14 L4.5 7 L9 14 M4.5 7 L4.5 0",
    "Z": "8.4 M0 14 L8.4 14 L0 0 L8.4 0",
    "a": "7.6 E3.8 5 3.8 5 0 360 M7.6 10 L7.6 0",
    "b": "7.6 M0 14 L0 0 E3.8 5 3.8 5 0 360",
    "c": "6.8 E4 5 4 5 48 312",
    "d": "7.6 E3.8 5 3.8 5 0 360 M7.6 14 L7.6 0",
    "e": "7.6 M0 5.2 L7.6 5.2 E3.8 5 3.8 5 2 318",
    "f": "5 M5.2 13.6 Q2.1 14.6 2.1 10.5 L2.1 0 M0 10 L4.8 10",
    "g": "7.6 E3.8 5 3.8 5 0 360 M7.6 10 L7.6 -0.5 Q7.6 -4.2 3.9 -4.2 Q1 -4.2 0.5 -2.4",
    "h": "7.2 M0 14 L0 0 M0 6 Q0.5 10 3.8 10 Q7.2 10 7.2 6 L7.2 0",
    "i": "0 M0 10 L0 0 M0 13.3 L0 13.7",
    "j": "2.2 M2.2 10 L2.2 -1.5 Q2.2 -4.2 0 -4.2 M2.2 13.3 L2.2 13.7",
    "k": "6.6 M0 14 L0 0 M6.2 10 L0 4 M2.4 6.3 L6.6 0",
    "l": "1.8 M0 14 L0 2.4 Q0 0 1.8 0",
    "m": "12.2 M0 10 L0 0 M0 6.3 Q0.4 10 3.3 10 Q6.1 10 6.1 6.3 L6.1 0 M6.1 6.3 Q6.5 10 9.4 10 Q12.2 10 12.2 6.3 L12.2 0",
    "n": "7.2 M0 10 L0 0 M0 6 Q0.5 10 3.8 10 Q7.2 10 7.2 6 L7.2 0",
    "o": "7.8 E3.9 5 3.9 5 0 360",
    "p": "7.6 M0 10 L0 -4.2 E3.8 5 3.8 5 0 360",
    "q": "7.6 M7.6 10 L7.6 -4.2 E3.8 5 3.8 5 0 360",
    "r": "4.4 M0 10 L0 0 M0 5.5 Q0.4 10 4.4 10",
    "s": "6.3 M6 8 Q5.6 10 3.2 10 Q0.4 10 0.4 7.7 Q0.4 5.8 3.2 5.2 Q6.3 4.5 6.3 2.6 Q6.3 0 3.2 0 Q0.4 0 0 2.2",
    "t": "5 M2 13 L2 3 Q2 -0.2 5 0.2 M0 10 L4.8 10",
    "u": "7.2 M0 10 L0 4 Q0 0 3.4 0 Q6.7 0 7.2 4 M7.2 10 L7.2 0",
    "v": "7.4 M0 10 L3.7 0 L7.4 10",
    "w": "11.4 M0 10 L2.85 0 L5.7 9 L8.55 0 L11.4 10",
    "x": "6.8 M0 10 L6.8 0 M6.8 10 L0 0",
    "y": "7.4 M0 10 L3.7 0 M7.4 10 L3.3 -1.6 Q2.4 -4.2 0.3 -4",
    "z": "6.6 M0 10 L6.6 10 L0 0 L6.6 0",
    "0": "8 E4 7 4 7 0 360",
    "1": "8 M1.8 11.6 L5 14 L5 0",
    "2": "8 M0.4 10.6 Q0.7 14 4.1 14 Q7.8 14 7.8 10.5 Q7.8 8.4 5.5 5.8 L0 0 L8 0",
    "3": "8 M0.5 11.4 Q1.2 14 4 14 Q7.5 14 7.5 10.8 Q7.5 7.6 3.4 7.6 M3.4 7.6 Q8 7.6 8 3.8 Q8 0 4 0 Q0.8 0 0 3",
    "4": "8 M6 0 L6 14 L0 4 L8 4",
    "5": "8 M7.2 14 L1.3 14 L0.7 7.6 Q2 8.9 4 8.9 Q8 8.9 8 4.5 Q8 0 3.9 0 Q0.9 0 0 2.6",
    "6": "8 M7 12.5 Q6 14 4.3 14 Q0.1 13.8 0 4.6 E4 4.4 4 4.4 0 360",
    "7": "8 M0 14 L8 14 L3 0",
    "8": "8 E4 10.6 3.5 3.4 0 360 E4 3.6 4 3.6 0 360",
    "9": "8 E4 9.6 4 4.4 0 360 M8 9.4 Q7.9 0.2 3.7 0 Q2 0 1 1.5",
    ".": "0 M0 0 L0 0.4",
    ",": "0.8 M0.8 0.4 L0 -2.4",
    ":": "0 M0 0 L0 0.4 M0 7.6 L0 8",
    ";": "0.8 M0.8 0.4 L0 -2.4 M0.8 7.6 L0.8 8",
    "!": "0 M0 14 L0 4.6 M0 0 L0 0.4",
    "?": "7 M0 10.8 Q0.4 14 3.6 14 Q7 14 7 10.8 Q7 8.8 5 7.4 Q3.4 6.2 3.4 4.4 M3.4 0 L3.4 0.4",
    "-": "5 M0 5 L5 5",
    "+": "8 M0 5.5 L8 5.5 M4 1.5 L4 9.5",
    "=": "8 M0 7.2 L8 7.2 M0 3.4 L8 3.4",
    "*": "6 M3 14 L3 7 M0 12.3 L6 8.7 M6 12.3 L0 8.7",
    "/": "5.6 M0 -2 L5.6 15",
    "\\": "5.6 M0 15 L5.6 -2",
    "|": "0 M0 16 L0 -3",
    "(": "3.2 M3.2 16 Q0 11.5 0 6.3 Q0 1 3.2 -3.5",
    ")": "3.2 M0 16 Q3.2 11.5 3.2 6.3 Q3.2 1 0 -3.5",
    "[": "3 M3 16 L0 16 L0 -3 L3 -3",
    "]": "3 M0 16 L3 16 L3 -3 L0 -3",
    "{": "4 M4 16 Q1.6 16 1.6 13 L1.6 9 Q1.6 6.5 0 6.5 Q1.6 6.5 1.6 4 L1.6 0 Q1.6 -3 4 -3",
    "}": "4 M0 16 Q2.4 16 2.4 13 L2.4 9 Q2.4 6.5 4 6.5 Q2.4 6.5 2.4 4 L2.4 0 Q2.4 -3 0 -3",
    "<": "7.4 M7.4 9.6 L0 5.4 L7.4 1.2",
    ">": "7.4 M0 9.6 L7.4 5.4 L0 1.2",
    "_": "8 M0 -2 L8 -2",
    "%": "11.4 E2.3 10.8 2.3 3.2 0 360 E9.1 3.2 2.3 3.2 0 360 M9.6 14 L1.8 0",
    "#": "8.4 M2.2 0 L3.8 14 M4.8 0 L6.4 14 M0.3 9.4 L8.4 9.4 M0 4.6 L8.1 4.6",
    "&": "10 M10 0 L2.2 9.4 Q0.8 11.2 1.4 12.6 Q2 14 3.8 14 Q6.6 14 6.6 11.4 Q6.6 9.4 3.6 7.6 Q0 5.6 0 3.4 Q0 0 4 0 Q8 0 9.4 6",
    "@": "12 E6 5.6 6 8 30 330 E6.2 5.6 2.7 3.6 0 360 M8.9 9.2 L8.9 4 Q9 2 10.6 2.4 Q11.7 3 11.6 6",
    "$": "8.4 M8 11 Q7.4 13 4.2 13 Q0.6 13 0.6 10.2 Q0.6 8 4.3 7.2 Q8.4 6.2 8.4 3.7 Q8.4 1 4.3 1 Q0.5 1 0 3.4 M4.3 15.4 L4.3 -1.6",
    "^": "6 M0 10 L3 14 L6 10",
    "~": "8 M0 4.6 Q1.8 7.4 4 5.6 Q6.2 3.8 8 6.6",
    "'": "0 M0 14 L0 10.4",
    "\"": "3 M0 14 L0 10.4 M3 14 L3 10.4",
    "`": "2 M0 14 L2 11.6",
    "×": "6.6 M0 9 L6.6 2.4 M6.6 9 L0 2.4",
    "µ": "7.2 M0 10 L0 -4.2 M0 4 Q0 0 3.4 0 Q6.7 0 7.2 4 M7.2 10 L7.2 0",
    "–": "8 M0 5 L8 5",
  ]
}

extension StrokeFont.Glyph {
  fileprivate init(parsing path: String) {
    let parts = path.split(separator: " ")
    width = parts.first.flatMap { Double($0) } ?? 0
    lines = []
    var index = 1
    func number(_ text: Substring) -> Double { Double(text) ?? 0 }
    func numbers(_ count: Int) -> [Double] {
      defer { index += count }
      return [number(parts[index].dropFirst())] + parts[(index + 1)..<(index + count)].map(number)
    }
    while index < parts.count {
      switch parts[index].first {
      case "M":
        let n = numbers(2)
        lines.append([Point(n[0], n[1])])
      case "L":
        let n = numbers(2)
        lines[lines.count - 1].append(Point(n[0], n[1]))
      case "Q":
        let n = numbers(4)
        let start = lines[lines.count - 1].last!
        for step in 1...10 {
          let t = Double(step) / 10
          let (a, b, c) = ((1 - t) * (1 - t), 2 * t * (1 - t), t * t)
          lines[lines.count - 1].append(
            Point(a * start.x + b * n[0] + c * n[2], a * start.y + b * n[1] + c * n[3]))
        }
      default:
        let n = numbers(6)
        lines.append(
          (0...32).map {
            let angle = (n[4] + (n[5] - n[4]) * Double($0) / 32) * .pi / 180
            return Point(n[0] + n[2] * cos(angle), n[1] + n[3] * sin(angle))
          })
      }
    }
  }
}
