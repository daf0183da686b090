import Foundation
import Launching
import Testing

extension CommandLineTests {
  /// A few runs whose bits are known, so that a change of bits is noticed and named: it breaks
  /// the promise that a seed repeats a sample, and stored runs. `jobs/compare-revisions.py`
  /// says which of some sixty runs have changed.
  ///
  /// They were drawn on x86-64 with Debian's C library, whose `exp` enters the scores: another
  /// one may give other last bits.
  @Suite struct PinnedDigests {
    struct Pinned: CustomStringConvertible, Sendable {
      var options: String
      /// The first characters of the samples' digest.
      var digest: String
      var rounds: Int
      var evaluations: Int

      var description: String { options }
    }

    static let all = [
      Pinned(options: "--window off --steps 60 --chunk 4", digest: "b6574861bb9c3c0f", rounds: 6, evaluations: 376),
      Pinned(
        options: "--steps 60 --method ddpm --window 12 --chunk 4", digest: "15c21238582a933c", rounds: 10,
        evaluations: 212),
      Pinned(
        options: "--steps 60 --method dpm++2m --window 3:20 --chunk 3 --precision double", digest: "c9e4364c0537bd5c",
        rounds: 16, evaluations: 186),
      Pinned(
        options: "--window off --steps 40 --method piadm-ode --chunk 2", digest: "98aec5641f580bf7", rounds: 19,
        evaluations: 441),
      Pinned(
        options: "--window off --steps 60 --method ddim --linearization secant --chunk 5 --tolerance 1e-5",
        digest: "8b92153e82eec8ef", rounds: 6, evaluations: 472),
      Pinned(
        options: "--window off --steps 40 --method ddpm --probes 1 --chunk 5", digest: "6c5329e9700048cf", rounds: 6,
        evaluations: 492),
      // As before a round evaluated what has moved alone.
      Pinned(
        options: "--window off --steps 60 --chunk 4 --movement 0", digest: "d4f87b86ea150d78", rounds: 6, evaluations: 626),
      Pinned(
        options: "--window off --steps 40 --linearization frozen --iterations 6 --blocks 2 --chunk 5",
        digest: "fb050eb16a9514dd", rounds: 12, evaluations: 420),
      Pinned(
        options: "--window off --steps 40 --method ddpm --anderson 2 --chunk 5", digest: "c4cec728112aebc6", rounds: 9,
        evaluations: 544),
    ]

    @Test("runs have the bits, rounds and evaluations that they had", arguments: all)
    func pinned(_ run: Pinned) throws {
      let place = try Workplace()
      let options = run.options.split(separator: " ").map { String($0) }
      let digest = try place.digest(["mixture.json", "--samples", "2", "--report", "report.json"] + options)
      #expect(digest.hasPrefix(run.digest), "\(digest)")
      let report = try #require(
        JSONSerialization.jsonObject(with: place.read("report.json")) as? [String: Any])
      #expect(report["rounds"] as? Int == run.rounds)
      #expect(report["evaluations"] as? Int == run.evaluations)
    }
  }
}
