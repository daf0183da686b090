"""Inpainting: the right half of a digit from its left half.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/plugins/inverse/requirements.txt Sources/Python
    .venv/bin/python jobs/plugins/inverse/inpainting.py results/inpainting --ranks 2

Writes sheet.png: truth, data, then posterior mean, spread and samples of each
method. This file is the plug-in too: plugin:inpainting.py:PROBLEM.npz
"""
import numpy as np

from digits import DigitsPrior
from posterior import Problem

NOISE = 0.05


class Model(Problem):
    def __init__(self, config):
        # The variance of a digit's pixel.
        super().__init__(config, DigitsPrior(), DigitsPrior.shape, variance=0.5)


def operator():
    """The pixels of the left four columns: [32, 64]."""
    known = np.zeros((8, 8), bool)
    known[:, :4] = True
    return np.eye(64)[known.ravel()]


if __name__ == "__main__":
    from examples import run

    run(__file__, __doc__, operator(), NOISE, DigitsPrior.shape, truth="digits", methods=("guided", "drawn"))
