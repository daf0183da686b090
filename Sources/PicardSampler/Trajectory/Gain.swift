/// One number for each component of a state.
package struct Pair: Hashable, Sendable {
  package var u: Double
  package var v: Double = 0

  package subscript(component: Int) -> Double { component == 0 ? u : v }
}

/// A linear map between states that treats all elements of a component alike.
package struct Gain: Hashable, Sendable {
  package var uu: Double
  package var uv: Double = 0
  package var vu: Double = 0
  package var vv: Double = 0

  package init(uu: Double, uv: Double = 0, vu: Double = 0, vv: Double = 0) {
    (self.uu, self.uv, self.vu, self.vv) = (uu, uv, vu, vv)
  }

  static let identity = Gain(uu: 1, vv: 1)
  static let zero = Gain(uu: 0)

  static func * (a: Gain, b: Gain) -> Gain {
    Gain(
      uu: a.uu * b.uu + a.uv * b.vu, uv: a.uu * b.uv + a.uv * b.vv,
      vu: a.vu * b.uu + a.vv * b.vu, vv: a.vu * b.uv + a.vv * b.vv)
  }

  subscript(row: Int, column: Int) -> Double {
    switch (row, column) {
    case (0, 0): uu
    case (0, _): uv
    case (_, 0): vu
    default: vv
    }
  }
}
