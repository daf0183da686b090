#!/usr/bin/env python3
"""Writes the man page from the program's own help.

    piadm --experimental-dump-help | manual.py VERSION > piadm.1
"""
import json
import re
import sys

CLOSING = r""".SH ENVIRONMENT
.TP
.B PIADM_OPENVINO
OpenVINO's C library, the folder that holds it, or a virtual environment. Where it is set nothing else is tried.
.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 64
wrong usage
.TP
.B 65
bad data in a file
.TP
.B 66
a file is missing
.TP
.B 69
a library is missing; the message has the command that installs it
.TP
.B 70
the run failed: scores that are not finite, or a rank was lost
.TP
.B 74
input or output failed
.TP
.B 75
a checkpoint was written: run it again with
.B \-\-resume
.SH SEE ALSO
.BR mpirun (1),
.BR sbatch (1)
.PP
H. Chen, Y. Ren, L. Ying and G. M. Rotskoff, Accelerating Diffusion Models with Parallel Sampling: Inference at Sub-Linear Time Complexity, NeurIPS 2024.
"""


def escape(text):
    text = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def paragraphs(text):
    """Formats running text; indented lines stay as they are."""
    for block in text.strip().split("\n\n"):
        yield ".PP"
        for line in block.split("\n"):
            if line.startswith("  "):
                yield from (".RS 4", ".EX", escape(line.strip()), ".EE", ".RE")
            else:
                yield escape(line)


def argument(entry):
    value = entry.get("valueName", "value")
    if entry["kind"] == "positional":
        yield rf".TP{chr(10)}.I {escape(value)}"
    else:
        names = ", ".join(rf"\fB{escape(('--' if n['kind'] == 'long' else '-') + n['name'])}\fR" for n in entry["names"])
        yield ".TP\n" + names + (rf" \fI{escape(value)}\fR" if entry["kind"] == "option" else "")
    text = entry.get("abstract", "")
    if "defaultValue" in entry and entry["kind"] == "option":
        text += f" Default: {entry['defaultValue']}."
    yield escape(text)


def command(entry, name):
    shown = [a for a in entry.get("arguments", []) if a.get("shouldDisplay") and "help" not in a.get("valueName", "")]
    yield from paragraphs(entry.get("abstract", ""))
    yield from paragraphs(entry.get("discussion", ""))
    section = None
    for a in shown:
        if a.get("sectionTitle") != section:
            section = a.get("sectionTitle")
            if section:
                yield f".PP\n.B {escape(section)}"
        yield from argument(a)
    for sub in entry.get("subcommands", []):
        if sub["commandName"] != "help":
            yield f'.SS "{escape(name + " " + sub["commandName"])}"'
            yield from command(sub, name + " " + sub["commandName"])


def main():
    tool = json.load(sys.stdin)["command"]
    name = tool["commandName"]
    subcommands = [s["commandName"] for s in tool["subcommands"] if s["commandName"] != "help"]
    print(f'.TH {name.upper()} 1 "" "{name} {sys.argv[1]}"')
    print(f".SH NAME\n{name} \\- {escape(tool['abstract'][:1].lower() + tool['abstract'][1:].rstrip('.'))}")
    print(".SH SYNOPSIS")
    for sub in subcommands:
        print(f".B {name} {escape(sub)}\n.RI [ options ]\n.br")
    print(".SH DESCRIPTION")
    print("\n".join(paragraphs(tool.get("discussion", ""))))
    print(".SH COMMANDS")
    for sub in tool["subcommands"]:
        if sub["commandName"] != "help":
            print(f'.SS "{name} {escape(sub["commandName"])}"')
            print("\n".join(command(sub, f"{name} {sub['commandName']}")))
    print(CLOSING, end="")


if __name__ == "__main__":
    main()
