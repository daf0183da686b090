#!/usr/bin/env python3
"""Prints and plots the results of scaling.sbatch.

    scaling-table.py FOLDER

Prints the tables, writes them to FOLDER/scaling.txt, and draws FOLDER/scaling.png
if matplotlib is installed.

`limit` is the time of the rounds alone: their number times the seconds of one
score call, taken from the run on one rank. No number of ranks is faster.
`of limit` is the limit divided by the measured time, from the end of the set-up
to the last sample.
"""
import json
import pathlib
import re
import sys


class Run:
    def __init__(self, file):
        report = json.loads(file.read_text())
        self.kind, self.ranks = file.stem.rsplit("-", 1)[0], report["ranks"]
        self.steps, self.rounds = report["steps"], report["rounds"]
        self.evaluations = report["evaluations"]
        seconds = report["seconds"]
        self.wall, self.score = seconds["total"], seconds["score"]
        self.solve = seconds["total"] - seconds["setup"] - seconds["output"]


def table(kind, runs):
    first = runs[0]
    call = first.score / first.evaluations
    yield f"{kind}: {call:.4g} s a score call"
    yield " ranks   steps  rounds    solve s    limit s  of limit  speed-up  efficiency"
    for run in runs:
        limit = run.rounds * call
        # Estimated time of the same steps on one rank, divided by the measured time.
        speed = first.solve / run.solve * run.steps / first.steps
        yield (
            f"{run.ranks:6d}  {run.steps:6d}  {run.rounds:6d}  {run.solve:9.3f}  {limit:9.3f}"
            f"  {limit / run.solve:7.1%}  {speed:8.2f}  {speed / run.ranks:9.1%}")
    yield ""


def draw(groups, file):
    try:
        import matplotlib
    except ImportError:
        print(f"no {file.name}: matplotlib is missing (pip install matplotlib)")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), constrained_layout=True)
    for kind, runs in groups.items():
        call = runs[0].score / runs[0].evaluations
        axes = left if kind.startswith("strong") else right
        ranks = [run.ranks for run in runs]
        label = kind.replace("strong-", "window ") if axes is left else "as many steps as ranks"
        line, = axes.plot(ranks, [run.solve for run in runs], "o-", label=label)
        axes.plot(ranks, [run.rounds * call for run in runs], ":", color=line.get_color(), label=f"{label}: rounds alone")
    for axes, title in (left, "Strong scaling"), (right, "Weak scaling"):
        axes.set(title=title, xlabel="ranks", ylabel="seconds", xscale="log", yscale="log")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(file, dpi=120)
    print(file)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    groups = {}
    for file in folder.glob("*.json"):
        if re.fullmatch(r"strong-\d+-\d+|weak-\d+", file.stem):
            run = Run(file)
            groups.setdefault(run.kind, []).append(run)
    if not groups:
        sys.exit(f"scaling-table.py: {folder} has no reports of scaling.sbatch")
    # Strong scaling by window size, then weak scaling.
    order = sorted(groups, key=lambda kind: (kind == "weak", int(kind.split("-")[-1]) if "-" in kind else 0))
    groups = {kind: sorted(groups[kind], key=lambda run: run.ranks) for kind in order}
    lines = [line for kind, runs in groups.items() for line in table(kind, runs)]
    (folder / "scaling.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    draw(groups, folder / "scaling.png")


if __name__ == "__main__":
    main()
