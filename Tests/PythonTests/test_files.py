"""What runs leave, as other programs open it."""
import hashlib
import json
import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

import piadm
from conftest import closed_form

xarray = pytest.importorskip("xarray", reason="xarray is not installed: no HDF5 file and no Zarr store was opened")

MIXTURE = {"target": "gaussian-mixture", "means": np.eye(2, 64).reshape(2, 64) * 3, "variance": 0.05}
OPTIONS = dict(steps=40, window=8, chunk=4, batch=64, seed=4, precision="single", progress=False, solver="picard")


def test_hdf5_is_netcdf4_with_names_units_and_conditions():
    values = np.array([0.5, -0.5, 1.0])
    piadm.sample(lambda y, a, s, centre: -(y - a * centre[:, None, None]) / (a**2 * 0.1 + s**2), shape=(4, 6),
                 predicts="score", samples=3, first_sample=5, hdf5="run.h5", conditions={"centre": values}, **OPTIONS)
    for engine in ("h5netcdf", "netcdf4"):
        if engine == "netcdf4":
            pytest.importorskip("netCDF4")
        with xarray.open_dataset("run.h5", engine=engine) as data:
            assert data.samples.dims == ("sample", "y", "x") and data.samples.shape == (3, 4, 6)
            assert data.sample.values.tolist() == [5, 6, 7]
            assert data.noise_times.dims == ("noise_times",) and len(data.noise_times) == 41
            assert data.condition_centre.dims == ("sample",) and np.allclose(data.condition_centre, values)
            assert data.changes.dims == ("round", "slice")
            assert data.attrs["Conventions"].startswith("CF") and data.samples.attrs["units"] == "1"
            text = data.report.values.item()
            assert json.loads(text if isinstance(text, str) else text.decode())["samples"] == 3


@pytest.mark.parametrize("shape, names", [
    ((3, 5, 5), ("channel", "y", "x")), ((5, 5, 3), ("y", "x", "channel")), ((4, 5, 6), ("z", "y", "x")),
    ((7,), ("element",)), ((2, 3, 4, 5, 6), ("axis_0", "axis_1", "axis_2", "axis_3", "axis_4"))])
def test_axes_have_the_names_of_their_kind(shape, names):
    piadm.sample(lambda y, a, s: -y, shape=shape, predicts="score", samples=2, out="run.zarr", hdf5=None, **OPTIONS)
    assert piadm.open("run.zarr").samples.dims == ("sample", *names)


def test_reports_keep_their_schema():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed: no report was validated")
    validator = jsonschema.Draft202012Validator(piadm.report_schema())
    kinds = [dict(), dict(solver="sequential", window=None, chunk=None), dict(window=None, blocks=2, method="piadm-ode"),
             dict(at_once=1), dict(window="4:16"), dict(iterations=5, window=None), dict(ranks=2, replicas=2)]
    names = set()
    for kind in kinds:
        report = piadm.sample(MIXTURE, samples=2, **{**OPTIONS, **kind}).report
        assert not [error.message for error in validator.iter_errors(report)], kind
        names.add(frozenset(report["options"]))
    assert len(names) == 1, "every kind of run has the same options"
    broken = {**report, "rounds": "80"}
    assert not validator.is_valid(broken)


def test_provenance_has_the_hash_of_every_file():
    np.save("times.npy", np.array([3.0, 1.0, 0.1]))
    Path("target.json").write_text(json.dumps({"target": "gaussian", "dimension": 2, "mean": "mean.npy", "variances": 1}))
    np.save("mean.npy", np.zeros(2))
    report = piadm.sample("target.json", times="times.npy", progress=False).report
    found = {os.path.basename(file["path"]): file["sha256"] for file in report["provenance"]["files"]}
    assert found == {name: hashlib.sha256(Path(name).read_bytes()).hexdigest()
                     for name in ("target.json", "mean.npy", "times.npy")}
    assert report["noiseTimes"] == pytest.approx([3.0, 1.0, 0.1])
    assert report["provenance"]["commandLine"][1] == "sample" and report["provenance"]["date"].endswith("Z")


def test_an_ensemble_is_one_dataset_however_it_was_drawn():
    """Groups, killed twice, extended on other ranks: the bits of a single run."""
    whole = piadm.sample(MIXTURE, samples=150, ranks=2, **OPTIONS)
    with pytest.raises(piadm.RunError):
        kill_after("group    3", 100)
    with pytest.raises(piadm.RunError):
        kill_after("group    6", 100, resume=True)
    piadm.sample(MIXTURE, samples=100, at_once=10, out="run.zarr", resume=True, **OPTIONS)
    assert len(piadm.open("run.zarr").samples) == 100
    last = piadm.sample(MIXTURE, samples=50, first_sample=100, out="run.zarr", resume=True, ranks=3, **OPTIONS)
    assert last.report["groups"] == {"samples": 10, "drawn": 5, "found": 0}
    data = piadm.open("run.zarr")
    assert np.array_equal(data.samples.values, whole.samples)
    assert data.samples.dims == ("sample", "element") and data.sample.values.tolist() == list(range(150))
    assert len(data.noise_time) == 41
    again = piadm.sample(MIXTURE, samples=150, out="run.zarr", resume=True, **OPTIONS)
    assert again.report["groups"]["found"] == 15 and again.report["digest"] == whole.report["digest"]


