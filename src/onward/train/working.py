"""The working copy: a bf16 model that computes beside the fp32 one that learns.

An update is often a thousandth of a weight, and bf16 keeps three digits: added to bf16 weights it would vanish. So the fp32 weights, the
masters, take the updates, and their bf16 copy goes through the model and brings back the gradients (Micikevicius et al. 2018, arXiv
1710.03740, section 3.1). Against autocast it saves the casting of every activation. In fp32 there is one model and nothing to copy.
"""

from __future__ import annotations

import torch

from onward.model.trunk import LanguageModel
from onward.train.learned import copied


def working_copy(master: LanguageModel, precision: str) -> LanguageModel:
    """What computes in `precision`, "fp32" or "bf16": the master itself, or a copy."""
    return copied(master, int8_only=True).to(torch.bfloat16) if precision == "bf16" else master


@torch.no_grad()
def collect_gradients(working: LanguageModel, master: LanguageModel) -> None:
    """Add the copy's gradients to the master's, in fp32, where those of many passes add up without loss; and clear them."""
    if working is master:
        return
    for its, masters in zip(working.parameters(), master.parameters(), strict=True):
        if its.grad is not None:
            gradient = its.grad.to(masters.dtype)
            masters.grad = gradient if masters.grad is None else masters.grad.add_(gradient)
            its.grad = None


@torch.no_grad()
def refresh(working: LanguageModel, master: LanguageModel) -> None:
    """Bring the master's weights into the copy, after an update: those that learn."""
    if working is not master:
        both = zip(working.parameters(), master.parameters(), strict=True)
        changed = [(its, masters) for its, masters in both if masters.requires_grad]
        torch._foreach_copy_([its for its, _ in changed], [masters for _, masters in changed])
