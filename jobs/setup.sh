# shellcheck shell=bash
# shellcheck disable=SC2034 # build_folder is for the scripts that source this
# Installs the packages that piadm needs to build and run. quickstart.sh and test.sh
# source it from the top folder of the checkout. Installed packages are not changed.
#
#   . jobs/setup.sh [ompi|mpich] [PACKAGE]...
#
# PACKAGE: further Debian packages that the caller needs. Sets `build_folder`, the
# build folder for this MPI library, and `MPIRUN`, its launcher. For the root user it
# also allows Open MPI to run as root.

# 69 is EX_UNAVAILABLE of sysexits.h: a required program or package is missing.
unavailable=69

case ${1:-ompi} in
  ompi)
    export MPI_PKG_CONFIG=ompi-c MPIRUN=mpirun.openmpi
    mpi_packages=(openmpi-bin libopenmpi-dev)
    build_folder=.build
    ;;
  mpich)
    export MPI_PKG_CONFIG=mpich MPIRUN=mpirun.mpich
    mpi_packages=(mpich libmpich-dev)
    build_folder=.build-mpich
    ;;
  *)
    echo "$0: '$1' is no MPI library known here; say ompi or mpich" >&2
    exit 64
    ;;
esac

# swift.org's installer puts Swift there, and adds it to PATH of new shells only.
[[ -n ${HOME:-} ]] && PATH=$PATH:$HOME/.local/share/swiftly/bin

# g++ installs the C and C++ libraries and the linker that Swift needs.
packages=(
  "${mpi_packages[@]}" libpng-dev libssl-dev librandom123-dev pkg-config hdf5-tools
  python3 python3-venv g++ git ca-certificates tzdata
  # The example plug-in in Fortran.
  gfortran
  "${@:2}"
)
# Libraries that the Swift tools themselves need.
if swift=$(command -v swift) &&
  [[ $(ldd "$(dirname "$(readlink -f "$swift")")/swift-package" 2>/dev/null) == *'not found'* ]]; then
  packages+=(libcurl4 libncurses6 libsqlite3-0 libxml2)
fi

missing=()
for package in "${packages[@]}"; do
  # shellcheck disable=SC2016 # dpkg-query expands the format.
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
  [[ $status == installed ]] || missing+=("$package")
done
if ((${#missing[@]})); then
  install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ((EUID == 0)); then
    as_root=(env)
  elif sudo -n true 2>/dev/null; then
    as_root=(sudo)
  else
    echo "$0: packages are missing. Install them, then run this again:" >&2
    echo "  sudo apt-get update && sudo ${install[*]}" >&2
    exit "$unavailable"
  fi
  "${as_root[@]}" apt-get update
  "${as_root[@]}" DEBIAN_FRONTEND=noninteractive "${install[@]}"
fi

if ! swift --version >/dev/null 2>&1; then
  echo "$0: Swift 6.2 or later is missing. Install it, then run this again:" >&2
  echo "  https://www.swift.org/install/linux" >&2
  exit "$unavailable"
fi

# A virtual environment has no working pip if its creation was interrupted.
if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
  python3 -m venv --clear .venv
fi
# Does nothing, without network access, if the requirements are installed.
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r jobs/requirements.txt

if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
