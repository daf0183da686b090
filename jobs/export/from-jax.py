#!/usr/bin/env python3
"""A JAX function as a folder that piadm samples.  from-jax.py FOLDER

    python3 -m venv .venv && .venv/bin/pip install -r jobs/export/requirements.txt
    .venv/bin/python jobs/export/from-jax.py results/exported
    piadm inspect results/exported

Put your function in place of `predict`; Flax and Equinox modules are functions
too. It takes a sample [batch, shape...] and a timestep [batch] and predicts the
noise of a diffusion over 1000 timesteps, or what "prediction_type" in SCHEDULER
says. Its parameters are baked in. Exits 1 where the exported network and the
function differ.
"""
import functools
import json
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnxruntime
from jax2onnx import to_onnx

SHAPE, WIDTH, FREQUENCIES = (32,), 128, 16
# Keys that are not here have diffusers' defaults.
SCHEDULER = {
    "_class_name": "DDPMScheduler",
    "beta_schedule": "linear",
    "beta_start": 1e-4,
    "beta_end": 0.02,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "clip_sample": False,
}


def initialize(key):
    sizes = {"enter": (SHAPE[0] + 2 * FREQUENCIES, WIDTH), "hidden": (WIDTH, WIDTH), "leave": (WIDTH, SHAPE[0])}
    keys = jax.random.split(key, len(sizes))
    return {name: jax.random.normal(k, size) / size[0] ** 0.5 for k, (name, size) in zip(keys, sizes.items())}


def predict(parameters, sample, timestep):
    angle = timestep[:, None] * jnp.exp(-jnp.log(1e4) * jnp.arange(FREQUENCIES) / FREQUENCIES)
    h = jnp.concatenate([sample, jnp.sin(angle), jnp.cos(angle)], -1) @ parameters["enter"]
    h = h + jax.nn.silu(h) @ parameters["hidden"]
    return jax.nn.silu(h) @ parameters["leave"]


def main(folder):
    network = functools.partial(predict, initialize(jax.random.key(0)))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    to_onnx(
        network, [("batch", *SHAPE), ("batch",)], opset=17, return_mode="file", output_path=file,
        input_names=["sample", "timestep"], output_names=["prediction"])
    (folder / "scheduler_config.json").write_text(json.dumps(SCHEDULER, indent=2) + "\n")

    sample = np.asarray(jax.random.normal(jax.random.key(1), (5, *SHAPE)))
    timestep = np.array([0, 10, 100, 500, 999], np.float32)
    expected = np.asarray(network(sample, timestep))
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    found, = session.run(None, {"sample": sample, "timestep": timestep})
    difference = np.abs(found - expected).max() / np.abs(expected).max()
    print(f"{file}: differs from the function by {difference:.1e} of the largest value")
    # Single precision, summed in another order.
    if not difference < 1e-4:
        sys.exit(f"{file}: is not what the function computes")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
