import CPNG
import Foundation
import NumPyFormat
import Results
import Testing

/// The file's pixels as libpng reads them back.
private struct Picture: Equatable {
  var width = 0
  var height = 0
  let channels: Int
  var values: [UInt8] = []

  init(contentsOf path: String) throws {
    var image = png_image()
    image.version = UInt32(PNG_IMAGE_VERSION)
    try #require(png_image_begin_read_from_file(&image, path) != 0)
    channels = image.format & UInt32(PNG_FORMAT_FLAG_COLOR) == 0 ? 1 : 3
    (width, height) = (Int(image.width), Int(image.height))
    image.format = channels == 1 ? UInt32(PNG_FORMAT_GRAY) : UInt32(PNG_FORMAT_RGB)
    values = [UInt8](repeating: 0, count: width * height * channels)
    try #require(png_image_finish_read(&image, nil, &values, 0, nil) != 0)
  }

  func callAsFunction(_ x: Int, _ y: Int) -> [UInt8] {
    Array(values[((y * width + x) * channels)...].prefix(channels))
  }
}

@Suite struct ContactSheets {
  private let border = 4

  @Test(arguments: [
    ([8, 9], 8, 9, 1), ([1, 8, 9], 8, 9, 1), ([3, 8, 9], 8, 9, 3), ([8, 9, 1], 8, 9, 1),
    ([8, 9, 3], 8, 9, 3), ([3, 8, 3], 8, 3, 3),
  ])
  func `pictures are told by their shape`(shape: [Int], height: Int, width: Int, channels: Int) {
    let layout = ImageLayout(shape: shape)
    #expect(layout?.height == height)
    #expect(layout?.width == width)
    #expect(layout?.channels == channels)
  }

  @Test(arguments: [[], [64], [2, 3, 8, 8], [1, 1, 3, 8, 8], [0, 8], [1, 8, 0]])
  func `other shapes are no pictures`(shape: [Int]) {
    #expect(ImageLayout(shape: shape) == nil)
  }

  @Test func `volumes are sliced along their first axis, behind the channels`() throws {
    let grey = try #require(ImageLayout(shape: [20, 4, 5]))
    #expect(grey.slices == 20 && grey.height == 4 && grey.width == 5 && grey.channels == 1)
    let coloured = try #require(ImageLayout(shape: [3, 20, 4, 5]))
    #expect(coloured.slices == 20 && coloured.channels == 3)
    // Slice z of sample n is one even value; the sheet has a row of 12 for each.
    let folder = try Folder()
    let values = (0..<2).flatMap { n in (0..<20).flatMap { z in [Float](repeating: Float(z + n) / 20 - 0.5, count: 20) } }
    try ContactSheet(layout: grey, samples: 2).write(values, to: folder.file("volume.png"))
    let picture = try Picture(contentsOf: folder.file("volume.png"))
    let (width, height) = (5 * 13 + 4, 4 * 13 + 4)
    #expect(picture.width == 12 * width + 4 && picture.height == 2 * height + 4)
    for (column, slice) in [0, 2, 4, 5, 7, 9, 10, 12, 14, 15, 17, 19].enumerated() {
      for row in 0..<2 {
        let expected = UInt8(((Float(slice + row) / 20 - 0.5 + 1) * 127.5).rounded())
        #expect(picture(column * width + 10, row * height + 10)[0] == expected, "slice \(slice) of sample \(row)")
      }
    }
  }

