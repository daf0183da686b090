import NumPyFormat

/// How a sample's elements form a picture.
public struct ImageLayout: Hashable, Sendable {
  public let height: Int
  public let width: Int
  /// 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// Whether the channels are the first axis rather than the last.
  public let channelsFirst: Bool

  /// The layout of samples of this shape, `(H, W)`, `(C, H, W)` or `(H, W, C)`
  /// with 1 or 3 channels, channels first where both are possible; `nil` where
  /// they are no pictures.
  public init?(shape: [Int]) {
    guard shape.allSatisfy({ $0 > 0 }) else { return nil }
    func isChannels(_ length: Int) -> Bool { length == 1 || length == 3 }
    if shape.count == 2 {
      (channels, height, width, channelsFirst) = (1, shape[0], shape[1], true)
    } else if shape.count == 3, isChannels(shape[0]) {
      (channels, height, width, channelsFirst) = (shape[0], shape[1], shape[2], true)
    } else if shape.count == 3, isChannels(shape[2]) {
      (height, width, channels, channelsFirst) = (shape[0], shape[1], shape[2], false)
    } else {
      return nil
    }
  }

  func index(row: Int, column: Int, channel: Int) -> Int {
    channelsFirst
      ? (channel * height + row) * width + column
      : (row * width + column) * channels + channel
  }
}

/// Samples side by side in one picture.
///
/// Elements from -1 to 1, the range that image models are trained on, become
/// grey or colour values from 0 to 255; what lies outside is clamped. Small
/// pictures are magnified by a whole factor, every element a square.
public struct ContactSheet: Hashable, Sendable {
  /// The longer side of a sample on the sheet is at least this many pixels.
  static let leastSide = 64
  /// Pixels between samples and around them.
  static let border = 4
  static let borderValue: UInt8 = 96
  /// The sheet shows the first samples that fit in so many pixels.
  static let mostPixels = 1 << 25

  public let layout: ImageLayout
  /// Samples on the sheet: the first ones of the run.
  public let count: Int
  let columns: Int
  let rows: Int
  /// Pixels a side for one element.
  let magnification: Int

  /// The sheet for a run of `samples` samples.
  public init(layout: ImageLayout, samples: Int) {
    self.layout = layout
    let side = max(layout.height, layout.width)
    magnification = (Self.leastSide + side - 1) / side
    let (area, isHuge) = (layout.height * magnification + Self.border)
      .multipliedReportingOverflow(by: layout.width * magnification + Self.border)
    count = min(samples, max(1, isHuge ? 1 : Self.mostPixels / area))
    (columns, rows) = Self.grid(count)
  }

  /// The grid with the fewest empty places among those that are at least as
  /// wide as high and at most twice as wide; the squarest of these.
  static func grid(_ count: Int) -> (columns: Int, rows: Int) {
    let square = Int(Double(count).squareRoot().rounded(.up))
    return (square...(2 * square))
      .map { columns in (columns: columns, rows: (count + columns - 1) / columns) }
      .filter { $0.columns == square || $0.columns <= 2 * $0.rows }
      .min { ($0.columns * $0.rows, $0.columns) < ($1.columns * $1.rows, $1.columns) }!
  }

  /// Draws the sheet and writes it as a PNG file, whole or not at all.
  ///
  /// - Parameter samples: the first `count` samples or more, one after another.
  public func write(_ samples: [Float], to path: String) throws(OutputError) {
    let png: [UInt8]
    do {
      png = try pixels(samples).encodedAsPNG()
    } catch {
      throw OutputError(file: path, "cannot be drawn: \(error.message)")
    }
    try WholeFile(path).write(png)
  }

  /// Draws the first samples of a `.npy` file of samples.
  ///
  /// - Throws: `NumPyError` where the file cannot be read, `OutputError` where
  ///   the sheet cannot be written.
  public func write(samplesOf file: String, to path: String) throws {
    try write(NumPyArray(contentsOf: file, firstRows: count).floats, to: path)
  }

  func pixels(_ samples: [Float]) -> Pixels {
    let dimension = layout.height * layout.width * layout.channels
    precondition(samples.count >= count * dimension)
    let cellHeight = layout.height * magnification + Self.border
    let cellWidth = layout.width * magnification + Self.border
    var sheet = Pixels(
      width: columns * cellWidth + Self.border, height: rows * cellHeight + Self.border,
      channels: layout.channels, filledWith: Self.borderValue)
    for sample in 0..<count {
      let top = sample / columns * cellHeight + Self.border
      let left = sample % columns * cellWidth + Self.border
      for y in 0..<(layout.height * magnification) {
        for x in 0..<(layout.width * magnification) {
          for channel in 0..<layout.channels {
            let element = layout.index(
              row: y / magnification, column: x / magnification, channel: channel)
            sheet.values[((top + y) * sheet.width + left + x) * layout.channels + channel] =
              Self.pixelValue(samples[sample * dimension + element])
          }
        }
      }
    }
    return sheet
  }

  /// -1 becomes 0 and 1 becomes 255; what is not a number becomes 0.
  static func pixelValue(_ element: Float) -> UInt8 {
    if element >= 1 { return 255 }
    return element > -1 ? UInt8(((element + 1) * 127.5).rounded()) : 0
  }
}
