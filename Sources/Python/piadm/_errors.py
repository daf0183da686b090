"""The program's messages as exceptions, one class for each of its exit codes."""
from __future__ import annotations

import re
import signal


class PiadmError(RuntimeError):
    """A run of piadm failed; the text is its message.

    `exit_code` is the program's, in the convention of BSD's sysexits.h;
    `output` is all that the run printed to standard error.
    """

    def __init__(self, message: str, exit_code: int, output: str = "") -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.output = output


class UsageError(PiadmError, ValueError):
    """64: an option is wrong, or does not fit the model."""


class DataError(PiadmError, ValueError):
    """65: a file or the model has bad data."""


class MissingFileError(PiadmError, FileNotFoundError):
    """66: a file is missing."""


class MissingLibraryError(PiadmError, ImportError):
    """69: a library or program is missing; the message says how to install it."""


class RunError(PiadmError):
    """70: the run failed: the model raised an exception, or a rank was lost."""


class OutputError(PiadmError, OSError):
    """74: a file cannot be read or written."""


class Stopped(PiadmError):
    """75: stopped with its state stored: run again with `resume=True`."""


_CLASSES = {64: UsageError, 65: DataError, 66: MissingFileError, 69: MissingLibraryError, 70: RunError,
            74: OutputError, 75: Stopped}


def error_of(exit_code: int, output: str) -> PiadmError:
    """The exception for a run that ended with this code and wrote this to standard error."""
    spoken = re.findall(r"^(?:rank \d+ of \d+: )?(?:piadm|Error): (.+(?:\n(?!\s*$|-{5}|rank \d|mpirun|prterun|srun).+)*)",
                        output, re.MULTILINE)
    if spoken:
        message = spoken[0].strip()
    elif exit_code < 0:
        message = f"piadm was killed by {signal.Signals(-exit_code).name}"
    else:
        # A launcher's words: a rank was killed before it could say anything.
        lines = [line.strip() for line in output.splitlines() if line.strip() and not line.startswith("---")]
        message = f"the run ended with code {exit_code}: " + (" ".join(lines[-8:]) or "it printed no message")
    return _CLASSES.get(exit_code, RunError)(message, exit_code, output)
