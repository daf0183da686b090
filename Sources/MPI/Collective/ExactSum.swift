/// A sum of floating-point numbers without rounding.
///
/// Floating-point addition is not associative, so that an ordinary sum depends
/// on how the numbers were dealt out to the ranks. This one does not: it keeps
/// all bits of all summands in a long fixed-point number and rounds once, at
/// the end, to the nearest `Double`, ties to even. Its value has the same bits
/// in every order and for every number of ranks.
///
/// The representation is the small superaccumulator of R. M. Neal, *Fast exact
/// summation using small and large superaccumulators*, arXiv:1505.05571, with
/// a limb for every 32 bits between the smallest and the largest `Double`. An
/// infinity or a NaN among the summands gives what ordinary addition gives.
public struct ExactSum: Sendable {
  /// Limb `i` counts units of `2^(32 i - 1074)`; limbs may be negative and may
  /// hold more than 32 bits until carries are propagated.
  fileprivate(set) var limbs = [Int64](repeating: 0, count: ExactSum.limbCount)
  private var additionsBeforeCarry = ExactSum.maximalAdditions

  /// The largest `Double` has its last bit at 2045 units and 53 bits, so that
  /// it ends in limb 65; two limbs more hold the sum of 2^63 of them.
  private static let finiteLimbCount = 68
  private static let positiveInfinity = 68
  private static let negativeInfinity = 69
  private static let notANumber = 70
  static let limbCount = 71
  /// One addition changes a limb by less than 2^32, and the carries left from
  /// before by as much again.
  private static let maximalAdditions = 1 << 29

  /// The sum of nothing.
  public init() {}

  /// Adds a number.
  @inline(__always)
  public mutating func add(_ number: Double) {
    limbs.withUnsafeMutableBufferPointer { Self.add(number, to: $0) }
    additionsBeforeCarry -= 1
    if additionsBeforeCarry == 0 { propagateCarries() }
  }

  /// Adds all numbers of a span.
  public mutating func add(contentsOf numbers: Span<Double>) {
    var start = 0
    while start < numbers.count {
      let end = min(numbers.count, start + additionsBeforeCarry)
      limbs.withUnsafeMutableBufferPointer { limbs in
        for index in start..<end { Self.add(numbers[index], to: limbs) }
      }
      additionsBeforeCarry -= end - start
      if additionsBeforeCarry == 0 { propagateCarries() }
      start = end
    }
  }

  /// Adds another sum, exactly.
  public mutating func add(_ other: ExactSum) {
    var other = other
    other.propagateCarries()
    propagateCarries()
    for index in limbs.indices { limbs[index] += other.limbs[index] }
    propagateCarries()
  }

  @inline(__always)
  private static func add(_ number: Double, to limbs: UnsafeMutableBufferPointer<Int64>) {
    let exponent = Int(number.exponentBitPattern)
    if exponent == 0x7ff { return addNonFinite(number, to: limbs) }
    // A subnormal number has no hidden bit and the exponent of the smallest
    // normal one.
    let significand = number.significandBitPattern | (exponent == 0 ? 0 : 1 << 52)
    let position = max(exponent, 1) - 1
    let shift = UInt64(position & 31)
    let low = Int64((significand << shift) & 0xffff_ffff)
    let rest = significand >> (32 - shift)
    let middle = Int64(rest & 0xffff_ffff)
    let high = Int64(rest >> 32)
    let limb = position >> 5
    let sign: Int64 = number.sign == .minus ? -1 : 1
    limbs[limb] &+= sign &* low
    limbs[limb + 1] &+= sign &* middle
    limbs[limb + 2] &+= sign &* high
  }

  @inline(never)
  private static func addNonFinite(_ number: Double, to limbs: UnsafeMutableBufferPointer<Int64>) {
    let limb = number.isNaN ? notANumber : number > 0 ? positiveInfinity : negativeInfinity
    limbs[limb] = min(limbs[limb] + 1, 1 << 31)
  }

  /// Leaves every finite limb but the last in `0..<2^32`; the last has the
  /// sign. The result is the same for every way to the same sum.
  mutating func propagateCarries() {
    var carry: Int64 = 0
    for index in 0..<Self.finiteLimbCount - 1 {
      let limb = limbs[index] + carry
      limbs[index] = limb & 0xffff_ffff
      carry = limb >> 32
    }
    limbs[Self.finiteLimbCount - 1] += carry
    additionsBeforeCarry = Self.maximalAdditions
  }

  /// The sum, rounded to the nearest number, ties to even.
  public var value: Double {
    if let nonFinite { return nonFinite }
    var sum = self
    sum.propagateCarries()
    let isNegative = sum.limbs[Self.finiteLimbCount - 1] < 0
    if isNegative {
      for index in 0..<Self.finiteLimbCount { sum.limbs[index].negate() }
      sum.propagateCarries()
    }
    let magnitude = sum.roundedMagnitude
    return isNegative ? -magnitude : magnitude
  }

  private var nonFinite: Double? {
    let hasPositive = limbs[Self.positiveInfinity] > 0
    let hasNegative = limbs[Self.negativeInfinity] > 0
    if limbs[Self.notANumber] > 0 || hasPositive && hasNegative { return .nan }
    return hasPositive ? .infinity : hasNegative ? -.infinity : nil
  }

  /// The value of limbs that are not negative and have no carries.
  private var roundedMagnitude: Double {
    guard let top = (0..<Self.finiteLimbCount).last(where: { limbs[$0] != 0 }) else { return 0 }
    let unit = Double.leastNonzeroMagnitude
    let highestBit = 32 * top + 63 - limbs[top].leadingZeroBitCount
    if highestBit < 53 {
      // Fewer bits than a significand has: exact, and perhaps subnormal.
      return Double(limbs[0] + limbs[1] << 32) * unit
    }
    let lowestBit = highestBit - 52
    var significand: UInt64 = 0
    for bit in (lowestBit...highestBit).reversed() {
      significand = significand << 1 | (isSet(bit) ? 1 : 0)
    }
    let isHalfOrMore = isSet(lowestBit - 1)
    let isExactHalf = !(0..<lowestBit - 1).contains { isSet($0) }
    if isHalfOrMore && (!isExactHalf || significand & 1 == 1) { significand += 1 }
    return Double(sign: .plus, exponent: lowestBit - 1074, significand: Double(significand))
  }

  private func isSet(_ bit: Int) -> Bool {
    bit >= 0 && limbs[bit >> 5] >> Int64(bit & 31) & 1 == 1
  }
}

extension ExactSum: Equatable {
  /// Whether two sums are equal before rounding.
  public static func == (left: ExactSum, right: ExactSum) -> Bool {
    var left = left
    var right = right
    left.propagateCarries()
    right.propagateCarries()
    return left.limbs == right.limbs
  }
}

extension Communicator {
  /// Adds the ranks' exact sums.
  ///
  /// The bits of the result do not depend on the number of ranks, nor on how
  /// the summands lie on them. One reduction of 71 integers.
  public func allReduce(_ sum: ExactSum) throws(MPIError) -> ExactSum {
    var sum = sum
    sum.propagateCarries()
    try allReduce(&sum.limbs, .sum)
    sum.propagateCarries()
    return sum
  }

  /// The sum of the numbers of all ranks, rounded once; see ``ExactSum``.
  public func exactSum(of numbers: Span<Double>) throws(MPIError) -> Double {
    var sum = ExactSum()
    sum.add(contentsOf: numbers)
    return try allReduce(sum).value
  }
}
