"""Draws the results of `piadm bench dimension --json FILE`: sequential steps and
rounds against the dimension, with fitted exponents, and the memory.

    plot-dimension.py dimension.json dimension.png
"""

import json
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

record = json.load(open(sys.argv[1]))
SERIES = [  # target, method, setting, linearization, colour
    ("spread", "piadm-sde", "whole", "secant", "C0"),
    ("spread", "piadm-sde", "whole", "increment", "C1"),
    ("spread", "piadm-sde", "whole", "frozen", "C2"),
    ("spread", "piadm-sde", "blocks", "frozen", "C3"),
    ("spread", "piadm-ode", "whole", "secant", "C4"),
    ("field", "piadm-sde", "whole", "secant", "C5"),
    ("mixture", "piadm-sde", "whole", "secant", "C6"),
]
KEYS = ("target", "method", "setting", "linearization")


def points(*key):
    return [p for p in record["points"] if tuple(p[k] for k in KEYS) == key]


def fit(*key):
    return next((f for f in record["fits"] if tuple(f[k] for k in KEYS) == key), None)


def power(growth, base):
    return f"{base}$^{{{growth['exponent']:.2f} \\pm {growth['standardError']:.2f}}}$"


figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5.2), width_ratios=[2, 1])
for *key, colour in SERIES:
    series, fitted = points(*key), fit(*key)
    if not series:
        continue
    target, method, setting, linearization = key
    d = [p["dimension"] for p in series]
    growth = "" if fitted is None else " ~ " + power(fitted["rounds"]["logarithm"], "(log d)")
    left.loglog(
        d, [p["rounds"] for p in series], "o-", color=colour,
        label=f"rounds: {target}, {method}, {setting}, {linearization}{growth}")
    series = [p for p in series if p["dimension"] >= 2**14]
    d = [p["dimension"] for p in series]
    right.loglog(d, [max(p["memoryBytes"], 1) / 2**30 for p in series], "o-", color=colour)
for key, style in [
    (("spread", "piadm-sde", "whole", "secant"), "k^--"),
    (("spread", "piadm-ode", "whole", "secant"), "kv:"),
    (("spread", "piadm-sde", "paths", "secant"), "ks-."),
]:
    series, fitted = points(*key), fit(*key)
    growth = "" if fitted is None else " ~ " + power(fitted["steps"]["dimension"], "d")
    left.loglog(
        [p["dimension"] for p in series], [p["sequentialSteps"] for p in series], style,
        label=f"sequential steps: {key[1]}, {key[2]}{growth}")
left.set(xlabel="dimension d", ylabel="score evaluations one after another")
left.set_ylim(top=1e7)  # room for the legend
left.legend(fontsize=6, loc="upper left", ncols=2, columnspacing=1)
right.set(xlabel="dimension d", ylabel="memory of all ranks [GiB]")
for axes in (left, right):
    axes.set_xscale("log", base=2)
    axes.grid(alpha=0.3)
figure.suptitle(
    f"Sequential sampler within {record['divergence']:g} nat of the target; "
    "iteration stopped below a tenth of its error")
figure.tight_layout()
figure.savefig(sys.argv[2], dpi=110)
