#!/usr/bin/env python3
"""Makes the files beside it: pip install numpy onnx onnxruntime, then run it.

- digits-states.npy, digits-timesteps.npy, digits-noise.npy: inputs of the
  built-in model, and its prediction by ONNX Runtime, a program other than the
  one under test;
- small networks with one thing wrong each, named after it.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

here = pathlib.Path(__file__).resolve().parent
digits = here.parents[2] / "Sources/ScoreModels/Models/digits/model.onnx"

generator = np.random.default_rng(0)
timesteps = np.array([0, 1, 10, 100, 300, 500, 700, 900, 999, 250.5, 3, 42], np.float32)
states = generator.standard_normal((len(timesteps), 1, 8, 8)).astype(np.float32)
noise, = onnxruntime.InferenceSession(digits).run(None, {"sample": states, "timestep": timesteps})
np.save(here / "digits-states.npy", states)
np.save(here / "digits-timesteps.npy", timesteps)
np.save(here / "digits-noise.npy", noise)


def network(name, sample=("batch", 3), timestep=("batch",), timestep_type=TensorProto.FLOAT, further=(), output=None,
            outside=False):
    """sample * weight, with `timestep` taken as an input that changes nothing."""
    inputs = [helper.make_tensor_value_info("sample", TensorProto.FLOAT, sample),
              helper.make_tensor_value_info("timestep", timestep_type, timestep),
              *(helper.make_tensor_value_info(other, TensorProto.FLOAT, ["batch", 3]) for other in further)]
    nodes = [helper.make_node("Mul", ["sample", "weight"], ["scaled"]),
             helper.make_node("Cast", ["timestep"], ["t"], to=TensorProto.FLOAT),
             helper.make_node("ReduceSum", ["t"], ["total"], keepdims=0),
             helper.make_node("Mul", ["total", "zero"], ["nothing"]),
             *(helper.make_node("Identity", [other], [other + "_copy"]) for other in further),
             helper.make_node("Sum", ["scaled", "nothing", *(other + "_copy" for other in further)], ["summed"]),
             helper.make_node("Flatten" if output else "Identity", ["summed"], ["noise"],
                              **({"axis": 0} if output else {}))]
    weight = numpy_helper.from_array(np.full(3, 2, np.float32), "weight")
    if outside:
        onnx.external_data_helper.set_external_data(weight, "absent-weights.bin", offset=0, length=12)
        weight.ClearField("raw_data")
    graph = helper.make_graph(
        nodes, "small", inputs, [helper.make_tensor_value_info("noise", TensorProto.FLOAT, output or sample)],
        [weight, numpy_helper.from_array(np.zeros((), np.float32), "zero")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (here / name).write_bytes(model.SerializeToString())


network("twice-the-sample.onnx")
network("further-input.onnx", further=["labels"])
network("flat-output.onnx", output=[1, "all"])
network("weights-missing.onnx", outside=True)


def large(name, layers=7, width=2070):
    """30 million parameters in a file that is not there: tanh(h weight), layer after layer."""
    nodes = [helper.make_node("ReduceSum", ["timestep"], ["total"], keepdims=0),
             helper.make_node("Mul", ["total", "zero"], ["nothing"]),
             helper.make_node("Add", ["sample", "nothing"], ["h0"])]
    weights = [numpy_helper.from_array(np.zeros((), np.float32), "zero")]
    for layer in range(layers):
        weight = TensorProto(name=f"weight{layer}", data_type=TensorProto.FLOAT, dims=[width, width], raw_data=b"")
        onnx.external_data_helper.set_external_data(
            weight, "weights.bin", offset=4 * layer * width**2, length=4 * width**2)
        weight.ClearField("raw_data")
        weights.append(weight)
        nodes += [helper.make_node("MatMul", [f"h{layer}", f"weight{layer}"], [f"product{layer}"]),
                  helper.make_node("Tanh", [f"product{layer}"], [f"h{layer + 1}"])]
    nodes.append(helper.make_node("Identity", [f"h{layers}"], ["noise"]))
    graph = helper.make_graph(
        nodes, "large",
        [helper.make_tensor_value_info("sample", TensorProto.FLOAT, ["batch", width]),
         helper.make_tensor_value_info("timestep", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["batch", width])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (here / name).write_bytes(model.SerializeToString())


large("large.onnx")


def timed(name, number=TensorProto.FLOAT, time=TensorProto.FLOAT, timestep=("batch",), batch="batch", labels=False,
          names=("sample", "timestep")):
    """2 sample + timestep, in a row of three numbers; with labels also their sum and a bias."""
    given = [helper.make_tensor_value_info(names[0], number, [batch, 3]),
             helper.make_tensor_value_info(names[1], time, timestep)]
    nodes = [helper.make_node("Cast", [names[1]], ["t"], to=number),
             helper.make_node("Reshape", ["t", "column"], ["times"]),
             helper.make_node("Mul", [names[0], "two"], ["twice"]),
             helper.make_node("Add", ["twice", "times"], ["plain" if labels else "noise"])]
    if labels:
        given += [helper.make_tensor_value_info("labels", TensorProto.INT64, [batch, 2]),
                  helper.make_tensor_value_info("bias", TensorProto.FLOAT, [3])]
        nodes += [helper.make_node("Cast", ["labels"], ["numbers"], to=number),
                  helper.make_node("ReduceSum", ["numbers", "last"], ["total"], keepdims=1),
                  helper.make_node("Sum", ["plain", "total", "bias"], ["noise"])]
    # In raw bytes: OpenVINO misreads bfloat16 in the list of numbers.
    two = helper.make_tensor("two", number, (), np.array(2, helper.tensor_dtype_to_np_dtype(number)).tobytes(), raw=True)
    graph = helper.make_graph(
        nodes, "timed", given, [helper.make_tensor_value_info("noise", number, [batch, 3])],
        [two, numpy_helper.from_array(np.array([-1, 1]), "column"), numpy_helper.from_array(np.array([1]), "last")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (here / name).write_bytes(model.SerializeToString())


timed("integer-timestep.onnx", time=TensorProto.INT64)
timed("scalar-timestep.onnx", timestep=())
timed("one-timestep.onnx", timestep=(1,), names=("hidden_states", "t"))
timed("fixed-batch.onnx", batch=4, timestep=(4,))
timed("fixed-batch-scalar.onnx", batch=4, timestep=(), time=TensorProto.INT64)
timed("half.onnx", number=TensorProto.FLOAT16, time=TensorProto.FLOAT16)
timed("bfloat.onnx", number=TensorProto.BFLOAT16)
timed("labels.onnx", labels=True)
timed("free-shape.onnx")
model = onnx.load(here / "free-shape.onnx")
model.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
model.graph.output[0].type.tensor_type.shape.dim[1].dim_param = "width"
(here / "free-shape.onnx").write_bytes(model.SerializeToString())
