"""Observables of lattice fields, with errors.

Every observable is a function of averages over fields. Its error is the jackknife
error over independent groups of fields: single samples, or whole Markov chains.
"""
import math

import numpy as np


def moments(fields, theory):
    """The averaged quantities, [fields, ...] of [fields, L, L]: |M|/V, M^2/V, M^4/V^2,
    phi dS/dphi per site, the mean square of the smallest mode, G(0), ..., G(L/2)."""
    fields = np.asarray(fields, np.float64)
    size = theory.size
    power = np.abs(np.fft.fft2(fields, norm="ortho")) ** 2
    # The mean over sites and both axes of phi_x phi_{x+r}.
    correlation = [np.fft.ifft(power.mean(axis), axis=1).real for axis in (1, 2)]
    two_point = (correlation[0] + correlation[1])[:, : size // 2 + 1] / 2
    magnetization = fields.sum((1, 2))
    moved = np.moveaxis(fields, 0, 2)
    response = (moved * theory.gradient(moved)).mean((0, 1))
    scalars = [
        np.abs(magnetization) / theory.volume, magnetization**2 / theory.volume,
        magnetization**4 / theory.volume**2, response, (power[:, 0, 1] + power[:, 1, 0]) / 2,
    ]
    return np.column_stack(scalars + [two_point])


def observables(means, theory):
    """Observables by name, of averages [..., moments]."""
    magnetization, square, fourth, response, mode, *two_point = np.moveaxis(means, -1, 0)
    length = np.sqrt(np.maximum(square / mode - 1, 0)) / (2 * math.sin(math.pi / theory.size))
    return {
        "magnetization <|M|>/V": magnetization,
        "susceptibility <M^2>/V": square,
        "connected susceptibility": square - theory.volume * magnetization**2,
        "Binder cumulant": 1 - fourth / (3 * square**2),
        "correlation length": length,
        "<phi dS/dphi>, 1 exactly": response,
        **{f"two-point function G({r})": value for r, value in enumerate(two_point)},
    }


def estimate(groups, theory):
    """Value and jackknife error of every observable, from averages [groups, moments]."""
    count = len(groups)
    rest = (groups.sum(0) - groups) / (count - 1)
    without = observables(rest, theory)
    values = observables(groups.mean(0), theory)
    return {name: (float(values[name]), float(without[name].std() * (count - 1) ** 0.5)) for name in values}


HISTOGRAM = np.linspace(0, 1.2, 25)


def magnetization_density(fields):
    """Density of |M|/V in the intervals of HISTOGRAM."""
    return np.histogram(np.abs(fields.mean((-2, -1))).ravel(), HISTOGRAM, density=True)[0]
