#!/usr/bin/env python3
"""Compares published samplers with piadm: rounds, evaluations and time.

    python3 -m venv .venv && .venv/bin/pip install -r jobs/peers/requirements.txt
    .venv/bin/python jobs/peers/compare.py [--markdown FILE] [--json FILE] [--article]

--article also measures the accelerations of piadm (ablation.py), and writes all
tables into the article Acceleration.md.

All methods draw the same samples of the built-in digits model: the network of its
ONNX file, the same steps, and piadm's noise. The script checks the noise against
`piadm sample`. All methods have the same error limit. The error is the distance of
the final state from the sequential sampler in the same program, root mean square
over elements, maximum over samples. Each method runs with the largest tolerance that
keeps the limit, and with the setting that has the fewest rounds (or the least time)
on the first two samples. Samples are drawn one at a time. Rounds are means and
maxima over samples, evaluations are means, times are medians. The published methods
run in PyTorch with as many threads as piadm has ranks; their noise is drawn before
the timing starts.

The program is $PIADM, by default the one of this checkout; the launcher is $MPIRUN,
by default mpirun.
"""
import argparse
import dataclasses
import itertools
import json
import os
import pathlib
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import torch

import ablation
import network
import noise
import samplers

CASES = {"DDPM, 1000 steps": ("ddpm", 1000), "DDPM, 100 steps": ("ddpm", 100), "DDIM, 100 steps": ("ddim", 100)}
WINDOWS = [8, 16, 32, 64, 128, 256]
# Growing windows, of piadm alone: initial and largest number of steps.
GROWING = ["8:32", "16:64", "32:128"]
SEED, DIMENSION = 0, 64
LADDER = [digit * 10.0**decade for decade in range(1, -7, -1) for digit in (5, 2, 1)]
ARTICLE = network.JOBS.parent / "Sources/piadm/piadm.docc/Acceleration.md"
# The line of the article before the measurements.
MEASURED = "Measured:"
PIADM = os.environ.get("PIADM", str(network.JOBS.parent / ".build/release/piadm"))


@dataclasses.dataclass
class Row:
    """The cost of a method, and its setting."""
    case: str
    method: str
    setting: str
    rounds: float
    most: int
    evaluations: float
    error: float
    seconds: float


