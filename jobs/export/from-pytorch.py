#!/usr/bin/env python3
"""A PyTorch module as a folder that piadm samples.  from-pytorch.py FOLDER

    python3 -m venv .venv && .venv/bin/pip install -r jobs/export/requirements.txt
    .venv/bin/python jobs/export/from-pytorch.py results/exported
    piadm inspect results/exported

Put your module in place of `Network`: it takes `sample` [batch, shape...] and
`timestep` [batch] and predicts the noise of a diffusion over 1000 timesteps, or
what "prediction_type" in SCHEDULER says. --parameters makes this one, of random
weights, as large as networks get: its weights then go to a file of their own,
which the ranks of a host share. Exits 1 where the exported network and the
module differ.
"""
import argparse
import json
import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

SHAPE = (256,)
# Keys that are not here have diffusers' defaults.
SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "beta_schedule": "linear",
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "clip_sample": False,
}


class Network(nn.Module):
    """A residual multilayer perceptron of some number of parameters."""

    def __init__(self, parameters, blocks=4, frequencies=32):
        super().__init__()
        dimension = math.prod(SHAPE)
        # 2 blocks width^2 in the blocks, and what enters and leaves.
        edges = 2 * dimension + 2 * frequencies
        width = round((math.sqrt(edges**2 + 8 * blocks * parameters) - edges) / (4 * blocks))
        self.register_buffer("frequency", torch.exp(-math.log(1e4) * torch.arange(frequencies) / frequencies))
        self.enter = nn.Linear(dimension, width)
        self.embed = nn.Linear(2 * frequencies, width)
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.leave = nn.Linear(width, dimension)

    def forward(self, sample, timestep):
        angle = timestep[:, None] * self.frequency
        time = self.embed(torch.cat([torch.sin(angle), torch.cos(angle)], -1))
        h = self.enter(sample.flatten(1)) + time
        for first, second in zip(self.first, self.second):
            h = h + second(nn.functional.silu(first(nn.functional.silu(h))))
        return self.leave(nn.functional.silu(h)).reshape(sample.shape)


def export(network, folder, apart):
    """Writes model.onnx, the weights beside it where they are to be apart."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    torch.onnx.export(
        network, (torch.zeros(2, *SHAPE), torch.zeros(2)), file, dynamo=False, opset_version=17,
        input_names=["sample", "timestep"], output_names=["prediction"],
        dynamic_axes={name: {0: "batch"} for name in ["sample", "timestep", "prediction"]})
    if apart:
        model = onnx.load(file)
        (folder / "weights.bin").unlink(missing_ok=True)
        onnx.save_model(model, file, save_as_external_data=True, location="weights.bin", size_threshold=1024)
    onnx.checker.check_model(str(file), full_check=not apart)
    (folder / "scheduler_config.json").write_text(json.dumps(SCHEDULER, indent=2) + "\n")
    return file


def check(network, file):
    """Exits where the file does not compute what the module does."""
    sample, timestep = torch.randn(5, *SHAPE), torch.tensor([0.0, 10, 100, 500, 999])
    with torch.no_grad():
        expected = network(sample, timestep).numpy()
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found, = session.run(None, {"sample": sample.numpy(), "timestep": timestep.numpy()})
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{file}: differs from the module by {difference:.1e} of the largest value")
    # Single precision, summed in another order.
    if not difference < 1e-4:
        sys.exit(f"{file}: is not what the module computes")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="export a PyTorch module for piadm")
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--parameters", type=float, default=1e5)
    options = arguments.parse_args()
    torch.manual_seed(0)
    network = Network(options.parameters).eval()
    count = sum(p.numel() for p in network.parameters())
    file = export(network, options.folder, apart=count > 4e6)
    print(f"{count} parameters in {options.folder}")
    check(network, file)
