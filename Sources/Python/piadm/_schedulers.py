"""The schedule that a network was trained with, as diffusers' scheduler_config.json states it."""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Mapping, Union

Scheduler = Union[Mapping[str, Any], str, "os.PathLike[str]", Any]


def ddpm(*, timesteps: int = 1000, betas: str = "linear", beta_start: float = 1e-4, beta_end: float = 0.02,
         prediction: str = "epsilon", clip: bool = False, **settings: Any) -> dict[str, Any]:
    """A network trained by denoising diffusion (Ho, Jain and Abbeel, NeurIPS 2020).

    Args:
        timesteps: training timesteps; the network is handed 0 ... timesteps - 1.
        betas: `linear`, `scaled_linear` or `squaredcos_cap_v2`.
        beta_start, beta_end: the first and the last beta.
        prediction: what the network returns: `epsilon`, `sample` or `v_prediction`.
        clip: whether estimates of the clean sample are held to [-1, 1].
        settings: further keys of diffusers' DDPMScheduler.
    """
    return {"_class_name": "DDPMScheduler", "num_train_timesteps": timesteps, "beta_schedule": betas,
            "beta_start": beta_start, "beta_end": beta_end, "prediction_type": prediction, "clip_sample": clip,
            **settings}


def edm(*, sigma_data: float = 0.5, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0,
        **settings: Any) -> dict[str, Any]:
    """The network F of Karras et al. (NeurIPS 2022, table 1), handed c_in x and c_noise = log(sigma) / 4."""
    return {"_class_name": "EDMEulerScheduler", "sigma_data": sigma_data, "sigma_min": sigma_min,
            "sigma_max": sigma_max, "rho": rho, **settings}


def flow(*, timesteps: int = 1000, shift: float = 1.0, **settings: Any) -> dict[str, Any]:
    """A network trained by flow matching to return noise - sample at (1 - q) sample + q noise.

    It is handed the timestep q x `timesteps`, 0 < q <= 1.
    """
    return {"_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": timesteps, "shift": shift,
            **settings}


def configuration(scheduler: Scheduler) -> dict[str, Any]:
    """A dict, the path of a scheduler_config.json, or a scheduler of diffusers, as a dict."""
    if isinstance(scheduler, (str, os.PathLike)):
        scheduler = json.loads(Path(scheduler).read_text())
    elif not isinstance(scheduler, Mapping) and hasattr(scheduler, "config"):
        scheduler = {"_class_name": type(scheduler).__name__, **dict(scheduler.config)}
    if not isinstance(scheduler, Mapping) or "_class_name" not in scheduler:
        raise TypeError(
            "scheduler must be the training schedule: piadm.ddpm(...), piadm.edm(...), piadm.flow(...), a dict or "
            "path of diffusers' scheduler_config.json, or one of its schedulers")
    return {key: value for key, value in scheduler.items() if key == "_class_name" or not key.startswith("_")}


def has_integer_timesteps(scheduler: Mapping[str, Any]) -> bool:
    """Whether diffusers hands the networks of this class integer timesteps."""
    name = str(scheduler["_class_name"])
    return any(word in name for word in ("DDPM", "DDIM", "PNDM", "DPMSolver", "DEIS", "UniPC"))


def typical_timesteps(scheduler: Mapping[str, Any]) -> list[float]:
    """Timesteps at which a network of this schedule must work."""
    if "EDM" in str(scheduler["_class_name"]) or "sigma_data" in scheduler:
        return [-1.0, 0.0, 1.0]
    last = int(scheduler.get("num_train_timesteps", 1000)) - 1
    return [float(last // 100), float(last // 2), float(last)]
