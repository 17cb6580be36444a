"""What answers are worth: by a reward model, by functions, by the world's truth, weighted; and everything that can be wrong with it."""

import json
import sys

import pytest
import torch

from onward.align.policy.rewards import folders, opened, written
from onward.corpus.prompts import Prompt, read_prompts
from onward.errors import DataError, FolderError, OnwardError, PlanError
from onward.model import folder
from onward.model.reward import rewards
from onward.tokens.chat import encode_chat
from onward.world import World
from onward.world.preferences import gold
from onward.world.preferences.pairs import preferences

TRUTH = {"answer": "red", "options": ["red", "green"]}


def prompt(text="Which?", **record):
    return Prompt([{"role": "user", "content": text}], {"prompt": text} | record, "prompts.jsonl", 7)


def test_a_reward_model_says_of_each_answer_what_it_says_of_it_alone(judge, tokenizer):
    asked = [prompt("a?"), prompt("Is that so?"), prompt("b"), prompt("b")]
    answers = ["yes", "no", "The cat sat on the mat.", "<|im_end|>"]
    found = opened([str(judge)], "cpu")(asked, answers)
    model = folder.load(judge, outputs="score").eval()
    for one, answer, value in zip(asked, answers, found, strict=True):
        ids = encode_chat(tokenizer, [*one.messages, {"role": "assistant", "content": answer}]).ids
        with torch.no_grad():
            assert value == pytest.approx(
                rewards(model, torch.tensor([ids]), torch.tensor([len(ids)])).item(), abs=1e-5
            )
    assert len({round(value, 6) for value in found}) == 4


def test_an_answer_of_nothing_is_judged_too(judge, tokenizer):
    """A policy can draw the end at once; a conversation may not hold such an answer."""
    found = opened([str(judge)], "cpu")
    empty, blank, word = found([prompt()] * 3, ["", " \n", "."])
    assert empty == blank != word
    whole = encode_chat(tokenizer, [*prompt().messages, {"role": "assistant", "content": "a"}]).ids
    at = max(place for place, id in enumerate(whole) if id == tokenizer.encode("a")[0])
    ids = whole[:at] + whole[at + 1 :]
    with torch.no_grad():
        expected = rewards(
            folder.load(judge, outputs="score").eval(), torch.tensor([ids]), torch.tensor([len(ids)])
        ).item()
    assert empty == pytest.approx(expected, abs=1e-5)


def test_of_what_exceeds_the_reward_models_positions_the_end_is_read(judge):
    long, short = "The cat sat on the mat. " * 30, "The cat sat on the mat. " * 20
    found = opened([str(judge)], "cpu")([prompt(long), prompt(short)], ["no", "no"])
    assert found[0] == pytest.approx(found[1], abs=1e-5)


def test_gold_and_right_are_the_worlds(tmp_path):
    lines = [record.line(number) for number, record in enumerate(preferences(World(0, people=40), 12))]
    path = tmp_path / "world.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    records = [json.loads(line) for line in lines]
    asked = list(read_prompts(path))
    answers = [record["chosen"][-1]["content"] for record in records]
    found = opened(["gold"], "cpu")(asked, answers)
    assert found == [gold.reward(a, r["truth"]).total for a, r in zip(answers, records, strict=True)]
    assert found == pytest.approx([r["truth"]["chosen"]["gold"]["total"] for r in records], abs=1e-4)
    assert opened(["right"], "cpu")([prompt(truth=TRUTH)] * 3, ["Red.", "green", "red or green"]) == [1.0, 0.0, 0.0]


