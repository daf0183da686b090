"""The exact denoiser of a set of data, each datum widened to a Gaussian of variance 0.05.

    piadm sample plugin:jobs/plugins/empirical.py:DATA.npy

CONFIG: an array [count, shape...].
"""
import numpy as np

VARIANCE = 0.05


class Model:
    predicts = "sample"

    def __init__(self, config):
        data = np.load(config)
        self.shape = data.shape[1:]
        self.data = data.reshape(len(data), -1).astype(float)

    def predict(self, y, alpha, sigma):
        """y [rows, shape...]; alpha and sigma broadcast against it."""
        rows = len(y)
        flat, alpha, sigma = y.reshape(rows, -1), alpha.reshape(rows, 1), sigma.reshape(rows, 1)
        variance = VARIANCE * alpha**2 + sigma**2
        distance = ((flat[:, None] - alpha[:, None] * self.data) ** 2).sum(2)
        weight = np.exp((distance.min(1, keepdims=True) - distance) / (2 * variance))
        datum = weight / weight.sum(1, keepdims=True) @ self.data
        return ((VARIANCE * alpha * flat + sigma**2 * datum) / variance).reshape(y.shape)
