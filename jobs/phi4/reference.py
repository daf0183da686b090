#!/usr/bin/env python3
"""Stores observables of Monte Carlo fields for observables.py.

    reference.py FIELDS.npy [reference.json]

hmc.py writes FIELDS.npy, [chains, fields of a chain, L, L]. The chains are
independent, so errors from the spread between them need no autocorrelation time.
Exits with 1 if <phi dS/dphi> is not 1. Integration by parts requires this value for
every theory.
"""
import dataclasses
import json
import pathlib
import sys

import numpy as np

from field import Theory
from measure import HISTOGRAM, estimate, magnetization_density, moments


def main(path, output):
    theory = Theory()
    fields = np.load(path, mmap_mode="r")
    chains = np.array([moments(chain, theory).mean(0) for chain in fields])
    estimates = estimate(chains, theory)
    value, error = estimates["<phi dS/dphi>, 1 exactly"]
    print(f"<phi dS/dphi> = {value:.5f} +- {error:.5f}")
    if abs(value - 1) > 4 * error:
        sys.exit(f"{path}: <phi dS/dphi> is not 1; these are no fields of {theory}")
    record = {
        "theory": dataclasses.asdict(theory),
        "chains": fields.shape[0],
        "fieldsOfAChain": fields.shape[1],
        "observables": {name: {"value": value, "error": error} for name, (value, error) in estimates.items()},
        "magnetizationDensity": {"edges": HISTOGRAM.round(12).tolist(), "values": magnetization_density(fields).round(5).tolist()},
    }
    pathlib.Path(output).write_text(json.dumps(record, indent=1) + "\n")
    print(output)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    here = pathlib.Path(__file__).resolve().parent
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else here / "reference.json")
