/// `D_1, D_2, ...`: what a slice's map adds of values of `f` that earlier slices have kept,
/// the newest first, to each component of the state.
package struct History: Hashable, Sendable {
  /// How many of the newest kept values count.
  package private(set) var depth = 0
  // Vectors, since slices are copied all the time and lists would be counted each time.
  private var position = SIMD4<Double>.zero
  private var velocity = SIMD4<Double>.zero

  /// Kept values that a map can read.
  package static let capacity = 4

  /// A map that reads none.
  package static let none = History()

  private init() {}

  /// - Parameters:
  ///   - position: factors for the position, the newest value's first, at most `capacity`.
  ///   - velocity: likewise for the velocity.
  package init(position: [Double], velocity: [Double] = []) {
    precondition(max(position.count, velocity.count) <= Self.capacity, "a map reads too many kept values")
    for (age, factor) in position.enumerated() { self.position[age] = factor }
    for (age, factor) in velocity.enumerated() { self.velocity[age] = factor }
    depth = (0..<Self.capacity).last { self.position[$0] != 0 || self.velocity[$0] != 0 }.map { $0 + 1 } ?? 0
  }

  /// The factor of the kept value that is `age` values older than the newest one.
  subscript(age: Int, component: Int) -> Double { component == 0 ? position[age] : velocity[age] }
}
