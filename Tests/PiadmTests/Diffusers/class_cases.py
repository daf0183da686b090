"""The scheduler configurations of which `make-classes.py` asks diffusers."""
import numpy as np

STEPS = 12
GRID_STEPS = 7

SCALED = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
COSINE = dict(beta_schedule="squaredcos_cap_v2")
TRAINED = [float(x) for x in np.linspace(1e-3, 0.2, 50) ** 1.2]
KARRAS = dict(use_karras_sigmas=True)
EXPONENTIAL = dict(use_exponential_sigmas=True)
BETA = dict(use_beta_sigmas=True)
FLOW = dict(use_flow_sigmas=True, prediction_type="flow_prediction")
RESCALED = dict(rescale_betas_zero_snr=True, prediction_type="v_prediction")
LEAST = dict(final_sigmas_type="sigma_min")


def spacings(**settings):
    return [dict(timestep_spacing=name, **settings) for name in ("leading", "trailing", "linspace")]


# Class, settings, steps, mu.
def grids():
    levels = [KARRAS, EXPONENTIAL, BETA]
    ends = dict(sigma_min=0.03, sigma_max=9)
    for settings in spacings() + spacings(steps_offset=1) + [
            dict(beta_schedule="sigmoid"), dict(beta_schedule="laplace"), RESCALED, COSINE,
            dict(variance_type="fixed_large"), dict(trained_betas=[], num_train_timesteps=1000.0),
            dict(trained_betas=TRAINED, num_train_timesteps=50)]:
        yield "DDPM", settings
    for settings in spacings(set_alpha_to_one=False) + spacings() + [dict(set_alpha_to_one=None), RESCALED, SCALED]:
        yield "DDIM", settings
    for name in ("CogVideoXDDIM", "CogVideoXDPM"):
        yield name, {}
        yield name, dict(timestep_spacing="trailing", snr_shift_scale=1.0, **RESCALED)
        yield name, dict(timestep_spacing="trailing", snr_shift_scale=2, set_alpha_to_one=False, **RESCALED)
    for settings in spacings()[:2] + [dict(set_alpha_to_zero=False), dict(set_alpha_to_one=False, steps_offset=1)]:
        yield "DDIMInverse", settings
    for settings in spacings() + [dict(skip_prk_steps=True, set_alpha_to_one=True, steps_offset=1, **SCALED)]:
        yield "PNDM", settings
    yield "UnCLIP", {}
    for name in ("LCM", "TCD"):
        yield name, {}
        yield name, dict(original_inference_steps=100, set_alpha_to_one=False, **RESCALED)
        yield name, dict(original_inference_steps=40), 7
    for name in ("EulerDiscrete", "LMSDiscrete", "HeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete",
                 "DPMSolverSDE"):
        for settings in spacings() + levels + [dict(KARRAS, **ends), dict(EXPONENTIAL, **ends), dict(BETA, **ends),
                                               dict(KARRAS, **SCALED), dict(timestep_spacing="trailing", **KARRAS)]:
            yield name, settings
    yield "HeunDiscrete", dict(beta_schedule="exp")
    yield "EulerAncestralDiscrete", {}
    for settings in spacings(steps_offset=1, **SCALED) + [RESCALED]:
        yield "EulerAncestralDiscrete", settings
    for settings in [dict(interpolation_type="log_linear"), dict(interpolation_type="log_linear", **KARRAS),
                     dict(interpolation_type="log_linear", timestep_spacing="leading", **LEAST),
                     dict(timestep_type="continuous"), dict(timestep_type="continuous", **RESCALED),
                     dict(timestep_type="continuous", prediction_type="v_prediction", sigma_min=0.002, sigma_max=700,
                          timestep_spacing="leading", steps_offset=1, **KARRAS, **SCALED),
                     dict(LEAST, **KARRAS), dict(LEAST, **EXPONENTIAL), dict(LEAST, **BETA), LEAST,
                     dict(sigma_min=None, sigma_max=None)]:
        yield "EulerDiscrete", settings
    for name in ("DPMSolverMultistep", "DPMSolverSinglestep", "DEISMultistep", "SASolver", "UniPCMultistep"):
        hasEnd = name in ("DPMSolverMultistep", "DPMSolverSinglestep", "UniPCMultistep")
        for settings in [{}, SCALED] + levels + [dict(KARRAS, **ends), dict(EXPONENTIAL, **ends), dict(BETA, **ends),
                                                 dict(KARRAS, **COSINE), dict(EXPONENTIAL, **SCALED), FLOW,
                                                 dict(FLOW, flow_shift=3)]:
            yield name, settings
        if name != "DPMSolverSinglestep":
            for settings in spacings(steps_offset=1):
                yield name, settings
        if hasEnd:
            for settings in [LEAST, dict(LEAST, **KARRAS), dict(LEAST, **EXPONENTIAL), dict(LEAST, **BETA),
                             dict(LEAST, **FLOW)]:
                yield name, settings
        if name in ("DPMSolverMultistep", "DPMSolverSinglestep", "SASolver"):
            yield name, dict(lambda_min_clipped=-5.1, **COSINE)
    for settings in spacings(lambda_min_clipped=-5.1, **COSINE):
        yield "DPMSolverMultistep", settings
        yield "DPMSolverMultistep", settings, 500 if settings["timestep_spacing"] == "trailing" else 300
    for settings in [{}, SCALED, dict(lambda_min_clipped=-5.1, **COSINE)]:
        yield "DPMSolverMultistepInverse", settings
    for settings in [dict(use_lu_lambdas=True), dict(use_lu_lambdas=True, **COSINE), dict(use_lu_lambdas=True, **LEAST),
                     RESCALED, dict(KARRAS, **RESCALED)]:
        yield "DPMSolverMultistep", settings
    for settings in [dict(FLOW, flow_shift=5, shift_terminal=0.1), dict(FLOW, sigma_min=0.01, sigma_max=200, **KARRAS),
                     dict(FLOW, sigma_min=0.01, sigma_max=200, **KARRAS, **LEAST), dict(KARRAS, **RESCALED)]:
        yield "UniPCMultistep", settings
    for name in ("DPMSolverMultistep", "DPMSolverSinglestep", "DEISMultistep", "UniPCMultistep"):
        yield name, dict(FLOW, use_dynamic_shifting=True), GRID_STEPS, 0.9
    for settings in [{}, dict(sigma_schedule="exponential"), LEAST, dict(rho=5, sigma_max=40, sigma_data=1)]:
        yield "EDMEuler", settings
        yield "EDMDPMSolverMultistep", settings
        yield "CosineDPMSolverMultistep", dict(settings)
    yield "ScoreSdeVe", dict(sigma_max=1348, sigma_min=0.01, sampling_eps=1e-5)
    yield "ScoreSdeVp", {}
    yield "IPNDM", {}
    for settings in [{}, dict(shift=3), dict(shift=3.0, shift_terminal=0.1), dict(shift=3.0, **KARRAS), EXPONENTIAL, BETA,
                     dict(shift=3.0, sigma_min=0.02, sigma_max=0.97, **BETA), dict(shift=3.0, stochastic_sampling=True),
                     dict(invert_sigmas=True, shift=2.5), dict(invert_sigmas=True, shift=2.5, shift_terminal=0.05)]:
        yield "FlowMatchEulerDiscrete", settings
    dynamic = dict(use_dynamic_shifting=True, shift=3.0)
    for settings in [dynamic, dict(time_shift_type="linear", **dynamic), dict(shift_terminal=0.02, **dynamic)]:
        yield "FlowMatchEulerDiscrete", settings, GRID_STEPS, 0.9
    yield "FlowMatchHeunDiscrete", {}
    yield "FlowMatchHeunDiscrete", dict(shift=3.0)


