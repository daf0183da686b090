import Diffusion
import Foundation
import Testing

import ScoreModels

private func configuration(_ text: String) throws -> SchedulerConfiguration {
  try SchedulerConfiguration(JSONObject(parsing: Data(text.utf8), file: "scheduler_config.json"))
}

private func discrete(_ text: String) throws -> DiscreteSchedule {
  try #require(try configuration(text).schedule as? DiscreteSchedule)
}

@Suite struct SchedulerConfigurationTests {
  @Test func `absent keys have diffusers' defaults`() throws {
    let ddpm = try configuration(#"{"_class_name": "DDPMScheduler"}"#)
    #expect(ddpm.parametrization == .noise)
    #expect(ddpm.bound == EstimateBound(.clip(1)))
    let linear = DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02))
    let schedule = try #require(ddpm.schedule as? DiscreteSchedule)
    // diffusers' betas are in single precision; a product of 1000 factors is rounded as often.
    for (here, exact) in zip(schedule.alphaBar, linear.alphaBar) { #expect(abs(here / exact - 1) <= 1000 * 0x1p-24) }
    #expect(schedule == DiscreteSchedule(alphaBar: schedule.alphaBar))
    let ddim = try configuration(#"{"_class_name": "DDIMScheduler"}"#)
    #expect(ddim.bound == EstimateBound(.clip(1), keepsDirection: true))
    let multistep = try configuration(#"{"_class_name": "DPMSolverMultistepScheduler"}"#)
    #expect(multistep.bound == nil)
    #expect((multistep.schedule as? DiscreteSchedule)?.spacing == .linspace)
    let denoiser = try configuration(#"{"_class_name": "EDMEulerScheduler"}"#)
    #expect(denoiser.schedule as? DenoiserSchedule == DenoiserSchedule(least: 0.002, greatest: 80, levels: .karras(rho: 7)))
    #expect(denoiser.parametrization == .preconditioned(dataDeviation: 0.5, isNegated: false))
    let flow = try configuration(#"{"_class_name": "FlowMatchEulerDiscreteScheduler"}"#)
    #expect(flow.schedule as? FlowSchedule == FlowSchedule(count: 1000, shift: 1))
    #expect(flow.parametrization == .flow(isNegated: false))
  }

  @Test func `every stated setting is taken`() throws {
    let text =
      """
      {"_class_name": "DDIMScheduler", "_diffusers_version": "0.35.2", "beta_end": 0.012, "beta_start": 0.00085,
       "beta_schedule": "scaled_linear", "clip_sample": false, "num_train_timesteps": 50, "set_alpha_to_one": false,
       "prediction_type": "v_prediction", "steps_offset": 1, "timestep_spacing": "trailing", "trained_betas": null}
      """
    #expect(try configuration(text).parametrization == .velocity)
    #expect(try configuration(text).bound == nil)
    let ddim = try discrete(text)
    #expect(ddim.landsByCount)
    #expect(ddim.spacing == .trailing)
    #expect(ddim.stepsOffset == 1)
    #expect(ddim.alphaBar.count == 50)
    // 1 - beta_start, in single precision.
    #expect(abs(ddim.alphaBar[0] - (1 - 0.00085)) <= 0x1p-24)
    #expect(ddim.end == .alphaBar(ddim.alphaBar[0]))
  }

  /// Python's json writes minus infinity as JSON does not.
  @Test func `the infinity that diffusers writes for DPM-Solver is read`() throws {
    let stored = try discrete(
      #"{"_class_name": "DPMSolverMultistepScheduler", "lambda_min_clipped": -Infinity, "euler_at_final": true}"#)
    #expect(stored.choice == .withoutLowest(leastLogRatio: -.infinity))
    #expect(stored.endOrders == EndOrders(firstBelow: .max, secondBelow: 15))
  }

  @Test func `the squared cosine schedule has the cosine's cumulative products`() throws {
    let cosine = try discrete(
      #"{"_class_name": "DDPMScheduler", "clip_sample": false, "beta_schedule": "squaredcos_cap_v2"}"#
    ).alphaBar
    func product(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
    // Products of ratios telescope, up to the cap on the last betas.
    for i in [0, 100, 500, 900] {
      let expected = product(Double(i + 1) / 1000) / product(0)
      // A product of i + 1 factors, each a number of single precision.
      #expect(abs(cosine[i] / expected - 1) <= Double(i + 2) * 0x1p-24)
    }
  }

  @Test func `trained betas are taken as they are`() throws {
    let trained = try discrete(
      #"{"_class_name": "DDPMScheduler", "clip_sample": false, "num_train_timesteps": 2, "trained_betas": [0.5, 0.25]}"#)
    #expect(trained.alphaBar == [0.5, 0.375])
  }

  /// Lin et al. (WACV 2024): the first signal level stays, the last one goes.
  @Test func `rescaled betas leave no signal`() throws {
    let text = #""beta_end": 0.012, "rescale_betas_zero_snr": true}"#
    let rescaled = try discrete(#"{"_class_name": "DDIMScheduler", \#(text)"#).alphaBar
    let plain = try discrete(#"{"_class_name": "DDIMScheduler", "beta_end": 0.012}"#).alphaBar
    #expect(abs(rescaled[0] - plain[0]) <= 4 * 0x1p-24)
    #expect(rescaled[999] == 0)
    #expect(zip(rescaled, rescaled.dropFirst()).allSatisfy { $0 > $1 })
    // Schedulers that work in sigma_E need it finite.
    #expect(try discrete(#"{"_class_name": "EulerDiscreteScheduler", \#(text)"#).alphaBar[999] == 0x1p-24)
  }

  @Test(arguments: [
    ("", "JSON"), ("[1, 2]", "array"), ("{", "JSON"), ("nul", "JSON"), ("\u{0}", "JSON"), ("\"text\"", "string"),
    (String(repeating: "[", count: 100_000), "JSON"),
    (#"{"clip_sample": false}"#, "_class_name"),
    (#"{"_class_name": 3}"#, "_class_name"),
    (#"{"_class_name": "KarrasScheduler"}"#, "KarrasScheduler"),
    (#"{"_class_name": "FlaxScheduler"}"#, "FlaxScheduler"),
    (#"{"_class_name": "DDIMScheduler", "_class_name": "DDPMScheduler"}"#, #""_class_name" is there twice"#),
    ("{\n\"_class_name\": \"DDIMScheduler\",\n\"clip_sample\": false,\n}", "line 4: a comma stands before }"),
    (#"{"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2,]}"#, "a comma stands before ]"),
    (#"{"_class_name": "DDIMScheduler", "beta_end": 0.0.2}"#, "0.0.2"),
    (#"{"_class_name": "EulerDiscreteScheduler", "interpolation_type": "cubic"}"#, "interpolation_type"),
    (#"{"_class_name": "EulerDiscreteScheduler", "timestep_type": "whole"}"#, "timestep_type"),
    (#"{"_class_name": "EulerDiscreteScheduler", "sigma_min": 1e-3, "final_sigmas_type": "sigma_min", "use_karras_sigmas": true}"#, "sigma_min"),
    (#"{"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": true, "sigma_min": -1}"#, "sigma_min"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "rk45"}"#, "algorithm_type"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "solver_type": "trapezoid"}"#, "solver_type"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "solver_order": 4}"#, "solver_order"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": true}"#, "use_flow_sigmas"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "prediction_type": "flow_prediction"}"#, "flow_prediction"),
    (#"{"_class_name": "DPMSolverMultistepScheduler", "final_sigmas_type": "denoise_to_zero"}"#, "final_sigmas_type"),
    (
      #"{"_class_name": "DPMSolverMultistepScheduler", "use_karras_sigmas": true, "use_exponential_sigmas": true}"#,
      "exclude"
    ),
    (#"{"_class_name": "EDMEulerScheduler", "sigma_min": 90}"#, "sigma_max"),
    (#"{"_class_name": "EDMEulerScheduler", "sigma_data": 0}"#, "sigma_data"),
    (#"{"_class_name": "EDMEulerScheduler", "prediction_type": "sample"}"#, "prediction_type"),
    (#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": true, "max_image_seq_len": 256}"#, "base_image_seq_len"),
    (#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "stochastic_sampling": true, "invert_sigmas": true}"#, "stochastic_sampling"),
    (#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "time_shift_type": "cubic"}"#, "time_shift_type"),
    (#"{"_class_name": "UniPCMultistepScheduler", "shift_terminal": 0.1}"#, "use_flow_sigmas"),
    (
      #"{"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": true, "use_beta_sigmas": true, "prediction_type": "flow_prediction"}"#,
      "use_flow_sigmas"
    ),
    (#"{"_class_name": "LCMScheduler", "original_inference_steps": 2000}"#, "original_inference_steps"),
    (#"{"_class_name": "DDIMInverseScheduler", "timestep_spacing": "linspace"}"#, "timestep_spacing"),
    (#"{"_class_name": "ScoreSdeVeScheduler", "sigma_min": 2000}"#, "sigma_max"),
    (#"{"_class_name": "IPNDMScheduler", "trained_betas": [0.1]}"#, "trained_betas"),
    (#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": Infinity}"#, "shift"),
    (#"{"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 1}"#, "shift_terminal"),
    (#"{"_class_name": "DDPMScheduler", "clip_sample": 0}"#, "clip_sample"),
  ])
  func `what is no configuration is refused by name`(text: String, named: String) {
    expectFailure(.badData, naming: "scheduler_config.json", named) { try configuration(text) }
  }

  @Test(arguments: [
    (#""thresholding": 1"#, "thresholding"),
    (#""dynamic_thresholding_ratio": 1.5"#, "dynamic_thresholding_ratio"),
    (#""clip_sample_range": -1"#, "clip_sample_range"),
    (#""rescale_betas_zero_snr": "yes""#, "rescale_betas_zero_snr"),
    (#""prediction_type": "flow""#, "prediction_type"),
    (#""variance_type": "huge""#, "variance_type"),
    (#""timestep_spacing": "karras""#, "timestep_spacing"),
    (#""beta_schedule": "exp""#, "beta_schedule"),
    (#""beta_start": "0.1""#, "beta_start"),
    (#""beta_start": 0"#, "betas"),
    (#""beta_start": -1, "beta_schedule": "scaled_linear""#, "betas"),
    (#""beta_end": 1.5"#, "betas"),
    (#""beta_end": Infinity"#, "beta_end"),
    (#""trained_betas": [NaN]"#, "trained_betas"),
    (#""beta_start": 0.9, "beta_end": 0.9"#, "products"),
    (#""beta_start": 1e-18, "beta_end": 1e-18"#, "products"),
    (#""num_train_timesteps": 0"#, "num_train_timesteps"),
    (#""num_train_timesteps": 10.5"#, "num_train_timesteps"),
    (#""num_train_timesteps": 1e300"#, "num_train_timesteps"),
    (#""trained_betas": [0.1]"#, "trained_betas"),
    (#""trained_betas": [0.1, "a"]"#, "trained_betas"),
    (#""steps_offset": -1"#, "steps_offset"),
    (#""steps_offset": 1e18"#, "steps_offset"),
  ])
  func `an unknown or unsupported setting is refused by name`(setting: String, named: String) {
    expectFailure(.badData, naming: "scheduler_config.json", named) {
      try configuration(#"{"_class_name": "DDPMScheduler", "clip_sample": false, \#(setting)}"#)
    }
  }
}
