"""Sparse observations of a field: 16 x 16 numbers from 24 of them.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/plugins/inverse/requirements.txt Sources/Python
    .venv/bin/python jobs/plugins/inverse/observations.py results/observations --ranks 2

The prior is a Gaussian field with a correlation length of three grid points, so
that the posterior is known in closed form (kriging), and `moments` draws from it.
Writes sheet.png: truth, data, then posterior mean, spread and samples of each
method. This file is the plug-in too: plugin:observations.py:PROBLEM.npz
"""
import numpy as np

from posterior import GaussianPrior, Problem

SIDE, LENGTH, NOISE = 16, 3.0, 0.1


def covariance():
    """exp(-distance^2 / (2 LENGTH^2)), and a little white noise that keeps it well conditioned."""
    place = np.stack(np.meshgrid(*[np.arange(SIDE)] * 2, indexing="ij"), -1).reshape(-1, 2)
    distance = ((place[:, None] - place) ** 2).sum(-1)
    return np.exp(-distance / (2 * LENGTH**2)) + 1e-3 * np.eye(SIDE**2)


def prior():
    return GaussianPrior(np.zeros(SIDE**2), covariance())


class Model(Problem):
    def __init__(self, config):
        super().__init__(config, prior(), (1, SIDE, SIDE))


def operator():
    """24 grid points: [24, 256]."""
    return np.eye(SIDE**2)[np.random.default_rng(7).choice(SIDE**2, 24, replace=False)]


if __name__ == "__main__":
    from examples import run

    truth = np.linalg.cholesky(covariance()) @ np.random.default_rng(3).standard_normal(SIDE**2)
    run(__file__, __doc__, operator(), NOISE, (1, SIDE, SIDE), truth=truth, methods=("moments", "guided", "drawn"),
        exact=prior())
