import Foundation
import MPI
import Testing

@Suite struct ExactSumTests {
  private func sum(_ numbers: [Double]) -> Double {
    var sum = ExactSum()
    sum.add(contentsOf: numbers.span)
    return sum.value
  }

  @Test("one number is its own sum")
  func oneNumber() {
    let numbers: [Double] = [
      0, 1, -1, 0.1, .pi, .leastNonzeroMagnitude, -.leastNonzeroMagnitude, .leastNormalMagnitude,
      .leastNormalMagnitude - .leastNonzeroMagnitude, .greatestFiniteMagnitude,
      -.greatestFiniteMagnitude, .infinity, -.infinity, 0x1.fffffffffffffp-1022, 0x1p52, 0x1p53,
    ]
    for number in numbers { #expect(sum([number]) == number) }
    #expect(sum([.nan]).isNaN)
    #expect(sum([]) == 0)
  }

  @Test("what cancels leaves no trace")
  func cancellation() {
    let least = Double.leastNonzeroMagnitude
    #expect(sum([1e308, 1, -1e308]) == 1)
    #expect(sum([1e308, 1e308, -1e308, -1e308, least]) == least)
    #expect(sum([1, 1e100, 1, -1e100]) == 2)
    #expect(sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude]) == .infinity)
    #expect(
      sum([.greatestFiniteMagnitude, .greatestFiniteMagnitude, -.greatestFiniteMagnitude])
        == .greatestFiniteMagnitude)
  }

  @Test("the sum is rounded once, to the nearest, ties to even")
  func rounding() {
    let half = 0x1p-53  // half a unit in the last place of 1
    let next = 1 + 0x1p-52
    #expect(sum([1, half]) == 1)
    #expect(sum([1, half, .leastNonzeroMagnitude]) == next)
    #expect(sum([1, half, -.leastNonzeroMagnitude]) == 1)
    #expect(sum([next, half]) == 1 + 0x1p-51)
    #expect(sum([-1, -half, -.leastNonzeroMagnitude]) == -next)
    #expect(sum([0x1.fffffffffffffp0, half]) == 2)
    #expect(sum([.greatestFiniteMagnitude, 0x1p970]) == .infinity)
    #expect(sum([.greatestFiniteMagnitude, 0x1p969]) == .greatestFiniteMagnitude)
  }

  @Test("infinities and NaN follow the rules of addition")
  func nonFinite() {
    #expect(sum([1, .infinity]) == .infinity)
    #expect(sum([-.infinity, 1, -.infinity]) == -.infinity)
    #expect(sum([.infinity, -.infinity]).isNaN)
    #expect(sum([1, .nan, .infinity]).isNaN)
  }

  @Test("sums of integers agree with integer arithmetic")
  func integers() {
    var generator = SystemRandomNumberGenerator()
    let integers = (0..<5000).map { _ in Int.random(in: -(1 << 40)...(1 << 40), using: &generator) }
    let scale = 0x1p-500
    #expect(sum(integers.map { Double($0) * scale }) == Double(integers.reduce(0, +)) * scale)
  }

  @Test("the order of the numbers and of partial sums changes nothing")
  func order() {
    let numbers = (0..<2000).map { _ in
      Double.random(in: -1...1) * pow(10, Double(Int.random(in: -200...200)))
    }
    let expected = sum(numbers)
    #expect(sum(numbers.shuffled()).bitPattern == expected.bitPattern)
    var left = ExactSum()
    var right = ExactSum()
    for (index, number) in numbers.enumerated() {
      if index % 3 == 0 { left.add(number) } else { right.add(number) }
    }
    left.add(right)
    #expect(left.value.bitPattern == expected.bitPattern)
    var whole = ExactSum()
    whole.add(contentsOf: numbers.span)
    #expect(left == whole)
  }
}
