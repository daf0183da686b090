#!/bin/bash
# Starts a Slurm of two nodes on this machine, submits the job files to it, and
# compares the results with runs outside Slurm. The last line counts the checks.
#
#   jobs/test-slurm.sh [PROGRAM]       PROGRAM: piadm; .build/release/piadm by default
#   jobs/test-slurm.sh --may-run       prints what is missing here
#
# Exit code 77: the test cannot run here, and has printed the reason. It needs no
# service of the machine: it has its own keys, ports, logs and processes, and removes
# them at the end.
set -euo pipefail

# The exit code of a skipped test, also for ctest.
skipped=77
for program in munged slurmctld slurmd sbatch; do
  PATH=$PATH:/usr/sbin command -v "$program" >/dev/null || {
    echo "skipped: $program is missing (apt-get install slurm-wlm munge)"
    exit $skipped
  }
done
((EUID == 0)) || {
  echo "skipped: slurmd starts jobs as root only"
  exit $skipped
}
[[ ${1:-} != --may-run ]] || exit 0

PATH=$PATH:/usr/sbin
top=$(cd "$(dirname "$0")/.." && pwd)
PIADM=$(realpath "${1:-$top/.build/release/piadm}")
export PIADM
cluster=$(mktemp -d)
host=$(hostname -s)
port=$((20000 + $$ % 10000))

mkdir "$cluster"/{node1,node2,jobs,work}
dd if=/dev/urandom of="$cluster/munge.key" bs=32 count=1 status=none
chmod 600 "$cluster/munge.key"
cat >"$cluster/slurm.conf" <<CONF
ClusterName=piadm
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SlurmUser=root
SlurmctldPidFile=$cluster/slurmctld.pid
SlurmctldLogFile=$cluster/slurmctld.log
StateSaveLocation=$cluster/state
SlurmdPidFile=$cluster/slurmd-%n.pid
SlurmdLogFile=$cluster/slurmd-%n.log
SlurmdSpoolDir=$cluster/spool-%n
# PMIx creates folders of the same name on every node, but these nodes share a disk.
TmpFS=$cluster/%n
# A requeued job waits until its first credential expires, by default after 120 s. On
# a busy machine a job may need seconds of this time to start.
AuthInfo=socket=$cluster/munge.socket,cred_expire=20
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=2
# More processors than the machine has, so that several jobs run at the same time.
SlurmdParameters=config_overrides
NodeName=node[1-2] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=16
PartitionName=main Nodes=node[1-2] Default=YES MaxTime=60 State=UP
CONF
export SLURM_CONF=$cluster/slurm.conf

stop() {
  scancel --quiet --user=root 2>/dev/null || true
  for daemon in slurmd-node1 slurmd-node2 slurmctld munged; do
    [[ ! -e $cluster/$daemon.pid ]] || kill "$(<"$cluster/$daemon.pid")" || true
  done
  # The daemons remove these files as their last action.
  for _ in {1..50}; do
    compgen -G "$cluster/*.pid" >/dev/null || break
    sleep 0.2
  done
  rm -rf "$cluster"
}
trap stop EXIT

munged --force --key-file="$cluster/munge.key" --socket="$cluster/munge.socket" \
  --pid-file="$cluster/munged.pid" --log-file="$cluster/munged.log" --seed-file="$cluster/munge.seed"
slurmctld -c
slurmd -N node1
slurmd -N node2
for _ in {1..50}; do
  [[ $(sinfo --noheader --format=%t%D) != idle2 ]] || break
  sleep 0.2
