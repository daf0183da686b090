import Drawing
import Foundation
import NumPyFormat

/// The first samples of a run, one after another, for looking at.
public struct SampleRows: Sendable {
  /// Shape of one sample.
  public let shape: [Int]
  public let count: Int
  let values: [Float]

  public init(shape: [Int], values: [Float]) {
    self.shape = shape
    self.values = values
    count = values.count / max(1, shape.reduce(1, *))
  }

  /// Reads the first samples of a `.npy` file, as many as a picture shows.
  ///
  /// - Throws: `NumPyError` where the file cannot be read.
  public init(file: String, samples: Int, shape: [Int]) throws {
    let dimension = max(1, shape.reduce(1, *))
    let most = ImageLayout(shape: shape) == nil ? 2000 : 64
    let rows = max(1, min(samples, most, (1 << 24) / dimension))
    self.init(shape: shape, values: try NumPyArray(contentsOf: file, firstRows: rows).floats)
  }

  private var dimension: Int { max(1, shape.reduce(1, *)) }

  func draw(in figure: inout Figure, _ frame: Rectangle) {
    if let layout = ImageLayout(shape: shape) {
      drawSheet(in: &figure, frame, layout)
    } else if count < 10, dimension != 2 {
      drawProfiles(in: &figure, frame)
    } else {
      drawDistribution(in: &figure, frame)
    }
  }

  private func drawSheet(in figure: inout Figure, _ frame: Rectangle, _ layout: ImageLayout) {
    let sheet = ContactSheet(layout: layout, samples: count)
    let pixels = sheet.pixels(values)
    let scale = min(frame.width / Double(pixels.width), frame.height / Double(pixels.height))
    figure.text(
      layout.slices > 1 ? "Samples, each a row of slices" : "Samples", at: Point(frame.x, frame.y - 6), size: 10)
    figure.image(
      pixels,
      in: Rectangle(
        x: frame.x, y: frame.y, width: Double(pixels.width) * scale, height: Double(pixels.height) * scale))
  }

  /// Few samples are shown one by one, element after element.
  private func drawProfiles(in figure: inout Figure, _ frame: Rectangle) {
    let finite = values.filter(\.isFinite)
    let area = PlotArea(
      Rectangle(x: frame.x + 30, y: frame.y, width: frame.width - 34, height: frame.height),
      x: Axis(.linear, from: 0, to: Double(max(1, dimension - 1)), isCount: true),
      y: Axis(.linear, from: Double(finite.min() ?? 0), to: Double(finite.max() ?? 1), isWidened: true))
    let step = max(1, dimension / 2000)
    for sample in 0..<count {
      let color = Color.scale(0.35 + 0.6 * Double(sample) / Double(max(1, count - 1)))
      let points = stride(from: 0, to: dimension, by: step).map {
        area.point(Double($0), Double(values[sample * dimension + $0]))
      }
      figure.line(points, Stroke(color, width: 0.9))
      if dimension <= 40 { for point in points { figure.dot(point, radius: 1.8, color) } }
    }
    area.drawAxes(in: &figure, title: "Samples", xTitle: "element", yTitle: "value")
  }

  /// Histograms of the first elements, and the samples seen along the two
  /// directions in which they differ most.
  private func drawDistribution(in figure: inout Figure, _ frame: Rectangle) {
    let histograms = min(dimension, 3)
    let width = frame.width * (dimension > 1 ? 0.36 : 1)
    let height = (frame.height - 14 * Double(histograms - 1)) / Double(histograms)
    for element in 0..<histograms {
      let y = frame.y + Double(element) * (height + 14)
      let column = (0..<count).map { Double(values[$0 * dimension + element]) }
      drawHistogram(
        in: &figure, Rectangle(x: frame.x, y: y, width: width, height: height), column,
        title: element > 0 ? "" : histograms > 1 ? "Marginals" : "Marginal", name: "element \(element)")
    }
    guard dimension > 1 else { return }
    let (first, second) = dimension == 2 ? ([1, 0], [0, 1]) : principalAxes()
    let points = (0..<count).map { sample in (project(sample, first), project(sample, second)) }
    let (xs, ys) = (points.map(\.0), points.map(\.1))
    let place = Rectangle(
      x: frame.x + width + 52, y: frame.y, width: frame.width - width - 52, height: frame.height)
    let (x, y) = axesOfEqualUnits(xs, ys, in: place)
    let area = PlotArea(place, x: x, y: y)
    for (x, y) in points { figure.dot(area.point(x, y), radius: count > 300 ? 0.8 : 1.4, .scale(0.75)) }
    let isPlane = dimension == 2
    area.drawAxes(
      in: &figure, title: isPlane ? "Samples" : "Principal plane", xTitle: isPlane ? "element 0" : "first axis",
      yTitle: isPlane ? "element 1" : "second axis")
  }

