#!/usr/bin/env python3
"""Makes the folder `classes` beside it: what diffusers makes of scheduler
configurations of every class and kind.

    python3 -m venv venv
    venv/bin/pip install torch diffusers==0.42.1 scipy torchsde onnx
    venv/bin/python make-classes.py

`grids.json` has a list of configurations, each with the timesteps and noise
levels (sigma_E, the one that the last step leads to behind them) of a run, of
long ones the first four and the last four.
`samples.json` has configurations whose class's method piadm has, with the
samples that the class draws with `model.onnx`, a small network of random
weights, or `doubled.onnx` where it is of learned variances, from `initial.npy` and, where it draws noise, from `noise.npy`.
`keys.json` has the settings that each class reads.
"""
import inspect
import json
import math
import pathlib
import warnings

import diffusers
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings("ignore")
folder = pathlib.Path(__file__).resolve().parent / "classes"
SHAPE = (1, 4, 4)
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


def build(name, settings):
    """As from a file: with the keys that the class does not read, but asks its configuration for."""
    settings = dict(settings)
    if settings.get("trained_betas") == []:
        del settings["trained_betas"]
    if "num_train_timesteps" in settings:
        settings["num_train_timesteps"] = int(settings["num_train_timesteps"])
    kind = getattr(diffusers, f"{name}Scheduler", None) or getattr(
        __import__("diffusers.schedulers.deprecated.scheduling_sde_vp", fromlist=["x"]), f"{name}Scheduler")
    if name == "IPNDM":
        return kind()
    return kind.from_config({"_class_name": f"{name}Scheduler", **settings})


def set_timesteps(name, scheduler, steps, mu):
    if mu is None:
        scheduler.set_timesteps(steps)
    else:
        scheduler.set_timesteps(steps, mu=mu)


def numbers(values):
    return [float(f"{float(x):.7g}") if math.isfinite(float(x)) else "inf" for x in values]


def grid(name, settings, steps=GRID_STEPS, mu=None):
    scheduler = build(name, settings)
    set_timesteps(name, scheduler, steps, mu)
    times = np.array(scheduler.timesteps, dtype=float) if scheduler.timesteps is not None else None

    def discrete(timesteps, end):
        table = scheduler.alphas_cumprod.double().numpy()
        products = [table[int(t)] for t in timesteps] + [end]
        return [math.inf if p == 0 else math.sqrt((1 - p) / p) for p in products]

    if name in ("DDPM", "UnCLIP"):
        levels = discrete(times, 1)
    elif name in ("DDIM", "LCM", "TCD", "PNDM", "CogVideoXDDIM", "CogVideoXDPM"):
        if name == "PNDM":
            times = np.array(scheduler._timesteps[::-1], dtype=float)
        levels = discrete(times, float(scheduler.final_alpha_cumprod))
    elif name == "DDIMInverse":
        times = times[::-1]
        levels = discrete(times, float(scheduler.initial_alpha_cumprod))
    elif name == "DPMSolverMultistepInverse":
        # Backwards: from the level that its last step leads to.
        levels = [float(s) for s in scheduler.sigmas][::-1]
        times = np.array([scheduler.noisiest_timestep, *np.array(scheduler.timesteps)[:0:-1]], dtype=float)
    elif name in ("HeunDiscrete", "FlowMatchHeunDiscrete", "KDPM2Discrete", "KDPM2AncestralDiscrete", "DPMSolverSDE"):
        # Two evaluations a step: those at its beginning.
        inner = name in ("KDPM2Discrete", "KDPM2AncestralDiscrete", "DPMSolverSDE")
        times = np.concatenate([times[:1], times[2::2] if inner else times[1::2]])
        sigmas = np.array(scheduler.sigmas, dtype=float)
        levels = list(np.concatenate([sigmas[:1], sigmas[1:-1:2], [0.0]]))
    elif name == "ScoreSdeVe":
        scheduler.set_sigmas(steps)
        levels = [float(s) for s in scheduler.sigmas] + [0.0]
        times = np.array(levels[:-1])
    elif name == "ScoreSdeVp":
        c = scheduler.config
        alphas = np.exp(-0.25 * times**2 * (c.beta_max - c.beta_min) - 0.5 * times * c.beta_min)
        levels = list(np.sqrt(1 - alphas**2) / alphas) + [0.0]
        times = times * (c.num_train_timesteps - 1)
    elif name == "IPNDM":
        sigmas, alphas = np.array(scheduler.betas, dtype=float), np.array(scheduler.alphas, dtype=float)
        levels = [math.inf if a < 1e-4 else s / a for s, a in zip(sigmas, alphas)]
    else:
        levels = [float(s) for s in scheduler.sigmas]
        # With log_linear there is one more than are used.
        levels = levels[:len(times) + 1]
        if name == "FlowMatchEulerDiscrete" and scheduler.config.invert_sigmas:
            levels = [1 - s for s in levels]
    isFlow = name.startswith("FlowMatch") or settings.get("use_flow_sigmas")
    if isFlow:
        levels = [math.inf if 1 - s < 1e-7 else s / (1 - s) for s in levels]
    result = {"class": f"{name}Scheduler", "settings": settings, "steps": steps, "count": len(times)}
    # Of long runs the beginning and the end.
    ends = np.arange(len(times)) if len(times) <= 20 else np.r_[0:4, len(times) - 4:len(times)]
    result["timesteps"] = numbers(times[ends])
    result["levels"] = numbers(np.array(levels)[np.append(ends, len(times))])
    return result if mu is None else {**result, "mu": mu}