done
if [[ $(sinfo --noheader --format=%t%D) != idle2 ]]; then
  echo "the nodes did not come up:" >&2
  tail -n 5 "$cluster"/*.log >&2
  exit 1
fi

# The job files with the environment.sh of this site. Both nodes are the same host, so
# shared memory would fail, and binding would use the same cores twice.
cp "$top"/jobs/*.{sbatch,py} "$top/jobs/slurm.sh" "$cluster/jobs"
cat >"$cluster/jobs/environment.sh" <<'SITE'
export OMPI_MCA_btl=tcp,self OMPI_MCA_mpi_yield_when_idle=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_orte_tmpdir_base=$(dirname "$SLURM_CONF")/ompi
mpirun=("${MPIRUN:-mpirun}" --bind-to none)
# MPICH connects its ranks by PMI.
[[ $("${mpirun[0]}" --version 2>&1) != *HYDRA* ]] || export SRUN_MPI=pmi2
SITE
# Open MPI removes its folder for a host at the end of the last run there, sometimes
# while another run starts. A file in the folder prevents this.
mkdir -p "$cluster/ompi/ompi.$host.0"
touch "$cluster/ompi/ompi.$host.0/keep"
jobs=$cluster/jobs
cd "$cluster/work"
echo '{"target": "gaussian-mixture", "means": [[2, 0, 1], [-2, 0, 0.5]], "variance": 0.05}' >target.json

passed=0
failed=0
# check WHAT COMMAND...: counts whether the command succeeds.
check() {
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
    echo "passed: $what"
  else
    failed=$((failed + 1))
    echo "FAILED: $what"
  fi
}

four_ranks=(--parsable --nodes=2 --ntasks=4 --ntasks-per-node=2)
sample=(target.json --samples 5 --steps 60)
# About 45 s of waiting, cut by the time limit of a minute: Slurm sends its signal 10 to
# 40 s after the start, because it checks the limits every 30 s.
slow=(target.json --samples 2 --steps 240 --window 8 --score-latency 0.6)

# Draws, in one process of this shell, the samples that the jobs must reproduce.
draw() { "$PIADM" sample "$@" --progress none >/dev/null; }

cut=$(sbatch "${four_ranks[@]}" --time=1 --signal=B:USR1@20 "$jobs/sample.sbatch" "${slow[@]}" --out cut.npy)
ended=$(sbatch "${four_ranks[@]}" --time=5 "$jobs/sample.sbatch" "${slow[@]}" --out ended.npy)
array=$(sbatch --parsable --ntasks=2 --array=0-2 --time=5 "$jobs/array.sbatch" "${sample[@]}")
# A signal before the program has installed its handler would end the program.
for _ in {1..300}; do
  ! grep -qs '^round' "piadm-sample-$ended.out" || break
  sleep 0.1
done
# If the job has already ended, its checks fail and print its output.
scancel --batch --signal=TERM "$ended" || true

# code JOB: waits for a job's end and prints its exit code.
code() {
  local record
  while record=$(scontrol show job "$1"); do
    case $record in *JobState=COMPLETED* | *JobState=FAILED* | *JobState=CANCELLED* | *JobState=TIMEOUT*) break ;; esac
    sleep 0.5
  done
  sed -n 's/^ .*ExitCode=\([0-9]*\):.*/\1/p' <<<"$record"
}
# ends_with JOB CODE[|CODE...]
ends_with() {
  local ended
  ended=$(code "$1")
  [[ $ended =~ ^($2)$ ]] || {
    echo "job $1 ended with $ended"
    return 1
  }
}

draw "${sample[@]}" --out local.npy
mpi=$(sbatch "${four_ranks[@]}" --time=5 "$jobs/sample.sbatch" "${sample[@]}" --out mpirun.npy)
srun=$(sbatch "${four_ranks[@]}" --time=5 "$jobs/sample-srun.sbatch" "${sample[@]}" --out srun.npy)
missing=$(sbatch "${four_ranks[@]}" --time=5 "$jobs/sample.sbatch" nowhere)
untrained=$(PYTHON=/bin/false sbatch --parsable "$jobs/train-digits.sbatch")
scaling=$(RANKS=4 WINDOWS=4 STEPS=8 sbatch "${four_ranks[@]}" --time=5 "$jobs/scaling.sbatch" target.json)

