#!/usr/bin/env python3
"""Networks that a runtime computes wrongly without a word, and their right relatives.

    make-silent.py FOLDER     needs onnx

`wrong-*.onnx` are refused by name, `right-*.onnx` are not. `axes.onnx` gives axes of three
inputs one name. `quantized/`, `statistics/` and `gates/` have rows that depend on their
company, `random/` and `dropout/` on chance; `size/` is none of these.
"""
import json
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

OUT = pathlib.Path(sys.argv[1])
random = np.random.default_rng(1)
SHAPE = (2, 4, 4)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def ints(*values):
    return np.array(values, np.int64)


def store(name, nodes, weights, opset, further=()):
    port = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "silent", [port("sample", TensorProto.FLOAT, ["batch", *SHAPE]), port("timestep", TensorProto.FLOAT, ["batch"]), *further],
        [port("prediction", TensorProto.FLOAT, ["batch", *SHAPE])],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    place = OUT / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(model.SerializeToString())


def single(name, kind, opset=17, inputs=("sample",), weights={}, after=(), **attributes):
    """An operator, its result added to the sample, whose time counts too."""
    nodes = [node(kind, list(inputs), "x", **attributes), *after,
             node("Reshape", ["timestep", "column"], "t"), node("Mul", ["t", "small"], "s"),
             node("Add", ["sample", "s"], "u"), node("Add", ["u", after[-1].output[0] if after else "x"], "prediction")]
    store(name + ".onnx", nodes, {"column": ints(-1, 1, 1, 1), "small": np.float32(1e-3), **weights}, opset)


up, down = np.array([1, 1, 2, 2], np.float32), np.array([1, 1, 0.5, 0.5], np.float32)
back = (node("Slice", ["x", "zero", "four", "axes"], "y"),)
slices = {"zero": ints(0, 0), "four": ints(4, 4), "axes": ints(2, 3)}
spread = (node("Resize", ["x", "", "", "sizes"], "y", mode="nearest"),)
single("wrong-Resize-antialias", "Resize", 18, ("sample", "", "scales"), {"scales": down, "sizes": ints(1, 2, 4, 4)}, spread,
       mode="linear", antialias=1)
single("wrong-Resize-sizes", "Resize", 18, ("sample", "", "", "half"), {"half": ints(1, 2, 2, 2), "sizes": ints(1, 2, 4, 4)}, spread,
       mode="cubic", antialias=1)
single("right-Resize-antialias-up", "Resize", 18, ("sample", "", "scales"), {"scales": up, **slices}, back, mode="linear", antialias=1)
single("wrong-Resize-outside", "Resize", 17, ("sample", "", "scales"), {"scales": up, **slices}, back, mode="cubic", exclude_outside=1)
single("right-Resize-cubic", "Resize", 17, ("sample", "", "scales"), {"scales": up, **slices}, back, mode="cubic", cubic_coeff_a=-0.5)
single("wrong-Resize-corners", "Resize", 17, ("sample", "", "scales"), {"scales": up, **slices}, back, mode="nearest",
       coordinate_transformation_mode="align_corners", nearest_mode="floor")
single("right-Resize-nearest", "Resize", 17, ("sample", "", "scales"), {"scales": up, **slices}, back, mode="nearest",
       coordinate_transformation_mode="align_corners", nearest_mode="round_prefer_floor")
single("wrong-ReduceLogSumExp", "ReduceLogSumExp", 17, axes=[1])
single("wrong-ReduceL1", "ReduceL1", 13, axes=[2, 3])
single("right-ReduceL2", "ReduceL2", 17, axes=[1])
single("right-ReduceL1", "ReduceL1", 18, ("sample", "one"), {"one": ints(1)})
single("wrong-Softmax", "Softmax", 12, axis=1)
single("right-Softmax", "Softmax", 13, axis=1)
single("wrong-AveragePool", "AveragePool", 17, kernel_shape=[3, 3], pads=[1] * 4, ceil_mode=1, count_include_pad=1)
single("right-AveragePool", "AveragePool", 17, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1)
store("wrong-DFT.onnx", [
    node("Unsqueeze", ["sample", "four"], "u"), node("DFT", ["u", "", "axis"], "f"), node("ReduceSum", ["f", "four"], "x", keepdims=0),
    node("Reshape", ["timestep", "column"], "t"), node("Add", ["x", "t"], "prediction")],
    {"four": ints(4), "axis": np.array(3, np.int64), "column": ints(-1, 1, 1, 1)}, 20)
