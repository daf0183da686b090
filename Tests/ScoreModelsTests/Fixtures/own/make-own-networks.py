#!/usr/bin/env python3
"""Makes the folders beside it: pip install numpy onnx openvino, then run it.

Each is a network of one's own with the piadm.json that says what it is. All of
them know the same data, independent normal numbers in the shape 3 x 2 x 2, so
that one formula checks what is made of each: the mean of the data given a
noisy state. Networks in `formats` are one small perceptron in several formats.
"""
import json
import pathlib

import numpy as np
import onnx
import openvino
from onnx import TensorProto, helper, numpy_helper
from openvino import opset13 as ops

here = pathlib.Path(__file__).resolve().parent
shape = (3, 2, 2)
index = np.arange(12, dtype=np.float64).reshape(shape)
mean = np.cos(index)  # of each element
variance = 0.1 + 0.05 * index
label_mean = np.sin(index)  # added to the mean, times a label


class Graph:
    """An ONNX graph in the making."""

    def __init__(self, inputs):
        self.nodes, self.constants = [], []
        self.inputs = [helper.make_tensor_value_info(name, kind, axes) for name, kind, axes in inputs]

    def node(self, kind, *operands, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, [self.operand(o) for o in operands], [name], **attributes))
        return Value(self, name)

    def operand(self, value):
        if isinstance(value, Value):
            return value.name
        name = f"c{len(self.constants)}"
        is_shape = isinstance(value, np.ndarray) and value.dtype == np.int64
        self.constants.append(numpy_helper.from_array(np.asarray(value, np.int64 if is_shape else np.float32), name))
        return name

    def column(self, name):
        """An input of one number a row, beside the axes of a sample."""
        number = self.node("Cast", Value(self, name), to=TensorProto.FLOAT)
        return self.node("Reshape", number, np.array([-1, 1, 1, 1]))

    def save(self, folder, outputs, description):
        for name, value in outputs.items():
            self.nodes.append(helper.make_node("Identity", [value.name], [name]))
        graph = helper.make_graph(
            self.nodes, "own", self.inputs,
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *shape]) for name in outputs],
            self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        (here / folder).mkdir(exist_ok=True)
        (here / folder / "model.onnx").write_bytes(model.SerializeToString())
        (here / folder / "piadm.json").write_text(json.dumps(description, indent=2) + "\n")


class Value:
    __array_ufunc__ = None  # numpy leaves operators to this class

    def __init__(self, graph, name):
        self.graph, self.name = graph, name

    def __add__(self, other): return self.graph.node("Add", self, other)
    def __radd__(self, other): return self.graph.node("Add", other, self)
    def __sub__(self, other): return self.graph.node("Sub", self, other)
    def __rsub__(self, other): return self.graph.node("Sub", other, self)
    def __mul__(self, other): return self.graph.node("Mul", self, other)
    def __rmul__(self, other): return self.graph.node("Mul", other, self)
    def __truediv__(self, other): return self.graph.node("Div", self, other)
    def __rtruediv__(self, other): return self.graph.node("Div", other, self)
    def apply(self, kind): return self.graph.node(kind, self)


def denoised(x, a, b, center=mean):
    """The mean of the data given x = a data + b noise."""
    return (a * variance * x + b * b * center) / (a * a * variance + b * b)


def state(kind=TensorProto.FLOAT, name="x"):
    return (name, kind, ["batch", *shape])


def number(name, axes=("batch",), kind=TensorProto.FLOAT):
    return (name, kind, list(axes))


# 1. The denoiser of EDM.
g = Graph([state(), number("sigma")])
x, s = Value(g, "x"), g.column("sigma")
g.save("edm-denoiser", {"D": denoised(x, 1, s)},
       {"process": "variance-exploding", "predicts": "denoiser", "time": "sigma"})

# 2. The raw network inside EDM's preconditioning, a deviation of the data a channel.
deviations = [0.5, 1.0, 2.0]
g = Graph([state(), number("c_noise", ("batch", 1, 1, 1))])
s = (4 * g.column("c_noise")).apply("Exp")
d = np.array(deviations).reshape(3, 1, 1)
scale = (s * s + d * d).apply("Sqrt")
x = Value(g, "x") * scale
g.save("edm-raw", {"F": (denoised(x, 1, s) - d * d / (scale * scale) * x) * scale / (s * d)},
       {"process": "variance-exploding", "predicts": "preconditioned", "sigma_data": deviations, "time": "log-sigma/4",
        "range": [0.01, 50]})

