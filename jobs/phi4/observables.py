#!/usr/bin/env python3
"""Tests samples against phi^4 theory.  observables.py SAMPLES.npy [PLOT.png]

Compares observables of samples of `jobs/phi4/model` with those of the Hybrid Monte
Carlo program (reference.json). The errors are jackknife errors over samples, and
over Markov chains. Draws a plot to PLOT.png.

Exits with 1 if an observable is further off than expected once in a thousand tables
of exact samples. With K observables, the bound is the number of standard errors that
a normal number exceeds with probability 0.001/K. More samples resolve smaller
differences, in the end those of the network.
"""
import json
import pathlib
import statistics
import sys

import numpy as np

from field import Theory
from measure import estimate, magnetization_density, moments

FALSE_ALARMS = 1e-3


def read(path, unit, theory):
    samples = np.load(path)
    shape = (len(samples), theory.size, theory.size)
    if samples.size != np.prod(shape) or len(samples) < 32 or not np.isfinite(samples).all():
        sys.exit(f"{path}: needed 32 or more finite samples of {theory.size} x {theory.size}, found {samples.shape}")
    return samples.reshape(shape).astype(np.float64) * unit


def draw(rows, fields, reference, bound, file):
    try:
        import matplotlib
    except ImportError:
        print(f"no {file}: matplotlib is missing (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure = plt.figure(figsize=(13, 7.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[2.7, 1])
    two_point, magnetization, deviations = top.subplots(1, 3, width_ratios=[1.1, 1, 1])
    names = [name for name in rows if name.startswith("two-point")]
    r = np.arange(len(names))
    exact, exact_error, found, error = np.array([rows[name][:4] for name in names]).T
    two_point.plot(r, exact, color="C0", label="Monte Carlo")
    two_point.fill_between(r, exact - exact_error, exact + exact_error, color="C0", alpha=0.3)
    two_point.errorbar(r, found, error, fmt="o", color="C3", capsize=3, label=f"{len(fields)} samples")
    two_point.set(title="Two-point function", xlabel="distance r", ylabel=r"$\langle\phi_x\phi_{x+r}\rangle$", yscale="log")
    two_point.yaxis.set_major_formatter("{x:g}")
    two_point.yaxis.set_minor_formatter("{x:g}")
    two_point.legend()
    edges = np.array(reference["magnetizationDensity"]["edges"])
    magnetization.stairs(reference["magnetizationDensity"]["values"], edges, color="C0", fill=True, alpha=0.35, label="Monte Carlo")
    density = magnetization_density(fields)
    count = density * len(fields) * np.diff(edges)
    magnetization.errorbar(
        (edges[1:] + edges[:-1]) / 2, density, np.sqrt(np.maximum(count, 1)) / len(fields) / np.diff(edges),
        fmt="o", ms=4, color="C3", label="samples")
    magnetization.set(title="Magnetization", xlabel="|M|/V", ylabel="density")
    magnetization.legend(loc="upper left")
    places = np.arange(len(rows))[::-1]
    deviations.axvspan(-1, 1, color="C0", alpha=0.2)
    for side in (-bound, bound):
        deviations.axvline(side, color="C3", ls="--")
    off, edge = np.array([row[4] for row in rows.values()]), bound + 1
    for which, marker in ((np.abs(off) <= edge, "o"), (off > edge, ">"), (off < -edge, "<")):
        deviations.plot(np.clip(off[which], -edge, edge), places[which], marker, color="C3")
    deviations.set_yticks(places, [name.replace("two-point function ", "") for name in rows], fontsize=8)
    deviations.set(title="Samples less Monte Carlo", xlabel="standard errors", xlim=(-bound - 1.5, bound + 1.5))
    for axes in (two_point, magnetization, deviations):
        axes.grid(alpha=0.3)
    for index, axes in enumerate(bottom.subplots(1, 8)):
        axes.imshow(fields[index], cmap="RdBu", vmin=-2, vmax=2)
        axes.set(xticks=[], yticks=[])
        axes.set_title(f"sample {index}", fontsize=8)
    figure.savefig(file, dpi=110)
    print(file)


def main(path, plot):
    here = pathlib.Path(__file__).resolve().parent
    reference = json.loads((here / "reference.json").read_text())
    theory = Theory(**reference["theory"])
    fields = read(path, json.loads((here / "model/field.json").read_text())["unit"], theory)
    found = estimate(moments(fields, theory), theory)
    bound = -statistics.NormalDist().inv_cdf(FALSE_ALARMS / len(found) / 2)
    rows = {}
    print(f"{'':<28}{'Monte Carlo':^21}{f'{len(fields)} samples':^21}{'difference':>10}")
    for name, (value, error) in found.items():
        exact, exact_error = (reference["observables"][name][key] for key in ("value", "error"))
        off = (value - exact) / (error**2 + exact_error**2) ** 0.5
        rows[name] = (exact, exact_error, value, error, off)
        print(f"{name:<28}{exact:>10.4f} +- {exact_error:.4f}{value:>11.4f} +- {error:.4f}{value / exact - 1:>+9.2%}{off:>+6.1f} standard errors")
    if plot:
        draw(rows, fields, reference, bound, plot)
    wrong = [name for name, row in rows.items() if not abs(row[4]) <= bound]
    if wrong:
        sys.exit(f"{path}: off by more than {bound:.2f} standard errors: {', '.join(wrong)}")
    print(f"all within {bound:.2f} standard errors")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
