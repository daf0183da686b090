#!/usr/bin/env python3
"""Trains the phi^4 model and exports it in the layout of diffusers.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/phi4/requirements.txt
    .venv/bin/python jobs/phi4/hmc.py results/phi4/fields.npy --seed 1 --count 80
    .venv/bin/python jobs/phi4/train.py results/phi4/fields.npy [FOLDER]

The network (network.py) learns the velocity, from fields in units of their standard
deviation. Each field has a random orientation and translation. The learning rate is
constant. Every 100 steps the average of the last weights is exported: longer training
is better.
FOLDER (default: jobs/phi4/model) receives `model.onnx`,
`scheduler_config.json`, and `field.json` with the unit: samples times `unit`
are fields. Training uses one thread and fixed seeds, and takes 25 minutes.
"""
import argparse
import copy
import json
import pathlib
import time

import numpy as np
import onnx
import torch
from torch import nn

from network import BETA_END, BETA_START, TIMESTEPS, Phi4Network


def two_point_spectrum(fields):
    """Mean square of every mode of [fields, L, L], averaged over the lattice's reflections."""
    spectrum = (np.abs(np.fft.fft2(fields, norm="ortho")) ** 2).mean(0, dtype=np.float64)
    spectrum += np.roll(spectrum[::-1], 1, 0)
    return (spectrum + spectrum.T) / 4


def mean_field(fields):
    """The spectrum, and the magnetization of the two-fold mean field: x = +-m + a
    Gaussian of variance s^2 has <x^4> / <x^2>^2 = 3 - 2 (m^2 / <x^2>)^2."""
    spectrum = two_point_spectrum(fields)
    mode = fields.sum((1, 2), dtype=np.float64) / fields.shape[-1]
    square = (mode**2).mean()
    share = max(0, (3 - (mode**4).mean() / square**2) / 2) ** 0.5
    spectrum[0, 0] = (1 - share) * square
    return spectrum, (share * square) ** 0.5


def some_image(fields, generator):
    """Random fields in a random orientation and translation, which do not change the action."""
    size = fields.shape[-1]
    down, right, turns, mirrored = (torch.randint(0, high, (), generator=generator).item() for high in (size, size, 4, 2))
    fields = torch.rot90(torch.roll(fields, (down, right), (-2, -1)), turns, (-2, -1))
    return fields.flip(-1) if mirrored else fields


def velocity_error(network, x0, generator):
    t = torch.randint(0, TIMESTEPS, (len(x0),), generator=generator).float()
    noise = torch.randn(x0.shape, generator=generator)
    alpha, sigma = network.scales(t)
    difference = network.velocity(alpha * x0 + sigma * noise, t, alpha, sigma) - (alpha * noise - sigma * x0)
    modes = network.hartley @ difference @ network.hartley
    # In units of the irreducible error of the modes of a free field.
    return (modes**2 * (alpha**2 + sigma**2 / network.spectrum)).mean()


def train(fields, steps, batch, rate):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    held_out, fields = fields[:2048], fields[2048:]
    network = Phi4Network(*mean_field(fields.numpy()[:, 0]))
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min((i + 1) / 50, 1))
    begin = time.process_time()
    for step in range(steps + 1):
        if step % 100 == 0 or step == steps:
            yield average
            with torch.no_grad():
                error = velocity_error(average, held_out, torch.Generator().manual_seed(1)).item()
            print(f"step {step}: velocity error {error:.5f} of a free field's on held-out fields, {time.process_time() - begin:.0f} s", flush=True)
        rows = torch.randint(0, len(fields), (batch,), generator=generator)
        loss = velocity_error(network, some_image(fields[rows], generator), generator)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            # An average over the last part of the training (Karras et al., CVPR 2024),
            # instead of a decreasing learning rate.
            keep = (1 - 1 / (step + 1)) ** 7
            for mean, value in zip(average.parameters(), network.parameters()):
                mean.lerp_(value, 1 - keep)


# The file that diffusers writes for DDPMScheduler(clip_sample=False).
SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "_diffusers_version": "0.35.2",
    "beta_end": BETA_END,
    "beta_schedule": "linear",
    "beta_start": BETA_START,
    "clip_sample": False,
    "num_train_timesteps": TIMESTEPS,
    "prediction_type": "epsilon",
    "steps_offset": 0,
    "thresholding": False,
    "timestep_spacing": "leading",
    "variance_type": "fixed_small",
}


def export(network, unit, folder):
    folder.mkdir(parents=True, exist_ok=True)
    size = len(network.spectrum)
    torch.onnx.export(
        network, (torch.zeros(2, 1, size, size), torch.zeros(2)), folder / "model.onnx", dynamo=False, opset_version=17,
        input_names=["sample", "timestep"], output_names=["out_sample"],
        dynamic_axes={name: {0: "batch"} for name in ["sample", "timestep", "out_sample"]})
    onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
    (folder / "scheduler_config.json").write_text(json.dumps(SCHEDULER, indent=2) + "\n")
    (folder / "field.json").write_text(json.dumps({"unit": unit}) + "\n")
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters} parameters, {(folder / 'model.onnx').stat().st_size} bytes in {folder}")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="train and export the phi^4 model")
    arguments.add_argument("fields", type=pathlib.Path, metavar="FIELDS.npy")
    arguments.add_argument("folder", nargs="?", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "model")
    arguments.add_argument("--steps", type=int, default=5500)
    arguments.add_argument("--batch", type=int, default=128)
    arguments.add_argument("--rate", type=float, default=1e-3)
    options = arguments.parse_args()
    # The chains are independent: the first chains are the held-out fields.
    fields = np.load(options.fields)
    fields = fields.reshape(-1, 1, *fields.shape[-2:])
    unit = float(fields.std(dtype=np.float64))
    for network in train(torch.from_numpy(fields / np.float32(unit)), options.steps, options.batch, options.rate):
        export(network, unit, options.folder)