# 3. The score of a variance-exploding process, told log sigma.
g = Graph([state(), number("log_sigma")])
x, s = Value(g, "x"), g.column("log_sigma").apply("Exp")
g.save("ve-score", {"score": (denoised(x, 1, s) - x) / (s * s)},
       {"process": "variance-exploding", "predicts": "score", "time": "log-sigma", "range": [0.01, 50],
        "grid": "exponential"})


def variance_preserving(t):
    """alpha and sigma of Song et al. at time t, beta from 0.1 to 20."""
    log_alpha = -0.25 * 19.9 * (t * t) - 0.05 * t
    alpha = log_alpha.apply("Exp")
    return alpha, (1 - alpha * alpha).apply("Sqrt")


# 4. The score of a variance-preserving process, t in [0, 1].
g = Graph([state(), number("t")])
x, (a, b) = Value(g, "x"), variance_preserving(g.column("t"))
g.save("vp-score", {"score": (a * denoised(x, a, b) - x) / (b * b)},
       {"process": "variance-preserving", "predicts": "score", "time": "t", "beta_min": 0.1, "beta_max": 20})

# 5. The velocity of a variance-preserving process, alpha a cosine, told 1000 t; one time for all rows.
g = Graph([state(), number("t", ())])
angle = g.column("t") * (np.pi / 2000)
x, a, b = Value(g, "x"), angle.apply("Cos"), angle.apply("Sin")
g.save("vp-velocity", {"v": (a * x - denoised(x, a, b)) / b},
       {"process": "variance-preserving", "predicts": "velocity", "time": "t", "time_scale": 1000,
        "alpha_schedule": "cosine"})


def flow(x, q):
    """The velocity of flow, noise - data, at (1 - q) data + q noise."""
    return (x - denoised(x, 1 - q, q)) / q


# 6. A flow forwards, told multiples of its time.
g = Graph([state(name="hidden_states"), number("timestep")])
g.save("flow-forwards", {"out": flow(Value(g, "hidden_states"), g.column("timestep") / 1000)},
       {"process": "flow", "predicts": "noise-minus-data", "time": "flow-time", "time_scale": 1000})

# 7. A flow backwards: from noise at time 0 to data at time 1.
g = Graph([state(), number("t")])
g.save("flow-backwards", {"out": -1.0 * flow(Value(g, "x"), 1 - g.column("t"))},
       {"process": "flow", "predicts": "data-minus-noise", "time": "flow-time", "time_at_data": 1})

# 8. A flow whose time is from 0 to 1.
g = Graph([state(), number("t", ("batch", 1))])
g.save("flow-unit", {"out": flow(Value(g, "x"), g.column("t"))},
       {"process": "flow", "predicts": "noise-minus-data", "time": "flow-time"})

# 9. A conditional denoiser with names of its own, and a fixed further input.
g = Graph([state(name="noisy"), number("sigma"), number("label"), ("offset", TensorProto.FLOAT, [3, 1, 1])])
center = mean + label_mean * g.column("label") + Value(g, "offset")
g.save("conditional", {"denoised": denoised(Value(g, "noisy"), 1, g.column("sigma"), center)},
       {"process": "variance-exploding", "predicts": "denoiser", "time": "sigma", "range": [0.02, 30],
        "inputs": {"sample": "noisy", "time": "sigma"}, "output": "denoised", "conditions": {"offset": "offset.npy"}})
np.save(here / "conditional/offset.npy", np.array([0.5, 0, -0.5], np.float32).reshape(3, 1, 1))
np.save(here / "conditional/label.npy", np.array([2], np.float32))

# 10. Two outputs in the sample's shape, on discrete timesteps; sample and noise are told by no name.
alpha_bar = np.cumprod(1 - np.linspace(1e-4, 0.02, 100))
g = Graph([state(name="a"), number("b", kind=TensorProto.INT64)])
g.constants.append(numpy_helper.from_array(alpha_bar.astype(np.float32), "alpha_bar"))
squared = g.node("Reshape", g.node("Gather", Value(g, "alpha_bar"), Value(g, "b")), np.array([-1, 1, 1, 1]))
x, a, b = Value(g, "a"), squared.apply("Sqrt"), (1 - squared).apply("Sqrt")
g.save("two-outputs", {"first": 3 * x, "second": (x - a * denoised(x, a, b)) / b},
       {"process": "variance-preserving", "predicts": "noise", "time": "timestep", "num_train_timesteps": 100,
        "beta_start": 1e-4, "beta_end": 0.02, "inputs": {"sample": "a", "time": "b"}, "output": "second"})


