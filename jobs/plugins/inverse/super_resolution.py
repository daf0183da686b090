"""Super-resolution: a digit of 8 x 8 pixels from the means of 2 x 2 pixels.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/plugins/inverse/requirements.txt Sources/Python
    .venv/bin/python jobs/plugins/inverse/super_resolution.py results/super-resolution --ranks 2

Writes sheet.png: truth, data, then posterior mean, spread and samples of each
method. This file is the plug-in too: plugin:super_resolution.py:PROBLEM.npz
"""
import numpy as np

from digits import DigitsPrior
from posterior import Problem

NOISE = 0.05


class Model(Problem):
    def __init__(self, config):
        super().__init__(config, DigitsPrior(), DigitsPrior.shape, variance=0.5)


def operator():
    """Means of blocks: [16, 64]."""
    pooled = np.kron(np.eye(4), np.ones((1, 2))) / 2
    return np.kron(pooled, pooled)


if __name__ == "__main__":
    from examples import run

    run(__file__, __doc__, operator(), NOISE, DigitsPrior.shape, truth="digits", methods=("drawn", "replaced"))
