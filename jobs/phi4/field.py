"""Two-dimensional phi^4 theory on a periodic square lattice.

    S = sum_x [ -2 kappa sum_mu phi_x phi_{x+mu} + phi_x^2 + lambda (phi_x^2 - 1)^2 ]

The first two axes of an array of fields are the lattice. Further axes count
fields, so that neighbouring numbers in memory have the same operations.
"""
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Theory:
    """Size and couplings. The defaults are near criticality: criticality.py."""

    size: int = 16
    kappa: float = 0.34
    coupling: float = 0.5

    @property
    def volume(self):
        return self.size**2

    def action(self, field):
        ahead = np.roll(field, -1, 0) + np.roll(field, -1, 1)
        square = field * field
        return (-2 * self.kappa * field * ahead + square + self.coupling * (square - 1) ** 2).sum((0, 1))

    def gradient(self, field):
        """dS/dphi_x."""
        around = np.roll(field, 1, 0) + np.roll(field, -1, 0) + np.roll(field, 1, 1) + np.roll(field, -1, 1)
        return field * (2 - 4 * self.coupling + 4 * self.coupling * (field * field)) - 2 * self.kappa * around
