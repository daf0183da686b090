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
`methods.json` has more of them, of methods with stages or histories.
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

from class_cases import GRID_STEPS, STEPS, grids, methods, sampled

warnings.filterwarnings("ignore")
folder = pathlib.Path(__file__).resolve().parent / "classes"
SHAPE = (1, 4, 4)


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


def of_methods():
    initial, noise = (torch.from_numpy(np.load(folder / f"{name}.npy").astype(np.float32)) for name in ("initial", "noise"))
    for name, settings, *rest in methods():
        steps = rest[0] if rest else STEPS
        drawn, calls = draw(name, settings, steps, [], None, initial, noise)
        yield {"class": f"{name}Scheduler", "settings": settings, "steps": steps, "calls": calls,
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
            isNumber = isinstance(default, float) and not math.isfinite(default)
            settings[key] = None if default is parameter.empty or isNumber else default
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
    write("methods.json", list(of_methods()))
    write("keys.json", [{"class": name, "settings": settings} for name, settings in keys()])
