#!/usr/bin/env python3
"""Makes the folders beside it: models as diffusers exports them, and the samples
that diffusers draws from them.

    python3 -m venv venv
    venv/bin/pip install torch diffusers onnx onnxscript
    venv/bin/python make-diffusers.py [NAME...]

Each folder holds a network and its scheduler_config.json, initial.npy (latents
before the scheduler scales them), expected.npy, noise.npy where the scheduler
draws any, further inputs, and run.json: the options with which piadm must
draw the same samples.

The networks are exact: the data are a mixture of Gaussians, whose denoised
estimate has a closed form. Each predicts it in its own parametrization, with
the schedule's signal levels built in.
"""
import json
import pathlib
import shutil
import sys

import diffusers
import numpy as np
import onnx
import torch
from diffusers.schedulers import scheduling_ddpm

here = pathlib.Path(__file__).resolve().parent
SHAPE = (1, 4, 4)
DEVIATION = 0.15


class Mixture(torch.nn.Module):
    """The estimate of x_0 from y = alpha x_0 + sigma eps, for an equal mixture
    of Gaussians around eight points; labels 0 and 1 keep half of them each."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.register_buffer("means", 1.2 * torch.rand(8, 16, generator=generator) - 0.6)

    def estimate(self, y, alpha, sigma, labels=None):
        # Weights may be stored in half precision.
        flat, means = y.reshape(-1, 16), self.means.to(y.dtype)
        variance = alpha**2 * DEVIATION**2 + sigma**2
        residual = flat[:, None, :] - alpha[:, :, None] * means
        logits = -0.5 * (residual**2).sum(-1) / variance
        if labels is not None:
            half = (torch.arange(8) >= 4).to(labels.dtype)
            logits = logits - 1e4 * ((labels[:, None] != half) & (labels[:, None] < 2)).to(logits.dtype)
        weights = torch.softmax(logits, dim=1)
        shift = alpha * DEVIATION**2 / variance
        mean = weights @ means
        return (mean + shift * (flat - alpha * mean)).reshape(y.shape)


def as_rows(timestep, y):
    """One timestep a row, whether one is given for all or one a row."""
    return timestep.reshape(-1, 1).to(torch.float32) + torch.zeros_like(y.reshape(y.shape[0], -1)[:, :1])


class Discrete(Mixture):
    """Predicts on a schedule of training timesteps, between them linearly."""

    def __init__(self, alphas_cumprod, prediction, clear=1.0):
        super().__init__()
        self.register_buffer("table", alphas_cumprod.clone())
        self.prediction = prediction
        self.clear = clear

    def forward(self, sample, timestep, class_labels=None):
        dtype = sample.dtype
        sample = sample.to(torch.float32)
        t = as_rows(timestep, sample)
        low = torch.clamp(torch.floor(t), 0, len(self.table) - 1)
        high = torch.clamp(low + 1, 0, len(self.table) - 1)
        table = self.table.to(torch.float32)
        alpha_bar = (1 - (t - low)) * table[low.to(torch.int64)] + (t - low) * table[high.to(torch.int64)]
        alpha, sigma = torch.sqrt(alpha_bar), torch.sqrt(1 - alpha_bar)
        x0 = self.estimate(sample, alpha, sigma, class_labels)
        # Beyond 1 the estimates leave the interval to which schedulers clip.
        x0 = self.clear * x0
        alpha, sigma = alpha[:, :, None, None], sigma[:, :, None, None]
        if self.prediction == "epsilon":
            result = (sample - alpha * x0) / sigma
        elif self.prediction == "v_prediction":
            result = (alpha * sample - x0) / sigma
        else:
            result = x0
        return result.to(dtype)


class Denoiser(Mixture):
    """The network F inside the preconditioning of Karras et al. (2022)."""

    def __init__(self, data_deviation, sign):
        super().__init__()
        self.data_deviation, self.sign = data_deviation, sign

    def forward(self, sample, timestep):
        level = torch.exp(4 * as_rows(timestep, sample))
        variance = (level**2 + self.data_deviation**2)[:, :, None, None]
        x = sample * torch.sqrt(variance)
        scale = torch.sqrt(1 + level**2)
        x0 = self.estimate(x / scale[:, :, None, None], 1 / scale, level / scale)
        c_out = level[:, :, None, None] * self.data_deviation / torch.sqrt(variance)
        return self.sign * (x0 - self.data_deviation**2 / variance * x) / c_out


class Flow(Mixture):
    """The velocity eps - x_0 at (1 - q) x_0 + q eps, told 1000 q."""

    def forward(self, hidden_states, t):
        q = as_rows(t, hidden_states) / 1000
        scale = torch.sqrt((1 - q) ** 2 + q**2)
        y = hidden_states / scale[:, :, None, None]
        x0 = self.estimate(y, (1 - q) / scale, q / scale)
        return (hidden_states - x0) / q[:, :, None, None]


def export(network, path, names=("sample", "timestep"), dtype=torch.float32, time=torch.float32, scalar=False,
           batch=None, labels=False, external=False):
    rows = batch or 3
    arguments = [torch.zeros((rows, *SHAPE), dtype=dtype),
                 torch.full(() if scalar else (rows,), 5, dtype=time)]
    free = {} if batch else {0: torch.export.Dim("batch")}
    axes = [free, {} if scalar else free]
    if labels:
        arguments.append(torch.zeros(rows, dtype=torch.int64))
        axes.append(free)
    inputs = list(names) + (["class_labels"] if labels else [])
    path.parent.mkdir(parents=True, exist_ok=True)
    program = torch.onnx.export(
        network.eval(), tuple(arguments), input_names=inputs, output_names=["out_sample"], dynamo=True,
        dynamic_shapes=None if batch else tuple(axes), verbose=False)
    model = program.model_proto
    # Torch notes its own files and lines beside every node.
    model.ClearField("metadata_props")
    for part in [model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output,
                 *model.graph.initializer]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path, save_as_external_data=external, location="weights.bin", size_threshold=0)


def draw(case):
    scheduler, steps, samples = case["scheduler"], case["steps"], case.get("samples", 2)
    scheduler.set_timesteps(steps)
    generator = torch.Generator().manual_seed(3)
    initial = torch.randn((samples, *SHAPE), generator=generator)
    noise = torch.randn((steps, samples, *SHAPE), generator=generator).to(torch.float16)
    # The scheduler draws its noise by this function, step after step.
    drawn = iter(noise.to(torch.float32))
    scheduling_ddpm.randn_tensor = lambda *_, **__: next(drawn)
    # Networks in half precision have their weights rounded, but are evaluated
    # in single precision, as OpenVINO does.
    network, labels = case["network"], case.get("labels")
    # Flow matching starts at the noise itself.
    latents = initial * getattr(scheduler, "init_noise_sigma", 1.0)
    for t in scheduler.timesteps:
        scaled = scheduler.scale_model_input(latents, t) if hasattr(scheduler, "scale_model_input") else latents
        time = t.to(case.get("time", torch.float32)).to(torch.float32).expand(samples)
        if labels is None:
            prediction = network(scaled, time)
        else:
            null = network(scaled, time, torch.full_like(labels, 2))
            prediction = null + case["guidance"] * (network(scaled, time, labels) - null)
        latents = scheduler.step(prediction.to(torch.float32), t, latents, return_dict=False)[0]
    return initial.numpy(), noise.numpy(), latents.numpy()


def make(name, case):
    folder = here / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    case["network"].means = case["network"].means.to(case.get("dtype", torch.float32))
    form = {key: case[key] for key in ("dtype", "time", "scalar", "batch", "names", "external") if key in case}
    nested = case.get("nested", False)
    export(case["network"], folder / ("unet/model.onnx" if nested else "model.onnx"), labels="labels" in case, **form)
    case["scheduler"].save_pretrained(folder / "scheduler" if nested else folder)
    initial, noise, expected = draw(case)
    assert np.isfinite(expected).all(), name
    np.save(folder / "initial.npy", initial)
    np.save(folder / "expected.npy", expected)
    options = ["--method", case["method"], "--steps", str(case["steps"]), "--samples", str(len(initial)),
               "--initial", "initial.npy"]
    if case["method"] == "ddpm":
        np.save(folder / "noise.npy", noise)
        options += ["--noise", "noise.npy"]
    if "labels" in case:
        np.save(folder / "labels.npy", case["labels"].numpy())
        np.save(folder / "null.npy", np.array(2))
        options += ["--condition", "class_labels=labels.npy", "--condition-null", "class_labels=null.npy",
                    "--guidance", str(case["guidance"])]
    tolerance = case.get("tolerance", 1e-3)
    (folder / "run.json").write_text(json.dumps({"options": options, "tolerance": tolerance}) + "\n")
    print(f"{name}: largest sample {np.abs(expected).max():.3f}")


def discrete(scheduler, prediction, method, steps, clear=1.0, form={}, **settings):
    scheduler = scheduler(prediction_type=prediction, **settings)
    return dict(scheduler=scheduler, network=Discrete(scheduler.alphas_cumprod, prediction, clear), method=method,
                steps=steps, **form)


def cases():
    DDPM, DDIM = diffusers.DDPMScheduler, diffusers.DDIMScheduler
    DPM, Euler = diffusers.DPMSolverMultistepScheduler, diffusers.EulerDiscreteScheduler
    EDM, FlowMatch = diffusers.EDMEulerScheduler, diffusers.FlowMatchEulerDiscreteScheduler
    cosine = dict(beta_schedule="squaredcos_cap_v2")
    scaled = dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)
    trained = np.linspace(1e-3, 0.2, 100) ** 1.2

    yield "ddpm-epsilon", discrete(DDPM, "epsilon", "ddpm", 1000, clip_sample=False, form=dict(samples=1))
    yield "ddpm-sample-clipped", discrete(
        DDPM, "sample", "ddpm", 1000, clear=1.5, clip_sample_range=0.8, variance_type="fixed_small_log",
        form=dict(samples=1))
    yield "ddpm-v-threshold", discrete(
        DDPM, "v_prediction", "ddpm", 40, clear=2.5, thresholding=True, dynamic_thresholding_ratio=0.8,
        sample_max_value=1.3, timestep_spacing="trailing", form=dict(scalar=True, time=torch.int64), **cosine)
    yield "ddim-leading", discrete(
        DDIM, "epsilon", "ddim", 50, clip_sample=False, set_alpha_to_one=False, steps_offset=1,
        form=dict(nested=True, scalar=True, time=torch.int64, external=True), **scaled)
    yield "ddim-leading-clipped", discrete(
        DDIM, "sample", "ddim", 50, clear=1.6, set_alpha_to_one=False, clip_sample_range=0.7)
    yield "ddim-trailing", discrete(
        DDIM, "v_prediction", "ddim", 50, clip_sample=False, timestep_spacing="trailing",
        rescale_betas_zero_snr=True, form=dict(time=torch.int64))
    yield "ddim-trailing-clipped", discrete(
        DDIM, "epsilon", "ddim", 28, clear=1.5, timestep_spacing="trailing", form=dict(batch=3))
    yield "ddim-linspace", discrete(DDIM, "sample", "ddim", 50, clip_sample=False, timestep_spacing="linspace")
    yield "ddim-linspace-threshold", discrete(
        DDIM, "v_prediction", "ddim", 50, clear=2, thresholding=True, sample_max_value=1.2,
        timestep_spacing="linspace", trained_betas=trained, num_train_timesteps=100)
    yield "ddim-guided", discrete(
        DDIM, "epsilon", "ddim", 20, clip_sample=False,
        form=dict(labels=torch.tensor([0, 1, 1]), guidance=3.0, samples=3))
    yield "dpm-epsilon", discrete(DPM, "epsilon", "dpm++2m", 20)
    yield "dpm-sample-short", discrete(
        DPM, "sample", "dpm++2m", 12, timestep_spacing="leading", steps_offset=1, final_sigmas_type="sigma_min", **scaled)
    yield "dpm-v-cosine", discrete(
        DPM, "v_prediction", "dpm++2m", 20, lambda_min_clipped=-5.1, final_sigmas_type="sigma_min", thresholding=True,
        sample_max_value=1.5, clear=1.5, **cosine)
    yield "dpm-karras", discrete(
        DPM, "v_prediction", "dpm++2m", 20, use_karras_sigmas=True, euler_at_final=True, form=dict(time=torch.int64))
    yield "dpm-trailing-rescaled", discrete(
        DPM, "v_prediction", "dpm++2m", 20, timestep_spacing="trailing", rescale_betas_zero_snr=True)
    yield "dpm-exponential", discrete(DPM, "epsilon", "dpm++2m", 20, use_exponential_sigmas=True)
    yield "euler-epsilon", discrete(Euler, "epsilon", "ddim", 30)
    yield "euler-sample-leading", discrete(Euler, "sample", "ddim", 30, timestep_spacing="leading", steps_offset=1)
    yield "euler-v-karras", discrete(
        Euler, "v_prediction", "ddim", 30, timestep_spacing="trailing", use_karras_sigmas=True, **scaled)
    yield "euler-rescaled", discrete(
        Euler, "v_prediction", "ddim", 30, timestep_spacing="trailing", rescale_betas_zero_snr=True,
        final_sigmas_type="sigma_min", **scaled)
    yield "euler-exponential", discrete(
        Euler, "epsilon", "ddim", 30, use_exponential_sigmas=True, sigma_min=0.03, sigma_max=12.0)
    yield "edm-epsilon", dict(scheduler=EDM(), network=Denoiser(0.5, 1), method="ddim", steps=30)
    yield "edm-v-exponential", dict(
        scheduler=EDM(prediction_type="v_prediction", sigma_schedule="exponential", sigma_data=1.0, sigma_max=40.0,
                      final_sigmas_type="sigma_min"),
        network=Denoiser(1.0, -1), method="ddim", steps=30, batch=1)
    yield "flow", dict(scheduler=FlowMatch(), network=Flow(), method="ddim", steps=28, names=("hidden_states", "t"))
    yield "flow-shifted", dict(
        scheduler=FlowMatch(shift=3.0, shift_terminal=0.05), network=Flow(), method="ddim", steps=28, scalar=True)
    # Where a network hands its prediction out in bfloat16, it is rounded by up
    # to 2^-9 of itself in each of 20 steps.
    for name, dtype, tolerance in [("half", torch.float16, 1e-3), ("bfloat", torch.bfloat16, 20 * 2**-9)]:
        yield f"ddim-{name}", discrete(
            DDIM, "v_prediction", "ddim", 20, clip_sample=False, form=dict(dtype=dtype, tolerance=tolerance))


if __name__ == "__main__":
    for name, case in cases():
        if not sys.argv[1:] or name in sys.argv[1:]:
            make(name, case)
