import Diffusion

/// A row of a call, in the model's scaling.
struct TestRow<Scalar: StateScalar> {
  var time: NoiseTime
  var sample: Int
  var input: [Scalar]

  /// A row larger than any other of the check, which shows where what a call shares is its
  /// largest element.
  var enlarged: TestRow { TestRow(time: time, sample: sample, input: input.map { 8 * $0 }) }
}

/// Rows of a run with their predictions: as many as are kept of all, each of which
/// is as likely to be among them (reservoir sampling, Vitter 1985).
struct Witnesses<Scalar: StateScalar> {
  let capacity: Int
  private(set) var rows: [TestRow<Scalar>] = []
  private(set) var predictions: [[Scalar]] = []
  private var offered: UInt64 = 0
  private var state: UInt64 = 0x5eed

  init(capacity: Int) { self.capacity = capacity }

  /// - Parameter size: rows of the call. To be evaluated alone again says nothing of
  ///   a row that was alone.
  mutating func offer(from size: Int, row: () -> TestRow<Scalar>, prediction: () -> [Scalar]) {
    guard max(size, capacity) > 1 else { return }
    offered += 1
    if rows.count < capacity {
      rows.append(row())
      predictions.append(prediction())
      return
    }
    // A linear congruential generator, of which the high bits count (Knuth's MMIX).
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let place = (state >> 11) % offered
    guard place < UInt64(capacity) else { return }
    rows[Int(place)] = row()
    predictions[Int(place)] = prediction()
  }
}

/// Rows at noise times of a run, in any number: the first ones of them spread over all.
struct TestRows<Scalar: StateScalar> {
  let times: [NoiseTime]
  let samples: [Int]
  let parametrization: Parametrization
  let dimension: Int
  private let noise = CounterNoise(seed: 0x5ca1ab1e)

  init(times: [NoiseTime], samples: [Int], parametrization: Parametrization, dimension: Int) {
    (self.times, self.samples) = (times, samples)
    (self.parametrization, self.dimension) = (parametrization, dimension)
  }

  subscript(row: Int) -> TestRow<Scalar> {
    // Multiples of the golden ratio, modulo 1.
    let place = (Double(row) * 0.6180339887498949).truncatingRemainder(dividingBy: 1)
    let time = times[Int(place * Double(times.count))]
    // The row that is evaluated alone is small, so that others decide what a call shares.
    let scale = Scalar(parametrization.inputScale(at: time) * (row == 0 ? 0.5 : 1.5 - place))
    let state: [Scalar] = noise.normals(dimension, stream: .initialState, step: 0, sample: row)
    return TestRow(time: time, sample: samples[row % samples.count], input: state.map { scale * $0 })
  }
}