def perceptron(weights, constant):
    """tanh((x, t) w0) w1 by OpenVINO; `constant` makes a constant of weights."""
    sample = ops.parameter([-1, 12], np.float32, name="sample")
    timestep = ops.parameter([-1], np.float32, name="timestep")
    column = ops.multiply(ops.unsqueeze(timestep, np.int64(1)), np.float32(1e-3))
    hidden = ops.tanh(ops.matmul(ops.concat([sample, column], 1), constant(weights[0]), False, False))
    result = ops.matmul(hidden, constant(weights[1]), False, False)
    result.output(0).set_names({"out_sample"})
    for parameter, name in ((sample, "sample"), (timestep, "timestep")):
        parameter.output(0).set_names({name})
    return openvino.Model([result], [sample, timestep], "perceptron")


def float_constant(kind):
    def constant(values):
        # OpenVINO cuts bits off; they are rounded before.
        node = ops.constant(values.astype(kind) if kind != "bfloat16" else bfloat16(values), kind if kind != "bfloat16" else openvino.Type.bf16)
        return ops.convert(node, np.float32) if kind != np.float32 else node
    return constant


def byte_constant(values):
    """Weights in 8 bits with a scale and a zero point a column, as compression tools write them."""
    integers, scale, zero = bytes_of(values)
    difference = ops.subtract(ops.convert(ops.constant(integers, np.uint8), np.float32), ops.convert(ops.constant(zero, np.uint8), np.float32))
    return ops.multiply(difference, ops.constant(scale, np.float32))


def bytes_of(values):
    low, high = np.minimum(values.min(0, keepdims=True), 0), np.maximum(values.max(0, keepdims=True), 0)
    scale = ((high - low) / 255).astype(np.float32)
    zero = np.round(-low / scale).astype(np.uint8)
    return np.clip(np.round(values / scale) + zero, 0, 255).astype(np.uint8), scale, zero


def bfloat16(values):
    """Rounded to 8 bits of precision, ties to even."""
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).view(np.float32)


generator = np.random.default_rng(3)
weights = [generator.standard_normal((13, 64)).astype(np.float32) / 4, generator.standard_normal((64, 12)).astype(np.float32) / 8]
scheduler = {"_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 1e-4, "beta_end": 0.02,
             "beta_schedule": "linear", "prediction_type": "epsilon", "clip_sample": False}
rounded = {"float32": lambda w: w, "float16": lambda w: w.astype(np.float16).astype(np.float32), "bfloat16": bfloat16,
           "int8": lambda w: (bytes_of(w)[0].astype(np.float32) - bytes_of(w)[2]) * bytes_of(w)[1]}
for name, constant in (("float32", float_constant(np.float32)), ("float16", float_constant(np.float16)),
                       ("bfloat16", float_constant("bfloat16")), ("int8", byte_constant)):
    folder = here / "formats" / name
    (folder / "unet").mkdir(parents=True, exist_ok=True)
    openvino.save_model(perceptron(weights, constant), folder / "unet/openvino_model.xml", compress_to_fp16=False)
    (folder / "scheduler_config.json").write_text(json.dumps(scheduler))
    # The same weights, rounded alike, in ONNX.
    w = [rounded[name](w) for w in weights]
    nodes = [helper.make_node("Unsqueeze", ["timestep", "one"], ["t"]), helper.make_node("Mul", ["t", "share"], ["u"]),
             helper.make_node("Concat", ["sample", "u"], ["x"], axis=1), helper.make_node("MatMul", ["x", "w0"], ["h"]),
             helper.make_node("Tanh", ["h"], ["k"]), helper.make_node("MatMul", ["k", "w1"], ["out_sample"])]
    graph = helper.make_graph(
        nodes, "perceptron",
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["batch", 12]),
         helper.make_tensor_value_info("timestep", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor_value_info("out_sample", TensorProto.FLOAT, ["batch", 12])],
        [numpy_helper.from_array(np.array([1]), "one"), numpy_helper.from_array(np.float32(1e-3), "share"),
         numpy_helper.from_array(w[0], "w0"), numpy_helper.from_array(w[1], "w1")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (here / "formats" / f"{name}.onnx").write_bytes(model.SerializeToString())
