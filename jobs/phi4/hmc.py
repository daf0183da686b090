#!/usr/bin/env python3
"""Hybrid Monte Carlo of phi^4 lattice fields.  hmc.py FIELDS.npy [options]

Duane, Kennedy, Pendleton and Roweth (Phys. Lett. B 195, 1987): each trajectory
draws new momenta and follows Hamilton's equations of H = momenta^2 / 2 + S. An
acceptance step corrects the energy error of the integrator. Many independent
chains run at the same time. Half of them start ordered and half disordered.

FIELDS.npy receives float32 [chains, fields of a chain, size, size], one field
every --spacing trajectories. The program checks itself and exits with 1 if

- a reversed trajectory does not return to its start,
- <exp(-dH)> differs from 1, which is exact at every step size, or
- chains from ordered and disordered starts still differ after thermalisation.
"""
import argparse
import sys

import numpy as np

from field import Theory


class HybridMonteCarlo:
    def __init__(self, theory, chains, seed, length=2, steps=16):
        self.theory, self.length, self.steps = theory, length, steps
        self.generator = np.random.default_rng(seed)
        self.field = self.generator.standard_normal((theory.size, theory.size, chains)) * 0.1
        self.field[..., ::2] += 1
        self.energy_errors, self.accepted = [], []

    def integrate(self, field, momenta):
        """Leapfrog: reversible, and preserves volume."""
        step = self.length / self.steps
        momenta = momenta - step / 2 * self.theory.gradient(field)
        for index in range(self.steps):
            field = field + step * momenta
            last = index == self.steps - 1
            momenta = momenta - (step / 2 if last else step) * self.theory.gradient(field)
        return field, momenta

    def trajectory(self):
        def energy(field, momenta):
            return (momenta**2).sum((0, 1)) / 2 + self.theory.action(field)

        momenta = self.generator.standard_normal(self.field.shape)
        field, ended = self.integrate(self.field, momenta)
        error = energy(field, ended) - energy(self.field, momenta)
        accepted = np.log1p(-self.generator.random(error.shape)) < -error
        self.field = np.where(accepted, field, self.field)
        # The action is even, so a change of sign is always accepted.
        self.field *= self.generator.choice([-1.0, 1.0], error.shape)
        self.energy_errors.append(error)
        self.accepted.append(accepted)

    def irreversibility(self):
        """Distance of a reversed trajectory from its start."""
        momenta = self.generator.standard_normal(self.field.shape)
        field, ended = self.integrate(self.field, momenta)
        return np.abs(self.integrate(field, -ended)[0] - self.field).max()

    def magnetization(self):
        return np.abs(self.field.mean((0, 1)))


def autocorrelation_time(series):
    """Integrated autocorrelation time, in entries, of series [entries, chains]. The sum
    ends at five times the result (Madras and Sokal, J. Stat. Phys. 50, 1988)."""
    deviation = series - series.mean()
    variance = (deviation**2).mean()
    time = 0.5
    for lag in range(1, len(series) // 2):
        time += (deviation[lag:] * deviation[:-lag]).mean() / variance
        if lag >= 5 * time:
            break
    return time


def standard_errors(chains):
    """The mean over independent chains, in standard errors."""
    return chains.mean() / (chains.std(ddof=1) / len(chains) ** 0.5)


def main():
    parser = argparse.ArgumentParser(description="Hybrid Monte Carlo of phi^4 lattice fields")
    parser.add_argument("fields", metavar="FIELDS.npy")
    parser.add_argument("--chains", type=int, default=512)
    parser.add_argument("--count", type=int, default=200, help="fields of a chain")
    parser.add_argument("--spacing", type=int, default=20, help="trajectories from one field to the next")
    parser.add_argument("--thermalize", type=int, default=1000, help="trajectories before the first field")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    monte_carlo = HybridMonteCarlo(Theory(), options.chains, options.seed)
    theory, failures = monte_carlo.theory, []
    print(theory, flush=True)
    for _ in range(options.thermalize):
        monte_carlo.trajectory()
    monte_carlo.energy_errors, monte_carlo.accepted = [], []
    fields = np.lib.format.open_memmap(
        options.fields, "w+", np.float32, (options.chains, options.count, theory.size, theory.size))
    magnetization = []
    for index in range(options.count):
        for _ in range(options.spacing):
            monte_carlo.trajectory()
            magnetization.append(monte_carlo.magnetization())
        fields[:, index] = np.moveaxis(monte_carlo.field, 2, 0)
    fields.flush()

    magnetization = np.array(magnetization)
    print(f"acceptance {np.mean(monte_carlo.accepted):.3f}, trajectories of length {monte_carlo.length} in {monte_carlo.steps} steps")
    distance = monte_carlo.irreversibility()
    print(f"a trajectory followed back misses its start by {distance:.1e}")
    if distance > 1e-10:
        failures.append("trajectories are not reversible")
    weight = np.exp(-np.array(monte_carlo.energy_errors)).mean(0)
    print(f"<exp(-dH)> - 1 = {weight.mean() - 1:.1e}, {standard_errors(weight - 1):+.1f} standard errors")
    if abs(standard_errors(weight - 1)) > 4:
        failures.append("<exp(-dH)> is not 1")
    time = autocorrelation_time(magnetization)
    print(f"autocorrelation time of |M|: {time:.1f} trajectories, after {options.thermalize} of thermalisation")
    early = magnetization[: len(magnetization) // 4].mean(0)
    pairs = early[0::2] - early[1::2]
    print(f"|M| of ordered less that of disordered starts: {standard_errors(pairs):+.1f} standard errors")
    if abs(standard_errors(pairs)) > 4 or options.thermalize < 20 * time:
        failures.append("the chains are not thermalised")
    print(f"<|M|>/V = {magnetization.mean():.5f} +- {magnetization.mean(0).std(ddof=1) / options.chains**0.5:.5f}")
    if failures:
        sys.exit(f"{options.fields}: {'; '.join(failures)}")


if __name__ == "__main__":
    main()
