#!/usr/bin/env python3
"""Compares two builds of piadm on one machine: the same bits, rounds and evaluations?

    compare-revisions.py OLD NEW [--quick] [--kernels N] [--digits N]

OLD and NEW are programs. OLD's results are kept beside it (OLD.runs.json), so that a
further comparison only runs NEW. The runs cover methods, linearizations, extents, stop
rules, precisions, probes, mixing and numbers of ranks. A checkpoint that OLD has left must
resume with NEW to the bits of the uninterrupted run. Exits with 1 where anything differs.
`--kernels N` compares `bench kernels` instead, and `--digits N` the time outside the network
of a run of the digits on two ranks: N interleaved pairs, medians of the ratios.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

CHECKOUT = pathlib.Path(__file__).resolve().parent.parent
MIXTURE = {
    "target": "gaussian-mixture", "variance": 0.05, "weights": [0.2, 0.3, 0.5],
    "means": [[((7 * i + 3 * k) % 5 - 2) / 2 for k in range(12)] for i in range(3)],
}
# Lists where a run may have any of several options; `quick` runs are marked with *.
RUNS = """
* 1 mixture --steps 60
* 3 mixture --steps 60
  1 mixture --steps 60 --tolerance 0
  3 mixture --steps 60 --tolerance 0
  1 mixture --steps 60 --precision double
* 3 mixture --steps 60 --precision double --tolerance 0 --window 12
  1 mixture --steps 60 --linearization secant
  3 mixture --steps 60 --linearization frozen
  1 mixture --steps 60 --linearization increment
  3 mixture --steps 30 --linearization none
  3 mixture --steps 60 --linearization secant --tolerance 0
  1 mixture --steps 60 --linearization increment --window 16
* 3 mixture --steps 60 --blocks 3 --iterations 5
  1 mixture --steps 60 --blocks 3 --iterations 5 --linearization frozen
* 1 mixture --steps 80 --method piadm-ode
  3 mixture --steps 80 --method piadm-ode
  3 mixture --steps 80 --method piadm-ode --linearization secant --precision double
  1 mixture --steps 80 --method piadm-ode --linearization increment
  3 mixture --steps 40 --method piadm-ode --tolerance 0
  1 mixture --steps 60 --method piadm-ode --window 10
  3 mixture --steps 60 --method piadm-ode --probes 1
  1 mixture --steps 60 --method ddpm
* 3 mixture --steps 60 --method ddpm --probes 2
  1 mixture --steps 60 --method ddpm --probes 1 --window 16
  3 mixture --steps 60 --method ddpm --probes 3 --tolerance 0
* 1 mixture --steps 120 --method ddpm --window 4:32
  3 mixture --steps 120 --method ddpm --window 4:32
  3 mixture --steps 60 --method ddpm --chunk 1
  1 mixture --steps 60 --method ddpm --chunk 17 --batch 5
  3 mixture --steps 60 --method ddpm --noise-level 0.4 --window 9 --chunk 2
  1 mixture --steps 60 --method ddim
  3 mixture --steps 60 --method ddim --blocks 2 --corrector-steps 5
  3 mixture --steps 60 --method ddim --window 7 --linearization secant
* 1 mixture --steps 60 --method dpm++2m
* 3 mixture --steps 60 --method dpm++2m --window 12
  3 mixture --steps 60 --method dpm++2m --tolerance 0 --blocks 2
  1 mixture --steps 60 --method dpm++2m --blocks 2 --corrector-steps 4
  3 mixture --steps 60 --method dpm++2m --probes 1
  3 mixture --steps 60 --method dpm++2m --linearization frozen --iterations 6
* 3 mixture --steps 60 --method ddpm --anderson 2 --linearization increment
  1 mixture --steps 60 --method dpm++2m --anderson 3 --window 14
  3 mixture --steps 40 --anderson 2 --tolerance 0
  1 mixture --steps 60 --solver sequential
  3 mixture --steps 60 --solver sequential --method dpm++2m --blocks 2 --corrector-steps 4
  3 mixture --steps 60 --replicas 3
  3 mixture --steps 60 --grid uniform --horizon 5 --early-stop 0.01 --window 20:40
