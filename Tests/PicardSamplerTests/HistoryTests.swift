import Diffusion
import PicardSampler
import Testing

/// Step maps that read several values of `f` which earlier slices have kept.
@Suite("histories") struct HistoryTests {
  /// A trajectory whose maps are the posterior's, bent to read earlier values.
  struct Bent: CustomStringConvertible, Sendable {
    var description: String
    var components = 1
    var blocks = 1
    /// Factors of kept values, the newest first.
    var history: [Double]
    var keeps: @Sendable (_ slice: Int) -> Bool = { _ in true }

    func trajectory() throws -> Trajectory {
      let plain = try Trajectory(
        .posterior, on: .shrinking(steps: 23, horizon: 6, earlyStop: 0.05), noiseLevel: components == 1 ? 0.5 : 0,
        blocks: blocks)
      var (number, kept) = (0, 0)
      let stages = plain.stages.map { stage in
        Stage(
          kind: stage.kind, block: stage.block, quantity: stage.quantity, components: components,
          slices: stage.slices.map { slice in
            var slice = slice
            // As many as there are by then.
            let factors = Array(history.prefix(kept))
            slice.value.u -= factors.reduce(0, +) * slice.value.u
            slice.history = History(position: factors.map { $0 * slice.value.u }, velocity: components == 2 ? factors : [])
            if components == 2 {
              slice.state = Gain(uu: 0.75 * slice.state.uu, uv: 0.25 * slice.state.uu, vu: 0.5, vv: 0.25)
              slice.value.v = 0.125
            }
            slice.keepsValue = keeps(number)
            if slice.keepsValue { kept += 1 }
            number += 1
            return slice
          })
      }
      return Trajectory(stages: stages, steps: plain.steps)
    }
  }

  static let all = [
    Bent(description: "two values", history: [-0.3, 0.1]),
    Bent(description: "four values, two blocks", blocks: 2, history: [-0.2, 0.1, -0.05, 0.02]),
    Bent(description: "two values, every third slice's", history: [-0.3, 0.1]) { $0 % 3 == 1 },
    Bent(description: "two components", components: 2, history: [-0.3, 0.1]),
    Bent(description: "two components, every second slice's, two blocks", components: 2, blocks: 2, history: [0.2, 0, -0.1]) { $0 % 2 == 0 },
  ]

  private static let cases: [(Extent, Int)] = [
    (.blocks, 23), (.blocks, 1), (.blocks, 4), (.window(7), 1), (.window(7), 3), (.window(2, maximum: 9), 2),
  ]

  @Test("at tolerance 0 the result is the sequential sampler's, to the bit", arguments: all, Linearization.allCases)
  func toleranceZero(bent: Bent, linearization: Linearization) throws {
    let trajectory = try bent.trajectory()
    let reference: [[Float]] = try sequential(trajectory, samples: [0, 1])
    for (extent, chunk) in Self.cases {
      let options = PicardOptions(
        linearization: linearization, stop: .tolerance(0), extent: extent, chunk: chunk, trajectory: trajectory)
      #expect(try Drawn<Float>(trajectory, options, samples: [0, 1]).states == reference, "\(extent), chunk \(chunk)")
    }
  }

  @Test("the number of ranks enters no bit", arguments: all)
  func ranks(bent: Bent) throws {
    let trajectory = try bent.trajectory()
    for (extent, chunk) in Self.cases {
      for stop in [StopRule.tolerance(1e-3), .iterations(4)] {
        let options = PicardOptions(stop: stop, extent: extent, chunk: chunk, trajectory: trajectory)
        let alone = try Drawn<Float>(trajectory, options, samples: [0, 1])
        for ranks in [2, 3, 7] {
          let together = try Drawn<Float>(trajectory, options, ranks: ranks, samples: [0, 1])
          #expect(together.states == alone.states && together.rounds == alone.rounds, "\(extent), chunk \(chunk), \(ranks) ranks")
        }
      }
    }
  }

  @Test("a map that reads values another way gives other samples")
  func counts() throws {
    let states = try [[], [-0.3], [-0.3, 0.1]].map { history -> [Double] in
      try sequential(Bent(description: "", history: history).trajectory())[0]
    }
    #expect(Set(states).count == 3)
  }
}
