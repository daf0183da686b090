"""Samples diffusion models in parallel over time: the Python face of the program piadm.

    import piadm
    samples, report = piadm.sample("digits", samples=32, ranks=2)

A model is a folder, a closed-form target as a dict, a Python function or a
PyTorch module. `sample` draws, `plan` predicts times and memory, `export`
writes a PyTorch module as a folder, `open` reads what a run has left.
"""
from ._errors import (
    DataError, MissingFileError, MissingLibraryError, OutputError, PiadmError, RunError, Stopped, UsageError)
from ._export import export
from ._files import open, report_schema
from ._sampling import Run, plan, sample
from ._schedulers import ddpm, edm, flow

__version__ = "0.1.0"
__all__ = [
    "DataError", "MissingFileError", "MissingLibraryError", "OutputError", "PiadmError", "Run", "RunError", "Stopped",
    "UsageError", "ddpm", "edm", "export", "flow", "open", "plan",
    "report_schema", "sample"]