single("wrong-BatchNormalization", "BatchNormalization", 15, ("sample", "g", "b", "m", "v"),
       {"g": np.ones(2, np.float32), "b": np.zeros(2, np.float32), "m": np.zeros(2, np.float32), "v": np.ones(2, np.float32)}, training_mode=1)
weights = {"W": random.normal(size=(1, 16, 4)).astype(np.float32), "R": random.normal(size=(1, 16, 4)).astype(np.float32),
           "P": random.normal(size=(1, 12)).astype(np.float32), "steps": ints(8, -1, 4), "back": ints(-1, 2, 4, 4)}
for name, inputs, attributes in (("wrong-LSTM-peephole", ["q", "W", "R", "", "", "", "", "P"], {}), ("wrong-LSTM-forget", ["q", "W", "R"], {"input_forget": 1}),
                                 ("right-LSTM", ["q", "W", "R"], {})):
    store(name + ".onnx", [node("Reshape", ["sample", "steps"], "q"), node("LSTM", inputs, "x", hidden_size=4, **attributes),
                           node("Reshape", ["x", "back"], "y"), node("Reshape", ["timestep", "column"], "t"),
                           node("Add", ["y", "t"], "prediction")], {**weights, "column": ints(-1, 1, 1, 1)}, 17)

# Axes of one name.
port = helper.make_tensor_value_info
store("axes.onnx", [
    node("ReduceMean", ["words"], "w", axes=[1, 2], keepdims=1), node("ReduceMean", ["mask"], "m", axes=[1], keepdims=1),
    node("ReduceMean", ["map"], "p", axes=[1, 2], keepdims=1), node("Reshape", ["w", "column"], "a"), node("Reshape", ["m", "column"], "b"),
    node("Reshape", ["p", "column"], "c"), node("Reshape", ["timestep", "column"], "t"), node("Mul", ["t", "small"], "s"),
    node("Sum", ["sample", "a", "b", "c", "s"], "prediction")], {"column": ints(-1, 1, 1, 1), "small": np.float32(1e-3)}, 17,
    [port("words", TensorProto.FLOAT, ["batch", "tokens", 3]), port("mask", TensorProto.FLOAT, ["batch", "tokens"]),
     port("map", TensorProto.FLOAT, ["batch", "tokens", "tokens"])])

# Rows that are no function of themselves.
dense = random.normal(size=(32, 32)).astype(np.float32) / 6
DENSE = {"dense": dense, "flat": ints(-1, 32), "back": ints(-1, *SHAPE), "column": ints(-1, 1), "small": np.float32(1e-3)}
HEAD = [node("Reshape", ["sample", "flat"], "f"), node("Reshape", ["timestep", "column"], "t"), node("Mul", ["t", "small"], "s"),
        node("Add", ["f", "s"], "h")]
TAIL = [node("MatMul", ["y", "dense"], "z"), node("Tanh", ["z"], "o"), node("Reshape", ["o", "back"], "prediction")]
SCHEDULER = {"_class_name": "DDPMScheduler", "beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02, "num_train_timesteps": 1000,
             "prediction_type": "epsilon", "clip_sample": False}


def folder(name, nodes, weights={}, opset=17):
    store(f"{name}/model.onnx", HEAD + nodes + TAIL, {**DENSE, **weights}, opset)
    (OUT / name / "scheduler_config.json").write_text(json.dumps(SCHEDULER) + "\n")


folder("quantized", [helper.make_node("DynamicQuantizeLinear", ["h"], ["q", "scale", "zero"]), node("DequantizeLinear", ["q", "scale", "zero"], "y")])
folder("statistics", [node("ReduceMean", ["h"], "mean", axes=[0], keepdims=1), node("Sub", ["h", "mean"], "y")])
folder("gates", [node("ReduceMean", ["h"], "score", axes=[1], keepdims=0), node("ReduceMax", ["score"], "best", axes=[0], keepdims=1),
                 node("Less", ["score", "best"], "lost"), node("Cast", ["lost"], "gate", to=TensorProto.FLOAT), node("Reshape", ["gate", "column"], "g"),
                 node("Mul", ["h", "g"], "k"), node("Add", ["h", "k"], "y")])
folder("random", [node("RandomNormalLike", ["h"], "n"), node("Mul", ["n", "small"], "e"), node("Add", ["h", "e"], "y")])
folder("uniform", [node("RandomUniformLike", ["h"], "n"), node("Greater", ["n", "small"], "keep"), node("Cast", ["keep"], "k", to=TensorProto.FLOAT),
                   node("Mul", ["h", "k"], "y")], {"small": np.float32(1e-1)})
folder("plain", [node("Identity", ["h"], "y")])