* 1 digits --method ddpm --steps 200 --window 16
  3 digits --method ddpm --steps 200 --window 16
* 3 digits --method ddpm --steps 100
  1 digits --method ddpm --steps 100 --linearization secant
  1 digits --method ddpm --steps 100 --linearization frozen
  3 digits --method ddpm --steps 100 --probes 1
  1 digits --method ddpm --steps 60 --tolerance 0 --window 8
  3 digits --method ddim --steps 50
  1 digits --method ddim --steps 50 --precision double
  3 digits --method dpm++2m --steps 40 --window 10
  1 digits --method dpm++2m --steps 40
  3 digits --steps 100 --window 32
  1 digits --method piadm-ode --steps 60
  3 digits --method ddpm --steps 400 --window 8 --iterations 6
  1 digits --method ddpm --steps 200 --anderson 2 --window 24
  1 field --method ddpm --steps 40 --samples 1
  3 field --method dpm++2m --steps 30 --window 8 --samples 1
"""


def stated(options: dict) -> list[str]:
    """What a run has chosen of what its bits depend on, as options that state it."""
    words = ["--solver", options["solver"], "--replicas", str(options["replicas"])]
    if options["solver"] == "picard":
        words += ["--window", str(options["window"] or "off"), "--chunk", str(options["chunk"])]
    return words


class Machine:
    """Where runs leave their files, and how they are started."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        (folder / "mixture.json").write_text(json.dumps(MIXTURE))
        self.models = {
            "mixture": str(folder / "mixture.json"), "digits": "digits", "field": str(CHECKOUT / "jobs/phi4/model"),
        }

    def start(self, program: str, ranks: int, arguments: list[str]) -> subprocess.CompletedProcess:
        launcher = [os.environ.get("MPIRUN", "mpirun"), "--oversubscribe", "-n", str(ranks)] if ranks > 1 else []
        return subprocess.run(launcher + [program] + arguments, capture_output=True, text=True, cwd=self.folder)

    def sample(self, program: str, ranks: int, words: list[str], known: list[str] = []) -> dict:
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        model, *options = words
        options += [word for pair in zip(known[::2], known[1::2]) if pair[0] not in options for word in pair]
        if "--samples" not in options:
            options += ["--samples", "3"]
        done = self.start(
            program, ranks,
            ["sample", self.models[model], *options, "--progress", "none", "--report", str(report), "--out", "out.npy"])
        if done.returncode != 0:
            return {"exit": done.returncode, "message": done.stderr[-600:]}
        values = json.loads(report.read_text())
        return {name: values[name] for name in ("digest", "rounds", "evaluations")} | {"stated": stated(values["options"])}

    def checkpoint(self, program: str, words: list[str], name: str) -> int:
        """Leaves a checkpoint after a few rounds. The wait for every score call keeps the run from its end."""
        done = self.start(
            program, 2,
            ["sample", self.models[words[0]], *words[1:], "--samples", "3", "--progress", "none", "--out", "out.npy",
             "--checkpoint", name, "--max-time", "0.4", "--score-latency", "0.1"])
        return done.returncode


CHECKPOINTS = [
    "mixture --steps 80 --method ddpm --window 12",
    "mixture --steps 80 --method dpm++2m --probes 1",
    "mixture --steps 80 --method piadm-ode --anderson 2",
    "mixture --steps 200 --solver sequential",
]


def read_runs(quick: bool) -> list[tuple[int, list[str]]]:
    lines = [line for line in RUNS.splitlines() if line.strip()]
    chosen = [line[1:].split() for line in lines if not quick or line.startswith("*")]
    return [(int(words[0]), words[1:]) for words in chosen]


