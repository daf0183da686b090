#!/usr/bin/env python3
"""Compares random small networks with ONNX Runtime, operator by operator.

    operators.py PIADM [NETWORKS [SEED]]

    .venv/bin/pip install onnx onnxruntime
    .venv/bin/python jobs/operators.py .build/release/piadm

Makes networks of six random operators with random attributes, each operator in
NETWORKS (20) of them or more, and has `piadm inspect --against onnxruntime`
evaluate a row by both. Prints a table: for every operator how many networks with it were
compared, the largest difference, and how many were refused by the name of an operator. A network that
differs by more than 1e-4 (with a cast to half precision, which OpenVINO leaves out, by
more than four units in its last place) is told of, and makes the exit code 1.

Networks take `sample` [batch, 4, 8, 8] and `timestep` [batch]. A value h passes
from operator to operator as h/2 + clip(operator(h), -3, 3)/2. Operators that jump
(rounding, comparison, casts to integers) are given the sample itself, so that the
last bit of a value cannot decide about a jump.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SHAPE = (4, 8, 8)  # channels, height, width
ELEMENTS = 256


class Net:
    """A graph under construction: `op` adds a node and returns its output's name."""

    def __init__(self, random, opset):
        self.random, self.opset = random, opset
        self.nodes, self.weights, self.names = [], [], 0

    def name(self):
        self.names += 1
        return f"v{self.names}"

    def op(self, kind, inputs, outputs=1, **attributes):
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def const(self, array):
        name = self.name()
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weight(self, *shape, scale=None):
        size = np.prod(shape[1:]) if len(shape) > 1 else 4
        return self.const((self.random.normal(size=shape) * (scale or 1 / np.sqrt(max(size, 1)))).astype(np.float32))

    def ints(self, *values):
        return self.const(np.array(values, np.int64))

    def f32(self, value):
        return self.const(np.array(value, np.float32))

    def pick(self, *choices):
        return choices[self.random.integers(len(choices))]

    def image(self, x):
        """Any value with a row's elements in the shape of a sample."""
        return self.op("Reshape", [x, self.ints(-1, *SHAPE)])

    def tokens(self, x, length=16):
        return self.op("Reshape", [x, self.ints(-1, length, ELEMENTS // length)])

    def whole(self, x):
        return self.op("Reshape", [x, self.ints(-1, ELEMENTS)])

    def broadcast(self, x):
        """A value that broadcasts against a sample, added to zeros of its shape."""
        return self.op("Add", [self.op("Mul", [self.source, self.f32(0)]), x])


def resize(net, x, mode):
    if mode == "nearest":
        attributes = {"nearest_mode": net.pick("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")}
    elif mode == "cubic":
        attributes = {"cubic_coeff_a": net.pick(-0.75, -0.5), "exclude_outside": net.pick(0, 1)}
    else:
        attributes = {}
    attributes["coordinate_transformation_mode"] = net.pick("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")
    if net.opset >= 19 and net.random.random() < 0.3:
        attributes["coordinate_transformation_mode"] = "half_pixel_symmetric"
    if net.opset >= 18 and mode != "nearest" and net.random.random() < 0.3:
        attributes["antialias"] = 1
        attributes["coordinate_transformation_mode"] = "half_pixel"
    factor = net.pick(2.0, 0.5, 1.5, 3.0)
    if net.random.random() < 0.5:
        up = net.op("Resize", [x, "", net.const(np.array([1, 1, factor, factor], np.float32))], mode=mode, **attributes)
    else:
        size = int(8 * factor)
        shape = net.op("Concat", [net.op("Slice", [net.op("Shape", [x]), net.ints(0), net.ints(2)]), net.ints(size, size)], axis=0)
        up = net.op("Resize", [x, "", "", shape], mode=mode, **attributes)
    size = int(8 * factor)
    return pooled(net, up, size)


def pooled(net, x, size):
    """Back to 8 x 8 by a convolution and a slice or a pad."""
    if size < 8:
        return net.op("Pad", [x, net.ints(0, 0, 0, 0, 0, 0, 8 - size, 8 - size)], mode="constant")
    return net.op("Slice", [x, net.ints(size - 8, 0), net.ints(size, 8), net.ints(2, 3)])


def pad(net, x, mode):
    a, b, c, d = (int(v) for v in net.random.integers(0, 4, 4))
    y = net.op("Pad", [x, net.ints(0, 0, a, b, 0, 0, c, d)], mode=mode)
    return net.op("Conv", [y, net.weight(4, 4, a + c + 1, b + d + 1)])


def conv(net, x):
    group, dilation, kernel = net.pick(1, 2, 4), net.pick(1, 2), net.pick(1, 3, 5)
    attributes = {"auto_pad": net.pick("SAME_UPPER", "SAME_LOWER")} if net.random.random() < 0.4 else {
        "pads": [dilation * (kernel - 1) // 2] * 4}
    inputs = [x, net.weight(4, 4 // group, kernel, kernel)] + ([net.weight(4)] if net.random.random() < 0.5 else [])
    return net.op("Conv", inputs, group=group, dilations=[dilation] * 2, kernel_shape=[kernel] * 2, **attributes)


def conv_transpose(net, x):
    stride, kernel, group = net.pick(1, 2), net.pick(2, 3, 4), net.pick(1, 2)
    extra = net.pick(0, 1) if stride > 1 else 0
    y = net.op("ConvTranspose", [x, net.weight(4, 4 // group, kernel, kernel)], group=group, strides=[stride] * 2,
               output_padding=[extra] * 2, pads=[net.pick(0, 1)] * 4)
    return net.op("Resize", [y, "", "", net.op("Shape", [net.source])], mode="nearest", nearest_mode="floor",
                  coordinate_transformation_mode="asymmetric")


def conv1d(net, x):
    return net.image(net.op("Conv", [net.tokens(x), net.weight(16, 16, 3)], pads=[1, 1]))


def conv3d(net, x):
    y = net.op("Reshape", [x, net.ints(-1, 2, 2, 8, 8)])
    return net.image(net.op("Conv", [y, net.weight(2, 2, 3, 3, 3)], pads=[1] * 6))


def pool(net, x, kind):
    attributes = {"kernel_shape": [net.pick(2, 3)] * 2, "strides": [net.pick(1, 2)] * 2}
    attributes["pads"] = [net.pick(0, 1)] * 4
    if kind != "LpPool":
        attributes["ceil_mode"] = net.pick(0, 1)
    if kind == "AveragePool":
        attributes["count_include_pad"] = net.pick(0, 1)
    if kind == "LpPool":
        attributes["p"] = net.pick(1, 2)
    if kind == "MaxPool" and net.random.random() < 0.3:
        attributes["dilations"] = [2, 2]
    y = net.op(kind, [x], **attributes)
    return net.op("Resize", [y, "", "", net.op("Shape", [net.source])], mode="nearest", nearest_mode="floor",
                  coordinate_transformation_mode="asymmetric")


def global_pool(net, x, kind):
    return net.broadcast(net.op(kind, [x]))


def batch_norm(net, x):
    variance = net.const(net.random.uniform(0.5, 2, 4).astype(np.float32))
    return net.op("BatchNormalization", [x, net.weight(4), net.weight(4), net.weight(4), variance], epsilon=net.pick(1e-5, 1e-2))


def instance_norm(net, x):
    return net.op("InstanceNormalization", [x, net.weight(4), net.weight(4)], epsilon=net.pick(1e-5, 1e-2))


def layer_norm(net, x):
    axis = net.pick(-1, -2, 1)
    lengths = {-1: (8,), -2: (8, 8), 1: SHAPE}[axis]
    return net.op("LayerNormalization", [x, net.weight(*lengths, scale=1)] + ([net.weight(*lengths, scale=1)] if net.random.random() < 0.5 else []),
                  axis=axis, epsilon=net.pick(1e-5, 1e-2))


def group_norm(net, x):
    return net.op("GroupNormalization", [x, net.weight(4), net.weight(4)], num_groups=net.pick(1, 2, 4), epsilon=net.pick(1e-5, 1e-2))


def rms_norm(net, x):
    return net.op("RMSNormalization", [x, net.weight(8)], axis=-1, epsilon=net.pick(1e-5, 1e-2))


def lp_norm(net, x):
    return net.op("LpNormalization", [x], axis=net.pick(1, 2, -1), p=net.pick(1, 2))


def lrn(net, x):
    return net.op("LRN", [x], size=net.pick(3, 5), alpha=net.pick(1e-4, 0.5), beta=net.pick(0.75, 0.5), bias=net.pick(1.0, 2.0))


def attention(net, x):
    t = net.tokens(x)
    q, k, v = (net.op("MatMul", [t, net.weight(16, 16)]) for _ in range(3))
    scores = net.op("Mul", [net.op("MatMul", [q, net.op("Transpose", [k], perm=[0, 2, 1])]), net.f32(0.25)])
    if net.random.random() < 0.5:
        scores = net.op("Add", [scores, net.const(np.where(np.tri(16), 0, -1e4).astype(np.float32))])
    return net.image(net.op("MatMul", [net.op("Softmax", [scores], axis=-1), v]))


def fused_attention(net, x):
    t = net.tokens(x)
    q, k, v = (net.op("MatMul", [t, net.weight(16, 16)]) for _ in range(3))
    y = net.op("Attention", [q, k, v], q_num_heads=4, kv_num_heads=net.pick(4, 2) if False else 4, is_causal=net.pick(0, 1))
    return net.image(y)


def recurrent(net, x, kind):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    direction = net.pick("forward", "reverse", "bidirectional")
    ways = 2 if direction == "bidirectional" else 1
    hidden = 16 // ways
    t = net.op("Transpose", [net.tokens(x)], perm=[1, 0, 2])
    attributes = {"hidden_size": hidden, "direction": direction}
    if kind == "GRU":
        attributes["linear_before_reset"] = net.pick(0, 1)
    if net.random.random() < 0.3:
        attributes["clip"] = 1.5
    y = net.op(kind, [t, net.weight(ways, gates * hidden, 16), net.weight(ways, gates * hidden, hidden),
                      net.weight(ways, 2 * gates * hidden, scale=0.3)], outputs=1, **attributes)
    return net.image(net.op("Reshape", [net.op("Transpose", [y], perm=[2, 0, 1, 3]), net.ints(0, 16, 16)]))


def gather(net, x):
    return net.op("Gather", [x, net.const(net.random.integers(-8, 8, 8).astype(np.int64))], axis=net.pick(2, 3))


def gather_elements(net, x):
    index = net.op("Add", [net.op("Cast", [net.op("Mul", [net.source, net.f32(0)])], to=TensorProto.INT64),
                           net.const(net.random.integers(0, 8, (1, *SHAPE)).astype(np.int64))])
    return net.op("GatherElements", [x, index], axis=net.pick(2, 3))


def gather_nd(net, x):
    t = net.op("Transpose", [x], perm=[2, 3, 0, 1])
    y = net.op("GatherND", [t, net.const(net.random.integers(0, 8, (8, 8, 2)).astype(np.int64))])
    return net.op("Transpose", [y], perm=[2, 3, 0, 1])


def scatter_elements(net, x):
    index = net.op("Add", [net.op("Cast", [net.op("Mul", [net.source, net.f32(0)])], to=TensorProto.INT64),
                           net.const(np.stack([net.random.permutation(8) for _ in range(32)]).reshape(1, 4, 8, 8).astype(np.int64))])
    attributes = {"reduction": net.pick("none", "add", "mul", "max", "min")} if net.opset >= 18 else {}
    return net.op("ScatterElements", [x, index, net.op("Mul", [x, net.f32(0.7)])], axis=3, **attributes)


def scatter_nd(net, x):
    t = net.op("Transpose", [x], perm=[2, 3, 0, 1])
    attributes = {"reduction": net.pick("none", "add", "mul", "max", "min")} if net.opset >= 18 else {}
    rows = net.const(net.random.permutation(8)[:5].reshape(5, 1).astype(np.int64))
    updates = net.op("Mul", [net.op("Gather", [t, net.ints(0, 1, 2, 3, 4)], axis=0), net.f32(0.6)])
    return net.op("Transpose", [net.op("ScatterND", [t, rows, updates], **attributes)], perm=[2, 3, 0, 1])


def top_k(net, x):
    values, _ = net.op("TopK", [x, net.ints(8)], outputs=2, axis=net.pick(2, 3), largest=net.pick(0, 1), sorted=1)
    return values


def arg(net, x, kind):
    index = net.op(kind, [net.source], axis=net.pick(1, 2, 3), keepdims=1, select_last_index=net.pick(0, 1))
    return net.broadcast(net.op("Mul", [net.op("Cast", [index], to=TensorProto.FLOAT), net.f32(0.2)]))


def reduce(net, x, kind):
    axes, keep = net.pick([1], [2, 3], [-1]), 1
    attributes = {"keepdims": keep}
    y = x if kind not in ("ReduceLogSum",) else net.op("Add", [net.op("Abs", [x]), net.f32(0.5)])
    if net.opset >= 18 or kind == "ReduceSum":
        return net.broadcast(net.op(kind, [y, net.ints(*axes)], **attributes))
    return net.broadcast(net.op(kind, [y], axes=axes, **attributes))


def cast(net, x, to):
    y = net.op("Cast", [net.source if to not in (TensorProto.DOUBLE,) else x], to=to)
    return net.op("Cast", [y], to=TensorProto.FLOAT)


def unary(kind, guard=None, **attributes):
    def build(net, x):
        if guard == "positive":
            x = net.op("Add", [net.op("Abs", [x]), net.f32(0.5)])
        if guard == "bounded":
            x = net.op("Clip", [x, net.f32(-1), net.f32(1)])
        if guard == "jumps":
            x = net.op("Mul", [net.source, net.f32(2.3)])
        chosen = {key: net.pick(*values) for key, values in attributes.items()}
        return net.op(kind, [x], **chosen)
    return build


def binary(kind, guard=None):
    def build(net, x):
        other = net.pick(net.source, net.weight(4, 1, 1, scale=1), net.weight(8, scale=1))
        if guard == "away":
            other = net.op("Add", [net.op("Abs", [other]), net.f32(0.5)])
        if guard == "power":
            x, other = net.op("Add", [net.op("Abs", [x]), net.f32(0.5)]), net.f32(net.pick(2.0, 0.5, -1.0, 3.0))
        if guard == "mod":
            return net.op("Mod", [net.op("Mul", [net.source, net.f32(2)]), net.f32(0.75)], fmod=1)
        return net.op(kind, [x, other])
    return build


def compare(kind):
    def build(net, x):
        yes = net.op(kind, [net.source, net.f32(0.1)])
        if net.random.random() < 0.5:
            yes = net.op(net.pick("And", "Or", "Xor"), [yes, net.op("Not", [net.op("Less", [net.source, net.f32(0.4)])])])
        return net.op("Where", [yes, x, net.op("Neg", [x])])
    return build


def split(net, x):
    a, b = net.op("Split", [x, net.ints(1, 3)], outputs=2, axis=1)
    return net.op("Concat", [b, a], axis=1)


def slice_(net, x):
    y = net.op("Slice", [x, net.ints(-1, 7), net.ints(-9, -9), net.ints(2, 3), net.ints(-1, -1)])
    return net.op("Concat", [net.op("Slice", [y, net.ints(0), net.ints(8), net.ints(2), net.ints(2)]),
                             net.op("Slice", [y, net.ints(1), net.ints(2**40), net.ints(2), net.ints(2)])], axis=2)


def quantize(net, x):
    y = net.op("QuantizeLinear", [net.source, net.f32(0.05), net.const(np.array(3, np.int8))])
    return net.op("DequantizeLinear", [y, net.f32(0.05), net.const(np.array(3, np.int8))])


def quantized_weights(net, x):
    w = net.const(net.random.integers(-127, 127, (16, 16)).astype(np.int8))
    scale = net.const(net.random.uniform(0.001, 0.004, 16).astype(np.float32))
    return net.image(net.op("MatMul", [net.tokens(x), net.op("DequantizeLinear", [w, scale], axis=1)]))


def dynamic_quantize(net, x):
    q, scale, zero = net.op("DynamicQuantizeLinear", [net.whole(net.source)], outputs=3)
    # Seven bits: ONNX Runtime's products of eight overflow on processors without VNNI.
    w = net.const(net.random.integers(-63, 63, (ELEMENTS, ELEMENTS)).astype(np.int8))
    y = net.op("MatMulInteger", [q, w, zero])
    return net.image(net.op("Mul", [net.op("Mul", [net.op("Cast", [y], to=TensorProto.FLOAT), scale]), net.f32(0.0005)]))


def one_hot(net, x):
    index = net.op("Cast", [net.op("Clip", [net.op("Mul", [net.source, net.f32(2)]), net.f32(0), net.f32(7)])], to=TensorProto.INT64)
    row = net.op("Squeeze", [net.op("Slice", [index, net.ints(0), net.ints(1), net.ints(3)]), net.ints(3)])
    return net.op("OneHot", [row, net.ints(8), net.const(np.array([-0.3, 0.8], np.float32))], axis=-1)


def cum_sum(net, x):
    return net.op("Mul", [net.op("CumSum", [x, net.const(np.array(net.pick(1, 2, 3), np.int64))],
                                 exclusive=net.pick(0, 1), reverse=net.pick(0, 1)), net.f32(0.3)])


def einsum(net, x):
    equation, shape = net.pick(("bchw,cd->bdhw", (4, 4)), ("bchw,wv->bchv", (8, 8)), ("bchw,hk->bckw", (8, 8)))
    return net.op("Einsum", [x, net.weight(*shape)], equation=equation)


def grid_sample(net, x):
    rows = net.op("Mul", [net.op("Slice", [net.source, net.ints(0), net.ints(2), net.ints(1)]), net.f32(0.4)])
    grid = net.op("Transpose", [rows], perm=[0, 2, 3, 1])
    names = ("linear", "nearest", "cubic") if net.opset >= 20 else ("bilinear", "nearest", "bicubic")
    return net.op("GridSample", [net.source, grid], mode=net.pick(*names[:1], names[2]),
                  padding_mode=net.pick("zeros", "border", "reflection"), align_corners=net.pick(0, 1))


def dft(net, x):
    y = net.op("Unsqueeze", [x, net.ints(4)])
    inverse = net.pick(0, 1)
    if net.opset >= 20:
        f = net.op("DFT", [y, "", net.const(np.array(3, np.int64))], inverse=inverse)
    else:
        f = net.op("DFT", [y], axis=3, inverse=inverse)
    part = net.op("Squeeze", [net.op("Slice", [f, net.ints(0), net.ints(1), net.ints(4)]), net.ints(4)])
    return net.op("Mul", [part, net.f32(0.4)])


def gemm(net, x):
    turned = net.pick(0, 1)
    return net.image(net.op("Gemm", [net.whole(x), net.weight(ELEMENTS, ELEMENTS, scale=0.06), net.weight(ELEMENTS)],
                            alpha=net.pick(1.0, 0.5), beta=net.pick(1.0, 0.25), transB=turned))


def layout(kind, **attributes):
    def build(net, x):
        if kind == "DepthToSpace":
            y = net.op("DepthToSpace", [x], blocksize=2, mode=net.pick("DCR", "CRD"))
            return net.image(y)
        if kind == "SpaceToDepth":
            return net.image(net.op("SpaceToDepth", [x], blocksize=2))
        if kind == "Tile":
            return net.op("Slice", [net.op("Tile", [x, net.ints(1, 1, 2, 2)]), net.ints(3, 5), net.ints(11, 13), net.ints(2, 3)])
        if kind == "Expand":
            return net.op("Expand", [net.op("Slice", [x, net.ints(1), net.ints(2), net.ints(2)]), net.ints(1, 4, 8, 8)])
        if kind == "Transpose":
            return net.op("Transpose", [x], perm=[0, 1, 3, 2])
        return net.image(net.op("Flatten", [x], axis=1))
    return build


def trilu(net, x):
    return net.op("Trilu", [x] + ([net.const(np.array(net.pick(-1, 0, 2), np.int64))] if net.random.random() < 0.7 else []),
                  upper=net.pick(0, 1))


def softmax(kind):
    def build(net, x):
        return net.op(kind, [x], axis=net.pick(1, 2, 3, -1))
    return build


def prelu(net, x):
    return net.op("PRelu", [x, net.weight(4, 1, 1, scale=0.3)])


def upsample_by_transposed(net, x):
    return resize(net, x, net.pick("nearest", "linear", "cubic"))


def condition(net, x):
    """A branch that the row decides in no way."""
    out = "out_" + net.name()
    def branch(kind):
        return helper.make_graph([helper.make_node(kind, [x], [out])], kind, [], [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)])
    yes = net.const(np.array(net.pick(True, False)))
    return net.op("If", [yes], then_branch=branch("Tanh"), else_branch=branch("Sigmoid"))


# Each with the opset from which it exists.
OPERATORS = {
    "Resize nearest": (17, lambda n, x: resize(n, x, "nearest")),
    "Resize linear": (17, lambda n, x: resize(n, x, "linear")),
    "Resize cubic": (17, lambda n, x: resize(n, x, "cubic")),
    "Pad constant": (17, lambda n, x: pad(n, x, "constant")),
    "Pad reflect": (17, lambda n, x: pad(n, x, "reflect")),
    "Pad edge": (17, lambda n, x: pad(n, x, "edge")),
    "Pad wrap": (19, lambda n, x: pad(n, x, "wrap")),
    "Conv": (17, conv), "Conv 1D": (17, conv1d), "Conv 3D": (17, conv3d), "ConvTranspose": (17, conv_transpose),
    "MaxPool": (17, lambda n, x: pool(n, x, "MaxPool")), "AveragePool": (17, lambda n, x: pool(n, x, "AveragePool")),
    "LpPool": (17, lambda n, x: pool(n, x, "LpPool")),
    "GlobalAveragePool": (17, lambda n, x: global_pool(n, x, "GlobalAveragePool")),
    "GlobalMaxPool": (17, lambda n, x: global_pool(n, x, "GlobalMaxPool")),
    "BatchNormalization": (17, batch_norm), "InstanceNormalization": (17, instance_norm),
    "LayerNormalization": (17, layer_norm), "GroupNormalization": (21, group_norm),
    "RMSNormalization": (23, rms_norm), "LpNormalization": (17, lp_norm), "LRN": (17, lrn),
    "attention of MatMul": (17, attention), "Attention": (23, fused_attention),
    "LSTM": (17, lambda n, x: recurrent(n, x, "LSTM")), "GRU": (17, lambda n, x: recurrent(n, x, "GRU")),
    "RNN": (17, lambda n, x: recurrent(n, x, "RNN")),
    "Gather": (17, gather), "GatherElements": (17, gather_elements), "GatherND": (17, gather_nd),
    "ScatterElements": (17, scatter_elements), "ScatterND": (17, scatter_nd), "TopK": (17, top_k),
    "ArgMax": (17, lambda n, x: arg(n, x, "ArgMax")), "ArgMin": (17, lambda n, x: arg(n, x, "ArgMin")),
    **{kind: (17, lambda n, x, kind=kind: reduce(n, x, kind)) for kind in (
        "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceLogSumExp", "ReduceSumSquare",
        "ReduceProd", "ReduceLogSum")},
    "Cast float16": (17, lambda n, x: cast(n, x, TensorProto.FLOAT16)),
    "Cast bfloat16": (17, lambda n, x: cast(n, x, TensorProto.BFLOAT16)),
    "Cast double": (17, lambda n, x: cast(n, x, TensorProto.DOUBLE)),
    "Cast int64": (17, lambda n, x: cast(n, x, TensorProto.INT64)),
    "Cast int32": (17, lambda n, x: cast(n, x, TensorProto.INT32)),
    "Cast bool": (17, lambda n, x: cast(n, x, TensorProto.BOOL)),
    "QuantizeLinear": (17, quantize), "DequantizeLinear": (17, quantized_weights), "DynamicQuantizeLinear": (17, dynamic_quantize),
    "OneHot": (17, one_hot), "CumSum": (17, cum_sum), "Einsum": (17, einsum), "GridSample": (17, grid_sample), "DFT": (17, dft),
    "Gemm": (17, gemm), "Split": (17, split), "Slice": (17, slice_), "Trilu": (17, trilu), "If": (17, condition),
    **{kind: (17, layout(kind)) for kind in ("DepthToSpace", "SpaceToDepth", "Tile", "Expand", "Transpose", "Flatten")},
    "Softmax": (17, softmax("Softmax")), "LogSoftmax": (17, softmax("LogSoftmax")),
    "Relu": (17, unary("Relu")), "LeakyRelu": (17, unary("LeakyRelu", alpha=(0.01, 0.2))), "PRelu": (17, prelu),
    "Elu": (17, unary("Elu", alpha=(1.0, 0.5))), "Selu": (17, unary("Selu")), "Celu": (17, unary("Celu", alpha=(1.0, 2.0))),
    "ThresholdedRelu": (17, unary("ThresholdedRelu", "jumps", alpha=(1.0, 0.3))),
    "Sigmoid": (17, unary("Sigmoid")), "HardSigmoid": (17, unary("HardSigmoid", alpha=(0.2, 0.5), beta=(0.5, 0.1))),
    "HardSwish": (17, unary("HardSwish")), "Tanh": (17, unary("Tanh")), "Softplus": (17, unary("Softplus")),
    "Softsign": (17, unary("Softsign")), "Gelu": (20, unary("Gelu", approximate=("none", "tanh"))), "Mish": (18, unary("Mish")),
    "Erf": (17, unary("Erf")), "Exp": (17, unary("Exp", "bounded")), "Log": (17, unary("Log", "positive")),
    "Sqrt": (17, unary("Sqrt", "positive")), "Reciprocal": (17, unary("Reciprocal", "positive")), "Abs": (17, unary("Abs")),
    "Neg": (17, unary("Neg")), "Sin": (17, unary("Sin")), "Cos": (17, unary("Cos")), "Floor": (17, unary("Floor", "jumps")),
    "Ceil": (17, unary("Ceil", "jumps")), "Round": (17, unary("Round", "jumps")), "Sign": (17, unary("Sign", "jumps")),
    "Shrink": (17, unary("Shrink", "jumps", lambd=(0.5, 0.2), bias=(0.0, 0.1))),
    "Add": (17, binary("Add")), "Sub": (17, binary("Sub")), "Mul": (17, binary("Mul")), "Div": (17, binary("Div", "away")),
    "Max": (17, binary("Max")), "Min": (17, binary("Min")), "Pow": (17, binary("Pow", "power")), "Mod": (17, binary("Mod", "mod")),
    "Less": (17, compare("Less")), "Greater": (17, compare("Greater")), "GreaterOrEqual": (17, compare("GreaterOrEqual")),
}


def network(names, seed):
    """The bytes of a network with these operators."""
    random = np.random.default_rng(seed)
    opset = int(random.choice([o for o in (17, 18, 20, 21, 23) if o >= max(OPERATORS[n][0] for n in names)]))
    net = Net(random, opset)
    net.source = "sample"
    time = net.op("Reshape", [net.op("Mul", [net.op("Cast", ["timestep"], to=TensorProto.FLOAT), net.f32(1e-3)]), net.ints(-1, 1, 1, 1)])
    h = net.op("Add", ["sample", net.op("Sin", [time])])
    for name in names:
        y = net.op("Clip", [OPERATORS[name][1](net, h), net.f32(-3), net.f32(3)])
        h = net.op("Mul", [net.op("Add", [h, y]), net.f32(0.5)])
    net.nodes.append(helper.make_node("Identity", [h], ["out_sample"]))
    def port(name, kind, shape):
        return helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph(
        net.nodes, "random", [port("sample", TensorProto.FLOAT, ["batch", *SHAPE]), port("timestep", TensorProto.INT64, ["batch"])],
        [port("out_sample", TensorProto.FLOAT, ["batch", *SHAPE])], net.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 10
    return model.SerializeToString()


def plan(least, seed):
    """Lists of six operators, in which each is so often."""
    random = np.random.default_rng(seed)
    names = [n for n in OPERATORS for _ in range(least)]
    random.shuffle(names)
    return [names[k:k + 6] for k in range(0, len(names), 6)]


# Words of a refusal that name an operator: ONNX's names, and those that OpenVINO has for some.
KINDS = sorted({name.split()[0] for name in OPERATORS}) + ["periodic padding"]

SCHEDULER = {"_class_name": "DDPMScheduler", "beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02,
             "num_train_timesteps": 1000, "prediction_type": "epsilon", "clip_sample": False}


def compare_by_program(piadm, folder, model):
    """The largest difference, relative to the largest element, or why there is none."""
    (folder / "model.onnx").write_bytes(model)
    (folder / "scheduler_config.json").write_text(json.dumps(SCHEDULER))
    record = folder / "inspect.json"
    record.unlink(missing_ok=True)
    run = subprocess.run([piadm, "inspect", str(folder), "--against", "onnxruntime", "--json", str(record)],
                         capture_output=True, text=True, env=os.environ | {"VIRTUAL_ENV": sys.prefix})
    if record.exists() and (against := json.loads(record.read_text()).get("against")):
        return against["difference"], ""
    reason = run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f"exit code {run.returncode}"
    # A refusal must name an operator; anything else says nothing of the network.
    if run.returncode != 65 or not any(f"{kind}" in reason for kind in KINDS):
        sys.exit(f"no comparison: {reason}")
    return None, reason.replace(str(folder), "MODEL")


def bound(names):
    """How far the runtimes may differ: rounding; where one of them rounds to half precision and the
    other does not, half a unit in the last place of it, which further operators multiply."""
    return max([1e-4] + [4 * {"Cast float16": 2.0**-11, "Cast bfloat16": 2.0**-8}.get(name, 0) for name in names])


def main():
    piadm, least, seed = sys.argv[1], int((sys.argv[2:] or [20])[0]), int((sys.argv[3:] or [1])[0])
    compared, worst, refused, bad = ({n: 0 for n in OPERATORS} for _ in range(4))
    reasons = {}
    with tempfile.TemporaryDirectory() as place:
        for number, names in enumerate(plan(least, seed)):
            difference, reason = compare_by_program(piadm, pathlib.Path(place), network(names, seed * 100000 + number))
            for name in names:
                if difference is None:
                    refused[name] += 1
                else:
                    compared[name] += 1
                    worst[name] = max(worst[name], difference)
            if difference is None:
                reasons[reason] = reasons.get(reason, 0) + 1
            elif difference > bound(names):
                print(f"DIFFERS by {difference:.2g}: network {number} of seed {seed}: {', '.join(names)}", flush=True)
                for name in names:
                    bad[name] += 1
    print("| operator | compared | largest difference | refused |\n|---|---|---|---|")
    for name in OPERATORS:
        print(f"| {name} | {compared[name]} | {worst[name]:.1e} | {refused[name]} |")
    for reason, count in sorted(reasons.items(), key=lambda r: -r[1]):
        print(f"refused {count}: {reason}")
    return 1 if any(bad.values()) else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main())
