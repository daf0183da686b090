import PicardSampler

/// How many steps a sliding window has: always as many, or more where they come to rest
/// as fast as they are opened.
struct WindowExtent: Hashable {
  var steps: Int
  /// What it may grow to.
  var most: Int?
}

extension WindowExtent {
  init?(_ options: PicardOptions) {
    guard let steps = options.window else { return nil }
    self.init(steps: steps, most: options.largestWindow)
  }
}

/// `32`, or `32:128`.
extension WindowExtent: LosslessStringConvertible {
  init?(_ text: String) {
    let numbers = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { Int($0) }
    guard let first = numbers.first, let steps = first, let last = numbers.last, let most = last else { return nil }
    (self.steps, self.most) = (steps, numbers.count > 1 ? most : nil)
  }

  var description: String { most.map { "\(steps):\($0)" } ?? "\(steps)" }
}

/// A number, or `"32:128"`.
extension WindowExtent: Encodable {
  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    if most == nil { try container.encode(steps) } else { try container.encode(description) }
  }
}
