"""piadm.sample with targets, functions and faults."""
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import piadm
from conftest import closed_form, gaussian_score

OPTIONS = dict(steps=40, samples=3, precision="double", tolerance=1e-9, chunk=8, batch=16, window="off", replicas=1,
               progress=False)


def test_a_function_gives_the_closed_forms_samples_on_any_ranks(gaussian):
    exact = piadm.sample(closed_form(5), **OPTIONS)
    alone = piadm.sample(gaussian, shape=(5,), predicts="score", **OPTIONS)
    shared = piadm.sample(gaussian, shape=(5,), predicts="score", ranks=2, **OPTIONS)
    # Both compute in double precision, to a tolerance of 1e-9 a step.
    assert np.abs(alone.samples - exact.samples).max() < 1e-7
    assert alone.samples.dtype == np.float64 and alone.samples.shape == (3, 5)
    assert shared.report["digest"] == alone.report["digest"]
    assert shared.report["ranks"] == 2 and shared.report["status"] == "completed"


def test_a_closure_of_a_notebook_runs_on_the_ranks():
    namespace = {}
    exec("width = 0.04\ndef score(y, alpha, sigma):\n  return -y / (alpha**2 * width + sigma**2)", namespace)
    samples, _ = piadm.sample(namespace["score"], shape=(2, 3), predicts="score", ranks=2, **OPTIONS)
    assert samples.shape == (3, 2, 3) and np.isfinite(samples).all()


def test_large_arrays_of_a_target_become_files():
    means = np.zeros((2, 900))
    means[0], means[1] = 1, -1
    samples, _ = piadm.sample({"target": "gaussian-mixture", "means": means, "variance": 0.01}, **OPTIONS)
    # Each sample is about one of the means, 0.1 away in every direction.
    assert np.abs(np.abs(samples.mean(1)) - 1).max() < 0.1


def test_conditions_of_a_function_belong_to_their_samples():
    def score(y, alpha, sigma, centre):
        return -(y - alpha * centre[:, None]) / (alpha**2 * 0.01 + sigma**2)

    centres = np.array([-2.0, 0.0, 3.0])
    options = dict(OPTIONS, shape=(50,), predicts="score", conditions={"centre": centres})
    one, two = (piadm.sample(score, ranks=ranks, **options) for ranks in (None, 2))
    # Means of 50 numbers of deviation 0.1: 0.014, of which five are allowed.
    assert np.abs(one.samples.mean(1) - centres).max() < 0.08
    assert one.report["digest"] == two.report["digest"]


def test_what_a_function_must_keep_is_checked_before_the_start(gaussian):
    def narrow(y, alpha, sigma):
        return y[:, :1]

    def company(y, alpha, sigma):
        return y - y.mean(0)

    random = np.random.default_rng(0)
    with pytest.raises(ValueError, match="returned shape"):
        piadm.sample(narrow, shape=(4,), predicts="score")
    with pytest.raises(ValueError, match="other rows of its batch"):
        piadm.sample(company, shape=(4,), predicts="score")
    with pytest.raises(ValueError, match="random numbers"):
        piadm.sample(lambda y, a, s: random.normal(size=y.shape), shape=(4,), predicts="score")
    with pytest.raises(ZeroDivisionError):
        piadm.sample(lambda y, a, s: 1 / 0, shape=(4,), predicts="score")
    with pytest.raises(TypeError, match="shape is missing"):
        piadm.sample(gaussian)


def test_the_programs_messages_are_exceptions(gaussian):
    with pytest.raises(piadm.UsageError, match="--steps must be from 1"):
        piadm.sample(closed_form(2), steps=0)
    with pytest.raises(piadm.MissingFileError, match="no such model"):
        piadm.sample("nowhere")
    with pytest.raises(piadm.DataError, match="variances") as caught:
        piadm.sample({"target": "gaussian", "dimension": 2, "mean": 0, "variances": -1}, ranks=2)
    assert caught.value.exit_code == 65
    with pytest.raises(piadm.OutputError, match="folder does not exist"):
        piadm.sample(closed_form(2), out="nowhere/samples.npy")