# Class, settings, steps, further options of piadm, mu.
def sampled():
    yield "DDPM", dict(clip_sample=False, variance_type="fixed_large", steps_offset=1)
    yield "DDPM", dict(variance_type="fixed_large", timestep_spacing="trailing"), 16
    yield "DDPM", dict(clip_sample=False, variance_type="learned_range", beta_schedule="squaredcos_cap_v2")
    yield "DDPM", dict(thresholding=True, sample_max_value=1.5, variance_type="learned_range", steps_offset=1)
    yield "DDPM", dict(clip_sample=False, variance_type="learned", prediction_type="v_prediction")
    yield "DPMSolverMultistep", dict(variance_type="learned_range", **SCALED)
    yield "DDPM", dict(beta_schedule="sigmoid", clip_sample=False)
    yield "DDPM", dict(beta_schedule="laplace", clip_sample=False, prediction_type="v_prediction")
    yield "DDPM", dict(clip_sample=False, trained_betas=TRAINED, num_train_timesteps=50)
    yield "DDIM", dict(clip_sample=None, set_alpha_to_one=None)
    yield "DDIM", dict(clip_sample=False, prediction_type="v_prediction", **COSINE)
    yield "CogVideoXDDIM", dict(timestep_spacing="trailing", **RESCALED)
    yield "EulerDiscrete", dict(interpolation_type="log_linear", **SCALED)
    yield "EulerDiscrete", dict(interpolation_type="log_linear", timestep_spacing="leading", **KARRAS, **SCALED)
    yield "EulerDiscrete", dict(timestep_type="continuous", prediction_type="v_prediction", sigma_min=0.002,
                                sigma_max=700, timestep_spacing="leading", **KARRAS, **SCALED)
    yield "EulerDiscrete", dict(BETA, **SCALED)
    yield "EulerDiscrete", dict(LEAST, **KARRAS, **SCALED)
    yield "EulerDiscrete", dict(LEAST, timestep_spacing="leading", **EXPONENTIAL, **SCALED)
    yield "EulerAncestralDiscrete", dict(timestep_spacing="trailing", prediction_type="v_prediction", **SCALED)
    yield "EulerAncestralDiscrete", dict(timestep_spacing="leading", steps_offset=1, **SCALED)
    yield "DPMSolverMultistep", dict(BETA, **SCALED)
    yield "DPMSolverMultistep", dict(use_lu_lambdas=True, **SCALED)
    yield "DPMSolverMultistep", dict(use_lu_lambdas=True, prediction_type="v_prediction", **COSINE)
    yield "DPMSolverMultistep", dict(LEAST, **KARRAS, **SCALED), 20
    yield "DPMSolverMultistep", dict(LEAST, prediction_type="v_prediction", **EXPONENTIAL), 20
    yield "DPMSolverMultistep", dict(solver_order=1, **SCALED)
    yield "DPMSolverMultistep", dict(solver_order=1, algorithm_type="sde-dpmsolver++", **SCALED)
    yield "DPMSolverMultistep", dict(solver_order=1, algorithm_type="dpmsolver", **LEAST, **SCALED)
    yield "DPMSolverMultistep", dict(LEAST, solver_type="bh2", algorithm_type="deis", **SCALED), 20
    yield "DPMSolverMultistep", dict(FLOW, flow_shift=3), 20
    yield "DPMSolverMultistep", dict(FLOW, use_dynamic_shifting=True), STEPS, ["--mu", "0.9"], 0.9
    yield "DPMSolverMultistep", dict(lambda_min_clipped=-5.1, timestep_spacing="trailing",
                                     prediction_type="v_prediction", **COSINE), 250
    yield "EDMDPMSolverMultistep", {}, 20
    yield "EDMDPMSolverMultistep", dict(sigma_schedule="exponential", thresholding=True, sample_max_value=2.0, **LEAST)
    yield "EDMEuler", dict(rho=5, sigma_data=1, sigma_max=40)
    yield "EDMEuler", dict(rho=7, sigma_max=80), STEPS, ["--sigma-max", "30", "--sigma-min", "0.02", "--rho", "5"]
    yield "FlowMatchEulerDiscrete", dict(invert_sigmas=True, shift=2.5)
    yield "FlowMatchEulerDiscrete", dict(shift=3.0, **KARRAS)
    yield "FlowMatchEulerDiscrete", dict(shift=3.0, **EXPONENTIAL)
    yield "FlowMatchEulerDiscrete", dict(shift=3.0, **BETA)
    yield "FlowMatchEulerDiscrete", dict(shift=3.0, stochastic_sampling=True)
    dynamic = dict(use_dynamic_shifting=True)
    yield "FlowMatchEulerDiscrete", dict(shift=3.0, **dynamic), STEPS, ["--mu", "0.9"], 0.9
    yield "FlowMatchEulerDiscrete", dict(time_shift_type="linear", **dynamic), STEPS, ["--mu", "2"], 2.0
    slope = (1.15 - 0.5) / (4096 - 256)
    yield "FlowMatchEulerDiscrete", dynamic, STEPS, ["--sequence-length", "1024"], 0.5 + (1024 - 256) * slope