check "sample.sbatch on two nodes with four ranks ends well" ends_with "$mpi" 0
check "... and leaves the bits of a run outside Slurm" cmp mpirun.npy local.npy
check "... with ranks on the second node" grep -q "launch task StepId=$mpi.0 " "$cluster/slurmd-node2.log"
check "sample-srun.sbatch ends well" ends_with "$srun" 0
check "... and leaves the same bits" cmp srun.npy local.npy
killed=$(sbatch "${four_ranks[@]}" --time=5 "$jobs/sample-srun.sbatch" "${slow[@]}" --out killed.npy)
for _ in {1..600}; do
  ! grep -qs '^round' "piadm-sample-$killed.out" || break
  sleep 0.1
done
# The newest process with these arguments is a rank.
pkill -KILL --newest --full ' sample .*killed[.]npy' || true
SECONDS=0
# srun returns the highest code of its ranks: 128 + SIGKILL of this rank, or 128 +
# SIGSEGV of a neighbour, because Open MPI's TCP component can crash when it loses a peer.
check "a rank that is killed ends a job of srun" ends_with "$killed" '137|139'
check "... on all ranks within 10 s" test "$SECONDS" -le 10
check "... and leaves no samples" test ! -e killed.npy
# Slurm detects a killed rank. If a rank ends by itself, Slurm by default does not end
# the ranks that wait for it.
cat >leaving <<RANK
#!/bin/bash
((SLURM_PROCID != 3)) || exit 3
exec "$PIADM" "\$@"
RANK
chmod +x leaving
SECONDS=0
left=$(PIADM=$PWD/leaving sbatch "${four_ranks[@]}" --time=5 "$jobs/sample-srun.sbatch" "${sample[@]}" --out left.npy)
check "a rank that leaves at the start ends a job of srun, too" test "$(code "$left")" != 0
check "... which tells of it" grep -q 'task 3: Exited with exit code 3' "piadm-sample-$left.out"
check "... long before --stall-timeout" test "$SECONDS" -le 60
check "... and leaves no samples" test ! -e left.npy
check "a model that is not there ends the job with 66" ends_with "$missing" 66
check "training without its packages ends with 69" ends_with "$untrained" 69
check "scaling.sbatch ends well" ends_with "$scaling" 0
check "... with a row for every number of ranks" test \
  "$(grep -c '^ *[124]  ' "piadm-scaling-$scaling/scaling.txt")" = 6

for seed in 0 1 2; do draw "${sample[@]}" --seed $seed --out "seed-$seed.npy"; done
check "an array of three ends well" ends_with "${array}_2" 0
while squeue --noheader --jobs="$array" 2>/dev/null | grep -q .; do sleep 0.5; done
# 5 samples of 3 numbers of 4 bytes, after the header.
for seed in 0 1 2; do tail -c 60 "seed-$seed.npy"; done >expected
check "... and joins the samples of its seeds" cmp <(tail -c 180 "piadm-array-$array.npy") expected

check "a job that is asked to end leaves with 75" ends_with "$ended" 75
check "... and is not queued again" grep -q 'Restarts=0' <(scontrol show job "$ended")
check "... its checkpoint stays" test -d "checkpoint-$ended"
check "... and no samples" test ! -e ended.npy

draw "${slow[@]}" --score-latency 0 --out whole.npy
check "a job cut by its time limit ends by itself" ends_with "$cut" 0
check "... after it was queued again" grep -q 'Restarts=[1-9]' <(scontrol show job "$cut")
check "... with the bits of a run that was never cut" cmp cut.npy whole.npy
check "... and takes its checkpoint away" test ! -e "checkpoint-$cut"

if ((failed)); then tail -n 15 ./*.out "$cluster"/*.log >&2; fi
echo "$passed passed, $failed failed"
((failed == 0))
