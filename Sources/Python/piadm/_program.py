"""Finds the program and its launcher, runs them, and shows how far they are."""
from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path
from typing import Callable, Optional, Sequence, Union

from ._errors import MissingLibraryError, error_of

#: Called with steps done, steps in all and a line of text.
Progress = Callable[[int, int, str], None]


def _checkout() -> Optional[Path]:
    """The checkout that pip has installed this package from."""
    for place in Path(__file__).resolve().parents:
        if (place / "Package.swift").is_file():
            return place
    try:
        origin = json.loads(importlib.metadata.distribution("piadm").read_text("direct_url.json") or "{}")
        return Path(urllib.parse.unquote(urllib.parse.urlparse(origin["url"]).path)).parents[1]
    except (importlib.metadata.PackageNotFoundError, KeyError, IndexError):
        return None


def find_program(program: Union[str, "os.PathLike[str]", None] = None) -> str:
    """The program: as stated, `$PIADM`, `piadm` on the path, or the checkout's build."""
    stated = program or os.environ.get("PIADM")
    if stated:
        found = shutil.which(stated)
        if found is None:
            raise MissingLibraryError(f"{stated}: is no program; name piadm in PIADM, or leave it out", 69)
        return found
    checkout = _checkout()
    built = [checkout / ".build/release/piadm"] if checkout else []
    # A console script of the same name would be this package's, and there is none.
    for candidate in [shutil.which("piadm"), *map(str, built)]:
        if candidate and os.access(candidate, os.X_OK):
            return candidate
    raise MissingLibraryError(
        "the program piadm was not found: put it on PATH, or name it in PIADM. In a checkout, jobs/quickstart.sh "
        "builds it", 69)


def launch(ranks: Optional[int], launcher: Union[str, Sequence[str], None], environment: dict[str, str]) -> list[str]:
    """The launcher's command in front of the program's; empty for a process alone."""
    if launcher is not None:
        words = shlex.split(launcher) if isinstance(launcher, str) else list(launcher)
        return words + (["-n", str(ranks)] if ranks is not None else [])
    if ranks is None or ranks == 1:
        return []
    names = [os.environ.get("MPIRUN", ""), "mpirun.openmpi", "mpirun", "mpiexec"]
    command = next((found for name in names if name and (found := shutil.which(name))), None)
    if command is None:
        raise MissingLibraryError(
            f"{ranks} ranks need a launcher, and mpirun is not on PATH: install MPI (apt-get install openmpi-bin), or "
            "state launcher='srun'", 69)
    words = [command, "-n", str(ranks)]
    version = subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout
    if "Open MPI" in version or "OpenRTE" in version:
        if ranks > len(os.sched_getaffinity(0)):
            words += ["--oversubscribe", "--bind-to", "none"]
            environment.setdefault("OMPI_MCA_mpi_yield_when_idle", "1")
        # Other hosts get these variables from the launcher alone.
        for name in ("PIADM_PYTHON", "PYTHONPATH", "PIADM_OPENVINO", "PIADM_HDF5"):
            if name in environment:
                words += ["-x", name]
        if os.geteuid() == 0:
            environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return words


def environment() -> dict[str, str]:
    """What ranks need to run this interpreter with its modules."""
    variables = dict(os.environ)
    variables["PIADM_PYTHON"] = sys.executable
    folders = [str(Path(entry).resolve()) for entry in sys.path if entry and Path(entry).exists()]
    variables["PYTHONPATH"] = os.pathsep.join(dict.fromkeys([os.getcwd(), *folders]))
    return variables


_LINE = re.compile(r"^round \d+ .*?\bsteps (\d+)/(\d+)")


def run(command: Sequence[str], variables: dict[str, str], progress: Optional[Progress] = None, *,
        stores_state: bool = False) -> str:
    """Runs a command to its end and returns its standard output.

    An interrupt ends all ranks before it is passed on; where the run keeps
    checkpoints, they store their state first, unless a second one comes.

    Raises:
        PiadmError: the command failed; the class follows its exit code.
        KeyboardInterrupt: it was interrupted, and no rank is left.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables, text=True,
        errors="replace", bufsize=1, start_new_session=True)
    assert process.stdout is not None and process.stderr is not None
    errors: list[str] = []
    reader = threading.Thread(target=lambda: errors.extend(process.stderr or []), daemon=True)
    reader.start()
    output: list[str] = []
    try:
        for line in process.stdout:
            output.append(line)
            found = _LINE.match(line)
            if found and progress is not None:
                progress(int(found[1]), int(found[2]), line.strip())
        process.wait()
    except BaseException:
        _end(process, stores_state)
        raise
    finally:
        process.stdout.close()
    reader.join(timeout=5)
    if process.returncode != 0:
        raise error_of(process.returncode, "".join(errors))
    for line in errors:
        if line.strip():
            print(line, end="", file=sys.stderr)
    return "".join(output)


def _end(process: "subprocess.Popen[str]", stores_state: bool) -> None:
    """Ends a launcher and its ranks."""
    def gone(seconds: float) -> bool:
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    try:
        if stores_state:
            # Launchers pass this one on to the ranks, which finish their round.
            process.send_signal(signal.SIGUSR1)
            if gone(120):
                return
        process.send_signal(signal.SIGTERM)
        if gone(10):
            return
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
