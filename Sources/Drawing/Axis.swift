import Foundation

/// Numbers along one side of a plot.
package struct Axis: Sendable {
  package enum Scale: Hashable, Sendable { case linear, logarithmic }

  package let scale: Scale
  package let low: Double
  package let high: Double
  /// Ticks are whole numbers, for what is counted.
  private let isCount: Bool

  /// - Parameters:
  ///   - scale: a logarithmic one covers whole or half decades above zero.
  ///   - isWidened: reach to the next tick, so that nothing lies on the frame.
  ///   - isCount: ticks are whole numbers.
  package init(
    _ scale: Scale, from low: Double, to high: Double, isWidened: Bool = false, isCount: Bool = false
  ) {
    self.scale = scale
    self.isCount = isCount
    switch scale {
    case .linear:
      let high = high > low ? high : low + 1
      let step = Self.step(high - low)
      self.low = isWidened ? (low / step).rounded(.down) * step : low
      self.high = isWidened ? (high / step).rounded(.up) * step : high
    case .logarithmic:
      let low = max(low, .leastNormalMagnitude)
      let high = high > low ? high : low * 10
      self.low = isWidened ? pow(10, log10(low).rounded(.down)) : low
      self.high = isWidened ? pow(10, log10(high).rounded(.up)) : high
    }
  }

  /// 0 at the low end, 1 at the high one; clamped.
  package func position(of value: Double) -> Double {
    let share: Double
    switch scale {
    case .linear: share = (value - low) / (high - low)
    case .logarithmic: share = value > 0 ? log(value / low) / log(high / low) : 0
    }
    return share.isFinite ? max(0, min(1, share)) : 0
  }

  package var ticks: [Double] {
    switch scale {
    case .linear:
      let step = isCount ? max(1, Self.step(high - low)) : Self.step(high - low)
      return stride(from: (low / step - 1e-9).rounded(.up), through: (high / step + 1e-9).rounded(.down), by: 1)
        .map { $0 * step }
    case .logarithmic:
      let decades =
        Int(
          log10(low * 0.999999).rounded(.up))...max(
          Int(log10(low * 0.999999).rounded(.up)), Int(log10(high * 1.000001).rounded(.down)))
      let stride = max(1, (decades.count + 6) / 7)
      return decades.filter { $0.isMultiple(of: stride) }.map { pow(10, Double($0)) }
    }
  }

  /// A distance of ticks that is 1, 2 or 5 times a power of ten.
  private static func step(_ span: Double) -> Double {
    let rough = span / 5
    let power = pow(10, log10(rough).rounded(.down))
    let lead = rough / power
    return power * (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10)
  }
}

/// Room for a plot within its axes.
package struct PlotArea: Sendable {
  package let frame: Rectangle
  package let x: Axis
  package let y: Axis

  package init(_ frame: Rectangle, x: Axis, y: Axis) {
    self.frame = frame
    self.x = x
    self.y = y
  }

  package func point(_ x: Double, _ y: Double) -> Point {
    Point(
      frame.x + self.x.position(of: x) * frame.width,
      frame.maxY - self.y.position(of: y) * frame.height)
  }

  /// Draws frame, ticks and titles.
  package func drawAxes(in figure: inout Figure, title: String, xTitle: String, yTitle: String) {
    let ink = Stroke(.ink, width: 0.7)
    figure.frame(frame, ink)
    for tick in x.ticks {
      let place = frame.x + x.position(of: tick) * frame.width
      figure.line([Point(place, frame.maxY), Point(place, frame.maxY + 3)], ink)
      figure.number(tick, x.scale, at: Point(place, frame.maxY + 12), .middle)
    }
    for tick in y.ticks {
      let place = frame.maxY - y.position(of: tick) * frame.height
      figure.line([Point(frame.x, place), Point(frame.x - 3, place)], ink)
      figure.number(tick, y.scale, at: Point(frame.x - 5, place + 3), .end)
    }
    figure.text(title, at: Point(frame.x, frame.y - 6), size: 10)
    figure.text(xTitle, at: Point(frame.x + frame.width / 2, frame.maxY + 24), .middle)
    figure.text(yTitle, at: Point(frame.x - 34, frame.y + frame.height / 2), .middle, isUpright: true)
  }
}

extension Figure {
  /// A number beside a tick; on a logarithmic scale as a power of ten.
  package mutating func number(
    _ value: Double, _ scale: Axis.Scale, at point: Point, _ anchor: Text.Anchor, size: Double = 8
  ) {
    guard scale == .logarithmic else {
      text(Self.plain(value), at: point, size: size, anchor)
      return
    }
    let exponent = "\(Int(log10(value).rounded()))"
    let small = size * 0.75
    let (base, power) = (StrokeFont.width(of: "10") * size, StrokeFont.width(of: exponent) * small)
    let start: Double =
      switch anchor {
      case .start: point.x
      case .middle: point.x - (base + power) / 2
      case .end: point.x - base - power
      }
    text("10", at: Point(start + base, point.y), size: size, .end)
    text(exponent, at: Point(start + base + 0.8, point.y - size * 0.38), size: small)
  }

  private static func plain(_ value: Double) -> String {
    if value == 0 { return "0" }
    let text = String(format: "%.6g", value)
    return text.contains("e") ? text : text.replacing("-", with: "–")
  }
}
