#!/usr/bin/env python3
"""Finds the critical point of phi^4 theory.  criticality.py [KAPPA ...]

Prints the Binder cumulant 1 - <M^4> / (3 <M^2>^2) of three lattice sizes for
values of kappa. It is 0 in a disordered phase and 2/3 in an ordered one. At the
critical point it does not depend on the size: it is 0.6107 on periodic squares in
the Ising class (Kamieniarz and Bloete, J. Phys. A 26, 1993).
"""
import sys

import numpy as np

from field import Theory
from hmc import HybridMonteCarlo

SIZES, CHAINS, THERMALIZE, TRAJECTORIES = (8, 16, 24), 64, 300, 1000


def binder(theory):
    monte_carlo = HybridMonteCarlo(theory, CHAINS, seed=1)
    moments = []
    for index in range(THERMALIZE + TRAJECTORIES):
        monte_carlo.trajectory()
        if index >= THERMALIZE:
            m = monte_carlo.magnetization()
            moments.append((m**2, m**4))
    square, fourth = np.array(moments).mean(0)
    # Jackknife: omit one chain at a time.
    rest = [1 - np.delete(fourth, i).mean() / (3 * np.delete(square, i).mean() ** 2) for i in range(CHAINS)]
    return np.mean(rest), np.std(rest) * (CHAINS - 1) ** 0.5


if __name__ == "__main__":
    print("kappa   " + "".join(f"{size:>5} x {size:<11}" for size in SIZES))
    for kappa in [float(k) for k in sys.argv[1:]] or [0.32, 0.33, 0.34, 0.35]:
        found = [binder(Theory(size=size, kappa=kappa)) for size in SIZES]
        print(f"{kappa:.4f}  " + "".join(f"{value:.4f} +- {error:.4f}   " for value, error in found), flush=True)
