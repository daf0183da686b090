#!/bin/bash
# Installs the same packages as quickstart.sh, builds everything once and runs all
# tests. The last line counts them.
#
#   jobs/test.sh [ompi|mpich]
set -euo pipefail
cd "$(dirname "$0")/.."

test_packages=(shellcheck iproute2)
# Their packages start services, which a user's machine does not need. The tests of the
# job files print how to install them.
[[ ${CI:-} != true ]] || test_packages+=(slurm-wlm munge)
. jobs/setup.sh "${1:-ompi}" "${test_packages[@]}"

# Optimized like the program: one build serves both.
swift build -c release --build-tests --scratch-path "$build_folder"
swift test -c release --skip-build --disable-xctest --scratch-path "$build_folder"
# Those of the Python package, whose runs are of Open MPI.
[[ ${1:-ompi} != ompi ]] || jobs/test-python.sh
