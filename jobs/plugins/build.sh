#!/bin/bash
# Builds the example plug-ins in C and Fortran into FOLDER; those in Python need no build.
#
#   jobs/plugins/build.sh [FOLDER]        (default: results/plugins)
#
# Needs cc and gfortran, which `. jobs/setup.sh` installs.
set -euo pipefail
folder=$(realpath -m "${1:-results/plugins}")
mkdir -p "$folder"
cd "$(dirname "$0")/../.."

cc -O2 -Wall -Wextra -Werror -shared -fPIC -I Sources/CScorePlugin/include \
  -o "$folder/gaussian.so" jobs/plugins/gaussian.c
gfortran -O2 -Wall -Wno-unused-dummy-argument -Werror -shared -fPIC -J "$folder" \
  -o "$folder/two_wells.so" jobs/plugins/two_wells.f90
