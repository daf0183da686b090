"""Published time-parallel samplers, for a network that predicts the noise.

Each sampler draws one sample. Its fixed point is the sequential sampler's result. A
state is a row; slice m goes from state m to state m + 1:

    x[m+1] = a[m] x[m] + b[m] eps(x[m], t[m]) + c[m] xi[m]

Each returns the final state and its cost: rounds (calls of the network one after
another) and evaluations (rows of these calls).
"""
import dataclasses

import numpy as np
import torch
from diffusers import DDIMParallelScheduler, DDPMParallelScheduler


@dataclasses.dataclass
class Taken:
    rounds: int = 0
    evaluations: int = 0


class Problem:
    """Steps of a scheduler, the network, and the noise of one sample."""

    def __init__(self, network, settings, method, steps):
        kind = DDPMParallelScheduler if method == "ddpm" else DDIMParallelScheduler
        self.scheduler = kind.from_config(settings)
        self.scheduler.set_timesteps(steps)
        self.network, self.method, self.steps = network, method, steps
        self.times = self.scheduler.timesteps
        total = self.scheduler.alphas_cumprod.double()[self.times]
        # The square of alpha at every state; the last one is clean data.
        self.total = torch.cat([total, torch.ones(1, dtype=torch.float64)])
        alpha, sigma = self.total.sqrt(), (1 - self.total).sqrt()
        # Standard deviation of a step of DDPM: the posterior's (Ho, Jain and Abbeel, NeurIPS 2020).
        self.deviation = sigma[1:] / sigma[:-1] * (1 - self.total[:-1] / self.total[1:]).sqrt()
        noise = self.deviation if method == "ddpm" else torch.zeros_like(self.deviation)
        self.alpha = alpha
        self.a = alpha[1:] / alpha[:-1]
        self.b = (sigma[1:] ** 2 - noise**2).clamp(min=0).sqrt() - self.a * sigma[:-1]
        self.c = noise
        self.taken = Taken()

    def start(self, initial, noise):
        """Sets the sample's initial state and the noise of its steps, in double precision."""
        self.initial, self.noise = torch.tensor(initial), torch.tensor(noise)
        self.taken = Taken()

    def eps(self, states, slices):
        """Evaluates the network at rows of states, in single precision and one call: a round."""
        self.taken.rounds += 1
        self.taken.evaluations += len(states)
        return self.network(states.float().reshape(-1, 1, 8, 8), self.times[slices].float()).reshape(len(states), -1)


def sequential(problem):
    """One step after another."""
    state = problem.initial.float()[None]
    a, b = problem.a.float(), problem.b.float()
    pushes = (problem.c[:, None] * problem.noise).float()
    for m in range(problem.steps):
        state = a[m] * state + b[m] * problem.eps(state, slice(m, m + 1)) + pushes[m]
    return state[0]


def paradigms(problem, window, tolerance):
    """ParaDiGMS: Shih, Belkhale, Ermon, Sadigh and Anari, *Parallel Sampling of
    Diffusion Models*, NeurIPS 2023, algorithm 1, with the steps of diffusers.

    In a sliding window the increments of all steps are added up from the window's
    first state. The window moves to the first state that has changed by more than
    the tolerance, squared and relative to the variance of the scheduler's step.
    """
    scheduler, steps = problem.scheduler, problem.steps
    states = problem.initial.float().repeat(steps + 1, 1)
    pushes = (problem.c[:, None] * problem.noise).float()
    limit = tolerance**2 * problem.deviation.float() ** 2
    first, end = 0, min(window, steps)
    extra = {"eta": 0.0} if problem.method == "ddim" else {}
    while first < steps:
        old = states[first:end]
        moved = scheduler.batch_step_no_noise(
            model_output=problem.eps(old, slice(first, end)).reshape(-1, 1, 8, 8),
            timesteps=problem.times[first:end], sample=old.reshape(-1, 1, 8, 8), **extra).reshape(len(old), -1)
        new = states[first] + torch.cumsum(moved - old + pushes[first:end], 0)
        change = ((new - states[first + 1:end + 1]) ** 2).mean(-1)
        states[first + 1:end + 1] = new
        late = torch.nonzero(change > limit[first:end])
        first += min(1 + int(late[0]), end - first) if len(late) else end - first
        further = min(first + window, steps)
        # New states start from the last existing state.
        states[end + 1:further + 1] = states[end]
        end = further
    return states[-1]


def parataa(problem, window, tolerance, order, history, regularization=1e-3):
    """ParaTAA: Tang, Tang, Luo, Wang and Chang, *Accelerating Parallel Sampling of
    Diffusion Models*, ICML 2024.

    Fixed-point iteration on the equations of an order k, which carry a state over
    k steps with the noise predictions of the last round, with triangular Anderson
    mixing of the last rounds: gamma of a state solves the normal equations of all
    states to its left. States whose left neighbours are done take the plain
    update. A state is done when the residual of its equation of order 1 is within
    the tolerance, relative to the standard deviation of the step.
    """
    steps, alpha = problem.steps, problem.alpha[:, None]
    states = torch.zeros(steps + 1, len(problem.initial), dtype=torch.float64)
    states[0] = problem.initial
    pushes = problem.c[:, None] * problem.noise
    limit = (tolerance * problem.deviation) ** 2
    # Earlier rounds, newest first: states from 1 on, residuals, and the range of known states.
    past = []
    first, end = 0, min(window, steps)
    states[1:end + 1] = states[0]
    while first < steps:
        here = slice(first, end)
        gain = problem.b[here, None] * problem.eps(states[here], here) + pushes[here]
        now = states[first + 1:end + 1]
        residual = problem.a[here, None] * states[here] + gain - now
        # The product of all a between two states is the ratio of their alpha.
        sums = torch.cat([torch.zeros_like(states[:1]), torch.cumsum(gain / alpha[first + 1:end + 1], 0)])
        reach = torch.arange(end - first) + 1
        source = (reach - order).clamp(min=0)
        carried = (states[first + source] / alpha[first + source] + sums[reach] - sums[source]) * alpha[first + 1:end + 1]
        update = carried - now
        late = torch.nonzero((residual**2).mean(-1) > limit[here])
        done = int(late[0]) if len(late) else end - first
        new = carried.clone()
        if history > 0:
            record = (first, now.clone(), update)
            new -= mixing(record, past, regularization, plain=done)
            past = [record, *past[:history]]
        states[first + 1:end + 1] = new
        first += min(1 + done, end - first)
        further = min(first + window, steps)
        states[end + 1:further + 1] = states[end]
        end = further
    return states[-1].float()


