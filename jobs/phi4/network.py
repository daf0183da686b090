"""The noise predictor of phi^4 fields. It is the sum of the exact predictor of a free
field, with the same two-point function and one of two magnetizations, and a small
convolutional network for the effect of the interaction.

A free (Gaussian) field is denoised mode by mode: if y = alpha x + sigma eps and
mode k of x has variance G_k, the velocity alpha eps - sigma x (Salimans and
Ho, ICLR 2022) has the mean alpha sigma (1 - G_k) / (alpha^2 G_k + sigma^2) y_k.
Near criticality G_k spans two orders of magnitude, which a network of local
convolutions would have to learn. The mode of the magnetization has a mean-field law
instead: two opposite values with a Gaussian around each, and the same second and
fourth moment. Its mean is also in closed form. The modes are those of the Hartley
transform. It is real, and it diagonalizes a two-point function with the lattice's
reflections.
"""
import math

import numpy as np
import torch
from torch import nn

TIMESTEPS, BETA_START, BETA_END = 1000, 1e-4, 0.02


def hartley(size):
    """The orthonormal, symmetric matrix of the discrete Hartley transform."""
    angle = 2 * math.pi / size * torch.outer(torch.arange(size), torch.arange(size)).double()
    return ((torch.cos(angle) + torch.sin(angle)) / math.sqrt(size)).float()


def scales(timestep):
    """alpha and sigma of a training timestep, from products of 1 - beta."""
    betas = np.linspace(BETA_START, BETA_END, TIMESTEPS)
    total = torch.tensor(-np.cumsum(np.log1p(-betas)), dtype=torch.float32)[timestep]
    return torch.exp(-0.5 * total), torch.sqrt(-torch.expm1(-total))


class Convolution(nn.Conv2d):
    def __init__(self, channels, leaving):
        super().__init__(channels, leaving, 3, padding=1, padding_mode="circular")


class Block(nn.Module):
    """A residual block with the timestep as an input."""

    def __init__(self, channels, embedding):
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = Convolution(channels, channels)
        self.shift = nn.Linear(embedding, channels)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, h, time):
        inner = self.first(nn.functional.silu(h)) + self.shift(time)[:, :, None, None]
        return h + self.second(nn.functional.silu(inner))


class Phi4Network(nn.Module):
    """(sample [B, 1, L, L], timestep [B]) -> noise [B, 1, L, L], on three scales."""

    def __init__(self, spectrum, magnetization, widths=(16, 32, 64), frequencies=32, embedding=64):
        super().__init__()
        size = len(spectrum)
        self.register_buffer("hartley", hartley(size))
        self.register_buffer("spectrum", torch.as_tensor(spectrum, dtype=torch.float32))
        self.register_buffer("magnetization", torch.tensor(magnetization, dtype=torch.float32))
        self.register_buffer("frequency", torch.exp(-math.log(10000) * torch.arange(frequencies) / frequencies))
        self.embed = nn.Sequential(nn.Linear(2 * frequencies, embedding), nn.SiLU())
        alpha, sigma = scales(torch.arange(TIMESTEPS))
        self.register_buffer("alpha", alpha)
        self.register_buffer("sigma", sigma)
        fine, middle, coarse = widths
        self.enter = Convolution(2, fine)
        self.down_fine, self.up_fine = nn.Conv2d(fine, middle, 2, stride=2), nn.ConvTranspose2d(middle, fine, 2, stride=2)
        self.down_middle, self.up_middle = nn.Conv2d(middle, coarse, 2, stride=2), nn.ConvTranspose2d(coarse, middle, 2, stride=2)
        self.blocks = nn.ModuleList(Block(width, embedding) for width in (middle, coarse, coarse, middle, fine))
        self.leave = Convolution(fine, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def velocity(self, y, timestep, alpha, sigma):
        modes = self.hartley @ y @ self.hartley
        variance = alpha**2 * self.spectrum + sigma**2
        free = self.hartley @ (modes * (alpha * sigma * (1 - self.spectrum) / variance)) @ self.hartley
        # The sign of the magnetization, from the mode in the corner.
        mean, corner = alpha * self.magnetization, variance[:, :, :1, :1]
        free = free - sigma * self.magnetization * torch.tanh(mean * modes[:, :, :1, :1] / corner) / corner / self.hartley.shape[0]
        angle = timestep[:, None] * self.frequency
        time = self.embed(torch.cat([torch.sin(angle), torch.cos(angle)], -1))
        fine = self.enter(torch.cat([y, free], 1))
        middle = self.blocks[0](self.down_fine(fine), time)
        coarse = self.blocks[2](self.blocks[1](self.down_middle(middle), time), time)
        middle = self.blocks[3](middle + self.up_middle(coarse), time)
        fine = self.blocks[4](fine + self.up_fine(middle), time)
        return free + self.leave(nn.functional.silu(fine))

    def scales(self, timestep):
        index = timestep.long()
        return self.alpha[index][:, None, None, None], self.sigma[index][:, None, None, None]

    def forward(self, sample, timestep):
        alpha, sigma = self.scales(timestep)
        return sigma * sample + alpha * self.velocity(sample, timestep, alpha, sigma)
