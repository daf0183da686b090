"""Drawing samples, and predicting what that takes."""
from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Literal, Mapping, NamedTuple, Optional, Sequence, Union

import numpy as np
import numpy.typing as npt

from . import _bar, _program
from ._functions import PREDICTIONS, Predictor, evaluating, is_torch_module, write_plugin
from ._program import Progress
from ._schedulers import Scheduler, configuration

Array = npt.NDArray[Any]
Model = Union[str, "os.PathLike[str]", Mapping[str, Any], Callable[..., Any]]


class Run(NamedTuple):
    """What a run has left."""

    #: samples x shape
    samples: Array
    #: The run's record; `report_schema()` describes it.
    report: dict[str, Any]


def sample(model: Model, *, samples: int = 1, ranks: Optional[int] = None,
           shape: Optional[Sequence[int]] = None, scheduler: Optional[Scheduler] = None, predicts: str = "noise",
           conditions: Optional[Mapping[str, Union[Array, str, "os.PathLike[str]"]]] = None,
           null_conditions: Optional[Mapping[str, Union[Array, str, "os.PathLike[str]"]]] = None,
           tensors: Optional[Literal["numpy", "torch"]] = None, threads: int = 1,
           out: Union[str, "os.PathLike[str]", None] = None, progress: Union[bool, Progress] = True,
           launcher: Union[str, Sequence[str], None] = None,
           program: Union[str, "os.PathLike[str]", None] = None, **options: Any) -> Run:
    """Draws samples of a diffusion model, in parallel over time.

    Args:
        model: `"digits"`, a folder as `export`, diffusers and Optimum write
            it, `plugin:FILE`, a closed-form target as a dict (its arrays may
            be numpy's), a Python function or a PyTorch module.
        samples: how many.
        ranks: MPI ranks; `None` runs the program alone.
        shape: of one sample; for functions and modules, and for networks that
            leave it open.
        scheduler: the schedule a function or module was trained with:
            `piadm.ddpm()`, `edm()`, `flow()`, diffusers' configuration as a
            dict or path, or its scheduler. The function is then called as
            `f(x, timestep, **conditions)`. Without one it is called as
            `f(y, alpha, sigma, **conditions)` at states
            `y = alpha x0 + sigma noise`, `alpha^2 + sigma^2 = 1`.
        predicts: what it returns without a scheduler: `score`, `noise`,
            `velocity`, `sample`, `denoiser` or `flow` (`piadm_score.h`).
        conditions: further inputs by name, each one array for all samples or
            one row a sample.
        null_conditions: what the unconditional branch of `guidance=` gets.
        tensors: whether a function takes and returns numpy's arrays or
            PyTorch's tensors (of a module always the latter).
        threads: of one evaluation of a function or module.
        out: where the samples stay: a `.npy` file, or a `.zarr` store that can
            be extended; `None` keeps no file.
        progress: `True` shows a bar in notebooks and terminals; or a function
            of steps done, steps in all and a line of text.
        launcher: in place of mpirun, such as `"srun"`.
        program: piadm; `None` takes `$PIADM`, the path's or the checkout's.
        options: any option of `piadm sample`, with `_` for `-`: `steps=100`,
            `method="ddpm"`, `window=16`, `checkpoint="state"`, `resume=True`.
            Arrays are handed over as files.

    Returns:
        The samples and the run's record.

    Raises:
        PiadmError: the run failed, with the program's message; its subclasses
            tell apart wrong options, data, missing files and libraries.
        ValueError, TypeError: the model is none, or does not keep what
            sampling needs of it (finite, reproducible, row by row).
    """
    with _workplace() as folder:
        name = _named(model, folder, shape, scheduler, predicts, conditions, tensors, threads)
        arguments = _arguments(folder, options)
        arguments += _shape_option(model, shape)
        for option, given in (("condition", conditions), ("condition-null", null_conditions)):
            for key, value in (given or {}).items():
                arguments += [f"--{option}", f"{key}={_file(value, folder, f'{option}-{key}')}"]
        file = Path(os.fspath(out)) if out is not None else folder / "samples.npy"
        report = Path(os.fspath(options["report"])) if options.get("report") else folder / "report.json"
        arguments += ["--samples", str(samples), "--out", str(file)]
        if not options.get("report"):
            arguments += ["--report", str(report)]
        show = _bar.bar() if progress is True else progress or None
        arguments += ["--progress", "lines" if show else "none"]
        variables = _program.environment()
        command = _program.launch(ranks, launcher, variables)
        command += [_program.find_program(program), "sample", name, *arguments]
        _program.run(command, variables, show, stores_state="checkpoint" in options)
        return Run(_read(file), json.loads(report.read_text()))


