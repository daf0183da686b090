"""Reads what a run has left."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Union

import numpy as np


def open(file: Union[str, "os.PathLike[str]"]) -> Any:
    """Opens a result by its kind.

    Args:
        file: `.npy` (an array, mapped), `.json` (a dict), `.h5` or `.nc` and
            a `.zarr` folder (an `xarray.Dataset` with named dimensions).

    Raises:
        ImportError: a library for the file is missing, with the command that
            installs it.
    """
    path = Path(file)
    if path.suffix == ".npy":
        return np.load(path, mmap_mode="r")
    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix not in (".h5", ".hdf5", ".nc", ".zarr"):
        raise ValueError(f"{path}: open reads .npy, .json, .h5, .nc and .zarr")
    try:
        import xarray
    except ImportError as error:
        raise ImportError(f"{path}: xarray is missing: pip install 'xarray' 'h5netcdf' 'zarr'") from error
    if path.suffix == ".zarr":
        return xarray.open_zarr(path, consolidated=False)
    return xarray.open_dataset(path)


def report_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a run's record."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "report.schema.json").read_text())
    return found
