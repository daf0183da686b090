#!/bin/bash
# Measures rounds against the dimension and draws a plot. The program is $PIADM, by
# default the one of this checkout. Writes dimension.json, .md and .png.
#
#   jobs/dimension.sh [FOLDER [options of piadm bench dimension]]
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh ompi
folder=${1:-results/dimension}
shift || true
mkdir -p "$folder"
piadm=${PIADM:-$build_folder/release/piadm}
if [[ ! -x $piadm ]]; then
  swift build -c release --product piadm --scratch-path "$build_folder"
fi
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
"$MPIRUN" -n 2 "$piadm" bench dimension "$@" \
  --json "$folder/dimension.json" --table "$folder/dimension.md"
.venv/bin/python -m pip install --quiet --disable-pip-version-check matplotlib
.venv/bin/python jobs/plot-dimension.py "$folder/dimension.json" "$folder/dimension.png"
