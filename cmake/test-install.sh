#!/bin/bash
# Installs a build, moves it, and uses it as a user would. The last line counts the
# checks.
#
#   cmake/test-install.sh BUILD
set -euo pipefail
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cmake --install "$build" --prefix "$folder/first" >/dev/null
# No file may contain the path of the installation.
prefix="$folder/another place"
mv "$folder/first" "$prefix"
piadm="$prefix/bin/piadm"
version=$("$piadm" --version)
cd "$folder"

passed=0
failed=0
check() {
  local what=$1
  shift
  if "$@" >log 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
    cat log
  fi
}
# says WORDS COMMAND...: succeeds if the command prints the words, with any exit code.
says() {
  local words=$1
  shift
  "$@" >output 2>&1 || true
  cat output
  grep -q -e "$words" output
}
none() { ! "$@"; }
libraries_with() { ldd "$piadm" | grep "$1"; }
folders_of_the_build() {
  strings -a "$piadm" | grep -e "$build" -e "$(realpath "$(dirname "$(command -v swift)")/../..")"
}
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig:${PKG_CONFIG_PATH:-}"
# compiles FILE PROGRAM: compiles as described in cmake/README.md.
compiles() {
  # pkg-config escapes spaces for a shell.
  eval "swiftc -O $(pkg-config --cflags-only-I piadm) '$1' \
    $(pkg-config --libs-only-L --libs-only-l piadm) -o $2"
}
example_runs() {
  local top
  top=$(cd "$here/.." && pwd)
  compiles "$top/Tests/Programs/ReadmeExample/main.swift" example && ./example
}
every_module_is_imported() {
  local module
  for module in "$prefix"/lib/piadm/*.swiftmodule; do
    echo "import $(basename "$module" .swiftmodule)"
  done >all.swift
  # A program that opens a model links the libraries behind the C modules.
  echo 'print(try ModelSource("target.json").open(as: Double.self).shape)' >>all.swift
  compiles all.swift all && says '^\[4\]' ./all
}
loads_as_module() {
  local lmod=$1
  # Lmod prints commands for the shell, and messages on standard error.
  (
    eval "$("$lmod" bash use "$prefix/share/modulefiles")"
    eval "$("$lmod" bash load "piadm/$version")"
    [[ $(command -v piadm) == "$piadm" && -x $PIADM_JOBS/sample.sbatch ]]
  )
}

echo '{"target": "gaussian", "dimension": 4, "mean": 0.5, "variances": 0.25}' >target.json
check "a target is sampled" says '^status: completed' "$piadm" sample target.json
# Without OpenVINO the built-in model is found, and the missing library is reported.
check "the built-in model is found" says '^status: completed\|libopenvino_c' \
  "$piadm" sample digits --steps 10 --images digits.png
ln -s "$piadm" link
check "... through a symbolic link" says '^status: completed\|libopenvino_c' ./link sample digits --steps 10
check "no Swift library is needed" none libraries_with swift
check "no library is missing" none libraries_with 'not found'
check "no folder of the build is in the program" none folders_of_the_build
check "a Swift program is compiled against the library, and runs" says '^sample 3: ' example_runs
check "every module of the library can be imported, and linked" every_module_is_imported
check "completions for bash are sound" bash -n "$prefix/share/bash-completion/completions/piadm"
check "the job files are there" bash -n "$prefix/share/piadm/jobs/sample.sbatch"
if command -v man >/dev/null; then
  check "the man page has the options" says '--tolerance' \
    env MANPATH="$prefix/share/man" MANWIDTH=120 man --encoding=ascii piadm
else
  echo "skipped: man is missing, so the man page is not rendered (apt-get install man-db)"
fi
lmod=${LMOD_CMD:-/usr/share/lmod/lmod/libexec/lmod}
if [[ -x $lmod ]]; then
  check "the modulefile puts the program on the path" loads_as_module "$lmod"
else
  echo "skipped: Lmod is missing, so the modulefile is not loaded (apt-get install lmod)"
fi

echo "$passed passed, $failed failed"
((failed == 0))
