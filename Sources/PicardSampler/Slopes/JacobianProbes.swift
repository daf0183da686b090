import Diffusion

/// What the diagonal slopes of a chunk miss of the Jacobian `J`, measured.
///
/// Secants know `J` along the last change alone. Probes cost rows of the same
/// round instead of further rounds: beside a slice's state `y` the model is
/// evaluated at `y + h q` for a few orthonormal directions `q`, so that
/// `(f(y + h q) - f(y)) / h` is `J q` to first order in `h`. The slices of a chunk
/// share their directions, which are many then: `J` changes slowly along the
/// trajectory.
///
/// With `E = (J - diag(j)) Q` for all directions `Q` and `S = sym(Q'E)`, the least change
/// of `diag(j)` to a symmetric Jacobian that meets the measurements is
///
///     K d = E (Q'd) + Q (E'd) - Q S (Q'd) = F (Q'd) + Q (F'd),   F = E - Q S / 2
///
/// (the block form of Powell's symmetric Broyden update, 1970); of what `Q'E` has that is
/// not symmetric half is left. The next round probes along an orthonormal basis of `F`:
/// subspace iteration (Bauer 1957), which turns to where the diagonal misses most.
struct JacobianProbes<Scalar: StateScalar> {
  /// Probes of a slice.
  private let perSlice: Int
  /// Directions of a chunk at most.
  private let most: Int
  private let directions: Rows<Scalar>
  /// In turn: the states that are probed, `f` there, `J Q`, `E`, `F`.
  private let images: Rows<Scalar>
  /// Room for a product `K d`, and for a change `d`.
  private let passing: Rows<Scalar>
  /// Directions of this round: none where it evaluates nothing.
  private(set) var count = 0
  /// Columns of `F` that are left of an earlier round.
  private var known = 0

  static func rows(_ layout: ChunkLayout) -> Int { 2 * layout.probes * layout.capacity + 2 }

  init(_ layout: ChunkLayout, dimension: Int) {
    perSlice = layout.probes
    most = min(dimension, layout.probes * layout.capacity)
    directions = Rows(most, of: dimension)
    images = Rows(most, of: dimension)
    passing = Rows(2, of: dimension)
  }

  private var dimension: Int { passing.length }
  /// The change that is multiplied; on its way through a chunk, that of its first state.
  var change: Row<Scalar> { passing[1] }
  /// The last `product`.
  var product: Row<Scalar> { passing[0] }

  func direction(_ number: Int) -> Row<Scalar> { directions[number] }

  /// The state that a probe evaluates, to be overwritten with `f` there.
  func image(_ number: Int) -> Row<Scalar> { images[number] }

  /// Forgets everything.
  mutating func reset() { (count, known) = (0, 0) }

  /// Chooses the directions of a round.
  ///
  /// - Parameters:
  ///   - slices: that are evaluated.
  ///   - draw: fills a row with normal numbers, the same for the same number.
  mutating func aim(slices: Int, drawing draw: (_ number: Int, Row<Scalar>) -> Void) {
    count = min(most, perSlice * slices)
    guard count > 0 else { return }
    let kept = min(known, count)
    for number in 0..<kept { copy(images[number], to: directions[number]) }
    for number in 0..<count where !(number < kept && orthonormalize(number)) {
      draw(number, directions[number])
      if !orthonormalize(number) { directions[number].update(repeating: 0) }
    }
  }

  /// Makes a direction orthogonal to those before it, and its length 1.
  /// - Returns: whether it is none of their combinations, up to rounding.
  private func orthonormalize(_ number: Int) -> Bool {
    let row = directions[number]
    let length = innerProduct(row, row).squareRoot()
    guard length > 0, length.isFinite else { return false }
    scale(row, by: Scalar(1 / length))
    // Once leaves the rounding of what is taken away, twice is enough (Kahan).
    for _ in 0..<2 {
      for earlier in 0..<number {
        accumulate(row, Scalar(-innerProduct(directions[earlier], row)), directions[earlier])
      }
    }
    let rest = innerProduct(row, row).squareRoot()
    guard rest > 1e-3, rest.isFinite else { return false }
    scale(row, by: Scalar(1 / rest))
    return true
  }

  /// Step of the differences at a noise level, the length of `h q`: small beside the
  /// noise of a state along `q`, and as large as that allows where the rounding of a
  /// network's predictions, that of all dimensions, is in the differences; but so large
  /// beside the state that the sum is not its rounding, as in a first guess that is far off.
  func step(at time: NoiseTime, _ state: Row<Scalar>) -> Double {
    let step = time.sigma * min(0.02 * Double(dimension).squareRoot(), 0.25)
    let visible = 256 * Double(Scalar.ulpOfOne) * innerProduct(state, state).squareRoot()
    return visible.isFinite ? max(step, visible) : step
  }

  /// Leaves a measurement out that no number holds.
  func drop(_ number: Int) {
    directions[number].update(repeating: 0)
    images[number].update(repeating: 0)
  }

  /// Makes `F` of `J Q`.
  ///
  /// - Parameter slopes: `j`.
  mutating func learn(_ slopes: Row<Scalar>) {
    guard count > 0 else { return }
    for number in 0..<count { subtractProduct(images[number], slopes, directions[number]) }
    var products = [Double](repeating: 0, count: count * count)
    for i in 0..<count {
      for j in 0..<count { products[i * count + j] = innerProduct(directions[i], images[j]) }
    }
    for i in 0..<count {
      for j in 0..<count {
        let half = (products[i * count + j] + products[j * count + i]) / 4
        accumulate(images[j], Scalar(-half), directions[i])
      }
    }
    known = count
  }

  /// Finds `K d`, which is then in `product`.
  ///
  /// - Parameter gain: by what it will be multiplied. A product that would grow `d` more
  ///   than eightfold is cut, as the gain of an element is.
  func multiply(_ d: Row<Scalar>, gain: Double) {
    product.update(repeating: 0)
    for i in 0..<count {
      let (along, across) = (innerProduct(directions[i], d), innerProduct(images[i], d))
      accumulate(product, Scalar(along), images[i])
      accumulate(product, Scalar(across), directions[i])
    }
    let (length, most) = (
      gain.magnitude * innerProduct(product, product).squareRoot(), 8 * innerProduct(d, d).squareRoot()
    )
    if length > most { scale(product, by: Scalar(most / length)) }
    if !length.isFinite { product.update(repeating: 0) }
  }

  /// Stores what the next round needs, or reads it.
  mutating func code(_ coder: inout StateCoder) throws {
    try coder.code(&known, in: 0...most)
    for number in 0..<known { try coder.code(images[number]) }
  }
}

/// `output -= a x`, element by element.
@specialized(where Scalar == Float)
@specialized(where Scalar == Double)
private func subtractProduct<Scalar: StateScalar>(_ output: Row<Scalar>, _ a: Row<Scalar>, _ x: Row<Scalar>) {
  for k in 0..<output.count { output[k] -= a[k] * x[k] }
}
