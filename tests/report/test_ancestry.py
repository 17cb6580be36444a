"""Where a run comes from, and how to do it again."""

import json

import pytest

from onward.lineage import Lineage, beside, write
from onward.report.page import write_report
from steps import PLAN, lines


def test_the_tree_names_each_once_and_the_commands_are_in_order(run):
    run("base", "pretrain", data=[{"path": "texts<b>.jsonl", "bytes": 9, "sha256": "abcdef0123456789"}])
    run("sft", "sft", parents=["base"])
    run("reward", "reward", parents=["sft"])
    place = run("chat", "rl", parents=["sft", "reward"], metrics=lines(reward=0.5))
    page = write_report(place).read_text()
    tree = page[page.index('<ul class="tree">') : page.index("<h2>Do it again")]
    assert [tree.count(f"<strong>{name}</strong>") for name in ("chat", "sft", "reward", "base")] == [1, 2, 1, 1]
    assert tree.count("as above") == 1
    assert "texts&lt;b&gt;.jsonl · 9 bytes · sha256 abcdef012345" in tree
    again = page[page.index("<h2>Do it again") :]
    order = [again.index(f"onward {verb} -o old/") for verb in ("pretrain", "sft", "reward", "rl")]
    assert order == sorted(order)


def test_one_command_for_all_stages_is_said_once(run):
    run("base", "pretrain", command="onward build")
    page = write_report(run("sft", "sft", parents=["base"], command="onward build")).read_text()
    assert page.count("onward build") == 1


def test_what_made_the_data_is_found_where_the_run_is_now(run):
    """The lineage says old/...; the folder has been moved since."""
    made = {"path": "old/data/corpus/clean/0.jsonl", "bytes": 4, "sha256": None}
    place = run("base", "pretrain", data=[made])
    (place / "data" / "corpus" / "clean").mkdir(parents=True)
    (place / "data" / "corpus" / "clean" / "0.jsonl").write_text("text")
    cleaned = Lineage(verb="clean", command="onward clean crawl -o old/data/corpus", folder="old/data/corpus")
    write(place / "data" / "corpus", cleaned)
    page = write_report(place).read_text()
    assert "<strong>corpus</strong>" in page
    assert page.index("onward clean crawl") < page.index("onward pretrain -o")
    (place / "data" / "corpus" / "clean" / "0.jsonl").write_text("another text")
    assert "<strong>corpus</strong>" not in write_report(place).read_text()


def test_a_teacher_whose_answers_were_learned_from_is_in_the_tree(run, tmp_path):
    answers = tmp_path / "answers.jsonl"
    answers.write_text("{}\n")
    teacher = Lineage(verb="sft", folder="elsewhere/teacher")
    history = Lineage(verb="distil", command="onward distil teacher", folder=str(answers), parents=[teacher])
    beside(answers).write_text(json.dumps(history.to_json()))
    place = run("sft", "sft", data=[{"path": str(answers), "bytes": 3, "sha256": "00"}])
    page = write_report(place).read_text()
    assert page.index("<strong>answers.jsonl</strong>") < page.index("<strong>teacher</strong>")
    assert page.index("onward distil teacher") < page.index("onward sft -o")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"minutes": 1.5}, "base was given minutes"),
        ({"minutes": None}, "the same command gives the same weights, bit for bit"),
        ({"minutes": None, "device": "cuda"}, "sums have no fixed order"),
    ],
)
def test_it_is_said_what_will_be_the_same(run, change, said):
    assert said in write_report(run("base", "pretrain", plan=PLAN | change)).read_text()