def kernels(machine: Machine, old: str, new: str, pairs: int) -> None:
    ratios: dict[str, list[float]] = {}
    for _ in range(pairs):
        rates = []
        for program in (old, new):
            machine.start(program, 1, ["bench", "kernels", "--json", "kernels.json"]).check_returncode()
            record = json.loads((machine.folder / "kernels.json").read_text())
            rates.append(record["updates"] | {"plain copy": record["copy"]})
        for name in rates[0]:
            ratios.setdefault(name, []).append(rates[1][name] / rates[0][name])
    print(f"bench kernels, bytes a second of NEW over OLD, {pairs} interleaved pairs: median (least, most)")
    for name, values in ratios.items():
        print(f"  {name:12} {statistics.median(values):.3f} ({min(values):.3f}, {max(values):.3f})")


def digits(machine: Machine, old: str, new: str, pairs: int) -> None:
    words = ["digits", "--method", "ddpm", "--steps", "1000", "--window", "16", "--samples", "32"]
    ratios: dict[str, list[float]] = {}
    for number in range(2 * pairs):
        seconds = {}
        # In turn the one and the other comes first.
        for program in (old, new) if number % 2 else (new, old):
            report = machine.folder / "report.json"
            options = ["--progress", "none", "--out", "out.npy", "--report", str(report)]
            if program == new:
                options += ["--chunk", "8"]
            machine.start(program, 2, ["sample", *words, *options]).check_returncode()
            values = json.loads(report.read_text())["seconds"]
            outside = values["total"] - values["setup"] - values["score"] - values["output"]
            seconds[program] = values | {"outside": outside, "outside, not waiting": outside - values["wait"]}
        for name in ("outside", "outside, not waiting", "update", "exchange", "reduce", "score"):
            ratios.setdefault(name, []).append(seconds[new][name] / seconds[old][name])
    print(f"digits on 2 ranks, seconds of NEW over OLD, {2 * pairs} interleaved pairs: median (quartiles)")
    for name, values in ratios.items():
        low, middle, high = statistics.quantiles(values, n=4)
        print(f"  {name:20} {middle:.3f} ({low:.3f}, {high:.3f})")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", metavar="OLD")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--quick", action="store_true", help="a quarter of the runs")
    parser.add_argument("--kernels", type=int, default=0, metavar="N")
    parser.add_argument("--digits", type=int, default=0, metavar="N")
    options = parser.parse_args()
    old, new = os.path.abspath(options.old), os.path.abspath(options.new)
    kept = pathlib.Path(old + ".runs.json")
    known = json.loads(kept.read_text()) if kept.exists() else {}
    differences = count = 0
    with tempfile.TemporaryDirectory(prefix="piadm-compare-") as folder:
        machine = Machine(pathlib.Path(folder))
        if options.kernels or options.digits:
            if options.kernels:
                kernels(machine, old, new, options.kernels)
            if options.digits:
                digits(machine, old, new, options.digits)
            return 0
        for ranks, words in read_runs(options.quick):
            name = f"{ranks} {' '.join(words)}"
            if name not in known:
                known[name] = machine.sample(old, ranks, words)
                kept.write_text(json.dumps(known, indent=1))
            # What OLD chooses is stated to NEW, which may choose in another way.
            result = machine.sample(new, ranks, words, known[name].get("stated", []))
            count += 1
            if result != known[name] or "digest" not in result:
                differences += 1
                print(f"differs: {name}\n  OLD {known[name]}\n  NEW {result}", flush=True)
        for number, line in enumerate(CHECKPOINTS if not options.quick else CHECKPOINTS[:1]):
            words = line.split()
            left = machine.checkpoint(old, words, f"state{number}")
            words += machine.sample(old, 1, words).get("stated", [])
            whole = machine.sample(new, 1, words)
            resumed = machine.sample(new, 3, words + ["--checkpoint", f"state{number}", "--resume"])
            count += 1
            if left != 75 or resumed.get("digest") != whole.get("digest") or "digest" not in whole:
                differences += 1
                print(f"does not resume: {line}\n  OLD exits {left}\n  whole {whole}\n  resumed {resumed}", flush=True)
        print(f"{count} comparisons, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