  /// Axes on which a unit is as long across as up, so that shapes keep theirs.
  private func axesOfEqualUnits(_ xs: [Double], _ ys: [Double], in frame: Rectangle) -> (x: Axis, y: Axis) {
    let x = Axis(.linear, from: xs.min() ?? 0, to: xs.max() ?? 1, isWidened: true)
    let y = Axis(.linear, from: ys.min() ?? 0, to: ys.max() ?? 1, isWidened: true)
    let unit = max((x.high - x.low) / frame.width, (y.high - y.low) / frame.height)
    func fill(_ axis: Axis, _ length: Double) -> Axis {
      let margin = (unit * length - (axis.high - axis.low)) / 2
      return Axis(.linear, from: axis.low - margin, to: axis.high + margin)
    }
    return (fill(x, frame.width), fill(y, frame.height))
  }

  private func drawHistogram(
    in figure: inout Figure, _ frame: Rectangle, _ column: [Double], title: String,
    name: String
  ) {
    let axis = Axis(.linear, from: column.min() ?? 0, to: column.max() ?? 1, isWidened: true)
    let bins = max(8, min(40, Int(2 * cbrt(Double(count)))))
    var counts = [Int](repeating: 0, count: bins)
    for value in column { counts[min(bins - 1, Int(axis.position(of: value) * Double(bins)))] += 1 }
    let most = Double(counts.max() ?? 1)
    for (bin, count) in counts.enumerated() where count > 0 {
      let height = Double(count) / most * (frame.height - 12)
      figure.fill(
        Rectangle(
          x: frame.x + Double(bin) / Double(bins) * frame.width, y: frame.maxY - 10 - height,
          width: frame.width / Double(bins) - 0.4, height: height),
        .scale(0.55))
    }
    let base = frame.maxY - 10
    figure.line([Point(frame.x, base), Point(frame.maxX, base)], Stroke(.ink, width: 0.7))
    let ticks = axis.ticks
    for (number, tick) in ticks.enumerated() where ticks.count < 6 || number.isMultiple(of: 2) {
      let x = frame.x + axis.position(of: tick) * frame.width
      figure.line([Point(x, base), Point(x, base + 2.5)], Stroke(.ink, width: 0.7))
      figure.number(tick, .linear, at: Point(x, base + 10), .middle, size: 7)
    }
    figure.text(title, at: Point(frame.x, frame.y - 6), size: 10)
    figure.text(name, at: Point(frame.maxX, frame.y - 2), size: 7, .end, color: .paleInk)
  }

  private func project(_ sample: Int, _ direction: [Double]) -> Double {
    var sum = 0.0
    for element in 0..<dimension { sum += direction[element] * Double(values[sample * dimension + element]) }
    return sum
  }

  /// The two leading principal axes, by iterating the covariance on vectors.
  private func principalAxes() -> ([Double], [Double]) {
    var mean = [Double](repeating: 0, count: dimension)
    for sample in 0..<count {
      for element in 0..<dimension { mean[element] += Double(values[sample * dimension + element]) / Double(count) }
    }
    func axis(orthogonalTo other: [Double]?) -> [Double] {
      // Any start will do that is not orthogonal to the axis; it is the same in every run.
      var axis = (0..<dimension).map { cos(Double($0 * $0 + (other == nil ? 0 : 1))) }
      for _ in 0..<50 {
        if let other {
          let overlap = zip(axis, other).reduce(0) { $0 + $1.0 * $1.1 }
          for element in 0..<dimension { axis[element] -= overlap * other[element] }
        }
        let length = axis.reduce(0) { $0 + $1 * $1 }.squareRoot()
        guard length > 0 else { break }
        for element in 0..<dimension { axis[element] /= length }
        var next = [Double](repeating: 0, count: dimension)
        for sample in 0..<count {
          var dot = 0.0
          for element in 0..<dimension {
            dot += axis[element] * (Double(values[sample * dimension + element]) - mean[element])
          }
          for element in 0..<dimension {
            next[element] += dot * (Double(values[sample * dimension + element]) - mean[element])
          }
        }
        if next.allSatisfy({ $0 == 0 }) { break }
        axis = next
      }
      let length = axis.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return length > 0 ? axis.map { $0 / length } : axis
    }
    let first = axis(orthogonalTo: nil)
    return (first, axis(orthogonalTo: first))
  }
}