  @Test func `elements from -1 to 1 become 0 to 255, others are clamped`() throws {
    let folder = try Folder()
    let elements: [Float] = [-1, 1, 0, -0.5, -7, 7, .nan, .infinity, -.infinity]
    let sheet = try ContactSheet(layout: #require(ImageLayout(shape: [1, 9])), samples: 1)
    try sheet.write(elements, to: folder.file("a.png"))
    let picture = try Picture(contentsOf: folder.file("a.png"))
    let element = (picture.width - 2 * border) / 9
    let grey = (0..<9).map { picture(border + element * $0 + element / 2, border + 1)[0] }
    #expect(grey == [0, 255, 128, 64, 0, 255, 0, 255, 0])
    #expect(try folder.content == ["a.png"])
  }

  @Test(arguments: [true, false])
  func `every element is one square of its own colour, channels first or last`(channelsFirst: Bool) throws {
    let folder = try Folder()
    let (height, width, samples) = (5, 7, 3)
    func value(_ sample: Int, _ row: Int, _ column: Int, _ channel: Int) -> Float {
      Float((sample * 89 + row * 31 + column * 13 + channel * 57) % 256) / 127.5 - 1
    }
    var elements: [Float] = []
    for sample in 0..<samples {
      if channelsFirst {
        for c in 0..<3 { for y in 0..<height { for x in 0..<width { elements.append(value(sample, y, x, c)) } } }
      } else {
        for y in 0..<height { for x in 0..<width { for c in 0..<3 { elements.append(value(sample, y, x, c)) } } }
      }
    }
    let shape = channelsFirst ? [3, height, width] : [height, width, 3]
    let sheet = try ContactSheet(layout: #require(ImageLayout(shape: shape)), samples: samples)
    try sheet.write(elements, to: folder.file("a.png"))
    let picture = try Picture(contentsOf: folder.file("a.png"))
    // The longer side, 7 elements, takes at least 64 pixels: 10 each. Three samples: 2 columns, 2 rows.
    let size = 10
    #expect(picture.width == 2 * (width * size + border) + border)
    #expect(picture.height == 2 * (height * size + border) + border)
    for sample in 0..<samples {
      let left = border + sample % 2 * (width * size + border)
      let top = border + sample / 2 * (height * size + border)
      for y in 0..<height {
        for x in 0..<width {
          let expected = (0..<3).map { UInt8((sample * 89 + y * 31 + x * 13 + $0 * 57) % 256) }
          for corner in [(0, 0), (size - 1, size - 1)] {
            #expect(picture(left + x * size + corner.0, top + y * size + corner.1) == expected)
          }
        }
      }
    }
  }

  @Test func `grids have few empty places and are near square`() throws {
    let folder = try Folder()
    let layout = try #require(ImageLayout(shape: [64, 64]))
    for (samples, columns, rows) in [(1, 1, 1), (2, 2, 1), (3, 2, 2), (7, 4, 2), (16, 4, 4), (32, 8, 4), (37, 8, 5)] {
      let sheet = ContactSheet(layout: layout, samples: samples)
      try sheet.write([Float](repeating: 0, count: samples * 64 * 64), to: folder.file("a.png"))
      let picture = try Picture(contentsOf: folder.file("a.png"))
      #expect(picture.width == columns * (64 + border) + border, "\(samples) samples")
      #expect(picture.height == rows * (64 + border) + border, "\(samples) samples")
    }
  }

  @Test func `labels stand under the pictures and leave these as they are`() throws {
    let folder = try Folder()
    let layout = try #require(ImageLayout(shape: [64, 64]))
    let elements: [Float] = (0..<16384).map { index in Float(index % 97) / 48 - 1 }
    func picture(_ labels: ContactSheet.Labels?, _ samples: Int = 4) throws -> Picture {
      try ContactSheet(layout: layout, samples: samples, labels: labels).write(elements, to: folder.file("a.png"))
      return try Picture(contentsOf: folder.file("a.png"))
    }
    let (plain, labelled) = (try picture(nil), try picture(.numbers(from: 7)))
    let band = 12
    #expect(labelled.width == plain.width && labelled.height == plain.height + 2 * band)
    /// What stands under a sample.
    func label(_ picture: Picture, _ sample: Int) -> [UInt8] {
      let top = border + sample / 2 * (64 + border + band) + 64
      let left = border + sample % 2 * (64 + border)
      var found: [UInt8] = []
      for y in top..<(top + band) { for x in left..<(left + 64) { found += picture(x, y) } }
      return found
    }
    for sample in 0..<4 {
      for y in 0..<64 {
        let (left, top) = (border + sample % 2 * (64 + border), border + sample / 2 * (64 + border))
        let below = top + sample / 2 * band
        let same = (left..<(left + 64)).allSatisfy { plain($0, top + y) == labelled($0, below + y) }
        #expect(same, "row \(y) of sample \(sample)")
      }
      #expect(label(labelled, sample).contains { $0 > 200 })
    }
    #expect(Set((0..<4).map { label(labelled, $0) }).count == 4)
    // The second sample from 6 on is the first from 7 on.
    #expect(label(try picture(.numbers(from: 6)), 1) == label(labelled, 0))
    // Step 1 of two samples has the third and the fourth place.
    let steps = try picture(.steps(of: 2, from: 0))
    #expect(Set((0..<4).map { label(steps, $0) }).count == 4)
  }

  @Test func `a sheet of a file shows the file's first samples`() throws {
    let folder = try Folder()
    let count = 9000
    let header = NumPyHeader(elementType: .float32, shape: [count, 1, 1])
    let elements = (0..<count).map { Float($0 % 3 - 1) }
    let bytes = elements.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    try WholeFile(folder.file("a.npy")).write(header.encoded + bytes)
    let sheet = try ContactSheet(layout: #require(ImageLayout(shape: [1, 1])), samples: count)
    try #require(sheet.count < count)
    try sheet.write(samplesOf: folder.file("a.npy"), to: folder.file("file.png"))
    try sheet.write(elements, to: folder.file("elements.png"))
    #expect(
      try Picture(contentsOf: folder.file("file.png")) == Picture(contentsOf: folder.file("elements.png")))
  }

  @Test func `a sheet of many samples shows the first that fit, and a huge sample is one`() throws {
    let digits = try ContactSheet(layout: #require(ImageLayout(shape: [8, 8])), samples: 1_000_000)
    #expect(digits.count < 1_000_000)
    #expect(digits.count > 1000)
    let huge = try ContactSheet(layout: #require(ImageLayout(shape: [1 << 40, 1 << 40])), samples: 9)
    #expect(huge.count == 1)
  }
}
