import Drawing
import NumPyFormat

/// How a sample's elements form a picture, or the slices of a volume.
public struct ImageLayout: Hashable, Sendable {
  public let height: Int
  public let width: Int
  /// 1 (grey) or 3 (red, green, blue).
  public let channels: Int
  /// Pictures of a sample: the slices of a volume, else 1.
  public let slices: Int
  /// Whether the channels are the first axis rather than the last.
  public let channelsFirst: Bool

  /// The layout of samples of this shape; `nil` where they are no pictures.
  ///
  /// Pictures are `(H, W)`, `(C, H, W)` or `(H, W, C)` with 1 or 3 channels,
  /// channels first where both are possible. Other arrays of three axes are
  /// volumes, sliced along the first one, and so are `(C, D, H, W)` with 1 or 3
  /// channels.
  public init?(shape: [Int]) {
    guard shape.allSatisfy({ $0 > 0 }) else { return nil }
    func isChannels(_ length: Int) -> Bool { length == 1 || length == 3 }
    switch shape.count {
    case 2:
      self.init(height: shape[0], width: shape[1])
    case 3 where isChannels(shape[0]):
      self.init(height: shape[1], width: shape[2], channels: shape[0])
    case 3 where isChannels(shape[2]):
      self.init(height: shape[0], width: shape[1], channels: shape[2], channelsFirst: false)
    case 3:
      self.init(height: shape[1], width: shape[2], slices: shape[0])
    case 4 where isChannels(shape[0]):
      self.init(height: shape[2], width: shape[3], channels: shape[0], slices: shape[1])
    default:
      return nil
    }
  }

  private init(
    height: Int, width: Int, channels: Int = 1, slices: Int = 1, channelsFirst: Bool = true
  ) {
    self.height = height
    self.width = width
    self.channels = channels
    self.slices = slices
    self.channelsFirst = channelsFirst
  }

  /// Elements of a sample.
  var dimension: Int { slices * height * width * channels }

  func index(slice: Int = 0, row: Int, column: Int, channel: Int) -> Int {
    channelsFirst
      ? ((channel * slices + slice) * height + row) * width + column
      : (row * width + column) * channels + channel
  }
}

/// Samples side by side in one picture.
///
/// Elements from -1 to 1, the range that image models are trained on, become
/// grey or colour values from 0 to 255; what lies outside is clamped. Small
/// pictures are magnified by a whole factor, every element a square. A volume
/// takes a row: evenly spaced slices of it. Labels, where there are any, stand
/// under the first picture of each sample.
public struct ContactSheet: Hashable, Sendable {
  /// The longer side of a sample on the sheet is at least this many pixels.
  static let leastSide = 64
  /// Pixels between samples and around them.
  static let border = 4
  static let borderValue: UInt8 = 96
  /// Height of a label in pixels, and the size of its text.
  static let labelHeight = 12
  static let labelSize = 11.0
  /// The sheet shows the first samples that fit in so many pixels.
  static let mostPixels = 1 << 25
  /// Slices that are shown of a volume, at most.
  static let mostSlices = 12

  /// What stands under the pictures.
  public enum Labels: Hashable, Sendable {
    /// The number of the sample.
    case numbers(from: Int)
    /// Step and number of the sample, steps of so many samples one after another.
    case steps(of: Int, from: Int)

    func text(of sample: Int) -> String {
      switch self {
      case .numbers(let first): "\(first + sample)"
      case .steps(let samples, let first): "\(sample / samples): \(first + sample % samples)"
      }
    }
  }

  public let layout: ImageLayout
  public let labels: Labels?
  /// Samples on the sheet: the first ones of the run.
  public let count: Int
  let columns: Int
  let rows: Int
  /// Slices that are shown of every sample.
  let slices: [Int]
  /// Pixels a side for one element.
  let magnification: Int

  /// The sheet for a run of `samples` samples.
  public init(layout: ImageLayout, samples: Int, labels: Labels? = nil) {
    self.layout = layout
    self.labels = labels
    let side = max(layout.height, layout.width)
    magnification = (Self.leastSide + side - 1) / side
    let (area, isHuge) = (layout.height * magnification + Self.border + (labels == nil ? 0 : Self.labelHeight))
      .multipliedReportingOverflow(by: layout.width * magnification + Self.border)
    let shown = min(layout.slices, Self.mostSlices)
    slices = (0..<shown).map { (2 * $0 + 1) * layout.slices / (2 * shown) }
    count = min(samples, max(1, isHuge ? 1 : Self.mostPixels / area / shown))
    (columns, rows) = shown > 1 ? (shown, count) : Self.grid(count)
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
    precondition(samples.count >= count * layout.dimension)
    let pictureHeight = layout.height * magnification
    let cellHeight = pictureHeight + Self.border + (labels == nil ? 0 : Self.labelHeight)
    let cellWidth = layout.width * magnification + Self.border
    var sheet = Pixels(
      width: columns * cellWidth + Self.border, height: rows * cellHeight + Self.border,
      channels: layout.channels, filledWith: Self.borderValue)
    for place in 0..<(count * slices.count) {
      let (sample, slice) = (place / slices.count, slices[place % slices.count])
      let top = place / columns * cellHeight + Self.border
      let left = place % columns * cellWidth + Self.border
      if let labels, place % slices.count == 0 {
        write(labels.text(of: sample), into: &sheet, left: left, top: top + pictureHeight)
      }
      for y in 0..<pictureHeight {
        for x in 0..<(layout.width * magnification) {
          for channel in 0..<layout.channels {
            let element = layout.index(
              slice: slice, row: y / magnification, column: x / magnification, channel: channel)
            sheet.values[((top + y) * sheet.width + left + x) * layout.channels + channel] =
              Self.pixelValue(samples[sample * layout.dimension + element])
          }
        }
      }
    }
    return sheet
  }

  /// Writes a label in the middle below a picture, where there is room for it.
  private func write(_ text: String, into sheet: inout Pixels, left: Int, top: Int) {
    let width = layout.width * magnification
    guard Text.width(of: text, size: Self.labelSize) < Double(width) else { return }
    var figure = Figure(width: Double(width), height: Double(Self.labelHeight))
    figure.fill(Rectangle(x: 0, y: 0, width: figure.width, height: figure.height), Color(grey: Double(Self.borderValue) / 255))
    figure.text(text, at: Point(figure.width / 2, figure.height - 2), size: Self.labelSize, .middle, color: .white)
    let label = figure.pixels(scale: 1)
    for y in 0..<label.height {
      for x in 0..<label.width {
        for channel in 0..<layout.channels {
          sheet.values[((top + y) * sheet.width + left + x) * layout.channels + channel] =
            label.values[(y * label.width + x) * label.channels + channel]
        }
      }
    }
  }

  /// -1 becomes 0 and 1 becomes 255; what is not a number becomes 0.
  static func pixelValue(_ element: Float) -> UInt8 {
    if element >= 1 { return 255 }
    return element > -1 ? UInt8(((element + 1) * 127.5).rounded()) : 0
  }
}
