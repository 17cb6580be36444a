"""Where to compute: a device that torch can really use, chosen or checked."""

from __future__ import annotations

import torch

from onward.errors import ConfigError


def choose(name: str | None = None) -> torch.device:
    """The device called `name`; for None, a CUDA card if there is one, else the processor. ConfigError where there is no such device.

    Apple's mps is left out: it has no float64, which draws and measurements are made in.
    """
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"--device {name}: there is none that torch can use here. Try --device cpu.") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"--device {name}: Onward computes on cpu and cuda. Try --device cpu.")
    return device
