import Drawing
import Foundation
import PicardSampler
import Results
import Testing

@Suite struct Pictures {
  private func picture(samples: SampleRows) -> RunPicture {
    var map = ResidualMap(slices: 40)
    for round in 0..<10 {
      map.addRound(finishedSlices: 4 * round) { note in
        for slice in (4 * round)..<40 { note(slice, pow(10, Double(slice - 5 * round) / 8 - 3)) }
      }
    }
    return RunPicture(
      report: sampleReport(),
      ranks: [
        PhaseSeconds(total: 10, setup: 1, score: 7, update: 0.5, exchange: 0.25, reduce: 0.75, output: 0.5, wait: 0.9),
        PhaseSeconds(total: 10, setup: 1, score: 5, update: 0.5, exchange: 1.25, reduce: 1.75, output: 0.5, wait: 2.9),
      ], residuals: map, tolerance: 1e-3, samples: samples)
  }

  private var vectors: SampleRows {
    SampleRows(shape: [3], values: (0..<300).map { Float(sin(Double($0 * $0))) })
  }

  /// The picture's text elements, in order.
  private func texts(_ svg: String) -> [String] {
    svg.matches(of: #/<text[^>]*>([^<]*)</text>/#).map { String($0.1) }
  }

  @Test("the picture says what it shows")
  func texts() throws {
    let texts = texts(try picture(samples: vectors).figure.svg())
    for title in [
      "digits, ddpm: 1000 steps in 90 rounds, 4 samples on 2 ranks", "Change of every slice",
      "round", "slice, from noise to data", "Largest change of a round", "tolerance",
      "Where the time of each rank went", "seconds", "rank", "score", "update", "send", "wait",
      "Marginals", "element 0", "element 2", "Principal plane",
    ] {
      #expect(texts.contains(title), "\(title) is missing")
    }
    #expect(!texts.contains("element 3"))
  }

  @Test("a model is named without its folders, and a long headline stays within the picture")
  func headline() throws {
    var picture = picture(samples: vectors)
    picture.report.model = "plugin:/home/someone/models/well.so:3 4"
    #expect(try texts(picture.figure.svg())[0].hasPrefix("plugin:well.so:3 4, ddpm: "))
    picture.report.model = String(repeating: "W", count: 120)
    let svg = try picture.figure.svg()
    let size = try #require(svg.firstMatch(of: #/font-size="([^"]+)"[^>]*>W/#).flatMap { Double($0.1) })
    let headline = texts(svg)[0]
    #expect(46 + Text.width(of: headline, size: size) <= 720)
  }

  @Test("a sequential run has no changes to draw, and the picture says so")
  func sequential() throws {
    var picture = picture(samples: vectors)
    picture.residuals = ResidualMap(slices: 40)
    let texts = try texts(picture.figure.svg())
    #expect(texts.contains("sequential: nothing was iterated"))
    #expect(!texts.contains("Largest change of a round"))
  }

  @Test("the front runs from no slice to all of them, never back")
  func front() throws {
    let svg = try picture(samples: vectors).figure.svg()
    // The halo of the front is the first white line.
    let points = try #require(svg.firstMatch(of: #/points="([^"]+)" fill="none" stroke="#ffffff"/#)?.1)
      .split(separator: " ").map { $0.split(separator: ",").compactMap { Double($0) } }
    #expect(points.count == 11)
    #expect(points.first == [50, 280])
    #expect(points.last == [350, 50])
    for (earlier, later) in zip(points, points.dropFirst()) {
      #expect(later[0] > earlier[0] && later[1] <= earlier[1])
    }
  }

  @Test("a rank's time is split into work and waiting")
  func times() throws {
    let svg = try picture(samples: vectors).figure.svg()
    // The bars of the second rank: 230 points for 10.2 s.
    let widths = svg.matches(of: #/<rect x="[^"]*" y="[^"]*" width="([^"]*)" height="18" fill="([^"]*)"/>/#)
      .suffix(5).map { (Double($0.1) ?? 0) / 230 * 10.2 }
    for (width, seconds) in zip(widths, [5, 0.5, 0.1, 1.5, 2.9]) { #expect(abs(width - seconds) < 0.01) }
  }

  @Test("samples are shown as what they are: pictures, volumes, clouds or curves")
  func samples() throws {
    func marks(_ samples: SampleRows) throws -> (images: Int, dots: Int, texts: [String]) {
      let svg = try picture(samples: samples).figure.svg()
      return (svg.components(separatedBy: "<image").count - 1, svg.components(separatedBy: "<circle").count - 1, texts(svg))
    }
    let values = [Float](repeating: 0.5, count: 4 * 192)
    // The map of changes is an image too, and its curve has 10 dots.
    #expect(try marks(SampleRows(shape: [3, 8, 8], values: values)).images == 2)
    let volume = try marks(SampleRows(shape: [12, 4, 4], values: values))
    #expect(volume.images == 2 && volume.texts.contains("Samples, each a row of slices"))
    let cloud = try marks(vectors)
    #expect(cloud.images == 1 && cloud.dots == 110)
    let curves = try marks(SampleRows(shape: [5], values: [Float](repeating: 1, count: 15)))
    #expect(curves.images == 1 && curves.dots == 25 && curves.texts.contains("element"))
  }

  @Test("PNG and SVG are chosen by the name, and a PNG has the picture's size and tones")
  func files() throws {
    let folder = try Folder()
    let picture = picture(samples: vectors)
    #expect(PictureFile("run.pdf") == nil)
    try picture.write(to: #require(PictureFile(folder.file("run.svg"))))
    try picture.write(to: #require(PictureFile(folder.file("run.PNG"))))
    #expect(try folder.content == ["run.PNG", "run.svg"])
    let pixels = picture.figure.pixels()
    #expect(pixels.width == 2160 && pixels.height == 1560)
    func grey(_ x: Double, _ y: Double) -> Double {
      let first = (Int(y * 3) * pixels.width + Int(x * 3)) * 3
      let rgb = pixels.values[first..<(first + 3)].map { Double($0) / 255 }
      return Color(rgb[0], rgb[1], rgb[2]).luma
    }
    // In the first round a slice near the noise is pale, one near the data dark.
    #expect(grey(60, 270) > grey(60, 60) + 0.4)
    // Work is darker than waiting.
    #expect(grey(480, 120) < 0.3 && grey(685, 137) > 0.95)
  }
}
