#!/usr/bin/env python3
"""Trains the built-in `digits` model and exports it in the layout of diffusers.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/digits-requirements.txt
    .venv/bin/python jobs/train-digits.py [FOLDER]

Data: four fifths of scikit-learn's 8x8 handwritten digits, 0..16 mapped to
[-1, 1]; the last fifth is held out, from the network and from the classifiers
of classify-digits.py. Process: 1000 training timesteps, betas linear from 1e-4
to 0.02 (Ho, Jain and Abbeel, NeurIPS 2020). The network predicts the noise.

The parallel-in-time iteration needs fewer rounds for a smoother network. The
network therefore uses SiLU everywhere, no clipping, dropout against
memorization of the digits, and an average of the weights over the training steps.

FOLDER (default: Sources/ScoreModels/Models/digits) receives `model.onnx` and
`scheduler_config.json`. Training takes eight minutes. It uses one thread and fixed
seeds, so that the same versions give the same network on any number of cores.
"""
import argparse
import copy
import json
import math
import pathlib
import time

import numpy as np
import onnx
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

TIMESTEPS, BETA_START, BETA_END = 1000, 1e-4, 0.02


class DigitsNetwork(nn.Module):
    """A residual multilayer perceptron: (sample [B, 1, 8, 8], timestep [B]) -> noise [B, 1, 8, 8]."""

    def __init__(self, width=320, blocks=3, frequencies=64, embedding=128, dropout=0.05):
        super().__init__()
        self.register_buffer("frequency", torch.exp(-math.log(10000) * torch.arange(frequencies) / frequencies))
        self.embed = nn.Sequential(nn.Linear(2 * frequencies, embedding), nn.SiLU())
        self.shift = nn.Linear(embedding, blocks * width)
        self.enter = nn.Linear(64, width)
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, 64)
        self.dropout = nn.Dropout(dropout)
        for layer in [*self.second, self.leave]:
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def scales(self, timestep):
        """alpha and sigma at a timestep, with log(1 - beta) = -beta: a closed form, accurate enough for preconditioning."""
        t = timestep[:, None]
        total = BETA_START * (t + 1) + (BETA_END - BETA_START) / (2 * (TIMESTEPS - 1)) * t * (t + 1)
        return torch.exp(-0.5 * total), torch.sqrt(1 - torch.exp(-total))

    def velocity(self, y, timestep):
        """alpha eps - sigma x0 (Salimans and Ho, ICLR 2022): with unit variance at every noise level."""
        angle = timestep[:, None] * self.frequency
        time = self.embed(torch.cat([torch.sin(angle), torch.cos(angle)], -1))
        h = self.enter(y)
        for first, second, shift in zip(self.first, self.second, self.shift(time).chunk(len(self.first), -1)):
            h = h + second(self.dropout(nn.functional.silu(first(nn.functional.silu(h)) + shift)))
        return self.leave(nn.functional.silu(h))

    def forward(self, sample, timestep):
        y = sample.reshape(-1, 64)
        alpha, sigma = self.scales(timestep)
        return (sigma * y + alpha * self.velocity(y, timestep)).reshape(-1, 1, 8, 8)


def split():
    images, labels = load_digits(return_X_y=True)
    return train_test_split(images / 8 - 1, labels, test_size=0.2, random_state=0, stratify=labels)


def velocity_error(network, x0, generator):
    t = torch.randint(0, TIMESTEPS, (len(x0),), generator=generator).float()
    noise = torch.randn(x0.shape, generator=generator)
    alpha, sigma = network.scales(t)
    return ((network.velocity(alpha * x0 + sigma * noise, t) - (alpha * noise - sigma * x0)) ** 2).mean()


def train(steps, batch, rate, decay):
    torch.set_num_threads(1)
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    train_images, held_out, _, _ = (torch.tensor(a, dtype=torch.float32) for a in split())
    network = DigitsNetwork()
    average = copy.deepcopy(network).eval().requires_grad_(False)
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min((i + 1) / 200, 0.5 + 0.5 * math.cos(math.pi * i / steps)))
    begin = time.time()
    for step in range(1, steps + 1):
        rows = torch.randint(0, len(train_images), (batch,), generator=generator)
        loss = velocity_error(network, train_images[rows], generator)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            keep = min(0.999, step / (step + 10))
            for mean, value in zip(average.parameters(), network.parameters()):
                mean.lerp_(value, 1 - keep)
        if step % 1000 == 0 or step == steps:
            probe = torch.Generator().manual_seed(1)
            with torch.no_grad():
                known = velocity_error(average, train_images.repeat(20, 1), probe).item()
                unknown = velocity_error(average, held_out.repeat(80, 1), probe).item()
            print(f"step {step}: velocity error {known:.4f} on training digits, {unknown:.4f} on held-out digits, "
                  f"{time.time() - begin:.0f} s", flush=True)
    return average


# The file that diffusers writes for DDPMScheduler(clip_sample=False).
SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "_diffusers_version": "0.35.2",
    "beta_end": BETA_END,
    "beta_schedule": "linear",
    "beta_start": BETA_START,
    "clip_sample": False,
    "clip_sample_range": 1.0,
    "dynamic_thresholding_ratio": 0.995,
    "num_train_timesteps": TIMESTEPS,
    "prediction_type": "epsilon",
    "rescale_betas_zero_snr": False,
    "sample_max_value": 1.0,
    "steps_offset": 0,
    "thresholding": False,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "variance_type": "fixed_small",
}


def export(network, folder):
    folder.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        network, (torch.zeros(2, 1, 8, 8), torch.zeros(2)), folder / "model.onnx", dynamo=False, opset_version=17,
        input_names=["sample", "timestep"], output_names=["out_sample"],
        dynamic_axes={name: {0: "batch"} for name in ["sample", "timestep", "out_sample"]})
    onnx.checker.check_model(str(folder / "model.onnx"), full_check=True)
    (folder / "scheduler_config.json").write_text(json.dumps(SCHEDULER, indent=2) + "\n")
    parameters = sum(p.numel() for p in network.parameters())
    print(f"{parameters} parameters, {(folder / 'model.onnx').stat().st_size} bytes in {folder}")


if __name__ == "__main__":
    here = pathlib.Path(__file__).resolve().parent.parent
    arguments = argparse.ArgumentParser(description="train and export the built-in digits model")
    arguments.add_argument("folder", nargs="?", type=pathlib.Path, default=here / "Sources/ScoreModels/Models/digits")
    arguments.add_argument("--steps", type=int, default=8000)
    arguments.add_argument("--batch", type=int, default=512)
    arguments.add_argument("--rate", type=float, default=2e-3)
    arguments.add_argument("--decay", type=float, default=1e-2)
    options = arguments.parse_args()
    export(train(options.steps, options.batch, options.rate, options.decay), options.folder)
