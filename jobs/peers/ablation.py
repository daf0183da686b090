"""Every acceleration on and off, by `piadm bench rounds`."""
import json
import pathlib
import subprocess
import tempfile

CASE = "--method ddpm --steps 1000"
# What is varied, and the options of `piadm bench rounds` that do it.
STUDIES = [
    ("the slope of a correction", f"{CASE} --window all,16 --linearization elementwise,secant,frozen,increment"),
    ("the same, with few steps", "--method ddpm --steps 100 --window all"),
    ("the same, without noise", "--method ddim --steps 100 --window all,16"),
    ("the same, where steps take the score", "--method piadm-sde --steps 100 --window all,16"),
    ("the number of probes", f"{CASE} --window all --linearization elementwise --probes off,1,2,4"),
    ("the same, with few steps", "--method ddpm --steps 100 --window all --linearization elementwise --probes off,1,2,3,4"),
    ("the same, without noise", "--method ddim --steps 100 --window all --linearization elementwise --probes off,1,2,3,4"),
    ("the window", f"{CASE} --window 4,8,32,64,256,8:32,16:64,32:128 --linearization elementwise"),
    ("the chunk, of which slopes are learnt", f"{CASE} --window all,16 --linearization elementwise --chunk 1,4,8,16,32"),
    ("Anderson mixing", f"{CASE} --window all --linearization elementwise,frozen,increment --anderson 1,2,4"),
]


def tables(piadm, samples, error):
    """A table in Markdown for every study, below the command that measures it."""
    parts = []
    for title, options in STUDIES:
        words = f"bench rounds {options} --samples {samples} --error {error:g}"
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "rounds.json")
            subprocess.run([piadm, *words.split(), "--json", file], check=True, stdout=subprocess.DEVNULL)
            record = json.loads(file.read_text())
        lines = [f"Varied is {title}: `piadm {words}`", "",
                 "| slope | window | chunk | Anderson | probes | tolerance | rounds (most) | evaluations a step | seconds | speed-up |",
                 "|---|---|---|---|---|---|---|---|---|---|"]
        for run in record["runs"]:
            lines.append(
                f"| {run['linearization']} | {run.get('window') or 'all'} | {run['chunk']} | {run.get('anderson') or 'off'} "
                f"| {run.get('probes') or 'off'} | {run['tolerance']:g} | {run['rounds']:.1f} ({run['mostRounds']}) | {run['evaluations']:.2f} "
                f"| {run['seconds']:.4f} | {record['sequentialSeconds'] / run['seconds']:.2f} |")
        parts.append("\n".join(lines) + "\n")
        print(parts[-1], flush=True)
    return "\n".join(parts)
