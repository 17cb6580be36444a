"""Where to compute: a device that torch can really use, chosen or checked."""

from __future__ import annotations

import torch

from onward.errors import ConfigError


def choose(name: str | None = None) -> torch.device:
    """The device called `name`; or, for None, the fastest kind there is. Raises ConfigError where there is no such device."""
    if name is None:
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ConfigError(f"--device {name}: there is none that torch can use here. Try --device cpu.") from error
    if device.type == "meta":
        raise ConfigError(f"--device {name} holds no numbers. Try --device cpu.")
    return device