def mixing(record, past, regularization, plain):
    """(dX + dR) gamma of the states of a window beyond the first `plain` + 1."""
    first, states, residual = record
    count, dimension = states.shape
    # Changes over the rounds since a state was opened; 0 before.
    changes = []
    for newer, older in zip([record, *past], past):
        pair = []
        for kind in (1, 2):
            both = [torch.zeros(count, dimension, dtype=torch.float64) for _ in range(2)]
            lowest = older[0] + len(older[1])
            for target, (start, *rows) in zip(both, (newer, older)):
                known = rows[kind - 1][max(0, first - start):]
                target[:len(known)] = known
            change = both[0] - both[1]
            change[max(0, lowest - first):] = 0
            pair.append(change)
        changes.append(pair)
    if not changes:
        return torch.zeros_like(states)
    moved = torch.stack([pair[0] for pair in changes], 1)
    turned = torch.stack([pair[1] for pair in changes], 1)
    gram = torch.cumsum(turned @ turned.transpose(1, 2), 0)
    right = torch.cumsum((turned @ residual[:, :, None])[:, :, 0], 0)
    gamma = torch.linalg.solve(gram + regularization * torch.eye(len(changes), dtype=torch.float64), right)
    gamma[:plain + 1] = 0
    return ((moved + turned) * gamma[:, :, None]).sum(1)


def srds(problem, blocks, tolerance):
    """SRDS: Selvam, Merchant and Ermon, *Self-Refining Diffusion Samplers: Enabling
    Parallelization via Parareal Iterations*, NeurIPS 2024.

    A coarse solver takes one step a block, fine solvers all steps of their blocks
    in parallel: x[i+1] = F(old x[i]) + G(x[i]) - G(old x[i]). The end of the
    iteration is a change of the final state within the tolerance. The coarse step
    holds the estimate of the clean data for the length of a block: for the
    probability flow a step of DDIM, as in the paper, and with noise all that is
    linear, so that the coarse solver has the same noise. Blocks that start from
    an exact state are not solved again.

    Rounds are those of the paper's pipelined form, in which a block's fine solver
    starts as soon as its first state is there: the pass of the coarse solver,
    then a block's length for an iteration.
    """
    steps = problem.steps
    bounds = [i * steps // blocks for i in range(blocks + 1)]
    alpha, sigma = problem.alpha, (1 - problem.total).sqrt()
    pushes = problem.c[:, None] * problem.noise
    # The composed steps with constant x0: x[m+1] = A x[m] + B x0 + c xi.
    A = (sigma[1:] ** 2 - problem.c**2).clamp(min=0).sqrt() / sigma[:-1]
    B = alpha[1:] - alpha[:-1] * A
    whole = []
    for low, high in zip(bounds, bounds[1:]):
        factor, weight, push = 1.0, 0.0, torch.zeros(pushes.shape[1], dtype=torch.float64)
        for m in range(low, high):
            factor, weight, push = factor * A[m], weight * A[m] + B[m], push * A[m] + pushes[m]
        whole.append((factor, weight, push))

    def coarse(i, state):
        m = bounds[i]
        estimate = (state - sigma[m] * problem.eps(state[None], slice(m, m + 1))[0].double()) / alpha[m]
        factor, weight, push = whole[i]
        return factor * state + weight * estimate + push

    def fine(rows, states):
        states = states.clone()
        for step in range(max(bounds[i + 1] - bounds[i] for i in rows)):
            active = [k for k, i in enumerate(rows) if bounds[i] + step < bounds[i + 1]]
            slices = torch.tensor([bounds[rows[k]] + step for k in active])
            x = states[active]
            states[active] = (problem.a[slices, None] * x + problem.b[slices, None] * problem.eps(x, slices)
                              + pushes[slices])
        return states

    states = [problem.initial]
    guesses = []
    for i in range(blocks):
        guesses.append(coarse(i, states[i]))
        states.append(guesses[i])
    length = max(high - low for low, high in zip(bounds, bounds[1:]))
    for iteration in range(1, blocks + 1):
        rows = list(range(iteration - 1, blocks))
        solved = fine(rows, torch.stack([states[i] for i in rows]))
        last = states[-1]
        for row, i in zip(solved, rows):
            if i == rows[0]:
                states[i + 1] = row
                continue
            guess = coarse(i, states[i])
            states[i + 1], guesses[i] = row + guess - guesses[i], guess
        if ((states[-1] - last) ** 2).mean() <= tolerance**2:
            break
    problem.taken.rounds = blocks + iteration * (length - 1)
    return states[-1].float()


def distance(one, other):
    """Root mean square of the difference."""
    return float(np.sqrt(((one - other).double() ** 2).mean()))
