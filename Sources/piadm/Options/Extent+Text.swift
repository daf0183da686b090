import PicardSampler

/// As `--window` has it: `off`, `32`, or `32:128`.
extension Extent {
  init?(text: String) {
    if text == "off" {
      self = .blocks
      return
    }
    let numbers = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
    guard let first = numbers.first, let slices = first, let last = numbers.last, let maximum = last else { return nil }
    // Of a window that does not grow one number says all.
    guard numbers.count == 1 || maximum != slices else { return nil }
    self = .window(slices, maximum: maximum)
  }

  var text: String {
    switch self {
    case .blocks: "off"
    case .window(let slices, let maximum): maximum == slices ? "\(slices)" : "\(slices):\(maximum)"
    }
  }
}

/// What a table's file has of a sliding window: a number, or `"32:128"`.
struct WindowRecord: Encodable {
  private let extent: Extent

  /// `nil` for whole blocks.
  init?(_ extent: Extent) {
    guard extent != .blocks else { return nil }
    self.extent = extent
  }

  var text: String { extent.text }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if extent.grows { try container.encode(text) } else { try container.encode(extent.window) }
  }
}
