#!/bin/bash
# Installs piadm on a new Debian machine and draws 32 handwritten digits on 2 ranks,
# in results/quickstart: samples.npy, samples.png, report.json.
set -euo pipefail
cd "$(dirname "$0")/.."
. jobs/setup.sh ompi

swift build -c release --product piadm --scratch-path "$build_folder"

# Also for a machine with one core: a waiting rank yields it.
(($(nproc) >= 2)) || export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_mpi_yield_when_idle=1
mkdir -p results/quickstart
"$MPIRUN" -n 2 "$build_folder/release/piadm" sample digits --samples 32 \
  --method ddpm --steps 1000 --window 16 \
  --out results/quickstart/samples.npy \
  --images results/quickstart/samples.png \
  --report results/quickstart/report.json