def test_an_exception_in_a_rank_has_its_file_and_line():
    def fails_near_the_data(y, alpha, sigma):
        if (sigma < 0.05).any():
            raise ArithmeticError("too near")
        return -y

    line = fails_near_the_data.__code__.co_firstlineno + 2
    for ranks in (None, 2):
        with pytest.raises(piadm.RunError, match=rf"ArithmeticError: too near \(.*test_sample.py, line {line}, in ") as caught:
            piadm.sample(fails_near_the_data, shape=(3,), predicts="score", steps=40, ranks=ranks, progress=False)
        assert caught.value.exit_code == 70


def slow(y, alpha, sigma):
    time.sleep(0.05)
    return gaussian_score(y, alpha, sigma)


def children(of):
    """All processes below this one."""
    found = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True).stdout
    rows = [line.split(None, 2) for line in found.splitlines()]
    below, result = {str(of)}, []
    for _ in range(5):
        for pid, parent, *arguments in rows:
            if parent in below and pid not in below:
                below.add(pid)
                result.append((int(pid), " ".join(arguments)))
    return result


def in_background(action):
    thread = threading.Thread(target=action)
    thread.start()
    return thread


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_dead_rank_is_an_exception_and_leaves_nobody():
    began = threading.Event()

    def kill():
        began.wait(60)
        ranks = [pid for pid, command in children(os.getpid()) if " sample " in command and "mpirun" not in command]
        os.kill(ranks[-1], signal.SIGKILL)

    killer = in_background(kill)
    with pytest.raises(piadm.RunError, match="(?i)signal 9|killed|exited"):
        piadm.sample(slow, shape=(3,), predicts="score", steps=400, window=4, ranks=2,
                     progress=lambda done, total, text: began.set())
    killer.join()
    wait_for(lambda: not any("sample" in command for _, command in children(os.getpid())), 20)


def test_a_dead_python_is_told(gaussian):
    def dies(y, alpha, sigma):
        if (sigma < 0.05).any():
            os._exit(3)
        return -y

    with pytest.raises(piadm.RunError, match="Python ended with code 3"):
        piadm.sample(dies, shape=(3,), predicts="score", steps=40, ranks=2, progress=False)


@pytest.mark.parametrize("keeps", [False, True])
def test_an_interrupt_ends_all_ranks(keeps, tmp_path):
    began = threading.Event()

    def interrupt():
        began.wait(60)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    options = dict(shape=(3,), predicts="score", steps=200, window=4, seed=3)
    interrupter = in_background(interrupt)
    with pytest.raises(KeyboardInterrupt):
        piadm.sample(slow, ranks=2, progress=lambda *_: began.set(), **options,
                     **({"checkpoint": "state"} if keeps else {}))
    interrupter.join()
    wait_for(lambda: not any("sample" in command for _, command in children(os.getpid())), 20)
    assert sorted(os.listdir(tmp_path)) == (["state"] if keeps else [])
    if keeps:
        resumed = piadm.sample(slow, progress=False, checkpoint="state", resume=True, **options)
        whole = piadm.sample(slow, progress=False, **options)
        assert resumed.report["checkpoints"]["resumedAfterRound"] > 0
        assert resumed.report["digest"] == whole.report["digest"]


def test_progress_ends_with_all_steps(gaussian):
    seen = []
    piadm.sample(gaussian, shape=(3,), predicts="score", steps=30,
                 progress=lambda done, total, text: seen.append((done, total)))
    assert seen[-1] == (30, 30)


def test_plan_returns_predictions(gaussian):
    record = piadm.plan(gaussian, shape=(8,), predicts="score", steps=50, pilot_seconds=0.5)
    assert record["predictions"] if "predictions" in record else record


def test_the_package_is_typed():
    mypy = pytest.importorskip("mypy", reason="mypy is not installed: types were not checked")
    from conftest import TOP

    found = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "pyproject.toml", "piadm"], cwd=TOP / "Sources/Python",
        capture_output=True, text=True)
    assert found.returncode == 0, found.stdout