# Class, settings, steps: of methods that have stages or histories.
def methods():
    for settings in [{}, SCALED, dict(steps_offset=1, **SCALED)]:
        yield "PNDM", dict(skip_prk_steps=True, timestep_spacing="leading", **settings)
    yield "PNDM", dict(skip_prk_steps=True, set_alpha_to_one=True, **SCALED), 4
    for settings in [dict(solver_type="bh2"), dict(solver_type="bh1", **LEAST), dict(solver_order=3), dict(solver_order=3, solver_type="bh1", **LEAST),
                     dict(solver_order=3, lower_order_final=False, **LEAST), dict(lower_order_final=False, **LEAST),
                     dict(solver_order=3, **KARRAS), dict(FLOW, solver_order=3, flow_shift=3),
                     dict(solver_order=2, thresholding=True, sample_max_value=1.5, prediction_type="sample")]:
        yield "UniPCMultistep", dict(SCALED, **settings)
    for settings in [dict(solver_order=1), dict(solver_order=2), dict(solver_order=3), dict(solver_order=3, **KARRAS),
                     dict(FLOW, solver_order=2)]:
        yield "DEISMultistep", dict(SCALED, **settings)
    yield "DEISMultistep", dict(SCALED, solver_order=3), 18
    for settings in [{}, KARRAS, dict(timestep_spacing="trailing", prediction_type="v_prediction")]:
        yield "LMSDiscrete", dict(SCALED, **settings)
    yield "IPNDM", {}
    for settings in [dict(solver_order=3), dict(solver_order=3, **KARRAS), dict(solver_type="heun"),
                     dict(algorithm_type="dpmsolver", **LEAST), dict(algorithm_type="dpmsolver", solver_type="heun", **LEAST),
                     dict(algorithm_type="dpmsolver", solver_order=3, **LEAST), dict(solver_order=3, euler_at_final=True, **LEAST),
                     dict(algorithm_type="sde-dpmsolver++"), dict(algorithm_type="sde-dpmsolver++", solver_type="heun", **KARRAS)]:
        yield "DPMSolverMultistep", dict(SCALED, **settings)
    yield "DPMSolverMultistep", dict(SCALED, solver_order=3, **LEAST), 18
    yield "EDMDPMSolverMultistep", dict(solver_order=3), 18
    yield "EDMDPMSolverMultistep", dict(algorithm_type="sde-dpmsolver++"), 18
    for settings in [{}, KARRAS, dict(clip_sample=True, timestep_spacing="leading"), dict(prediction_type="v_prediction")]:
        yield "HeunDiscrete", dict(SCALED, **settings)
    for settings in [{}, KARRAS, dict(timestep_spacing="trailing", prediction_type="v_prediction")]:
        yield "KDPM2Discrete", dict(SCALED, **settings)
    for settings in [{}, dict(KARRAS, **LEAST), dict(lower_order_final=True)]:
        yield "DPMSolverSinglestep", dict(SCALED, **settings)
    yield "DPMSolverSinglestep", dict(SCALED, lower_order_final=True), 11
    for settings in [{}, dict(shift=3.0)]:
        yield "FlowMatchHeunDiscrete", settings
