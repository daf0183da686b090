/// Box and Muller's transformation for eight pairs of uniform numbers at once.
///
/// Logarithm, sine and cosine are series in `Double` with an error of a few
/// units in the last place. They use nothing but additions, multiplications,
/// one division and one square root, all correctly rounded by IEEE 754, so
/// that the numbers have the same bits on every processor and with every
/// mathematical library.
enum BoxMuller {
  typealias Lanes = SIMD8<Double>

  /// `sqrt(-2 log u) (cos, sin)(2 pi v)` for `u` and `v` in (0, 1).
  @inline(__always)
  static func normals(_ u: Lanes, _ v: Lanes) -> (cosine: Lanes, sine: Lanes) {
    let radius = (-2 * logarithm(u)).squareRoot()
    let (cosine, sine) = circle(v)
    return (radius * cosine, radius * sine)
  }

  /// With `u = 2^e m`, `m` from sqrt(1/2) to sqrt(2), and `z = (m-1)/(m+1)`:
  /// `log u = e log 2 + 2 (z + z^3/3 + z^5/5 + ...)`, `z^2 < 0.0295`.
  @inline(__always)
  private static func logarithm(_ u: Lanes) -> Lanes {
    let bits = unsafeBitCast(u, to: SIMD8<UInt64>.self)
    var mantissa = unsafeBitCast(
      (bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000, to: Lanes.self)
    // Adding 2^52 puts a small whole number into a Double's last bits.
    var exponent =
      unsafeBitCast((bits &>> 52) | 0x4330_0000_0000_0000, to: Lanes.self) - (0x1p52 + 1023)
    let isLarge = mantissa .> 1.4142135623730951
    mantissa.replace(with: 0.5 * mantissa, where: isLarge)
    exponent.replace(with: exponent + 1, where: isLarge)
    let z = (mantissa - 1) / (mantissa + 1)
    let square = z * z
    var series = square * (1 / 21.0) + 1 / 19.0
    series = series * square + 1 / 17.0
    series = series * square + 1 / 15.0
    series = series * square + 1 / 13.0
    series = series * square + 1 / 11.0
    series = series * square + 1 / 9.0
    series = series * square + 1 / 7.0
    series = series * square + 1 / 5.0
    series = series * square + 1 / 3.0
    // log 2 in two parts: the product of the first with an exponent is exact.
    let (high, low) = (0x1.62e42fefa38p-1, 0x1.ef35793c7673p-45)
    return exponent * high + (2 * (z + z * square * series) + exponent * low)
  }

  /// Cosine and sine of `2 pi v`: by quarter turns, and Taylor's series of the
  /// angle that remains, at most pi/4.
  @inline(__always)
  private static func circle(_ v: Lanes) -> (cosine: Lanes, sine: Lanes) {
    let turns = 4 * v
    // Adding 3 2^51 rounds to a whole number, and leaves it in the last bits.
    let shifted = turns + 0x1.8p52
    let quarter = unsafeBitCast(shifted, to: SIMD8<UInt64>.self)
    let angle = (turns - (shifted - 0x1.8p52)) * 1.5707963267948966
    let square = angle * angle
    // Coefficients are 1/n! with alternating signs.
    var sine = square * (1 / 355_687_428_096_000) - 1 / 1_307_674_368_000
    sine = sine * square + 1 / 6_227_020_800
    sine = sine * square - 1 / 39_916_800
    sine = sine * square + 1 / 362_880
    sine = sine * square - 1 / 5040
    sine = sine * square + 1 / 120
    sine = sine * square - 1 / 6
    sine = angle + angle * square * sine
    var cosine = square * (1 / 20_922_789_888_000) - 1 / 87_178_291_200
    cosine = cosine * square + 1 / 479_001_600
    cosine = cosine * square - 1 / 3_628_800
    cosine = cosine * square + 1 / 40_320
    cosine = cosine * square - 1 / 720
    cosine = cosine * square + 1 / 24
    cosine = 1 - (0.5 * square - square * square * cosine)
    let isOdd = (quarter & 1) .!= 0
    var (x, y) = (cosine, sine)
    x.replace(with: sine, where: isOdd)
    y.replace(with: cosine, where: isOdd)
    // Quarters 1 and 2 have a negative cosine, 2 and 3 a negative sine.
    x.replace(with: -x, where: ((quarter &+ 1) & 2) .!= 0)
    y.replace(with: -y, where: (quarter & 2) .!= 0)
    return (x, y)
  }
}
