"""The page of a reinforcement, from a folder with made figures."""

import json

import pytest

from onward.errors import FolderError
from onward.lineage import Lineage, Result, write
from onward.report.reinforcing.drawings import drawings_of
from onward.report.reinforcing.page import write_page


def line(step, **changed):
    drawing = (step - 1) // 2
    return {
        "step": step,
        "loss": 0.1,
        "tokens": 100 * step,
        "seconds": 1.5 * step,
        "entropy": 1.0 + 0.1 * step,
        "clipped": 0.02,
        "reward": 0.4 + 0.02 * drawing,
        "reward_spread": 0.2,
        "kl": 0.3 * drawing,
        "answer_tokens": 9.0,
        "cut_off": 0.0,
        "disagreement": 1e-6 * drawing,
    } | changed


@pytest.fixture
def made(tmp_path):
    """`made(lines, samples)`: the folder."""

    def write_it(lines, samples):
        path = tmp_path / "liked"
        path.mkdir(exist_ok=True)
        reward = Result(suite="held-out prompts", metric="reward", value=0.7, low=0.6, high=0.8, n=40, baseline=0.5)
        preferred = Result(
            suite="held-out prompts", metric="preferred to the answers before", value=0.61, n=40, chance=0.5
        )
        plan = {"reasons": {"method": "ppo: by gold", "rollouts": "16: answers drawn; 2 steps learn from them"}}
        parents = [Lineage(verb="sft", folder="mine/chat")]
        history = Lineage(
            verb="rl",
            command="onward rl a b",
            date="2026-01-01",
            plan=plan,
            results=[reward, preferred],
            parents=parents,
        )
        write(path, history)
        (path / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        (path / "samples.jsonl").write_text("".join(json.dumps(one) + "\n" for one in samples))
        return path

    return write_it


SAMPLES = [
    {"prompt": f"<b>{i}?", "before": f"old {i}", "after": f"new {i}", "worth": {"reward": [0.5, 0.71 + (i - 20) / 50]}}
    for i in range(40)
]


def test_the_page_tells_what_happened(made):
    page = write_page(made([line(step) for step in range(1, 41)], SAMPLES)).read_text()
    assert "the reward rose from\n0.500 to 0.700" in page
    assert "Of 40 answers, 30 are worth more than before, 10 less, and 0 are word for word the same" in page
    assert "20 times it drew answers" in page
    assert "0.600 to 0.800" in page
    assert "mine/chat" in page
    assert "the difference is 0.200 (95 % interval 0.1" in page
    assert "may be chance" not in page
    assert "What to look at" not in page
    assert page.count("<svg") == 6, "no critic, no groups, and so no pictures of them"
    assert "&lt;b&gt;39?" in page


def test_a_difference_that_may_be_chance_is_called_so(made):
    undecided = [sample | {"worth": {"reward": [0.5, 0.5 + (-1) ** i]}} for i, sample in enumerate(SAMPLES)]
    assert "which may be chance" in write_page(made([line(step) for step in range(1, 41)], undecided)).read_text()


def test_a_dozen_samples_each_once_the_best_gains_the_worst_losses_and_others(made):
    page = write_page(made([line(step) for step in range(1, 41)], SAMPLES)).read_text()
    numbers = [39, 38, 37, 36, 0, 1, 2, 3, 4, 5, 6, 7]
    places = [page.index(f"new {number}<") for number in numbers]
    assert places == sorted(places)
    assert page.count("<article>") == 12
    few = [SAMPLES[0], SAMPLES[1] | {"after": " \n"}]
    page = write_page(made([line(step) for step in range(1, 41)], few)).read_text()
    assert page.count("<article>") == 2
    assert "Gained most" not in page
    assert "(nothing)" in page


def test_what_goes_wrong_is_said_on_the_page(made):
    lines = [line(step, cut_off=0.4, ties=0.9, explained=-3e9) for step in range(1, 41)]
    page = write_page(made(lines, SAMPLES)).read_text()
    assert "What to look at" in page
    assert "40% of the answers are cut off" in page
    assert "90% of the prompts have answers" in page
    assert page.count("<svg") == 8


def test_steps_that_learned_from_the_same_answers_are_one_drawing():
    lines = [line(step) for step in range(1, 8)]
    lines[3]["held_out_reward"] = 0.9
    lines[4]["loss"] = None
    found = drawings_of(lines)
    assert [drawing.step for drawing in found] == [2, 4, 6, 7]
    assert found[0].figures["entropy"] == pytest.approx(1.15)
    assert found[1].figures["held_out_reward"] == 0.9
    assert found[2].figures["loss"] == 0.1
    assert found[3].figures["reward"] == pytest.approx(0.46)


def test_a_folder_without_metrics_is_refused_in_a_line(made):
    with pytest.raises(FolderError, match=r"has no metrics\.jsonl"):
        write_page(made([], SAMPLES))
