import Foundation

/// A random field on a square periodic lattice with a power-law spectrum, and
/// its exact score by fast transforms.
///
/// The field is Gaussian with mean 0. Its covariance is diagonal in the
/// orthonormal Hartley basis, with variances
/// `scale (1 + (|f|/corner)^2)^(-exponent/2)` at frequency `f`, in cycles per
/// lattice site: flat at long distances, a power law at short ones, and of one
/// correlation length in lattice sites whatever the size.
public struct GaussianField<Scalar: StateScalar>: ScoreModel, Sendable {
  /// Sites along a side, a power of two.
  public let side: Int
  /// Variance of each Hartley mode, row by row.
  public let variances: [Double]

  /// The lattice, side by side.
  public var shape: [Int] { [side, side] }
  /// The score.
  public var parametrization: Parametrization { .score }

  /// - Parameters:
  ///   - side: sites along a side, a power of two.
  ///   - scale: variance of the longest waves.
  ///   - corner: frequency at which the power law begins, in cycles per site.
  ///   - exponent: of the power law.
  /// - Throws: `DiffusionError` where the side is no power of two or another
  ///   number is not positive.
  public init(side: Int, scale: Double, corner: Double, exponent: Double) throws {
    guard side >= 2, side & (side - 1) == 0 else {
      throw DiffusionError("a field's side must be a power of two, at least 2, not \(side)")
    }
    guard scale > 0, corner > 0, exponent > 0, scale.isFinite, corner.isFinite, exponent.isFinite
    else { throw DiffusionError("a field's scale, corner and exponent must be positive and finite") }
    self.side = side
    let squares = (0..<side).map { index in
      let frequency = Double(min(index, side - index)) / Double(side)
      return frequency * frequency / (corner * corner)
    }
    variances = squares.flatMap { row in
      squares.map { column in scale * pow(1 + row + column, -exponent / 2) }
    }
  }

  /// The exact score of each row, by two Hartley transforms.
  @specialized(where Scalar == Float)
  @specialized(where Scalar == Double)
  public func predict(
    _ states: Span<Scalar>, at times: Span<NoiseTime>, into output: inout MutableSpan<Scalar>
  ) {
    let dimension = side * side
    var transform = HartleyTransform<Scalar>(side: side)
    for row in 0..<times.count {
      let range = (row * dimension)..<((row + 1) * dimension)
      let (clean, noise) = (
        times[row].alpha * times[row].alpha, times[row].sigma * times[row].sigma
      )
      // The spectrum is the same for rows and columns exchanged, as the
      // transform leaves them.
      transform.load(states.extracting(range))
      transform.apply()
      for k in 0..<dimension {
        transform.values[k] *= Scalar(-1 / (clean * variances[k] + noise))
      }
      transform.apply()
      for k in 0..<dimension { output[range.lowerBound + k] = transform.values[k] }
    }
  }
}
