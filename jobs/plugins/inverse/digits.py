"""The digits network in PyTorch, from its ONNX file: a prior that autograd goes through."""
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

MODEL = Path(__file__).resolve().parents[3] / "Sources/ScoreModels/Models/digits/model.onnx"
FIRST, LAST, TIMESTEPS = 1e-4, 0.02, 1000


class DigitsPrior:
    """E[x0 | y] of handwritten digits, 8 x 8 numbers from -1 to 1; see jobs/train-digits.py."""

    shape = (1, 8, 8)

    def __init__(self):
        weights = onnx.load(MODEL).graph.initializer
        self.of = {weight.name: torch.from_numpy(numpy_helper.to_array(weight).copy()).double() for weight in weights}

    def layer(self, name, x):
        return x @ self.of[name + ".weight"].T + self.of[name + ".bias"]

    @staticmethod
    def timestep(alpha):
        """Where the training schedule has this alpha: a t^2 + b t + c = -2 log(alpha)."""
        slope = (LAST - FIRST) / (2 * (TIMESTEPS - 1))
        b, c = FIRST + slope, FIRST + 2 * torch.log(alpha)
        return (torch.sqrt(b * b - 4 * slope * c) - b) / (2 * slope)

    def denoise(self, y, alpha, sigma):
        silu = torch.nn.functional.silu
        angle = self.timestep(alpha) * self.of["frequency"]
        time = silu(self.layer("embed.0", torch.cat([torch.sin(angle), torch.cos(angle)], -1)))
        h = self.layer("enter", y)
        for number, shift in enumerate(self.layer("shift", time).chunk(3, -1)):
            h = h + self.layer(f"second.{number}", silu(self.layer(f"first.{number}", silu(h)) + shift))
        return alpha * y - sigma * self.layer("leave", silu(h))
