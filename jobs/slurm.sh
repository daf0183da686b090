# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # shares variables with the job files that source it
# The common part of the job files, which source it. `jobs` is the folder of this
# file.
#
# Loads the site's environment.sh, and sets
#   piadm            the program: $PIADM, that of the checkout, or the one in PATH
#   mpirun           the launcher with its options, an array
#   tasks            ranks to start: those of the job, or $RANKS outside Slurm

if [[ -r $jobs/environment.sh ]]; then
  # shellcheck source=environment.example
  . "$jobs/environment.sh"
fi

piadm=${PIADM:-$(dirname "$jobs")/.build/release/piadm}
[[ -n ${PIADM:-} || -x $piadm ]] || piadm=piadm
if ! command -v "$piadm" >/dev/null; then
  echo "$piadm: no such program; build or install it, or name it in PIADM" >&2
  exit 66
fi

# Open MPI detects a lost node after 30 + 3 * 5 s without an answer. Its default is
# eight minutes, longer than --stall-timeout.
export OMPI_MCA_oob_tcp_keepalive_time=${OMPI_MCA_oob_tcp_keepalive_time:-30}
export OMPI_MCA_oob_tcp_keepalive_intvl=${OMPI_MCA_oob_tcp_keepalive_intvl:-5}
export OMPI_MCA_oob_tcp_keepalive_probes=${OMPI_MCA_oob_tcp_keepalive_probes:-3}

tasks=${SLURM_NTASKS:-${RANKS:-1}}
processors=${SLURM_CPUS_PER_TASK:-1}

# Every rank gets its own processors, as many as the job requests with
# --cpus-per-task. An `mpirun` in environment.sh takes precedence.
if [[ -z ${mpirun+set} ]]; then
  mpirun=("${MPIRUN:-mpirun}")
  if [[ -n ${SLURM_JOB_ID:-} ]]; then
    case $("${mpirun[0]}" --version 2>&1) in
      *'Open MPI'* | *OpenRTE*) mpirun+=(--bind-to core --map-by "slot:PE=$processors") ;;
      *HYDRA*) mpirun+=(-bind-to "core:$processors") ;;
    esac
  fi
fi

# The exit code of a run that has left a checkpoint and can be resumed.
checkpointed=75

# Runs a command of `piadm sample` and returns its exit code. At the time limit the
# job returns to the queue, as often as the run needs.
#
# Slurm sends SIGUSR1 before the time limit (#SBATCH --signal). The run then leaves
# a checkpoint and the job returns to the queue. SIGTERM, from a user or from a
# preempting job, also leaves a checkpoint, but its sender decides whether the job
# continues. After $PIADM_REQUEUES returns the job ends: its time limit may be too
# short for a single round.
run_and_requeue() {
  local launcher='' signalled='' code=0 most=${PIADM_REQUEUES:-100}
  # Launchers pass SIGUSR1 on to the ranks; on SIGTERM they would kill the ranks.
  trap 'kill -USR1 "$launcher" 2>/dev/null' USR1
  trap 'signalled=TERM; kill -USR1 "$launcher" 2>/dev/null' TERM
  "$@" &
  launcher=$!
  # A trapped signal ends `wait`, not the launcher.
  while kill -0 "$launcher" 2>/dev/null; do wait "$launcher" || true; done
  wait "$launcher" || code=$?
  trap - USR1 TERM

  if ((code == checkpointed)) && [[ -n ${SLURM_JOB_ID:-} && -z $signalled ]]; then
    if ((${SLURM_RESTART_COUNT:-0} >= most)); then
      echo "job $SLURM_JOB_ID has run $((most + 1)) times: give it more time, or raise PIADM_REQUEUES" >&2
    else
      echo "job $SLURM_JOB_ID goes back to the queue"
      scontrol requeue "$SLURM_JOB_ID" || true
    fi
  fi
  return "$code"
}

# Samples with the launcher in the arguments before `--` and the options of `piadm
# sample` after it, and resumes from this job's own checkpoint.
sample_with() {
  local launcher=() own code=0
  while [[ $1 != -- ]]; do
    launcher+=("$1")
    shift
  done
  shift
  own=checkpoint-${SLURM_JOB_ID:-0}
  if [[ " $* " == *' --checkpoint'[\ =]* ]]; then
    run_and_requeue "${launcher[@]}" "$piadm" sample "$@" --resume || code=$?
  else
    run_and_requeue "${launcher[@]}" "$piadm" sample "$@" --checkpoint "$own" --resume || code=$?
    ((code != 0)) || rm -rf "$own"
  fi
  return "$code"
}
