"""The rows of an adapter's folder: they hold, and a broken merge shows."""

import pytest
import torch

from onward.check.adapting import folder_and_peft, merged_and_beside
from onward.check.subject import open_subject
from onward.check.table import check
from onward.lineage import Lineage
from onward.model import adapters, folder


@pytest.fixture
def adapter(model_folder, tmp_path):
    model = folder.load(model_folder)
    adapters.add(model, "qwen3", "lora", rank=4, base=model_folder, seed=0)
    noise = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.normal_(0, 0.2, generator=noise)
    out = tmp_path / "adapter"
    adapters.save(out, model, lineage=Lineage(verb="sft"), family="qwen3", tokenizer_folder=model_folder)
    return out


def test_everything_holds_of_a_sound_adapter(adapter):
    rows = {row.name: row for row in check(open_subject(adapter))}
    assert list(rows)[-2:] == ["merged = adapter", "folder = PEFT"]
    assert {row.state for row in rows.values()} == {"held"}, rows
    assert len(rows) == 6


def test_a_merge_that_leaves_the_adapter_out_is_found(adapter):
    def forgetful(model):
        adapters.use(model, None)

    found = merged_and_beside(open_subject(adapter), forgetful)
    assert not found.held


def test_an_adapter_whose_strength_was_changed_in_memory_is_not_what_peft_reads(adapter):
    subject = open_subject(adapter)
    with torch.no_grad():
        for name, parameter in subject.model.named_parameters():
            if "lora_B" in name:
                parameter.mul_(1.5)
    assert merged_and_beside(subject).held
    assert not folder_and_peft(subject).held
