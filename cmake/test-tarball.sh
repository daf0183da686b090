#!/bin/bash
# Packs a build and runs it in a minimal Debian root with only the runtime packages of
# the MPI library: no Swift, no compiler, no libpng. The last line counts the checks.
#
#   cmake/test-tarball.sh BUILD
#
# Exit code 77: the test cannot run here, and has printed the reason.
set -euo pipefail
shopt -s extglob
if ((EUID != 0)) || ! command -v debootstrap >/dev/null; then
  echo "skipped: needs root, and debootstrap (apt-get install debootstrap)"
  exit 77
fi
build=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

(cd "$build" && cpack -B "$root/tmp-package" >/dev/null)
archive=$(compgen -G "$root/tmp-package/*.tar.gz")
debootstrap --variant=minbase bookworm "$root/bare" >"$root/log" 2>&1 || {
  echo "skipped: debootstrap cannot make a Debian root here: $(tail -n 1 "$root/log")"
  exit 77
}
bare=$root/bare
[[ ! -e /etc/resolv.conf ]] || cp /etc/resolv.conf "$bare/etc/"

# Runs the commands of the container recipe, and thereby tests them.
cp "$archive" "$bare/tmp/piadm.tar.gz"
sed -n '/^%post/,/^%/p' "$here/piadm.def" | grep -v '^%' >"$bare/tmp/post"
chroot "$bare" /bin/bash -e /tmp/post >"$root/log" 2>&1 || {
  cat "$root/log" >&2
  exit 1
}

passed=0
failed=0
check() {
  local what=$1
  shift
  if "$@" >"$root/output" 2>&1; then
    passed=$((passed + 1))
    echo "passed: $what"
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
    cat "$root/output"
  fi
}
# Mounts the kernel's file systems, as every container does. They disappear with the
# mount namespace of the command.
inside() {
  # shellcheck disable=SC2016 # expanded by the inner shell
  unshare --mount sh -c '
    mount -t proc proc "$0/proc" && mount --rbind /sys "$0/sys" && mount --rbind /dev "$0/dev" &&
      exec chroot "$0" /usr/bin/env -i PATH=/opt/piadm/bin:/usr/bin:/bin HOME=/root \
        OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 "$@"
  ' "$bare" "$@"
}
digest() { "$@" sample target.json --samples 4 --progress none | sed -n 's/^digest *//p'; }
draws_the_same() { [[ -n $outside && $(digest inside mpirun --oversubscribe -n 4 piadm) == "$outside" ]]; }
is_bare() { ! inside which swift gcc && ! compgen -G "$bare/usr/lib/*/lib@(png|swift)*"; }
finds_libraries() { ! inside ldd /opt/piadm/bin/piadm | grep 'not found'; }
tells_of_openvino() {
  local code=0
  inside piadm sample digits >"$root/said" 2>&1 || code=$?
  ((code == 69)) && grep 'pip install openvino' "$root/said"
}

echo '{"target": "gaussian-mixture", "means": [[2, 0], [-2, 0]], "variance": 0.05}' >"$root/target.json"
cp "$root/target.json" "$bare/target.json"
cd "$root"
outside=$(digest "$build/swift/release/piadm")

check "the root has no Swift, no compiler and no libpng" is_bare
check "the program starts" inside piadm --version
check "it finds all of its libraries" finds_libraries
check "it draws on 4 ranks what it draws outside" draws_the_same
check "without OpenVINO it says how to install it, with exit code 69" tells_of_openvino

echo "$passed passed, $failed failed"
((failed == 0))
