#!/usr/bin/env python3
"""Makes the latent model beside it: pip install numpy onnx onnxruntime, then run it.

`model` is a pipeline of two parts as Optimum exports them: a flow in latents of
4 x 4 x 4, which knows that they are normal, and a decoder to pictures of
3 x 8 x 8 with convolutions, group norm and up-sampling, of random weights.
`initial.npy` are start states, `expected.npy` the pictures that ONNX Runtime
makes of them by 8 steps of Euler's method.
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).resolve().parent
generator = np.random.default_rng(4)
steps, scale, shift = 8, 0.5, 0.25


def save(place, nodes, inputs, outputs, constants):
    (here / place).parent.mkdir(parents=True, exist_ok=True)
    graph = helper.make_graph(
        nodes, "latents", [helper.make_tensor_value_info(*i) for i in inputs], [helper.make_tensor_value_info(*o) for o in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    (here / place).write_bytes(model.SerializeToString())


# u = (x - D) / q, with D the mean of normal latents of this mean and variance given (1 - q) x0 + q eps.
mean = np.linspace(-0.5, 0.5, 64, dtype=np.float32).reshape(4, 4, 4)
variance = np.float32(0.3)
save("model/transformer/model.onnx", [
    helper.make_node("Reshape", ["timestep", "column"], ["t"]), helper.make_node("Mul", ["t", "thousandth"], ["q"]),
    helper.make_node("Sub", ["one", "q"], ["a"]), helper.make_node("Mul", ["a", "variance"], ["av"]),
    helper.make_node("Mul", ["av", "hidden_states"], ["avx"]), helper.make_node("Mul", ["q", "q"], ["qq"]),
    helper.make_node("Mul", ["qq", "mean"], ["qqm"]), helper.make_node("Add", ["avx", "qqm"], ["above"]),
    helper.make_node("Mul", ["av", "a"], ["aav"]), helper.make_node("Add", ["aav", "qq"], ["below"]),
    helper.make_node("Div", ["above", "below"], ["D"]), helper.make_node("Sub", ["hidden_states", "D"], ["noise"]),
    helper.make_node("Div", ["noise", "q"], ["out_sample"]),
], [("hidden_states", TensorProto.FLOAT, ["batch", 4, 4, 4]), ("timestep", TensorProto.FLOAT, ["batch"])],
    [("out_sample", TensorProto.FLOAT, ["batch", 4, 4, 4])],
    {"column": np.array([-1, 1, 1, 1]), "thousandth": np.float32(1e-3), "one": np.float32(1), "variance": variance, "mean": mean})

(here / "model/scheduler").mkdir(parents=True, exist_ok=True)
(here / "model/scheduler/scheduler_config.json").write_text(json.dumps(
    {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 1.0}, indent=2) + "\n")
(here / "model/model_index.json").write_text(json.dumps({
    "_class_name": "LatentPipeline", "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "transformer": ["diffusers", "Transformer2DModel"], "vae": ["diffusers", "AutoencoderKL"]}, indent=2) + "\n")


def weights(*shape):
    return (generator.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)


# Group norm of two groups as PyTorch exports it: instance norm of the groups, then scale and offset.
save("model/vae_decoder/model.onnx", [
    helper.make_node("Conv", ["latent_sample", "w0"], ["c0"], pads=[1, 1, 1, 1]),
    helper.make_node("Reshape", ["c0", "groups"], ["g0"]),
    helper.make_node("InstanceNormalization", ["g0", "ones", "zeros"], ["g1"], epsilon=1e-6),
    helper.make_node("Shape", ["c0"], ["s0"]), helper.make_node("Reshape", ["g1", "s0"], ["g2"]),
    helper.make_node("Mul", ["g2", "gamma"], ["g3"]), helper.make_node("Add", ["g3", "beta"], ["g4"]),
    helper.make_node("Sigmoid", ["g4"], ["g5"]), helper.make_node("Mul", ["g4", "g5"], ["g6"]),
    helper.make_node("Resize", ["g6", "", "twice"], ["u0"], mode="nearest", nearest_mode="floor",
                     coordinate_transformation_mode="asymmetric"),
    helper.make_node("Conv", ["u0", "w1"], ["c1"], pads=[1, 1, 1, 1]), helper.make_node("Tanh", ["c1"], ["sample"]),
], [("latent_sample", TensorProto.FLOAT, ["batch", 4, "height", "width"])],
    [("sample", TensorProto.FLOAT, ["batch", 3, "decoded_height", "decoded_width"])],
    {"w0": weights(8, 4, 3, 3), "w1": weights(3, 8, 3, 3), "groups": np.array([0, 2, -1]), "ones": np.ones(2, np.float32),
     "zeros": np.zeros(2, np.float32), "gamma": 1 + weights(8, 1, 1), "beta": weights(8, 1, 1),
     "twice": np.array([1, 1, 2, 2], np.float32)})
(here / "model/vae_decoder/config.json").write_text(json.dumps(
    {"_class_name": "AutoencoderKL", "latent_channels": 4, "scaling_factor": scale, "shift_factor": shift}, indent=2) + "\n")

state = generator.standard_normal((5, 4, 4, 4)).astype(np.float32)
np.save(here / "initial.npy", state)
flow = onnxruntime.InferenceSession(here / "model/transformer/model.onnx")
decoder = onnxruntime.InferenceSession(here / "model/vae_decoder/model.onnx")
times = np.append(1 + (1e-3 - 1) * np.arange(steps) / (steps - 1), 0)
for q, after in zip(times, times[1:]):
    velocity, = flow.run(None, {"hidden_states": state, "timestep": np.full(5, 1000 * q, np.float32)})
    state = (state + (after - q) * velocity).astype(np.float32)
np.save(here / "expected.npy", decoder.run(None, {"latent_sample": state / scale + shift})[0])
