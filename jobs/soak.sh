#!/bin/bash
# Endurance test of piadm: many short runs, many kills at random moments with a
# resumed run after each, and one long run with its memory and descriptors measured.
# Every run must end with the bits of an uninterrupted run. The last line counts the
# checks.
#
#   jobs/soak.sh [RUNS [KILLS [ROUNDS]]]     1000 runs, 100 kills, 20000 rounds
#
# The program is $PIADM, by default .build/release/piadm.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
runs=${1:-1000} kills=${2:-100} rounds=${3:-20000}
piadm=$(realpath "${PIADM:-.build/release/piadm}") || exit 66
mpirun=${MPIRUN:-mpirun}
# More ranks than cores: a waiting rank yields its core.
export OMPI_MCA_mpi_yield_when_idle=1
if ((EUID == 0)); then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit
cat >mixture.json <<'JSON'
{"target": "gaussian-mixture", "variance": 0.05, "weights": [0.5, 0.3, 0.2],
 "means": [[1, 0, 0.5, -1, 0], [0, -1, 0.5, 0, 1], [-1, -1, 0, 0.25, -0.5]]}
JSON

passed=0 failed=0
pass() { passed=$((passed + 1)); }
fail() {
  failed=$((failed + 1))
  echo "failed: $*" >&2
  tail -n 5 log >&2
}

# Executes piadm on this number of ranks, without a launcher for one rank.
limit=()
start() {
  local ranks=$1
  shift
  if ((ranks == 1)); then
    exec "${limit[@]}" "$piadm" sample --progress none "$@"
  else
    exec "${limit[@]}" "$mpirun" --oversubscribe --bind-to none -n "$ranks" "$piadm" sample --progress none "$@"
  fi
}
digest() { sed -n 's/^digest *//p' log; }
# The options of a run by its number: the runs cover every kind of iteration in turn.
options() {
  local sets=(
    "--method piadm-sde" "--method ddpm --window 8" "--method piadm-ode --blocks 2 --corrector-steps 4"
    "--method dpm++2m --window 9" "--method ddim --anderson 2 --window 10" "--method ddpm --iterations 4 --blocks 3"
  )
  echo "${sets[$1 % ${#sets[@]}]} --steps 32 --samples 2"
}

references=()
for number in {0..5}; do
  # shellcheck disable=SC2046 # options are words.
  (start 1 mixture.json $(options "$number")) >log 2>&1
  references+=("$(digest)")
  [[ -n ${references[$number]} ]] || { fail "the reference of options $number"; exit 70; }
done

begin=$SECONDS
for ((i = 0; i < runs; i++)); do
  # shellcheck disable=SC2046
  (limit=(timeout 120) && start $((1 + i % 4)) mixture.json $(options "$i")) >log 2>&1
  code=$?
  if ((code == 0)) && [[ $(digest) == "${references[$((i % 6))]}" ]]; then pass; else
    fail "short run $i on $((1 + i % 4)) ranks, exit code $code"
  fi
done
echo "$runs short runs in $((SECONDS - begin)) s"

# Living ranks of the killed run, without zombies.
living() { pgrep -r D,R,S,T -f "^$piadm sample .*$folder/state" || true; }
# waits_for FILE: waits until it exists or the job has ended.
waits_for() { until [[ -e $1 ]] || ! kill -0 "$job" 2>/dev/null; do :; done; }

