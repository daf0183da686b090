"""What the tests of the Python package share.

    jobs/test-python.sh         installs what they need and runs them

They run the built program: $PIADM, else the checkout's .build/release/piadm.
"""
import os
import sys
from pathlib import Path

import numpy as np
import pytest

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "Sources/Python"))


@pytest.fixture(autouse=True)
def workplace(tmp_path, monkeypatch):
    """A folder to work in, which must be as it was but for what the test names."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIADM", os.environ.get("PIADM", str(TOP / ".build/release/piadm")))
    return tmp_path


MEAN, VARIANCE = 0.5, 0.04


def gaussian_score(y, alpha, sigma):
    """Of a Gaussian of mean 0.5 and variance 0.04 in every direction."""
    return -(y - alpha * MEAN) / (alpha**2 * VARIANCE + sigma**2)


@pytest.fixture
def gaussian():
    return gaussian_score


def closed_form(dimension):
    return {"target": "gaussian", "dimension": dimension, "mean": MEAN, "variances": np.full(dimension, VARIANCE)}