def weights():
    generator = np.random.default_rng(5)
    size = int(np.prod(SHAPE))
    return [(generator.normal(size=(size, size)) * 0.15).astype(np.float32),
            (generator.normal(size=(1, size)) * 0.4).astype(np.float32),
            (generator.normal(size=(1, size)) * 0.3).astype(np.float32)]


def network(sample, time, doubled=False):
    """0.6 x + 0.5 tanh(x W + t U / (|t| + 100) + B), in single precision; doubled
    with channels 0.5 + 0.5 tanh x behind it."""
    W, U, B = (torch.tensor(x) for x in weights())
    flat = sample.reshape(sample.shape[0], -1)
    t = time.reshape(-1, 1)
    prediction = (0.6 * flat + 0.5 * torch.tanh(flat @ W + t / (t.abs() + 100) * U + B)).reshape(sample.shape)
    return torch.cat([prediction, 0.5 + 0.5 * torch.tanh(sample)], dim=1) if doubled else prediction


def export(path, doubled=False):
    size = int(np.prod(SHAPE))
    constants = [numpy_helper.from_array(x, n) for x, n in zip(weights(), "WUB")]
    constants += [numpy_helper.from_array(np.array(x, dtype=np.float32), n)
                  for x, n in [(0.6, "keep"), (0.5, "half"), (100, "scale")]]
    constants += [numpy_helper.from_array(np.array(x, dtype=np.int64), n)
                  for x, n in [([-1, size], "flat_shape"), ([-1, *SHAPE], "full_shape"), ([-1, 1], "column")]]
    nodes = [("Reshape", ["sample", "flat_shape"], "x"), ("Reshape", ["timestep", "column"], "t"),
             ("Abs", ["t"], "a"), ("Add", ["a", "scale"], "d"), ("Div", ["t", "d"], "r"), ("Mul", ["r", "U"], "ru"),
             ("MatMul", ["x", "W"], "xw"), ("Add", ["xw", "ru"], "s1"), ("Add", ["s1", "B"], "s2"),
             ("Tanh", ["s2"], "h"), ("Mul", ["h", "half"], "hh"), ("Mul", ["x", "keep"], "xk"),
             ("Add", ["xk", "hh"], "y"), ("Reshape", ["y", "full_shape"], "prediction" if doubled else "out_sample")]
    if doubled:
        nodes += [("Tanh", ["sample"], "v1"), ("Mul", ["v1", "half"], "v2"), ("Add", ["v2", "half"], "v3")]
    nodes = [helper.make_node(kind, inputs, [output]) for kind, inputs, output in nodes]
    if doubled:
        nodes.append(helper.make_node("Concat", ["prediction", "v3"], ["out_sample"], axis=1))
    channels = [2 * SHAPE[0] if doubled else SHAPE[0], *SHAPE[1:]]
    graph = helper.make_graph(
        nodes, "network",
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["batch", *SHAPE]),
         helper.make_tensor_value_info("timestep", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor_value_info("out_sample", TensorProto.FLOAT, ["batch", *channels])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


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


def draw(name, settings, steps, options, mu, initial, noise):
    read = dict(settings)
    words = dict(zip(options[::2], options[1::2]))
    for option, key in [("--sigma-max", "sigma_max"), ("--sigma-min", "sigma_min"), ("--rho", "rho")]:
        if option in words:
            read[key] = float(words[option])
    scheduler = build(name, read)
    doubled = settings.get("variance_type") in ("learned", "learned_range")
    set_timesteps(name, scheduler, steps, mu)
    drawn = iter(noise)
    module = __import__(type(scheduler).__module__, fromlist=["x"])
    if hasattr(module, "randn_tensor"):
        module.randn_tensor = lambda *_, **__: next(drawn)
    latents = initial * getattr(scheduler, "init_noise_sigma", 1.0)
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, t) if hasattr(scheduler, "scale_model_input") else latents
        # Classes other than DDPM's take networks without the second half of the channels.
        prediction = network(scaled, t.to(torch.float32).expand(len(initial)), doubled and name == "DDPM")
        latents = scheduler.step(prediction, t, latents, return_dict=False)[0]
    assert torch.isfinite(latents).all(), (name, settings)
    return latents, len(scheduler.timesteps)