class Bench:
    """Samples of one case, drawn by the published methods."""

    def __init__(self, case, net, settings, count, limit):
        self.case, self.limit = case, limit
        self.problem = samplers.Problem(net, settings, *CASES[case])
        steps = self.problem.steps
        self.noises = [(noise.initial_state(SEED, i, DIMENSION), noise.step_noise(SEED, i, steps, DIMENSION))
                       for i in range(count)]
        self.references = []
        self.sequential = self.measure("sequential", "", samplers.sequential)

    def measure(self, method, setting, run, count=None):
        """Draws samples. Returns None if the error of a sample exceeds the limit."""
        taken, errors, seconds = [], [0.0], []
        for i, (initial, steps) in enumerate(self.noises[:count]):
            self.problem.start(initial, steps)
            begin = time.perf_counter()
            state = run(self.problem)
            seconds.append(time.perf_counter() - begin)
            taken.append(self.problem.taken)
            if i == len(self.references):
                self.references.append(state)
            errors.append(samplers.distance(state, self.references[i]))
            if not errors[-1] <= self.limit:
                return None
        rounds = [one.rounds for one in taken]
        return Row(self.case, method, setting, statistics.mean(rounds), max(rounds),
                   statistics.mean(one.evaluations for one in taken) / self.problem.steps, max(errors),
                   statistics.median(seconds))

    def held(self, method, setting, run, count=None):
        """Measures with the largest tolerance that keeps the limit."""
        for tolerance in LADDER:
            row = self.measure(method, f"{setting}, tolerance {tolerance:g}".lstrip(", "),
                               lambda problem: run(problem, tolerance), count)
            if row:
                return row
        return None

    def best(self, method, settings, measure, key):
        """Finds the best setting on two samples, and measures it with all samples."""
        tried = [(measure(setting, 2), setting) for setting in settings]
        tried = [(row, setting) for row, setting in tried if row]
        _, setting = min(tried, key=lambda pair: key(pair[0]))
        return measure(setting, None), setting

    def rounds(self):
        """Measures every method with all steps at once, for the fewest rounds."""
        steps = self.problem.steps
        yield self.held("ParaDiGMS", "", lambda p, x: samplers.paradigms(p, steps, x))
        grid = list(itertools.product([8, 32, 128, steps], [0, 1, 2, 4]))

        def parataa(setting, count):
            order, history = setting
            return self.held("ParaTAA", f"order {order}, history {history}",
                             lambda p, x: samplers.parataa(p, steps, x, order, history), count)

        row, self.parataa = self.best("ParaTAA", [(k, m) for k, m in grid if k <= steps], parataa, lambda r: r.rounds)
        yield row
        root = round(steps**0.5)

        def srds(blocks, count):
            return self.held("SRDS", f"{blocks} blocks", lambda p, x: samplers.srds(p, blocks, x), count)

        yield self.best("SRDS", [root // 2, root, 2 * root], srds, lambda r: r.rounds)[0]

    def times(self):
        """Measures every method with its fastest window."""
        steps = self.problem.steps
        windows = [w for w in WINDOWS if w < steps] + [steps]

        def paradigms(window, count):
            return self.held("ParaDiGMS", f"window {window}", lambda p, x: samplers.paradigms(p, window, x), count)

        def parataa(window, count):
            order, history = self.parataa
            return self.held("ParaTAA", f"window {window}, order {min(order, window)}, history {history}",
                             lambda p, x: samplers.parataa(p, window, x, min(order, window), history), count)

        for method, run in [("ParaDiGMS", paradigms), ("ParaTAA", parataa)]:
            yield self.best(method, windows, run, lambda r: r.seconds)[0]


def piadm(*arguments, ranks=1):
    launcher = [os.environ.get("MPIRUN", "mpirun"), "-n", str(ranks)] if ranks > 1 else []
    run = subprocess.run([*launcher, PIADM, *arguments], capture_output=True, text=True)
    if run.returncode:
        raise SystemExit(f"piadm {' '.join(arguments)}: {run.stderr}")


def check_noise(bench, folder):
    """Checks that PyTorch and piadm draw the same sequential samples, up to accumulated rounding."""
    method, steps = CASES[bench.case]
    file = f"{folder}/samples.npy"
    piadm("sample", "digits", "--method", method, "--steps", str(steps), "--samples", str(len(bench.noises)),
          "--solver", "sequential", "--seed", str(SEED), "--progress", "none", "--out", file)
    own = torch.tensor(np.load(file)).reshape(-1, DIMENSION)
    apart = max(samplers.distance(one, other) for one, other in zip(own, bench.references))
    assert apart < 1e-4, f"{bench.case}: piadm's sequential samples are {apart} apart from PyTorch's"
    return apart


def chosen_window(case, ranks, folder):
    method, steps = CASES[case]
    piadm("sample", "digits", "--method", method, "--steps", str(steps), "--window", "auto", "--progress", "none",
          "--report", f"{folder}/report.json", "--out", f"{folder}/samples.npy", ranks=ranks)
    return str(json.loads(pathlib.Path(f"{folder}/report.json").read_text())["options"]["window"])


def piadm_rows(case, count, limit, windows, linearizations, ranks, folder, probes="off"):
    """Measures piadm: a row per window, linearization and number of probes, and the sequential seconds."""
    method, steps = CASES[case]
    file = f"{folder}/rounds.json"
    piadm("bench", "rounds", "digits", "--method", method, "--steps", str(steps), "--samples", str(count),
          "--seed", str(SEED), "--window", windows, "--linearization", linearizations, "--probes", probes,
          "--error", str(limit), "--json", file, ranks=ranks)
    record = json.loads(pathlib.Path(file).read_text())
    rows = [Row(case, f"piadm {run['linearization']}",
                ", ".join(filter(None, [f"probes {run['probes']}" if run.get("probes") else "",
                                        f"window {run['window']}" if run.get("window") else "",
                                        f"tolerance {run['tolerance']:g}"])),
                run["rounds"], run["mostRounds"], run["evaluations"], run["error"], run["seconds"])
            for run in record["runs"]]
    return rows, record["sequentialSeconds"]


def table(title, rows):
    lines = [f"{title}\n", "| case | method | setting | rounds (max) | evaluations per step | error | seconds |",
             "|---|---|---|---|---|---|---|"]
    for row in rows:
        error = "" if row.method.endswith("sequential") else f"{row.error:.0e}"
        lines.append(f"| {row.case} | {row.method} | {row.setting} | {row.rounds:.1f} ({row.most}) "
                     f"| {row.evaluations:.2f} | {error} | {row.seconds:.4f} |")
    return "\n".join(lines) + "\n"


def rewrite(article, sections):
    """Replaces the measurements of sections: all lines after the line MEASURED of each section."""
    text = article.read_text()
    for heading, tables in sections.items():
        before, rest = text.split(f"### {heading}\n", 1)
        body, *after = re.split(r"(?m)^(?=### )", rest, maxsplit=1)
        words = body.split(MEASURED, 1)[0]
        text = f"{before}### {heading}\n{words}{MEASURED}\n\n{tables}" + "".join(f"\n{part}" for part in after)
    article.write_text(text)


def main():
    arguments = argparse.ArgumentParser(description="compares published samplers with piadm")
    arguments.add_argument("--samples", type=int, default=8)
    arguments.add_argument("--error", type=float, default=2e-4)
    arguments.add_argument("--ranks", type=int, default=len(os.sched_getaffinity(0)))
    arguments.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    arguments.add_argument("--article", action="store_true")
    arguments.add_argument("--markdown", type=pathlib.Path)
    arguments.add_argument("--json", type=pathlib.Path)
    options = arguments.parse_args()

    noise.check()
    torch.set_num_threads(options.ranks)
    net, settings = network.load()
    fewest, fastest = [], []
    with torch.inference_mode(), tempfile.TemporaryDirectory() as folder:
        for case in options.cases:
            bench = Bench(case, net, settings, options.samples, options.error)
            print(f"{case}: sequential samples {check_noise(bench, folder):.1e} apart", flush=True)
            piadm_case = (case, options.samples, options.error)
            rows, seconds = piadm_rows(*piadm_case, "all", "elementwise,secant,increment,frozen", 1, folder)
            probed, _ = piadm_rows(*piadm_case, "all", "elementwise", 1, folder, probes="1,2,3,4")
            probed = min(probed, key=lambda row: (row.rounds, row.evaluations))
            fewest += [row for row in bench.rounds() if row] + [dataclasses.replace(probed, method="piadm, probes")] + rows
            steps = CASES[case][1]
            windows = ",".join([*(str(w) for w in WINDOWS if w < steps), *GROWING, "all"])
            fastest += [dataclasses.replace(bench.sequential, method="PyTorch sequential")]
            fastest += [row for row in bench.times() if row]
            fastest += [Row(case, "piadm sequential", "", steps, steps, 1, 0, seconds)]
            for ranks in sorted({1, options.ranks}):
                place = f"{ranks} ranks" if ranks > 1 else "1 rank"
                rows, _ = piadm_rows(*piadm_case, windows, "elementwise", ranks, folder)
                best = min(rows, key=lambda row: row.seconds)
                fastest += [dataclasses.replace(best, method=f"piadm, best window, {place}")]
                auto, _ = piadm_rows(*piadm_case, chosen_window(case, ranks, folder), "elementwise", ranks, folder)
                fastest += [dataclasses.replace(auto[0], method=f"piadm, window auto, {place}")]
    text = (table("Fewest rounds, with all steps at once.", fewest) + "\n"
            + table(f"Least time, on {options.ranks} processors.", fastest))
    print(text)
    if options.markdown:
        options.markdown.write_text(text)
    if options.article:
        sections = {"Published methods": text,
                    "On and off": ablation.tables(PIADM, options.samples, options.error)}
        rewrite(ARTICLE, sections)
    if options.json:
        options.json.write_text(json.dumps([dataclasses.asdict(row) for row in fewest + fastest], indent=2) + "\n")


if __name__ == "__main__":
    main()
