/// Where a scheduler lets the last steps of a multistep method be of a lower order, which is
/// more stable in runs of few steps.
public struct EndOrders: Hashable, Sendable {
  /// Runs of fewer steps end with one of first order.
  public var firstBelow: Int
  /// In runs of fewer steps, the step before it is of second order at most.
  public var secondBelow: Int

  /// The defaults lower no order.
  public init(firstBelow: Int = 0, secondBelow: Int = 0) {
    self.firstBelow = firstBelow
    self.secondBelow = secondBelow
  }

  /// Those of the last steps of a run, the last one's first.
  func limits(ofSteps steps: Int) -> [Int] {
    guard steps < secondBelow || steps < firstBelow else { return [] }
    let last = steps < firstBelow ? 1 : .max
    return steps < secondBelow ? [last, 2] : [last]
  }
}
