"""The report of folders of all kinds."""

import json

import pytest

from onward.errors import FolderError
from onward.lineage import Lineage, write
from onward.report.page import write_report
from onward.report.stage import Stage, stages
from steps import lines


def adapted(folder):
    """What makes a model's folder an adapter's."""
    (folder / "config.json").unlink()
    (folder / "model.safetensors").rename(folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(
        json.dumps({"peft_type": "LORA", "base_model_name_or_path": "old/base"})
    )
    return folder


def test_an_adapter_is_a_stage_and_a_run_of_its_own(run):
    run("base", "pretrain")
    place = run("mine", "sft", parents=["base"])
    adapted(place / "mine")
    page = write_report(place).read_text()
    assert "In mine an adapter of " in page
    assert "onward chat old/mine" in page
    assert write_report(place / "mine").parent == place / "mine"


def test_what_cannot_talk_is_not_offered_to_be_talked_to(run):
    page = write_report(run("reward", "reward")).read_text()
    assert "Talk to it" not in page
    assert "A model of" in page
    assert "onward chat old/sft" in write_report(run("sft", "sft")).read_text()


def test_stages_of_other_names_come_after_by_their_date(run):
    run("zebra", "pretrain")
    run("apple", "sft", parents=["zebra"])
    place = run("base", "pretrain")
    assert [stage.name for stage in stages(place)] == ["base", "zebra", "apple"]


def test_a_stage_with_a_page_of_its_own_keeps_it(run):
    place = run("chat", "rl", metrics=lines(reward=0.5))
    (place / "chat" / "report.html").write_text("its own")
    assert write_report(place / "chat").name == "summary.html"
    assert (place / "chat" / "report.html").read_text() == "its own"
    assert "<code>chat/report.html</code>" in write_report(place).read_text()


def test_nothing_leads_out_of_the_page(run):
    run("base", "pretrain")
    page = write_report(run("chat", "rl", parents=["base"], metrics=lines(reward=0.5))).read_text()
    assert "<a " not in page
    assert "<i>usual" not in page
    assert "&lt;i&gt;usual" in page


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("base/config.json", "{"),
        ("base/onward.json", "[]"),
        ("base/model.safetensors", "x"),
        ("data/corpus/report.json", "{}"),
        ("data/corpus/report.json", '{"funnel": 5}'),
    ],
)
def test_a_damaged_file_is_one_line(run, file, text):
    place = run("base", "pretrain")
    (place / "data" / "corpus").mkdir(parents=True)
    (place / file).write_text(text)
    with pytest.raises(FolderError, match=file.rpartition("/")[2].replace(".", r"\.")):
        write_report(place)


def test_a_folder_of_something_else_is_refused(tmp_path):
    write(tmp_path, Lineage(verb="clean"))
    with pytest.raises(FolderError, match="nothing to report"):
        write_report(tmp_path)


def test_the_lead_says_what_was_done(run):
    run("base", "pretrain")
    place = run("merged", "merge", parents=["base"], plan={}, metrics=[])
    (place / "merged" / "metrics.jsonl").unlink()
    page = " ".join(write_report(place).read_text().split())
    assert "learned a language from 180 tokens in 2 seconds. In merged the model was made by onward merge." in page


def test_a_stage_knows_what_it_learned_from(tmp_path):
    ranked = Stage(
        name="a", folder=tmp_path, history=Lineage(verb="rl"), parameters=1, metrics=lines(held_out_pairs_right=0.5)
    )
    assert ranked.counted == "rankings"
