"""The built-in digits network in PyTorch, with the weights of its ONNX file."""
import importlib.util
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import numpy_helper

JOBS = pathlib.Path(__file__).resolve().parent.parent
MODEL = JOBS.parent / "Sources/ScoreModels/Models/digits"


def load():
    """Returns the network, checked against the ONNX file to 1e-5, and its scheduler's settings."""
    specification = importlib.util.spec_from_file_location("train_digits", JOBS / "train-digits.py")
    training = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(training)
    graph = onnx.load(str(MODEL / "model.onnx")).graph
    weights = {tensor.name: torch.tensor(numpy_helper.to_array(tensor)) for tensor in graph.initializer}
    network = training.DigitsNetwork().eval().requires_grad_(False)
    network.load_state_dict({name: weights[name] for name in network.state_dict()})
    check(network)
    return network, json.loads((MODEL / "scheduler_config.json").read_text())


def check(network):
    session = onnxruntime.InferenceSession(str(MODEL / "model.onnx"), providers=["CPUExecutionProvider"])
    generator = np.random.default_rng(0)
    states = generator.standard_normal((64, 1, 8, 8)).astype(np.float32)
    times = np.linspace(0, 999, 64).astype(np.float32)
    names = [port.name for port in session.get_inputs()]
    expected = session.run(None, dict(zip(names, (states, times))))[0]
    with torch.inference_mode():
        distance = np.abs(network(torch.tensor(states), torch.tensor(times)).numpy() - expected).max()
    assert distance < 1e-5, f"the network differs from its ONNX file by {distance}"
