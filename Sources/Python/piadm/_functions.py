"""Python functions and PyTorch modules as plug-ins of the program.

The function is pickled by value, so that one from a notebook runs on every
rank. The plug-in is a small Python file that states a digest of what the
function computes with: a checkpoint is resumed with the same file alone.
"""
from __future__ import annotations

import hashlib
import io
import marshal
import pickle
import sys
import time
import types
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Optional, Sequence

import cloudpickle
import numpy as np

from ._schedulers import has_integer_timesteps, typical_timesteps

PREDICTIONS = ("score", "noise", "velocity", "sample", "denoiser", "flow")


def is_torch_module(model: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(model, torch.nn.Module)


@contextmanager
def evaluating(model: object) -> Iterator[None]:
    """A module and its parts in evaluation mode; each part is afterwards in the mode that it was in."""
    if not is_torch_module(model):
        yield
        return
    parts: list[Any] = list(model.modules())  # type: ignore[attr-defined]
    modes = [part.training for part in parts]
    model.eval()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for part, mode in zip(parts, modes):
            part.training = mode


class Predictor:
    """What a plug-in's `Model` is: the function, and how it is called.

    Args:
        function: `f(x, timestep, **conditions)` with a scheduler, else
            `f(y, alpha, sigma, **conditions)`.
        uses_torch: it takes and returns tensors, and keeps no graph.
    """

    def __init__(self, function: Callable[..., Any], shape: Sequence[int], predicts: str,
                 scheduler: Optional[Mapping[str, Any]], conditions: Mapping[str, Sequence[int]], threads: int,
                 uses_torch: bool) -> None:
        self.function = function
        self.shape = tuple(int(length) for length in shape)
        self.predicts = predicts
        self.scheduler = dict(scheduler) if scheduler is not None else None
        self.conditions = {name: tuple(row) for name, row in conditions.items()}
        self.threads = threads
        self.uses_torch = uses_torch
        #: Rows of a call are filled up to a multiple of this.
        self.row_multiple = 1
        self.timestep_type = "int64" if scheduler is not None and has_integer_timesteps(scheduler) else "float32"

    def predict(self, states: Any, *times: Any, **conditions: Any) -> Any:
        if not self.uses_torch:
            return self.function(states, *times, **conditions)
        import torch

        def tensor(values: Any) -> Any:
            found = torch.as_tensor(values)
            return found.to(torch.float32) if found.dtype == torch.float64 else found

        with torch.no_grad():
            found = self.function(
                tensor(states), *map(tensor, times), **{name: tensor(row) for name, row in conditions.items()})
        # Modules of diffusers and transformers return their tensor in a record.
        return getattr(found, "sample", found)

    def check(self) -> None:
        """Evaluates a few rows here: shape, finite numbers, the same alone, together and again.

        Chooses `row_multiple`, too: matrix products round the last rows
        otherwise where their number is no multiple of the processor's.
        """
        rows, most = 3, 32
        states = np.random.default_rng(0).standard_normal((most, *self.shape)).astype(np.float32)
        conditions = {name: np.zeros((most, *row), np.float32) for name, row in self.conditions.items()}
        column = (most,) + (1,) * len(self.shape)
        if self.scheduler is None:
            alpha = np.resize([0.1, 0.7, 0.99], most).reshape(column)
            times: tuple[Any, ...] = (alpha, np.sqrt(1 - alpha**2))
        else:
            times = (np.resize(typical_timesteps(self.scheduler), most).astype(self.timestep_type),)

        def evaluate(places: Any) -> Any:
            found = self.predict(states[places], *(values[places] for values in times),
                                 **{name: values[places] for name, values in conditions.items()})
            if hasattr(found, "detach"):
                found = found.detach().cpu().numpy()
            found = np.asarray(found)
            if found.shape != states[places].shape:
                raise ValueError(
                    f"the model returned shape {found.shape} for a batch of shape {states[places].shape}; "
                    "it must return the shape that it is handed")
            if not np.isfinite(found).all():
                raise ValueError("the model returned numbers that are not finite for standard normal states")
            return found

        began = time.monotonic()
        together = evaluate(np.arange(rows))
        seconds = time.monotonic() - began
        if not np.array_equal(together, evaluate(np.arange(rows))):
            raise ValueError(
                "the model returned other numbers for the same rows: it draws random numbers, as dropout does; "
                "samples would not be reproducible")
        alone = np.concatenate([evaluate(np.array([row])) for row in range(rows)])
        difference = np.abs(alone - together).max()
        # Single precision, summed in another order.
        if difference > 1e-3 * (1 + np.abs(together).max()):
            raise ValueError(
                f"a row of the model changes by {difference:.2g} with the other rows of its batch, as batch "
                "normalization in training mode does; every row must depend on itself alone")
        # A model whose calls are longer gains little from several rows in a call.
        if seconds < 0.2:
            self.row_multiple = _multiple(evaluate, most)


def _multiple(evaluate: Callable[[Any], Any], most: int) -> int:
    """The least multiple of rows for which a row's bits do not depend on their number; 1 where there is none."""
    whole = evaluate(np.arange(most))
    for multiple in (1, 4, 8, 16):
        for rows in (1, 2, 3, 5, 7, 13):
            places = np.concatenate([np.arange(rows), np.zeros(-rows % multiple, np.int64)])
            if not np.array_equal(evaluate(places)[:rows], whole[:rows]):
                break
        else:
            return multiple
    return 1


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Pickles tensors by their numbers, the same in every session, and code with its file and lines."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.CodeType):
            return marshal.loads, (marshal.dumps(value),)
        torch = sys.modules.get("torch")
        if torch is not None and type(value) is torch.Tensor and value.layout == torch.strided:
            data = value.detach().cpu().contiguous()
            if data.dtype == torch.bfloat16:
                return _tensor, (data.view(torch.int16).numpy(), "bfloat16", value.requires_grad)
            return _tensor, (data.numpy(), None, value.requires_grad)
        return super().reducer_override(value)


def _tensor(values: Any, kind: Optional[str], requires_grad: bool) -> Any:
    import torch

    found = torch.from_numpy(values.copy())
    if kind is not None:
        found = found.view(getattr(torch, kind))
    return found.requires_grad_(requires_grad)


class _IdentityPickler(_Pickler):
    """Leaves out where a function was written, which changes with every session of a notebook."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, types.CodeType):
            return tuple, ((value.co_code, value.co_consts, value.co_names, value.co_varnames, value.co_freevars,
                            value.co_cellvars),)
        return super().reducer_override(value)


def _pickled(value: Any, pickler: type[_Pickler]) -> bytes:
    stream = io.BytesIO()
    pickler(stream, protocol=5).dump(value)
    return stream.getvalue()


def write_plugin(predictor: Predictor, folder: Path) -> str:
    """Writes the plug-in into a folder and returns its name for the program."""
    payload = _pickled(predictor, _Pickler)
    (folder / "model.pkl").write_bytes(hashlib.sha256(payload).digest() + payload)
    file = folder / "model.py"
    file.write_text(
        "# Written by the Python package piadm: a pickled function as a plug-in.\n"
        "from piadm._functions import read_plugin\n\n"
        f"IDENTITY = {hashlib.sha256(_pickled(predictor, _IdentityPickler)).hexdigest()!r}\n\n\n"
        "def Model(configuration):\n"
        "    return read_plugin(__file__)\n")
    return f"plugin:{file}"


def read_plugin(file: str) -> Predictor:
    """The function of a plug-in, in the process that evaluates it."""
    content = (Path(file).parent / "model.pkl").read_bytes()
    digest, payload = content[:32], content[32:]
    if hashlib.sha256(payload).digest() != digest:
        raise ValueError("model.pkl is damaged: it does not have the checksum that it states")
    predictor = pickle.loads(payload)
    assert isinstance(predictor, Predictor)
    return predictor
