"""PyTorch modules, as they are and exported. Not run where torch is not installed."""
import os

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no PyTorch module was sampled or exported")

import piadm  # noqa: E402


class Network(torch.nn.Module):
    """A small network of a picture and its timestep, of random weights."""

    def __init__(self, width=16, labels=0):
        super().__init__()
        torch.manual_seed(0)
        self.time = torch.nn.Embedding(1000, width)
        self.enter = torch.nn.Conv2d(1, width, 3, padding=1)
        self.leave = torch.nn.Conv2d(width, 1, 3, padding=1)
        self.dropout = torch.nn.Dropout(0.5)
        self.label = torch.nn.Linear(labels, width) if labels else None

    def forward(self, sample, timestep, label=None):
        h = self.enter(sample) + self.time(timestep.long())[:, :, None, None]
        if self.label is not None:
            h = h + self.label(label)[:, :, None, None]
        # Near the noise itself, as a trained network is: samples are of order 1.
        return sample + 0.1 * self.leave(torch.nn.functional.silu(self.dropout(h)))


class Baked(Network):
    """Its batch is a number of the trace."""

    def forward(self, sample, timestep):
        count = int(sample.shape[0]) if not torch.jit.is_tracing() else int(sample.detach().numpy().shape[0])
        return super().forward(sample, timestep).reshape(count, 1, 8, 8)


OPTIONS = dict(steps=20, samples=4, method="ddpm", window=8, progress=False, seed=5)


def test_a_module_and_its_export_give_the_same_samples(tmp_path):
    net, scheduler = Network(), piadm.ddpm()
    own = piadm.sample(net, shape=(1, 8, 8), scheduler=scheduler, ranks=2, **OPTIONS)
    piadm.export(net, "folder", shape=(1, 8, 8), scheduler=scheduler)
    exported = piadm.sample("folder", ranks=2, **OPTIONS)
    assert np.abs(own.samples - exported.samples).max() < 1e-5
    assert net.training
    assert sorted(os.listdir("folder")) == ["model.onnx", "scheduler_config.json"]


class Dense(torch.nn.Module):
    """Products of matrices, whose last rows are rounded otherwise in calls of an odd number of rows."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.time = torch.nn.Embedding(1000, 256)
        self.enter, self.leave = torch.nn.Linear(50, 256), torch.nn.Linear(256, 50)

    def forward(self, x, timestep):
        return x + 0.1 * self.leave(torch.nn.functional.silu(self.enter(x) + self.time(timestep.long())))


def test_a_module_has_the_same_bits_in_calls_of_any_size_on_any_ranks():
    digests = {piadm.sample(Dense(), shape=(50,), scheduler=piadm.ddpm(), ranks=ranks, batch=batch, **OPTIONS).report["digest"]
               for ranks, batch in ((None, 64), (2, 7))}
    assert len(digests) == 1


def test_conditions_and_guidance():
    net, rows = Network(labels=3), np.eye(4, 3, dtype=np.float32)
    options = dict(OPTIONS, conditions={"label": rows}, null_conditions={"label": np.zeros((1, 3), np.float32)},
                   guidance=2.0)
    own = piadm.sample(net, shape=(1, 8, 8), scheduler=piadm.ddpm(), **options)
    piadm.export(net, "folder", shape=(1, 8, 8), scheduler=piadm.ddpm(), conditions={"label": rows[0]})
    exported = piadm.sample("folder", **options)
    assert np.abs(own.samples - exported.samples).max() < 1e-5
    assert len({sample.tobytes() for sample in own.samples}) == 4


def test_a_batch_that_the_trace_fixes_is_warned_of():
    with pytest.warns(UserWarning, match="batches of one"):
        piadm.export(Baked(), "folder", shape=(1, 8, 8), scheduler=piadm.ddpm())
    assert piadm.sample("folder", **OPTIONS).samples.shape == (4, 1, 8, 8)


def test_another_export_is_found_out():
    class Other(Network):
        def forward(self, sample, timestep):
            return super().forward(sample, timestep) * (1.01 if torch.jit.is_tracing() else 1)

    with pytest.raises(ValueError, match="does not compute what the module does"):
        piadm.export(Other(), "folder", shape=(1, 8, 8), scheduler=piadm.ddpm())


def test_a_function_of_tensors_may_use_autograd():
    def score(y, alpha, sigma):
        with torch.enable_grad():
            y = y.clone().requires_grad_()
            log = (-(y**2) / (2 * (alpha**2 * 0.04 + sigma**2))).sum()
            return torch.autograd.grad(log, y)[0]

    options = dict(shape=(6,), predicts="score", steps=30, samples=2, progress=False)
    auto = piadm.sample(score, tensors="torch", **options)
    exact = piadm.sample({"target": "gaussian", "dimension": 6, "mean": 0, "variances": np.full(6, 0.04)}, **options)
    # Single precision; slices converge to 1e-3.
    assert np.abs(auto.samples - exact.samples).max() < 5e-3


def test_a_module_needs_its_schedule():
    with pytest.raises(TypeError, match="scheduler=piadm.ddpm"):
        piadm.sample(Network(), shape=(1, 8, 8))
    with pytest.raises(piadm.DataError, match="prediction_type"):
        piadm.sample(Network(), shape=(1, 8, 8), scheduler=piadm.ddpm(prediction="other"))
