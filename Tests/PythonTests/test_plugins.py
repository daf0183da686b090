"""The examples of jobs/plugins in Python."""
import os
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no example with PyTorch was run")

import piadm  # noqa: E402
from conftest import TOP  # noqa: E402

INVERSE = TOP / "jobs/plugins/inverse"


def test_a_module_without_export_has_conditions_and_guidance():
    labels = np.eye(4, 3, dtype=np.float32)
    options = dict(samples=4, steps=20, window=8, chunk=4, batch=16, progress=False, conditions={"label": labels})
    model = f"plugin:{TOP}/jobs/plugins/torch_model.py"
    one, two = (piadm.sample(model, ranks=ranks, **options) for ranks in (None, 2))
    assert one.report["digest"] == two.report["digest"] and one.samples.shape == (4, 1, 8, 8)
    guided = piadm.sample(model, guidance=2.0, null_conditions={"label": np.zeros((1, 3), np.float32)}, **options)
    assert not np.allclose(guided.samples, one.samples)
    with pytest.raises(piadm.DataError, match=r"'label' is supplied by nobody"):
        piadm.sample(model, progress=False)


def test_exact_guidance_draws_from_the_posterior(monkeypatch):
    """Of a Gaussian prior, in closed form, and the approximate one's bias is seen."""
    monkeypatch.syspath_prepend(str(INVERSE))
    import bias

    exact = bias.measure("moments", 1000, ranks=2)
    assert exact["mean errors"] < 5 and exact["covariance errors"] < 5
    # Over s, the posterior's own spread of A x0 is below 1: the data's noise is about all of it.
    assert exact["misfit"] < 1.5
    drawn = bias.measure("drawn", 1000, ranks=2)
    assert drawn["covariance errors"] > 5


@pytest.mark.parametrize("example, method", [("inpainting", "guided"), ("observations", "moments"), ("super_resolution", "replaced")])
def test_inverse_problems_agree_with_their_data(example, method, tmp_path):
    pytest.importorskip("PIL", reason=f"Pillow is not installed: {example} was not run")
    pytest.importorskip("onnx", reason=f"onnx is not installed: {example} was not run")
    digests = []
    for ranks, methods in (("1", ["--methods", method]), ("2", [])):
        run = subprocess.run(
            [sys.executable, INVERSE / f"{example}.py", "out", "--samples", "3", "--steps", "60", "--ranks", ranks, *methods],
            capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(TOP / "Sources/Python")})
        assert run.returncode == 0, run.stderr
        line = next(line for line in run.stdout.splitlines() if line.startswith(method))
        digests.append(line.split()[-1])
        # Root mean square over 3 x 16 numbers or more of deviation 1.
        assert float(line.split("data missed by ")[1].split()[0]) < 1 + 5 / (2 * 48) ** 0.5, run.stdout
    assert len(digests) == 2 and digests[0] == digests[1]
    assert (tmp_path / "out/sheet.png").read_bytes().startswith(b"\x89PNG")
