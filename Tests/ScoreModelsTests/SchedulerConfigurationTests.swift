import Diffusion
import Foundation
import Testing

import ScoreModels

private func configuration(_ text: String) throws -> SchedulerConfiguration {
  try SchedulerConfiguration(JSONObject(parsing: Data(text.utf8), file: "scheduler_config.json"))
}

@Suite struct SchedulerConfigurationTests {
  @Test func `absent keys have diffusers' defaults`() throws {
    let ddpm = try configuration(#"{"_class_name": "DDPMScheduler", "clip_sample": false}"#)
    #expect(ddpm.parametrization == .noise)
    #expect(ddpm.schedule == DiscreteSchedule(betas: DiscreteSchedule.linearBetas(count: 1000, from: 1e-4, to: 0.02)))
  }

  @Test func `every stated setting is taken`() throws {
    let ddim = try configuration(
      """
      {"_class_name": "DDIMScheduler", "_diffusers_version": "0.35.2", "beta_end": 0.012, "beta_start": 0.00085,
       "beta_schedule": "scaled_linear", "clip_sample": false, "num_train_timesteps": 50, "set_alpha_to_one": false,
       "prediction_type": "v_prediction", "steps_offset": 1, "timestep_spacing": "trailing", "trained_betas": null}
      """)
    #expect(ddim.parametrization == .velocity)
    #expect(ddim.schedule.spacing == .trailing)
    #expect(ddim.schedule.stepsOffset == 1)
    #expect(ddim.schedule.alphaBar.count == 50)
    // 1 - beta_start; the square of a square root returns to 2 units in the last place.
    #expect(abs(ddim.schedule.alphaBar[0] - (1 - 0.00085)) <= 1e-15)
    #expect(ddim.schedule.finalAlphaBar == ddim.schedule.alphaBar[0])
  }

  @Test func `the squared cosine schedule has the cosine's cumulative products`() throws {
    let cosine = try configuration(
      #"{"_class_name": "DDPMScheduler", "clip_sample": false, "beta_schedule": "squaredcos_cap_v2"}"#
    ).schedule.alphaBar
    func product(_ t: Double) -> Double { pow(cos((t + 0.008) / 1.008 * .pi / 2), 2) }
    // Products of ratios telescope, up to the cap on the last betas.
    for i in [0, 100, 500, 900] {
      let expected = product(Double(i + 1) / 1000) / product(0)
      // A product of i + 1 factors, each rounded a few times.
      #expect(abs(cosine[i] / expected - 1) <= 4 * Double(i + 1) * Double.ulpOfOne)
    }
  }

  @Test func `trained betas are taken as they are`() throws {
    let trained = try configuration(
      #"{"_class_name": "DDPMScheduler", "clip_sample": false, "num_train_timesteps": 2, "trained_betas": [0.5, 0.25]}"#)
    #expect(trained.schedule.alphaBar == [0.5, 0.375])
  }

  @Test(arguments: [
    ("", "JSON"), ("[1, 2]", "array"), ("{", "JSON"), ("nul", "JSON"), ("\u{0}", "JSON"), ("\"text\"", "string"),
    (String(repeating: "[", count: 100_000), "JSON"),
    (#"{"clip_sample": false}"#, "_class_name"),
    (#"{"_class_name": 3}"#, "_class_name"),
    (#"{"_class_name": "PNDMScheduler"}"#, "PNDMScheduler"),
    (#"{"_class_name": "DDPMScheduler"}"#, "clip_sample"),
    (#"{"_class_name": "DDPMScheduler", "clip_sample": true}"#, "clip_sample"),
    (#"{"_class_name": "DDPMScheduler", "clip_sample": 0}"#, "clip_sample"),
  ])
  func `what is no configuration is refused by name`(text: String, named: String) {
    expectFailure(.badData, naming: "scheduler_config.json", named) { try configuration(text) }
  }

  @Test(arguments: [
    (#""thresholding": true"#, "thresholding"),
    (#""rescale_betas_zero_snr": true"#, "rescale_betas_zero_snr"),
    (#""prediction_type": "flow""#, "prediction_type"),
    (#""variance_type": "learned_range""#, "variance_type"),
    (#""timestep_spacing": "karras""#, "timestep_spacing"),
    (#""beta_schedule": "sigmoid""#, "beta_schedule"),
    (#""beta_start": "0.1""#, "beta_start"),
    (#""beta_start": 0"#, "betas"),
    (#""beta_start": -1, "beta_schedule": "scaled_linear""#, "betas"),
    (#""beta_end": 1.5"#, "betas"),
    (#""beta_end": 1e999"#, "JSON"),
    (#""beta_start": 0.9, "beta_end": 0.9"#, "products"),
    (#""beta_start": 1e-18, "beta_end": 1e-18"#, "products"),
    (#""num_train_timesteps": 0"#, "num_train_timesteps"),
    (#""num_train_timesteps": 10.5"#, "num_train_timesteps"),
    (#""num_train_timesteps": 1e300"#, "num_train_timesteps"),
    (#""trained_betas": [0.1]"#, "trained_betas"),
    (#""trained_betas": [0.1, "a"]"#, "trained_betas"),
    (#""steps_offset": -1"#, "steps_offset"),
    (#""steps_offset": 1e18"#, "steps_offset"),
    (#""set_alpha_to_one": true"#, "set_alpha_to_one"),
    (#""use_karras_sigmas": false"#, "use_karras_sigmas"),
  ])
  func `an unknown or unsupported setting is refused by name`(setting: String, named: String) {
    expectFailure(.badData, naming: "scheduler_config.json", named) {
      try configuration(#"{"_class_name": "DDPMScheduler", "clip_sample": false, \#(setting)}"#)
    }
  }
}