def plan(model: Model, *, samples: int = 1, ranks: Optional[int] = None,
         shape: Optional[Sequence[int]] = None, scheduler: Optional[Scheduler] = None, predicts: str = "noise",
         tensors: Optional[Literal["numpy", "torch"]] = None, threads: int = 1,
         launcher: Union[str, Sequence[str], None] = None,
         program: Union[str, "os.PathLike[str]", None] = None, **options: Any) -> dict[str, Any]:
    """Predicts wall time, speed-up and memory over ranks from a short pilot run.

    Args: as of `sample`; `ranks` are those that the pilot runs on. `options`
    are those of `piadm plan`.

    Returns:
        The record that `piadm plan --json` writes.
    """
    with _workplace() as folder:
        name = _named(model, folder, shape, scheduler, predicts, None, tensors, threads)
        record = folder / "plan.json"
        variables = _program.environment()
        command = _program.launch(ranks, launcher, variables)
        command += [_program.find_program(program), "plan", name, *_arguments(folder, options),
                    *_shape_option(model, shape), "--samples", str(samples), "--json", str(record)]
        _program.run(command, variables)
        found: dict[str, Any] = json.loads(record.read_text())
        return found


@contextmanager
def _workplace() -> Iterator[Path]:
    """A folder for the files that a run is handed; all hosts must see it: see TMPDIR."""
    folder = Path(tempfile.mkdtemp(prefix="piadm-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _named(model: Model, folder: Path, shape: Optional[Sequence[int]], scheduler: Optional[Scheduler], predicts: str,
           conditions: Optional[Mapping[str, Any]], tensors: Optional[str], threads: int) -> str:
    """The model as the program names it."""
    if isinstance(model, (str, os.PathLike)):
        if scheduler is not None:
            raise TypeError("scheduler is for functions and modules; a folder holds its own")
        return os.fspath(model)
    if isinstance(model, Mapping):
        if "target" not in model:
            raise TypeError("a dict is a closed-form target and has the key 'target', such as 'gaussian-mixture'")
        file = folder / "target.json"
        file.write_text(json.dumps({key: _plain(value, folder, key) for key, value in model.items()}))
        return str(file)
    if not callable(model):
        raise TypeError(f"a model is a name, a dict, a function or a module, not {type(model).__name__}")
    if shape is None:
        raise TypeError("shape is missing: the shape of one sample that the function is handed, such as (1, 32, 32)")
    if predicts not in PREDICTIONS:
        raise ValueError(f"predicts is {predicts!r}; one of {', '.join(PREDICTIONS)} is needed")
    if is_torch_module(model) and scheduler is None:
        raise TypeError("a PyTorch module needs the schedule it was trained with, such as scheduler=piadm.ddpm()")
    rows = {name: _row_shape(value) for name, value in (conditions or {}).items()}
    predictor = Predictor(
        model, shape, predicts, configuration(scheduler) if scheduler is not None else None, rows, threads,
        is_torch_module(model) or tensors == "torch")
    with evaluating(model):
        predictor.check()
        return write_plugin(predictor, folder)


def _row_shape(value: Any) -> tuple[int, ...]:
    """The shape of one row: conditions of functions have an axis of rows in front, of length 1 for all alike."""
    array = np.load(os.fspath(value), mmap_mode="r") if isinstance(value, (str, os.PathLike)) else np.asarray(value)
    if array.ndim == 0:
        raise ValueError("a condition needs an axis of samples in front; of length 1 where all samples share it")
    return tuple(array.shape[1:])


def _shape_option(model: Model, shape: Optional[Sequence[int]]) -> list[str]:
    if shape is None or not isinstance(model, (str, os.PathLike)):
        return []
    return ["--shape", ",".join(map(str, shape))]


def _arguments(folder: Path, options: Mapping[str, Any]) -> list[str]:
    words: list[str] = []
    for key, value in options.items():
        name = "--" + key.replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(name)
        elif isinstance(value, np.ndarray):
            words += [name, _file(value, folder, key)]
        else:
            words += [name, str(value)]
    return words


def _read(file: Path) -> Array:
    """The samples; of a store that grows, those that were drawn so far."""
    if file.suffix != ".zarr":
        found: Array = np.load(file)
        return found
    try:
        import zarr
    except ImportError as error:
        raise ImportError(f"{file} was written; to read it, zarr is missing: pip install zarr") from error
    return np.asarray(zarr.open(str(file), mode="r")["samples"])


def _file(value: Any, folder: Path, name: str) -> str:
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value)
    file = folder / f"{name}.npy"
    np.save(file, np.ascontiguousarray(np.asarray(value)))
    return str(file)


def _plain(value: Any, folder: Path, name: str) -> Any:
    """A value of a target for JSON; large arrays become files beside it."""
    if isinstance(value, np.ndarray):
        if value.size <= 1000:
            return value.tolist()
        np.save(folder / f"{name}.npy", value)
        return f"{name}.npy"
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, (list, tuple)):
        return [_plain(entry, folder, f"{name}-{index}") for index, entry in enumerate(value)]
    return value
