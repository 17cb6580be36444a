"""Equivalences of adapters: worked into the weights it computes what it computed beside them, here and in PEFT.

Left out: what must hold of any model (reading.py), which is tried with the adapter beside it.
"""

from __future__ import annotations

import copy
import importlib.util
import warnings
from collections.abc import Callable

import torch

from onward.check.keeping import opened_quietly
from onward.check.reading import NATS, apart, log_probabilities
from onward.check.row import Found, NotTriedError
from onward.check.subject import Subject
from onward.model.trunk import LanguageModel


@torch.inference_mode()
def merged_and_beside(subject: Subject, merge: Callable[[LanguageModel], None] | None = None) -> Found:
    """The same text with the adapter beside the weights, and with the adapter worked into them."""
    from onward.model import adapters  # peft is slow to import

    ids = subject.ids(2, subject.length)
    merged = copy.deepcopy(subject.model)
    (merge or adapters.merge)(merged)
    found, beside = (log_probabilities(model(ids)) for model in (merged, subject.model))
    return Found(apart(found, beside), NATS, "nats")


@torch.inference_mode()
def folder_and_peft(subject: Subject) -> Found:
    """The same text through this adapter here, and through what PEFT makes of it beside the base in transformers."""
    if importlib.util.find_spec("transformers") is None:
        raise NotTriedError("transformers is not installed (pip install transformers)")
    import peft
    import transformers

    assert subject.base is not None
    ids = subject.ids(2, subject.length)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.PeftModel.from_pretrained(
            opened_quietly(transformers, subject.base, causal=True), str(subject.path)
        )
    logits = model.to(subject.device, subject.dtype).eval()(input_ids=ids).logits
    difference = apart(log_probabilities(logits), log_probabilities(subject.model(ids)))
    return Found(difference, NATS, "nats", f"peft {peft.__version__}")
