/// One number for each component of a state.
struct Pair: Hashable, Sendable {
  var u: Double
  var v: Double = 0

  subscript(component: Int) -> Double { component == 0 ? u : v }
}

/// A linear map between states that treats all elements of a component alike.
struct Gain: Hashable, Sendable {
  var uu: Double
  var uv: Double = 0
  var vu: Double = 0
  var vv: Double = 0

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
