"""How far the posterior samples of each method are from a closed form.

    .venv/bin/python jobs/plugins/inverse/bias.py [--samples 4000] [--ranks 2]

The prior is a Gaussian in six dimensions, correlated like a line of points; two
sums of it are known. This file is the plug-in too: plugin:bias.py:PROBLEM.npz
"""
import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch

from posterior import METHODS, GaussianPrior, Problem, write

DIMENSION, NOISE = 6, 0.2
OPERATOR = np.array([[1.0, 1, 0, 0, 0, 0], [0, 0, 0, 1, -1, 0.5]])
DATA = np.array([1.5, -0.8])


def prior():
    distance = np.abs(np.subtract.outer(np.arange(DIMENSION), np.arange(DIMENSION)))
    return GaussianPrior(np.linspace(-0.5, 0.5, DIMENSION), 0.8 * 0.7**distance)


class Model(Problem):
    def __init__(self, config):
        super().__init__(config, prior(), (DIMENSION,), variance=0.8)


def measure(method, samples, ranks=None):
    """Errors of the mean and of the covariance, as a part of the posterior's size and in standard errors."""
    import piadm

    mean, covariance = (value.numpy() for value in prior().posterior(*map(torch.as_tensor, (OPERATOR, DATA)), NOISE))
    with tempfile.TemporaryDirectory() as folder:
        problem = Path(folder) / "problem.npz"
        write(problem, OPERATOR, DATA, NOISE, method)
        found, report = piadm.sample(
            f"plugin:{__file__}:{problem}", samples=samples, ranks=ranks, method="piadm-sde", steps=100,
            early_stop=1e-5, precision="double", seed=2, batch=1000, solver="sequential", progress=False)
    deviation = np.sqrt(np.diag(covariance))
    off_mean, off_covariance = found.mean(0) - mean, np.cov(found.T) - covariance
    # Of a sample covariance: Wishart's.
    error = np.sqrt((covariance**2 + np.outer(deviation**2, deviation**2)) / samples)
    return {
        "mean": np.abs(off_mean / deviation).max(), "covariance": np.linalg.norm(off_covariance) / np.linalg.norm(covariance),
        "mean errors": np.abs(off_mean / deviation * np.sqrt(samples)).max(),
        "covariance errors": np.abs(off_covariance / error).max(),
        "misfit": np.sqrt((((found @ OPERATOR.T - DATA) / NOISE) ** 2).mean()), "digest": report["digest"],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=4000)
    parser.add_argument("--ranks", type=int)
    options = parser.parse_args()
    print("method     mean off by (deviations)   covariance off by   in standard errors   data missed by")
    for method in METHODS:
        found = measure(method, options.samples, options.ranks)
        print(f"{method:9} {found['mean']:16.3f} {found['covariance']:24.1%} {found['mean errors']:14.1f} "
              f"{found['covariance errors']:7.1f} {found['misfit']:13.2f}")