def samples():
    generator = torch.Generator().manual_seed(3)
    initial = torch.randn((2, *SHAPE), generator=generator)
    noise = torch.randn((20, 2, *SHAPE), generator=generator).to(torch.float16).to(torch.float32)
    np.save(folder / "initial.npy", initial.numpy())
    np.save(folder / "noise.npy", noise.numpy().astype(np.float16))
    for name, settings, *rest in sampled():
        steps, options, mu = (rest + [STEPS, [], None][len(rest):])
        drawn, count = draw(name, settings, steps, options, mu, initial, noise)
        yield {"class": f"{name}Scheduler", "settings": settings, "steps": steps, "options": options,
               "expected": numbers(drawn.reshape(-1))}


def keys():
    names = [name for name in dir(diffusers) if name.endswith("Scheduler") and not name.startswith("_")]
    kinds = {name: getattr(diffusers, name) for name in names}
    kinds["ScoreSdeVpScheduler"] = type(build("ScoreSdeVp", {}))
    for name, kind in sorted(kinds.items()):
        try:
            parameters = inspect.signature(kind.__init__).parameters
        except (TypeError, ValueError):
            continue
        settings = {}
        for key, parameter in parameters.items():
            if key in ("self", "args", "kwargs") or parameter.kind == parameter.VAR_KEYWORD:
                continue
            default = parameter.default
            settings[key] = None if default is parameter.empty else default
        if settings:
            yield name, settings


def write(name, values):
    lines = ",\n".join(json.dumps(value) for value in values)
    (folder / name).write_text(f"[\n{lines}\n]\n")
    print(name, len(values))


if __name__ == "__main__":
    folder.mkdir(exist_ok=True)
    export(folder / "model.onnx")
    export(folder / "doubled.onnx", doubled=True)
    write("grids.json", [grid(*case) for case in grids()])
    write("samples.json", list(samples()))
    write("keys.json", [{"class": name, "settings": settings} for name, settings in keys()])
