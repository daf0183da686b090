import MPI
import PicardSampler
import Results
import ScoreModels

extension SampleRun {
  /// Decodes the finished latents, shared out over all ranks, into a file. Collective.
  ///
  /// Every latent is decoded alone, so that the bits do not depend on the number of ranks.
  func decode(_ latents: [(number: Int, state: [Scalar])], with decoder: LatentDecoder, to path: String) throws {
    let samples = configuration.sampler.samples
    /// The ranks' samples in the order of ranks, as even as can be.
    func first(of rank: Int) -> Int { rank * samples / world.size }
    let own = first(of: world.rank)..<first(of: world.rank + 1)
    var held = [Int](repeating: 0, count: 2 * world.size)
    var span = held.mutableSpan
    try world.allGather([latents.first?.number ?? 0, latents.count].span, into: &span)
    func holder(of sample: Int) -> Int? {
      (0..<world.size).first { held[2 * $0]..<(held[2 * $0] + held[2 * $0 + 1]) ~= sample }
    }
    var received: [[Float]] = []
    var worker = 0
    for sample in 0..<samples {
      while sample >= first(of: worker + 1) { worker += 1 }
      let state = latents.first { $0.number == sample }?.state.map { Float($0) }
      // Both ranks take part in the same order of samples, so that no two wait for each other.
      if let state, worker != world.rank { try world.send(state.span, to: world[worker]) }
      guard worker == world.rank else { continue }
      var latent = state ?? [Float](repeating: 0, count: decoder.latentShape.reduce(1, *))
      if state == nil, let holder = holder(of: sample) {
        var span = latent.mutableSpan
        try world.receive(into: &span, from: world[holder])
      }
      received.append(latent)
    }
    var rows: [Float] = []
    try world.agree { for latent in received { rows += try decoder.decode(latent) } }
    _ = try SampleFile(path, samples: samples, shape: decoder.shape)
      .write(rows.span, firstSample: own.lowerBound, over: world, hints: configuration.shared.hints)
  }
}
