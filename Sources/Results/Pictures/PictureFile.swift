import Drawing

/// A picture as a file: SVG or PNG, as its name ends.
public struct PictureFile: Hashable, Sendable {
  public let path: String

  /// - Returns: `nil` where the name ends neither in `.png` nor in `.svg`.
  public init?(_ path: String) {
    let name = path.lowercased()
    guard name.hasSuffix(".png") || name.hasSuffix(".svg") else { return nil }
    self.path = path
  }

  /// Writes the picture, whole or not at all.
  func write(_ figure: Figure) throws(OutputError) {
    let bytes: [UInt8]
    do {
      bytes = path.lowercased().hasSuffix(".svg") ? Array(try figure.svg().utf8) : try figure.png()
    } catch {
      throw OutputError(file: path, "cannot be drawn: \(error.message)")
    }
    try WholeFile(path).write(bytes)
  }
}
