import CPNG

/// Pixels of 8 bits a channel, row by row from the top left.
package struct Pixels: Hashable, Sendable {
  package let width: Int
  package let height: Int
  /// 1 (grey) or 3 (red, green, blue).
  package let channels: Int
  package var values: [UInt8]

  package init(width: Int, height: Int, channels: Int, filledWith value: UInt8) {
    self.width = width
    self.height = height
    self.channels = channels
    values = [UInt8](repeating: value, count: width * height * channels)
  }

  /// The same with every pixel a square of so many.
  func magnified(by factor: Int) -> Pixels {
    var large = Pixels(width: width * factor, height: height * factor, channels: channels, filledWith: 0)
    var target = 0
    for y in 0..<large.height {
      let row = y / factor * width
      for x in 0..<large.width {
        let source = (row + x / factor) * channels
        for channel in 0..<channels {
          large.values[target] = values[source + channel]
          target += 1
        }
      }
    }
    return large
  }

  /// The pixels as a PNG file.
  ///
  /// - Throws: libpng's own words where it refuses them, as it does beyond its
  ///   limits of size.
  package func encodedAsPNG() throws(PNGRefusal) -> [UInt8] {
    guard let width = UInt32(exactly: width), let height = UInt32(exactly: height) else {
      throw PNGRefusal(message: "too many pixels")
    }
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    image.width = width
    image.height = height
    image.format = channels == 1 ? UInt32(PNG_FORMAT_GRAY) : UInt32(PNG_FORMAT_RGB)
    // Deflate adds 5 bytes a block of 16 KiB at most, PNG 12 a chunk of 8 KiB
    // and 1 a row.
    var size = png_alloc_size_t(values.count + values.count / 256 + self.height + 4096)
    var bytes = [UInt8](repeating: 0, count: Int(size))
    guard png_image_write_to_memory(&image, &bytes, &size, 0, values, 0, nil) != 0 else {
      throw PNGRefusal(
        message: withUnsafeBytes(of: image.message) {
          String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
        })
    }
    return Array(bytes.prefix(Int(size)))
  }
}

package struct PNGRefusal: Error {
  package let message: String
}
