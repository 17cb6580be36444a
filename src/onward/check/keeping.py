"""Equivalences of keeping: what is written is what was there, and other tools read the same model out of it.

Everything is written into a temporary folder. Each function takes the part that could be broken as an argument or in the subject, so that a
test can break it.
"""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from onward.check.reading import NATS, apart, log_probabilities
from onward.check.row import Found, NotTriedError
from onward.check.subject import Subject
from onward.files import file_hash
from onward.lineage import Lineage
from onward.model import folder


def saved_and_loaded(subject: Subject, save: Callable[..., None] = folder.save) -> Found:
    """The model is saved, loaded, and saved again: the weights are those of the folder, and the files of both times the same bytes."""
    with tempfile.TemporaryDirectory(prefix="onward-check-") as name:
        first, second = Path(name, "first"), Path(name, "second")
        as_stored: dict[str, Any] = {
            "lineage": Lineage(verb="check"),
            "family": subject.family,
            "dtype": subject.stored,
        }
        save(first, subject.model, **as_stored)
        back, there = folder.load(first), folder.load(subject.path)
        pairs = zip(back.state_dict().values(), there.state_dict().values(), strict=True)
        difference = torch.stack([(a.double() - b.double()).abs().max() for a, b in pairs]).max().item()
        del there
        save(second, back, **as_stored)
        names = [file.name for file in sorted(first.iterdir())]
        odd = [name for name in names if file_hash(first / name) != file_hash(second / name)]
    if odd and difference == 0:
        return Found(float(len(odd)), 0, "files", f"not the same bytes twice: {', '.join(odd)}")
    return Found(difference, 0, "in a weight", f"{len(names)} files")


@torch.inference_mode()
def folder_and_transformers(subject: Subject) -> Found:
    """The same text through this folder here, and through what transformers makes of it."""
    if importlib.util.find_spec("transformers") is None:
        raise NotTriedError("transformers is not installed (pip install transformers)")
    import transformers

    ids = subject.ids(2, subject.length)
    try:
        theirs = opened_quietly(transformers, subject.path, causal=subject.causal)
        logits = theirs.to(subject.device, subject.dtype).eval()(input_ids=ids).logits
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # whatever another library can do: it does not read this folder
        line = str(error).strip().partition("\n")[0]
        return Found(float("inf"), NATS, "nats", f"transformers does not run it: {type(error).__name__}: {line}"[:300])
    here = subject.model(ids)
    if here.shape != logits.shape:
        return Found(float("inf"), NATS, "nats", f"logits {tuple(here.shape)} here and {tuple(logits.shape)} there")
    difference = apart(log_probabilities(here), log_probabilities(logits))
    return Found(difference, NATS, "nats", f"transformers {transformers.__version__}")


def opened_quietly(transformers: Any, path: Path, *, causal: bool) -> nn.Module:
    """Without the bars and remarks that would come between the rows of the table."""
    auto = transformers.AutoModelForCausalLM if causal else transformers.AutoModelForMaskedLM
    log = transformers.utils.logging
    before, bars = log.get_verbosity(), log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        model: nn.Module = auto.from_pretrained(path)
        return model
    finally:
        log.set_verbosity(before)
        if bars:
            log.enable_progress_bar()