def kill_after(word, samples, **options):
    """A run that is killed when it says a word."""
    import piadm._program as program

    original = subprocess.Popen

    class Popen(original):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            self.stdout = watched(self, self.stdout)

    def watched(process, stream):
        class Stream:
            def __iter__(self):
                for line in stream:
                    if line.startswith(word):
                        os.killpg(process.pid, signal.SIGKILL)
                    yield line

            close = stream.close

        return Stream()

    program.subprocess.Popen = Popen
    try:
        piadm.sample(MIXTURE, samples=samples, at_once=10, out="run.zarr",
                     **{**OPTIONS, **options, "progress": lambda *_: None})
    finally:
        program.subprocess.Popen = original


def test_an_array_in_groups_has_the_bits_of_a_single_run():
    whole = piadm.sample(MIXTURE, samples=25, **OPTIONS)
    groups = piadm.sample(MIXTURE, samples=25, at_once=10, out="samples.npy", **OPTIONS)
    assert groups.report["digest"] == whole.report["digest"] and np.array_equal(groups.samples, whole.samples)
    assert sorted(os.listdir()) == ["samples.npy"]
    part = piadm.sample(MIXTURE, samples=7, first_sample=12, **OPTIONS)
    assert np.array_equal(part.samples, whole.samples[12:19])


def test_stores_refuse_what_is_not_theirs():
    piadm.sample(MIXTURE, samples=4, at_once=2, out="run.zarr", **OPTIONS)
    for options, error, words in [
        (dict(), piadm.DataError, "is there already; --resume"),
        (dict(resume=True, seed=9), piadm.DataError, "--seed 4, not 9"),
        (dict(resume=True, at_once=3), piadm.UsageError, "groups of 2"),
        (dict(resume=True, hdf5="run.h5"), piadm.UsageError, "--hdf5 shows one run"),
    ]:
        with pytest.raises(error, match=words):
            piadm.sample(MIXTURE, samples=4, out="run.zarr", **{**OPTIONS, **options})
    os.mkdir("other.zarr")
    with pytest.raises(piadm.OutputError, match="no store of piadm"):
        piadm.sample(MIXTURE, samples=4, out="other.zarr", **OPTIONS)


def relax(y, alpha, sigma, before):
    """A Gaussian about half the state before."""
    return -(y - alpha * (0.5 * before)) / (alpha**2 * 0.01 + sigma**2)


def test_a_roll_out_is_conditioned_on_the_step_before_and_resumes():
    start = np.full((1, 3, 4), 8.0, np.float32)
    options = dict(OPTIONS, shape=(3, 4), predicts="score", samples=5, conditions={"before": start})
    whole = piadm.sample(relax, roll_out="before=10", out="whole.zarr", **options)
    assert whole.samples.shape == (10, 5, 3, 4)
    means = whole.samples.mean((1, 2, 3))
    # Deviations of 0.1 over 60 numbers, and half the errors of the steps before.
    assert np.abs(means - 8 * 0.5 ** np.arange(1, 11)).max() < 5 * 0.1 / 60**0.5 * (4 / 3) ** 0.5
    piadm.sample(relax, roll_out="before=5", out="part.zarr", **options)
    resumed = piadm.sample(relax, roll_out="before=10", out="part.zarr", resume=True, ranks=2, **options)
    assert resumed.report["groups"]["found"] == 5 and resumed.report["digest"] == whole.report["digest"]
    assert piadm.open("part.zarr").samples.dims == ("step", "sample", "y", "x")
    assert not np.array_equal(whole.samples[0] - whole.samples[0].mean(), whole.samples[1] - whole.samples[1].mean())


def test_cases_have_their_own_seeds_and_conditions():
    lines = []
    for number, centre in enumerate([-4.0, 0.0, 5.0]):
        np.save(f"centre{number}.npy", np.array([centre], np.float32))
        lines.append({"seed": 10 + number, "samples": 2 + number, "conditions": {"centre": f"centre{number}.npy"}})
    Path("cases.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    Path("model.py").write_text(
        "class Model:\n    shape, predicts, conditions = (6,), 'score', {'centre': (1,)}\n"
        "    def __init__(self, config): pass\n"
        "    def predict(self, y, alpha, sigma, centre):\n"
        "        return -(y - alpha * centre) / (alpha**2 * 0.01 + sigma**2)\n")
    data = piadm.sample("plugin:model.py", cases="cases.jsonl", out="run.zarr", at_once=4, **{**OPTIONS, "seed": None})
    found = piadm.open("run.zarr")
    assert found.case.values.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 2]
    assert np.abs(data.samples.mean(1) - np.repeat([-4, 0, 5], [2, 3, 4])).max() < 5 * 0.1 / 6**0.5
    alone = piadm.sample("plugin:model.py", samples=3, conditions={"centre": np.array([[0.0]])},
                         **{**OPTIONS, "seed": 11})
    assert np.array_equal(alone.samples, data.samples[2:5])
    Path("cases.jsonl").write_text('{"seed": 1, "sample": 2}\n')
    with pytest.raises(piadm.DataError, match='line 1: unknown key "sample"'):
        piadm.sample("plugin:model.py", cases="cases.jsonl", **{**OPTIONS, "seed": None})
