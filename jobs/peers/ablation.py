"""The effect of every acceleration, measured by `piadm bench rounds`."""
import json
import pathlib
import subprocess
import tempfile

CASE = "--method ddpm --steps 1000"
# The effect that a table shows, and the options of `piadm bench rounds` that measure it.
STUDIES = [
    ("the linearization", f"{CASE} --window all,16 --linearization elementwise,secant,frozen,increment"),
    ("the linearization, with few steps", "--method ddpm --steps 100 --window all"),
    ("the linearization, without noise", "--method ddim --steps 100 --window all,16"),
    ("the linearization, with steps that use the score", "--method piadm-sde --steps 100 --window all,16"),
    ("probes", f"{CASE} --window all --linearization elementwise --probes off,1,2,4"),
    ("probes, with few steps", "--method ddpm --steps 100 --window all --linearization elementwise --probes off,1,2,3,4"),
    ("probes, without noise", "--method ddim --steps 100 --window all --linearization elementwise --probes off,1,2,3,4"),
    ("the window", f"{CASE} --window 4,8,32,64,256,8:32,16:64,32:128 --linearization elementwise"),
    ("the chunk size", f"{CASE} --window all,16 --linearization elementwise --chunk 1,4,8,16,32"),
    ("Anderson mixing", f"{CASE} --window all --linearization elementwise,frozen,increment --anderson 1,2,4"),
]


def tables(piadm, samples, error):
    """A table in Markdown for every study, after the command that measures it."""
    parts = []
    for title, options in STUDIES:
        words = f"bench rounds {options} --samples {samples} --error {error:g}"
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "rounds.json")
            subprocess.run([piadm, *words.split(), "--json", file], check=True, stdout=subprocess.DEVNULL)
            record = json.loads(file.read_text())
        lines = [f"Effect of {title}: `piadm {words}`", "",
                 "| slope | window | chunk | Anderson | probes | tolerance | rounds (max) | evaluations per step | seconds | speed-up |",
                 "|---|---|---|---|---|---|---|---|---|---|"]
        for run in record["runs"]:
            lines.append(
                f"| {run['linearization']} | {run.get('window') or 'all'} | {run['chunk']} | {run.get('anderson') or 'off'} "
                f"| {run.get('probes') or 'off'} | {run['tolerance']:g} | {run['rounds']:.1f} ({run['mostRounds']}) | {run['evaluations']:.2f} "
                f"| {run['seconds']:.4f} | {record['sequentialSeconds'] / run['seconds']:.2f} |")
        parts.append("\n".join(lines) + "\n")
        print(parts[-1], flush=True)
    return "\n".join(parts)
