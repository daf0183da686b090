import Diffusion
import Foundation
import Testing

import ScoreModels

/// What diffusers makes of configurations of every class;
/// `PiadmTests/Diffusers/make-classes.py` makes the files.
private struct ClassFixtures {
  let cases: [[String: Any]]

  init(_ name: String) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appending(path: "PiadmTests/Diffusers/classes/\(name)"))
    cases = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
  }

  /// The configuration of a case, with what a file has besides.
  static func configuration(_ settings: [String: Any], of name: String) throws -> SchedulerConfiguration {
    let stated = settings.merging(["_class_name": name, "_diffusers_version": "0.42.1"]) { $1 }
    let data = try JSONSerialization.data(withJSONObject: stated)
    return try SchedulerConfiguration(JSONObject(parsing: data, file: "scheduler_config.json"))
  }
}

@Suite struct SchedulerClassTests {
  static let classes = (try? ClassFixtures("grids.json").cases.compactMap { $0["class"] as? String }) ?? []

  /// Levels are in single precision there, and where the signal all but
  /// vanishes a rounding of 6e-8 is one of their square.
  @Test("timesteps and noise levels are those of the class", arguments: Set(classes).sorted())
  func grids(name: String) throws {
    for fixture in try ClassFixtures("grids.json").cases where fixture["class"] as? String == name {
      let settings = try #require(fixture["settings"] as? [String: Any])
      let comment = Comment("\(name) \(settings)")
      var schedule = try ClassFixtures.configuration(settings, of: name).schedule
      if let mu = fixture["mu"] as? Double { schedule = shifted(schedule, by: mu) }
      let grid = try schedule.grid(steps: try #require(fixture["steps"] as? Int))
      let (timesteps, levels) = (try numbers(fixture["timesteps"]), try numbers(fixture["levels"]))
      try #require(grid.steps == fixture["count"] as? Int, comment)
      let (nodes, told) = (Array(grid.nodes), grid.nodes.dropLast().map { $0.timestep ?? .nan })
      let ends = timesteps.count == grid.steps ? nil : 4
      let shownTimes = ends.map { Array(told.prefix($0) + told.suffix($0)) } ?? told
      let shownNodes = ends.map { Array(nodes.prefix($0) + nodes.suffix($0 + 1)) } ?? nodes
      for (here, there) in zip(shownTimes, timesteps) {
        #expect(abs(here - there) <= 2e-6 * max(abs(there), 1), "\(comment): timestep \(here), not \(there)")
      }
      for (node, there) in zip(shownNodes, levels) {
        let here = node.edmSigma
        #expect(
          here == there || abs(here - there) <= (2e-6 + 1e-7 * there * there) * there,
          "\(comment): level \(here), not \(there)")
      }
    }
  }

  @Test("every class of this program is in the fixtures")
  func allClasses() {
    #expect(Set(Self.classes).count == 30)
  }

  /// A file that diffusers writes has every setting of the class, with its
  /// default, and often those of others.
  @Test("what a class reads is not ignored, and what it does not read is named")
  func keys() throws {
    let fixtures = try ClassFixtures("keys.json").cases
    let all = Set(fixtures.flatMap { (($0["settings"] as? [String: Any]) ?? [:]).keys })
    var count = 0
    for fixture in fixtures {
      let name = try #require(fixture["class"] as? String)
      guard Self.classes.contains(name) else { continue }
      count += 1
      let settings = try #require(fixture["settings"] as? [String: Any])
      #expect(try ClassFixtures.configuration(settings, of: name).summary.ignoredKeys == [], "\(name)")
      // What only asks for the values that conversions between classes leave.
      let asked = name.contains("Score") || name.contains("IPNDM") ? [] : ["sigma_min", "sigma_max"]
      let foreign = Dictionary(uniqueKeysWithValues: all.subtracting(settings.keys).map { ($0, NSNull() as Any) })
      let both = settings.merging(foreign) { own, _ in own }
      let ignored = try ClassFixtures.configuration(both, of: name).summary.ignoredKeys
      let expected = all.subtracting(settings.keys)
      #expect(Set(ignored).union(asked) == expected.union(asked), "\(name)")
    }
    #expect(count == 30)
  }

  @Test(arguments: [
    ("FlaxDDIMScheduler", SamplingMethod.ddim), ("DDIMParallelScheduler", .ddim), ("FlaxDDPMScheduler", .ddpm),
    ("DDPMParallelScheduler", .ddpm), ("EulerDiscreteScheduler", .ddim), ("EulerAncestralDiscreteScheduler", .ddpm),
    ("FlaxDPMSolverMultistepScheduler", .multistep), ("EDMEulerScheduler", .ddim),
    ("EDMDPMSolverMultistepScheduler", .multistep), ("FlowMatchEulerDiscreteScheduler", .ddim),
    ("FlaxLMSDiscreteScheduler", .lms), ("HeunDiscreteScheduler", .heun), ("FlowMatchHeunDiscreteScheduler", .heunFlow),
    ("KDPM2DiscreteScheduler", .middle), ("DPMSolverSinglestepScheduler", .singlestep), ("DEISMultistepScheduler", .deis),
    ("UniPCMultistepScheduler", .unipc), ("IPNDMScheduler", .ipndm), ("CosineDPMSolverMultistepScheduler", .multistepSDE),
  ])
  func `a class's own method is known under its other names too`(name: String, method: SamplingMethod) throws {
    #expect(try ClassFixtures.configuration([:], of: name).summary.method == .here(method))
  }

  @Test(arguments: ["FlaxPNDMScheduler", "KDPM2AncestralDiscreteScheduler", "SASolverScheduler", "LCMScheduler"])
  func `a method that is not here is said to be elsewhere`(name: String) throws {
    guard case .elsewhere = try ClassFixtures.configuration([:], of: name).summary.method else {
      Issue.record("\(name)")
      return
    }
  }

  private func shifted(_ schedule: any NoiseSchedule, by mu: Double) -> any NoiseSchedule {
    guard var flow = schedule as? FlowSchedule, case .dynamic(var shift) = flow.shift else { return schedule }
    shift.mu = mu
    flow.shift = .dynamic(shift)
    return flow
  }

  private func numbers(_ values: Any?) throws -> [Double] {
    try #require(values as? [Any]).map { value in (value as? NSNumber)?.doubleValue ?? .infinity }
  }
}
