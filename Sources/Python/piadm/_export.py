"""A PyTorch module as a folder that the program samples without Python."""
from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence, Union

import numpy as np

from ._errors import PiadmError
from ._functions import evaluating
from ._sampling import Array, sample
from ._schedulers import Scheduler, configuration, has_integer_timesteps

#: Networks of more parameters have their weights in a file that the ranks of a host share.
_APART = 4_000_000


def export(net: Any, folder: Union[str, "os.PathLike[str]"], *, shape: Sequence[int], scheduler: Scheduler,
           conditions: Optional[Mapping[str, Array]] = None, check: bool = True, opset: int = 17,
           program: Union[str, "os.PathLike[str]", None] = None) -> Path:
    """Writes a PyTorch module as a folder, and compares the two.

    Args:
        net: `net(x, timestep, **conditions)` of a batch.
        folder: made where it is missing.
        shape: of one sample.
        scheduler: as of `sample`; becomes `scheduler_config.json`.
        conditions: one example row of every further input, without a batch axis.
        check: samples the folder and the module by a few steps and compares them.
        opset: ONNX's.
        program: piadm, for the check.

    Returns:
        The folder.

    Warns:
        UserWarning: the network's operations fix the batch; it was written for
            batches of one, which take a call each.

    Raises:
        ValueError: the folder does not compute what the module does.
    """
    import torch

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    settings = configuration(scheduler)
    (place / "scheduler_config.json").write_text(json.dumps(settings, indent=2) + "\n")
    with evaluating(net):
        _write(torch, net, place / "model.onnx", shape, settings, conditions or {}, opset, batch=None)
        if check:
            try:
                _check(net, place, shape, settings, conditions or {}, program)
            except PiadmError as error:
                if error.exit_code not in (65, 70):
                    raise
                warnings.warn(
                    f"{place}: the network does not run at other batches than it was traced with ({error}); it is "
                    "written for batches of one, and every row takes a call of its own. Look for shapes that the "
                    "module computes as Python numbers, such as x.reshape(2, -1)", UserWarning, stacklevel=2)
                _write(torch, net, place / "model.onnx", shape, settings, conditions or {}, opset, batch=1)
                _check(net, place, shape, settings, conditions or {}, program)
    return place


def _write(torch: Any, net: Any, file: Path, shape: Sequence[int], settings: Mapping[str, Any],
           conditions: Mapping[str, Array], opset: int, batch: Optional[int]) -> None:
    rows = batch or 2
    kind = torch.int64 if has_integer_timesteps(settings) else torch.float32
    further = {name: torch.as_tensor(np.stack([np.asarray(row)] * rows)) for name, row in conditions.items()}
    further = {name: row.float() if row.is_floating_point() else row for name, row in further.items()}

    class Prediction(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, sample: Any, timestep: Any, *values: Any) -> Any:
            found = self.net(sample, timestep, **dict(zip(further, values)))
            return getattr(found, "sample", found)

    names = ["sample", "timestep", *further]
    free = {} if batch else {name: {0: "batch"} for name in [*names, "prediction"]}
    with warnings.catch_warnings():
        # Of the exporter's own ways.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Prediction(), (torch.zeros(rows, *shape), torch.zeros(rows, dtype=kind), *further.values()), str(file),
            dynamo=False, opset_version=opset, input_names=names, output_names=["prediction"], dynamic_axes=free)
    if sum(parameter.numel() for parameter in net.parameters()) > _APART:
        import onnx

        model = onnx.load(str(file))
        (file.parent / "weights.bin").unlink(missing_ok=True)
        onnx.save_model(model, str(file), save_as_external_data=True, location="weights.bin", size_threshold=1024)


def _check(net: Any, folder: Path, shape: Sequence[int], settings: Mapping[str, Any],
           conditions: Mapping[str, Array], program: Any) -> None:
    """Draws the same samples by both ways; a batch of five is none that was traced."""
    rows = 5
    further = {name: np.stack([np.asarray(row)] * rows) for name, row in conditions.items()}
    options: dict[str, Any] = dict(
        samples=rows, steps=4, method="ddim", solver="sequential", conditions=further, progress=False, program=program)
    found = sample(folder, **options).samples
    expected = sample(net, shape=shape, scheduler=settings, **options).samples
    difference = float(np.abs(found - expected).max() / max(1.0, float(np.abs(expected).max())))
    # Single precision, summed in another order, over four steps.
    if not difference <= 1e-4:
        raise ValueError(
            f"{folder}: does not compute what the module does: samples differ by {difference:.1e} of their largest "
            "value after 4 steps")
