import Diffusion

/// A class of diffusers: how its file is read, and which keys concern its own
/// method alone.
struct SchedulerClass: Sendable {
  let read: @Sendable (inout JSONObject) throws -> SchedulerSettings
  var methodKeys: [String] = []

  /// The class of a name, under its Flax and Parallel names too.
  static func named(_ name: String) -> SchedulerClass? {
    let plain = name.hasPrefix("Flax") ? String(name.dropFirst(4)) : name
    return all[plain] ?? all[plain.replacing("ParallelScheduler", with: "Scheduler")]
  }

  static var names: [String] { all.keys.sorted() }

  /// Every class whose schedule is understood, with its own method. A method
  /// that comes here is entered in place of the words.
  private static let all: [String: SchedulerClass] = [
    "DDPMScheduler": SchedulerClass { try $0.ddpm() },
    "UnCLIPScheduler": SchedulerClass { try $0.unclip() },
    "DDIMScheduler": SchedulerClass { try $0.ddim() },
    "CogVideoXDDIMScheduler": SchedulerClass { try $0.cogVideo(own: .here(.ddim)) },
    "CogVideoXDPMScheduler": SchedulerClass { try $0.cogVideo(own: .elsewhere("CogVideoX's DPM-Solver++ SDE")) },
    "DDIMInverseScheduler": SchedulerClass { try $0.ddimInverse() },
    "PNDMScheduler": SchedulerClass { try $0.pndm() },
    "LCMScheduler": SchedulerClass(
      read: { try $0.distilled(own: .elsewhere("the sampler of latent consistency models")) },
      methodKeys: ["timestep_scaling"]),
    "TCDScheduler": SchedulerClass(
      read: { try $0.distilled(own: .elsewhere("trajectory consistency distillation's sampler")) },
      methodKeys: ["timestep_scaling"]),

    "EulerDiscreteScheduler": SchedulerClass { try $0.euler() },
    "EulerAncestralDiscreteScheduler": SchedulerClass { try $0.eulerAncestral() },
    "LMSDiscreteScheduler": SchedulerClass {
      try $0.levelled(own: .here(.lms), endsReplaceKarras: false)
    },
    "HeunDiscreteScheduler": SchedulerClass { try $0.heun() },
    "KDPM2DiscreteScheduler": SchedulerClass {
      try $0.levelled(own: .here(.middle), rounds: true, .diffusersKarras)
    },
    "KDPM2AncestralDiscreteScheduler": SchedulerClass {
      try $0.levelled(own: .elsewhere("DPM2 ancestral"), rounds: true, .diffusersKarras)
    },
    "DPMSolverSDEScheduler": SchedulerClass(
      read: { try $0.levelled(own: .elsewhere("DPM-Solver++ SDE"), endsReplaceKarras: false, .diffusersKarras) },
      methodKeys: ["noise_sampler_seed"]),

    "DPMSolverMultistepScheduler": SchedulerClass { try $0.multistep() },
    "DPMSolverMultistepInverseScheduler": SchedulerClass { try $0.multistepInverse() },
    "DPMSolverSinglestepScheduler": SchedulerClass { try $0.singlestep() },
    "DEISMultistepScheduler": SchedulerClass { try $0.deis() },
    "SASolverScheduler": SchedulerClass(
      read: { try $0.lastLevelMultistep(own: .elsewhere("SA-Solver"), clips: true, shiftsDynamically: false) },
      methodKeys: ["algorithm_type", "predictor_order", "corrector_order", "tau_func", "lower_order_final"]),
    "UniPCMultistepScheduler": SchedulerClass { try $0.unipc() },

    "EDMEulerScheduler": SchedulerClass { try $0.edmEuler() },
    "EDMDPMSolverMultistepScheduler": SchedulerClass { try $0.edmMultistep() },
    "CosineDPMSolverMultistepScheduler": SchedulerClass { try $0.cosineMultistep() },
    "ScoreSdeVeScheduler": SchedulerClass(
      read: { try $0.exploding() }, methodKeys: ["snr", "correct_steps"]),
    "ScoreSdeVpScheduler": SchedulerClass { try $0.preserving() },
    "IPNDMScheduler": SchedulerClass { try $0.crash() },
    "FlowMatchEulerDiscreteScheduler": SchedulerClass { try $0.flowEuler() },
    "FlowMatchHeunDiscreteScheduler": SchedulerClass { try $0.flowHeun() },
  ]
}
