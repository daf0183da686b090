#!/bin/bash
# Tests the Python package and the plug-ins in Python with the built program.
#
#   jobs/test-python.sh [ARGUMENTS of pytest]
#
# Packages are installed into .venv-python: once, since PyTorch is large. Where
# there is no CPU build of it to be had, the tests that need it are skipped, and
# the summary names them with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

python=.venv-python/bin/python
if ! "$python" -m pip --version >/dev/null 2>&1; then
  python3 -m venv --clear .venv-python
fi
pip=("$python" -m pip install --quiet --disable-pip-version-check)
"${pip[@]}" numpy cloudpickle pytest mypy jsonschema xarray h5netcdf h5py netCDF4 zarr onnx pillow
if ! "$python" -c 'import torch' 2>/dev/null; then
  # The build for CPUs alone has a version of its own; the usual one brings gigabytes for GPUs.
  "${pip[@]}" 'torch==2.13.0+cpu' || echo "no CPU build of PyTorch was found: its tests will not run" >&2
fi
export MPIRUN=${MPIRUN:-mpirun.openmpi}
"$python" -m pytest -q -rs Tests/PythonTests "$@"
