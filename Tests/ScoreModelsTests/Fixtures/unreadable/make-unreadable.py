#!/usr/bin/env python3
"""Makes the networks beside it, each with something that OpenVINO does not take: pip install numpy onnx, then run it."""
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).resolve().parent


def save(name, nodes, constants=(), domain=None):
    """A network of 8 x 8 whose timestep is added to the output of `nodes`, called y."""
    nodes = [helper.make_node("Reshape", ["timestep", "column"], ["t"]), *nodes, helper.make_node("Add", ["y", "t"], ["out_sample"])]
    graph = helper.make_graph(
        nodes, "unreadable",
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["n", 1, 8, 8]),
         helper.make_tensor_value_info("timestep", TensorProto.FLOAT, ["n"])],
        [helper.make_tensor_value_info("out_sample", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [numpy_helper.from_array(np.asarray(value), key) for key, value in {"column": np.array([-1, 1, 1, 1]), **dict(constants)}.items()])
    opsets = [helper.make_opsetid("", 19)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    (here / f"{name}.onnx").write_bytes(model.SerializeToString())


weight = np.full((1, 1, 3, 3), 1 / 9, np.float32)
# Circular padding as PyTorch exports it by default.
save("periodic", [helper.make_node("Pad", ["sample", "pads"], ["p"], mode="wrap"), helper.make_node("Conv", ["p", "w"], ["y"])],
     {"pads": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "w": weight})
# A layout that only ONNX Runtime knows, as it saves graphs that it has optimized.
save("optimized", [helper.make_node("Conv", ["sample", "w"], ["y"], domain="com.microsoft.nchwc", pads=[1, 1, 1, 1])],
     {"w": weight}, "com.microsoft.nchwc")
# FFTs of ONNX Runtime's own.
save("fft", [helper.make_node("Rfft", ["sample"], ["f"], domain="com.microsoft", signal_ndim=1, normalized=0, onesided=1),
             helper.make_node("Irfft", ["f"], ["y"], domain="com.microsoft", signal_ndim=1, normalized=0, onesided=1)],
     domain="com.microsoft")
