"""Samples of p(x0 | b) for linear data b = A x0 + s noise, from a prior's denoiser.

A denoiser gives E[x0 | y] at states y = alpha x0 + sigma eps. A posterior
sampler needs E[x0 | y, b], which is, where x0 given y is normal with covariance C,

    E[x0 | y] + C A' (A C A' + s^2)^-1 (b - A E[x0 | y]).

The methods differ in what they take for C:

    moments   sigma^2 / alpha times the denoiser's Jacobian, by autograd, once
              for each datum: exact for Gaussian priors (Boys et al., 2023)
    guided    the same where C stands alone, and r^2 in A C A': one gradient
              (pseudoinverse guidance: Song, Vahdat, Mardani and Kautz, ICLR 2023)
    drawn     r^2 in both: no gradient, the estimate drawn to the data
    replaced  the observed part of the estimate replaced by the data, as if they
              had no noise (null-space models: Wang, Yu and Zhang, ICLR 2023)

with r^2 = v sigma^2 / (alpha^2 v + sigma^2) for data of variance v. All but
`moments` are biased for Gaussian priors too: `bias.py` measures by how much.
"""
import numpy as np
import torch

METHODS = ("moments", "guided", "drawn", "replaced")


class GaussianPrior:
    """x0 ~ N(mean, covariance), whose denoiser and posterior are known."""

    def __init__(self, mean, covariance):
        self.mean, self.covariance = torch.as_tensor(mean), torch.as_tensor(covariance)
        values, self.basis = torch.linalg.eigh(self.covariance)
        self.values = values.clamp(min=0)

    def denoise(self, y, alpha, sigma):
        gain = alpha * self.values / (alpha**2 * self.values + sigma**2)
        return self.mean + ((y - alpha * self.mean) @ self.basis * gain) @ self.basis.T

    def posterior(self, operator, data, noise):
        """Mean and covariance of p(x0 | b) in closed form."""
        gain = self.covariance @ operator.T @ torch.linalg.inv(
            operator @ self.covariance @ operator.T + noise**2 * torch.eye(len(operator), dtype=operator.dtype))
        return self.mean + gain @ (data - operator @ self.mean), self.covariance - gain @ operator @ self.covariance


class Posterior:
    """What a plug-in predicts: E[x0 | y, b].

    Args:
        prior: has `denoise(y, alpha, sigma)` of rows [rows, d].
        operator, data, noise: A [m, d], b [m] and s.
        variance: v, of an element of x0.
    """

    def __init__(self, prior, operator, data, noise, method, variance=1.0):
        if method not in METHODS:
            raise ValueError(f"the method is {method!r}; one of {', '.join(METHODS)} is needed")
        self.prior, self.method, self.noise, self.variance = prior, method, noise, variance
        self.operator, self.data = torch.as_tensor(operator), torch.as_tensor(data)
        self.square = self.operator @ self.operator.T
        self.identity = torch.eye(len(self.operator), dtype=self.operator.dtype)

    def estimate(self, y, alpha, sigma):
        """y [rows, d], alpha and sigma [rows, 1]."""
        if self.method == "moments":
            with torch.enable_grad():
                y = y.detach().requires_grad_()
                found = self.prior.denoise(y, alpha, sigma)
                # One after another: gradients in one batch are rounded by the number of rows.
                pulls = [torch.autograd.grad(found, y, datum.expand(len(y), -1).contiguous(), retain_graph=True)[0]
                         for datum in self.operator]
            found = found.detach()
            # C A' of each row, and A C A', which is symmetric but for what a network makes of it.
            seen_by = (sigma**2 / alpha)[:, :, None] * torch.stack(pulls, 1)
            seen = seen_by @ self.operator.T
            values, basis = torch.linalg.eigh((seen + seen.transpose(1, 2)) / 2)
            residual = (self.data - found @ self.operator.T)[:, None, :] @ basis
            weights = residual / (values.clamp(min=0) + self.noise**2)[:, None, :] @ basis.transpose(1, 2)
            return found + (weights @ seen_by)[:, 0]
        if self.method == "guided":
            with torch.enable_grad():
                y = y.detach().requires_grad_()
                found = self.prior.denoise(y, alpha, sigma)
                weights = self.weights(found.detach(), self.spread(alpha, sigma))
                # The Jacobian's transpose times A' weights.
                pull, = torch.autograd.grad((found * (weights @ self.operator)).sum(), y)
            return found.detach() + sigma**2 / alpha * pull
        with torch.no_grad():
            found = self.prior.denoise(y, alpha, sigma)
            if self.method == "drawn":
                spread = self.spread(alpha, sigma)
                return found + spread * (self.weights(found, spread) @ self.operator)
            residual = torch.linalg.solve(self.square, (self.data - found @ self.operator.T).T).T
            return found + residual @ self.operator

    def spread(self, alpha, sigma):
        return self.variance * sigma**2 / (alpha**2 * self.variance + sigma**2)

    def weights(self, found, spread):
        """(r^2 A A' + s^2)^-1 (b - A x0) of each row."""
        seen = spread[:, :, None] * self.square + self.noise**2 * self.identity
        return torch.linalg.solve(seen, self.data - found @ self.operator.T)


class Problem:
    """The `Model` of a plug-in. CONFIG: the .npz file that `write` has written."""

    predicts = "sample"
    #: Matrix products round the last rows of other numbers otherwise.
    row_multiple = 8

    def __init__(self, config, prior, shape, variance=1.0):
        with np.load(config) as data:
            self.posterior = Posterior(
                prior, data["operator"], data["data"], float(data["noise"]), str(data["method"]), variance)
        self.shape = shape

    def predict(self, y, alpha, sigma):
        rows = len(y)
        flat = [torch.from_numpy(values.reshape(rows, -1)).double() for values in (y, alpha, sigma)]
        return self.posterior.estimate(*flat).reshape(y.shape).numpy()


def write(file, operator, data, noise, method):
    np.savez(file, operator=operator, data=data, noise=noise, method=method)