# Ends a random rank of the job: at a random time, during the write of a checkpoint,
# or during the write of the samples.
signals=(KILL TERM USR1) moments=(random checkpoint output)
begin=$SECONDS slowest=0 stopped=0 late=0 stuck=0
for ((i = 0; i < kills; i++)); do
  ranks=$((1 + i % 4)) signal=${signals[$((i / 4 % 3))]} moment=${moments[$((i / 12 % 3))]} set=$(((i + i / 12) % 6))
  rm -rf state samples.npy samples.npy.partial
  # shellcheck disable=SC2046
  (start "$ranks" mixture.json $(options "$set") --score-latency 0.05 \
    --checkpoint "$folder/state" --resume --every 0) >log 2>&1 &
  job=$!
  case $moment in
    random) sleep "$((RANDOM % 2)).$((RANDOM % 900 + 100))" ;;
    *) waits_for state/checkpoint ;;
  esac
  # Launchers need some time to start the ranks.
  members=()
  until ((${#members[@]})) || ! kill -0 "$job" 2>/dev/null; do mapfile -t members < <(living); done
  victim=${members[$((RANDOM % (${#members[@]} + (${#members[@]} == 0))))]:-$job}
  case $moment in
    checkpoint) waits_for state/checkpoint.partial ;;
    output) waits_for samples.npy.partial ;;
  esac
  # If the run had already ended, there was nothing to kill.
  kill -"$signal" "$victim" 2>/dev/null || late=$((late + 1))
  since=$(date +%s%N)
  # A signal other than KILL lets the run finish its round.
  for ((tick = 0; tick < 300; tick++)); do
    left=$(living | wc -l)
    ((left > 0)) || break
    sleep 0.1
  done
  waited=$((($(date +%s%N) - since) / 1000000))
  # Open MPI's launcher can hang after all ranks have ended, if one was killed while it
  # connected. The run is not lost, so the test continues.
  for ((tick = 0; tick < 100; tick++)); do
    kill -0 "$job" 2>/dev/null || break
    sleep 0.1
  done
  if kill -KILL "$job" 2>/dev/null; then stuck=$((stuck + 1)); fi
  wait "$job" 2>/dev/null
  code=$?
  [[ $signal == KILL ]] && ((waited > slowest)) && slowest=$waited
  ((code == 75)) && stopped=$((stopped + 1))
  if ((code != 0)) && [[ -e samples.npy ]]; then
    fail "kill $i: an output after exit code $code"
    continue
  fi
  if ((left > 0)) || { [[ $signal == KILL ]] && ((waited > 10000)); }; then
    fail "kill $i: $left ranks left, gone after $waited ms"
    continue
  fi
  # On another number of ranks.
  # shellcheck disable=SC2046
  (limit=(timeout 120) && start $((1 + (i + 1) % 4)) mixture.json $(options "$set") \
    --checkpoint "$folder/state" --resume) >log 2>&1
  resumed=$?
  if ((resumed == 0)) && [[ $(digest) == "${references[$set]}" ]]; then pass; else
    fail "kill $i ($signal at $moment on one of $ranks ranks, exit code $code): exit code $resumed, or other bits"
  fi
done
echo "$kills kills in $((SECONDS - begin)) s: ranks gone after $slowest ms at most, $stopped stopped with 75," \
  "$late came after the end, $stuck launchers hung without ranks"

# One run of many rounds of at least a millisecond each, long enough to measure: a
# window of one step moves once per round.
(start 2 mixture.json --steps "$rounds" --window 1 --tolerance 0 --score-latency 0.001 --checkpoint state2 --every 1) >log 2>&1 &
job=$!
first='' last=''
while kill -0 "$job" 2>/dev/null; do
  sleep 1
  rank=$(pgrep -P "$job" -f "$piadm" | head -1)
  [[ -n $rank && -r /proc/$rank/status ]] || continue
  now="$(sed -n 's/^VmRSS:\s*\([0-9]*\) kB/\1/p' "/proc/$rank/status") $(find "/proc/$rank/fd" 2>/dev/null | wc -l)"
  read -r memory descriptors <<<"$now"
  [[ -n ${memory:-} && ${descriptors:-0} -gt 1 ]] || continue
  # The set-up ends before the first state is stored.
  if [[ -z $first && -e state2/checkpoint ]]; then first=$now; fi
  last=$now
done
wait "$job"
code=$?
read -r memory0 descriptors0 <<<"${first:-0 0}"
read -r memory1 descriptors1 <<<"${last:-0 0}"
echo "$rounds rounds: memory $memory0 to $memory1 KiB, descriptors $descriptors0 to $descriptors1"
# A tenth is for memory that the allocator keeps.
if ((code == 0 && memory0 > 0 && memory1 <= memory0 + memory0 / 10 + 2048 && descriptors1 <= descriptors0)); then
  pass
else
  fail "the long run, exit code $code"
fi
echo "$passed passed, $failed failed"
((failed == 0))
