import Diffusion
import Foundation
import MPI
import NumPyFormat
import PicardSampler
import Results

/// Both distances from the data.
struct Distances: Encodable {
  struct Estimate: Encodable, CustomStringConvertible {
    let value: Double
    let standardError: Double

    init(_ estimate: DistanceEstimate) {
      (value, standardError) = (estimate.value, estimate.standardError)
    }

    var description: String { String(format: "%.4f +- %.4f", value, standardError) }
  }

  let energy: Estimate
  let wasserstein: Estimate

  init(of samples: [Double], from distance: SampleDistance) {
    energy = Estimate(distance.energy(of: samples))
    wasserstein = Estimate(distance.slicedWasserstein(of: samples))
  }
}

/// Data to compare samples with: one half of them, and how far the other half is from it.
struct QualityReference {
  /// Samples in the file.
  let samples: Int
  let shape: [Int]
  let distance: SampleDistance
  let own: Distances

  /// - Throws: `BadData` where there are too few samples, or numbers that are not finite.
  init(file: String) throws {
    let array = try NumPyArray(contentsOf: file)
    let values = array.doubles
    guard array.shape.count >= 2, array.shape[0] >= 40 else {
      throw BadData("--reference \(file): has shape \(array.shape); at least 40 samples x shape are needed")
    }
    guard values.allSatisfy(\.isFinite) else {
      throw BadData("--reference \(file): has numbers that are not finite")
    }
    let count = array.shape[0]
    samples = count
    shape = Array(array.shape.dropFirst())
    let dimension = shape.reduce(1, *)
    // Every second sample: files are often in the order of classes.
    func half(_ first: Int) -> [Double] {
      stride(from: first, to: count / 2 * 2, by: 2).flatMap { values[($0 * dimension)..<(($0 + 1) * dimension)] }
    }
    distance = SampleDistance(to: half(0), dimension: dimension)
    own = Distances(of: half(1), from: distance)
  }
}

/// Samples drawn with one setting, each on its own, shared out over the ranks.
struct QualityStudy<Scalar: StateScalar & MPI.Scalar> {
  let sample: RunConfiguration
  let setup: Setup<Scalar>
  private let world: Communicator

  /// Opens the model. Collective.
  init(_ sample: RunConfiguration, over world: Communicator) throws {
    self.sample = sample
    self.world = world
    let placement = try Placement(world)
    let memory = HostMemory(ranks: placement.ranksBeside(world.rank))
    setup = try world.agree {
      try Setup<Scalar>(
        sample, model: sample.model, ranks: world.size, processors: placement.threads(of: world.rank), memory: memory)
    }
  }

  struct Drawn {
    /// On rank 0, one after another.
    var states: [Scalar]
    var rounds: [Int]
    var evaluations: Int
  }

  /// Collective.
  func draw() throws -> Drawn {
    let count = sample.sampler.samples
    let own = (world.rank * count / world.size)..<((world.rank + 1) * count / world.size)
    let options = sample.solver.picard(setup.trajectory)
    var (states, rounds) = ([Scalar](), [Int]())
    try world.agree {
      for number in own {
        let solver = PicardSolver(
          setup.trajectory, options: options, batch: setup.batch, ring: SingleRank(), noise: setup.noise,
          samples: [number])
        let solution = try solver.run()
        states += solution.samples[0].state
        rounds.append(solution.record.rounds)
      }
    }
    return Drawn(
      states: try world.gather(unequal: states), rounds: try world.gather(unequal: rounds),
      evaluations: try world.allReduce(setup.batch.evaluations, .sum))
  }

  /// - Throws: `BadData` where the data are of another shape.
  func row(_ drawn: Drawn, beside data: QualityReference) throws -> QualityRow {
    guard data.shape == setup.model.shape else {
      throw BadData("--reference has samples of shape \(data.shape), and the model draws \(setup.model.shape)")
    }
    let rounds = drawn.rounds
    return QualityRow(
      method: setup.method.name.rawValue, steps: setup.trajectory.slices, tolerance: sample.solver.tolerance,
      samples: rounds.count, rounds: Double(rounds.reduce(0, +)) / Double(rounds.count), mostRounds: rounds.max() ?? 0,
      evaluations: Double(drawn.evaluations) / Double(rounds.count),
      distances: Distances(of: drawn.states.map { Double($0) }, from: data.distance))
  }
}

/// What one setting takes, and how near its samples are to the data.
struct QualityRow: Encodable {
  let method: String
  /// Evaluations one after another of the sequential sampler.
  let steps: Int
  let tolerance: Double?
  let samples: Int
  /// Mean over samples.
  let rounds: Double
  let mostRounds: Int
  /// Rows a sample of the parallel run.
  let evaluations: Double
  let distances: Distances

  static let head =
    "method        steps  tolerance     rounds   most  evaluations       energy distance   sliced Wasserstein\n"

  var line: String {
    method.padding(toLength: 12, withPad: " ", startingAt: 0)
      + String(format: "%7d%11.2g%11.1f%7d%13.1f", steps, tolerance ?? 0, rounds, mostRounds, evaluations)
      + leftPadded("\(distances.energy)", 22) + leftPadded("\(distances.wasserstein)", 21) + "\n"
  }
}