def test_functions_of_a_file_and_of_a_module(rules, tmp_path, monkeypatch):
    near = f"{rules}:near"
    assert opened([near], "cpu")([prompt(best=3), prompt(best=0)], ["abcd", ""]) == [-1.0, 0.0]
    (tmp_path / "mymodule_of_rewards.py").write_text("def always(record, answer): return True\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert opened(["mymodule_of_rewards:always"], "cpu")([prompt()], ["x"]) == [1.0]
    assert written([near, "0.5*gold", "mymodule_of_rewards:always", f"2*{near}"]) == [rules, rules]


def test_several_are_added_up_by_their_weights(rules, judge):
    asked = ["0.5*right", f"-2*{rules}:short", f"{rules}:near", f"0.1*{judge}"]
    found = opened(asked, "cpu")
    assert found.names == ["right", f"{rules}:short", f"{rules}:near", str(judge)]
    assert folders(asked) == [judge]
    both = [prompt(truth=TRUTH, best=1), prompt(truth=TRUTH, best=2)]
    alone = opened([str(judge)], "cpu")(both, ["red", "green"])
    expected = [0.5 + 2 * 3 - 2 + 0.1 * alone[0], 0 + 2 * 5 - 3 + 0.1 * alone[1]]
    assert found(both, ["red", "green"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("nowhere/reward", PlanError, "there is no such folder. Give a reward model's folder"),
        ("nowhere.py:polite", PlanError, "nowhere.py cannot be imported"),
        ("no_such_module_at_all:polite", PlanError, "cannot be imported"),
        ("{rules}:impolite", PlanError, "has no function 'impolite'"),
        ("{rules}:", PlanError, "has no function ''"),
        ("{rules}:Wanted.letters", PlanError, "has no function"),
        ("{bad}:polite", PlanError, "cannot be imported .SyntaxError"),
        ("{raising}:polite", PlanError, "cannot be imported .ValueError: two lines."),
        ("x*gold", PlanError, "before the . stands a number"),
        ("nan*gold", PlanError, "before the . stands a number"),
        ("0.5*", PlanError, "before the . stands a number"),
        ("{language_model}", FolderError, "holds a language model"),
        ("{tmp}", OnwardError, "tokenizer"),
    ],
)
def test_a_reward_that_there_is_not_is_said_in_a_line(rules, model_folder, tmp_path, name, kind, words):
    (tmp_path / "bad.py").write_text("def polite(:\n")
    (tmp_path / "raising.py").write_text("raise ValueError('two\\nlines')\n")
    places = {"rules": rules, "bad": tmp_path / "bad.py", "raising": tmp_path / "raising.py", "tmp": tmp_path}
    with pytest.raises(kind, match=words) as caught:
        opened([name.format(language_model=model_folder, **places)], "cpu")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("{rules}:broken", "broken failed on prompts.jsonl, line 7: ZeroDivisionError: division by zero"),
        ("{rules}:nothing", "gave 'None' for an answer to prompts.jsonl, line 7, and no finite number"),
        ("{rules}:huge", "gave '1000"),
        ("{rules}:no_number", "gave 'nan' for an answer to prompts.jsonl, line 7"),
        ("gold", 'prompts.jsonl, line 7: --reward gold needs the "truth"'),
        ("right", 'prompts.jsonl, line 7: --reward right needs the "truth"'),
    ],
)
def test_a_reward_that_fails_says_so_and_for_which_prompt(rules, name, words):
    with pytest.raises(DataError, match=words.replace(".", r"\.")) as caught:
        opened([name.format(rules=rules)], "cpu")([prompt()], ["red"])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "truth", "words"),
    [
        ("gold", {"about": "Karl", "turns": []}, "needs to know what was asked"),
        ("gold", {"answer": "red", "form": "a poem"}, "the reward gold failed on prompts.jsonl, line 7: KeyError"),
        ("right", {"parts": []}, "needs a right answer, and the truth has none"),
        ("right", {"answer": "red", "accept": 3}, "the reward right failed on prompts.jsonl, line 7: TypeError"),
    ],
)
def test_a_truth_that_the_reward_cannot_use_is_said_in_a_line(name, truth, words):
    with pytest.raises(DataError, match=words):
        opened([name], "cpu")([prompt(truth=truth)], ["red"])


def test_a_damaged_reward_model_is_named(judge):
    found = opened([str(judge)], "cpu")
    [part] = found.parts
    with torch.no_grad():
        part.model.head.weight.fill_(float("nan"))
    with pytest.raises(FolderError, match="is no finite number"):
        found([prompt()], ["red"])
