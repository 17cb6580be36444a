"""Ranking from prompts to votes: judges by rule behind a real server, real folders, and everything that can come in between."""

import json
import re

import pytest
import torch
from rich.console import Console

from onward import lineage
from onward.align import reward
from onward.align.ranking.rank import SPENT, WHOLE, rank
from onward.align.ranking.settings import Wanted
from onward.align.wishes import RewardWishes
from onward.corpus.preferences import read_preferences
from onward.errors import DataError, FolderError, OutputError, PlanError
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.reward import rewards, with_score_head
from onward.model.trunk import LanguageModel
from onward.tokens.chat import encode_chat
from onward.train.plan import Wishes
from onward.train.workspace import Workspace
from samples import randomised

ONE = Wanted(at_once=1)
ALWAYS_THE_SAME, TOO_LONG, WITHOUT_END = "always the same", "far too long", "without end"
"""As conftest.py has them."""


def ranked(server, prompts, out, wanted=ONE, judge=None, **further):
    return rank(server.url("answerer"), prompts, judge or server.url("judge"), out, wanted, **further)


def number_in(answer):
    return int(re.match(r"I say (\d+)", answer)[1])


def of_judge(server):
    return [asked for asked in server.asked if asked["model"] == "judge"]


# --- a chat model as judge --------------------------------------------------------------------------------------------


def test_the_votes_are_preferences_that_the_house_reads(server, prompts, tmp_path):
    out = tmp_path / "votes.jsonl"
    found = ranked(server, prompts, out)
    assert (found["ended"], found["left"], found["prompts"]["vote"]) == (WHOLE, 0, 12)
    read = read_preferences(out)
    assert read.format == "pairs"
    votes = list(read)
    assert [vote.prompt[-1]["content"] for vote in votes] == [f"Say number {i}." for i in range(12)]
    assert all(number_in(vote.answers[0]) > number_in(vote.answers[1]) for vote in votes)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["prompts.txt", "votes.jsonl", "votes.jsonl.onward.json"]
    assert json.loads(out.read_text().splitlines()[0])["judge"] == server.url("judge")


def test_every_pair_is_asked_about_in_both_orders_at_temperature_zero(server, prompts, tmp_path):
    found = ranked(server, prompts, tmp_path / "votes.jsonl")
    orders = [re.findall(r"I say (\d+)", asked["messages"][0]["content"]) for asked in of_judge(server)]
    assert len(orders) == 24
    assert all(one == other[::-1] for one, other in zip(orders[::2], orders[1::2], strict=True))
    assert {asked["temperature"] for asked in of_judge(server)} == {0.0}
    answers = [asked for asked in server.asked if asked["model"] == "answerer"]
    assert {asked["temperature"] for asked in answers} == {1.0}
    assert len({asked["seed"] for asked in answers}) == len(answers)
    assert found["asked"] == {"asked": 24, "unread": 0, "first": 12, "second": 12, "pairs": 12, "swayed": 0}
    assert found["tokens"] == 5 * len(server.asked)


def test_that_the_judge_agrees_with_length_is_said(server, prompts, tmp_path):
    """The larger the number, the shorter the answer: this judge prefers the shorter one."""
    assert ranked(server, prompts, tmp_path / "votes.jsonl")["longer"] == 0.0
    history = Lineage.from_json(json.loads(lineage.beside(tmp_path / "votes.jsonl").read_text()))
    assert history.verb == "rank"
    assert {one.metric: one.value for one in history.results} == {
        "vote": 12,
        "pairs whose longer answer was found better": 0.0,
    }


@pytest.mark.parametrize(
    ("mood", "counted"), [("first", ("swayed", 12)), ("mute", ("unread", 24)), ("even", ("first", 0))]
)
def test_a_judge_that_decides_nothing_gives_no_votes_and_this_is_said(server, prompts, tmp_path, mood, counted):
    server.mood = mood
    with pytest.raises(DataError, match=r"there is no vote to write \(12 tie"):
        ranked(server, prompts, tmp_path / "votes.jsonl")
    lines = (tmp_path / "votes.jsonl.ranking" / "passed.jsonl").read_text().splitlines()
    name, times = counted
    assert sum(json.loads(line)["asked"][name] for line in lines) == times


def test_several_requests_at_once_give_the_same_votes(server, prompts, tmp_path):
    ranked(server, prompts, tmp_path / "one.jsonl")
    ranked(server, prompts, tmp_path / "many.jsonl", Wanted(at_once=8))
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "many.jsonl").read_bytes()
    ranked(server, prompts, tmp_path / "other.jsonl", Wanted(at_once=8, seed=1))
    assert (tmp_path / "one.jsonl").read_bytes() != (tmp_path / "other.jsonl").read_bytes()


def test_more_than_two_answers_become_rankings_by_pairs_won(server, prompts, tmp_path):
    found = ranked(server, prompts, tmp_path / "votes.jsonl", Wanted(answers=4, at_once=4))
    read = read_preferences(tmp_path / "votes.jsonl")
    assert read.format == "rankings"
    votes = list(read)
    for vote in votes:
        numbers = [number_in(answer) for answer in vote.answers]
        assert numbers == sorted(numbers, reverse=True)
        assert vote.scores is None
    assert {len(vote.answers) for vote in votes} == {4}
    assert found["asked"]["pairs"] == 12 * 6
    assert found["of_different_length"] == 12 * 6


def test_prompts_without_two_answers_are_left_out_and_counted(server, tmp_path):
    path = tmp_path / "prompts.jsonl"
    asked = ["Say a number.", f"Say {ALWAYS_THE_SAME}", f"This is {TOO_LONG}", f"Go on {WITHOUT_END}", "Say a number."]
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in asked))
    found = ranked(server, path, tmp_path / "votes.jsonl")
    kinds = {name: count for name, count in found["prompts"].items() if count}
    assert kinds == {"vote": 1, "alike": 2, "untaken": 1}
    same = [one for one in server.asked if ALWAYS_THE_SAME in one["messages"][0]["content"]]
    assert len(same) == 2 + 1 + 1, "two draws, and twice one more"


# --- going on ---------------------------------------------------------------------------------------------------------


def test_a_budget_ends_it_and_a_larger_one_goes_on_to_the_same_votes(server, prompts, tmp_path):
    ranked(server, prompts, tmp_path / "whole.jsonl")
    asked, server.asked = len(server.asked), []
    out = tmp_path / "cut.jsonl"
    found = ranked(server, prompts, out, Wanted(at_once=1, budget=15 * 33))
    assert (found["ended"], len(server.asked)) == (SPENT, 33)
    assert 0 < found["prompts"]["vote"] == len(out.read_text().splitlines()) < 12
    assert found["left"] == 12 - found["prompts"]["vote"]
    found = ranked(server, prompts, out, Wanted(at_once=1, budget=10**6))
    assert (found["ended"], len(server.asked)) == (WHOLE, asked)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_half_a_line_from_a_crash_is_taken_back_and_judged_again(server, prompts, tmp_path):
    ranked(server, prompts, tmp_path / "whole.jsonl")
    out = tmp_path / "cut.jsonl"
    ranked(server, prompts, out, Wanted(at_once=1, budget=15 * 33))
    out.write_bytes(out.read_bytes()[:-20])
    ranked(server, prompts, out)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_damaged_line_is_named(server, prompts, tmp_path):
    out = tmp_path / "cut.jsonl"
    ranked(server, prompts, out, Wanted(at_once=1, budget=15 * 33))
    out.write_text("{}\n" + out.read_text())
    with pytest.raises(DataError, match=r"cut.jsonl, line 1, is damaged"):
        ranked(server, prompts, out)


def test_another_request_into_the_same_file_is_refused_in_words(server, prompts, tmp_path):
    out = tmp_path / "votes.jsonl"
    ranked(server, prompts, out, Wanted(at_once=1, budget=15 * 33))
    before = out.read_bytes()
    with pytest.raises(OutputError, match="holds another run: its answers was 2 and is now 3"):
        ranked(server, prompts, out, Wanted(answers=3))
    with pytest.raises(OutputError, match="its judge was"):
        ranked(server, prompts, out, judge=server.url("other"))
    assert out.read_bytes() == before
    found = ranked(server, prompts, out, Wanted(answers=3), force=True)
    assert found["prompts"]["vote"] == 12
    assert read_preferences(out).format == "rankings"
    with pytest.raises(OutputError, match="exists already"):
        ranked(server, prompts, out, Wanted(answers=3))
    ranked(server, prompts, out, ONE, force=True)
    assert read_preferences(out).format == "pairs"


def test_what_onward_has_not_made_is_never_replaced(server, prompts, tmp_path):
    for name, words in (("prompts.txt", "ends in .jsonl"), ("mine.jsonl", "not made by Onward")):
        out = tmp_path / name
        out.write_text("mine\n")
        with pytest.raises(OutputError, match=words):
            ranked(server, prompts if name == "mine.jsonl" else tmp_path, out, force=True)
        assert out.read_text() == "mine\n"


# --- folders ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def judge_folder(tmp_path, tiny_model, tokenizer, model_folder):
    """A reward model with random weights and room for the answers."""
    config = TrunkConfig(**vars(tiny_model.config) | {"max_positions": 512})
    model = with_score_head(randomised(LanguageModel(config).initialise(0)), 3)
    place, pad = tmp_path / "reward", {"pad_token_id": tokenizer.pad_id}
    folder.save(place, model, lineage=Lineage(verb="test"), tokenizer_folder=model_folder, generation=pad)
    return place


def test_a_reward_folder_ranks_by_its_rewards(server, prompts, judge_folder, tokenizer, tmp_path):
    out = tmp_path / "votes.jsonl"
    found = ranked(server, prompts, out, Wanted(answers=3), judge=judge_folder)
    assert found["prompts"]["vote"] == 12
    assert not of_judge(server)
    judge = folder.load(judge_folder, outputs="score").eval()
    for vote in read_preferences(out):
        for answer, score in zip(vote.answers, vote.scores, strict=True):
            ids = encode_chat(tokenizer, [*vote.prompt, {"role": "assistant", "content": answer}]).ids
            with torch.inference_mode():
                value = rewards(judge, torch.tensor([ids]), torch.tensor([len(ids)])).item()
            assert score == pytest.approx(value, abs=1e-5)
    assert [parent.folder for parent in lineage.of(judge_folder).parents] == []
    history = Lineage.from_json(json.loads(lineage.beside(out).read_text()))
    assert [parent.verb for parent in history.parents] == ["test"]


def test_answers_that_are_too_long_for_the_judge_are_counted(server, prompts, tmp_path, judge_folder):
    config = json.loads((judge_folder / "config.json").read_text())
    (judge_folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 300}))
    found = ranked(server, prompts, tmp_path / "votes.jsonl", judge=judge_folder)
    assert 0 < found["prompts"]["unjudged"] < 12
    assert found["prompts"]["unjudged"] + found["prompts"]["vote"] == 12


def test_a_reward_model_learns_from_the_votes(server, prompts, model_folder, tiny_model, tmp_path):
    server.reply = lambda asked: (
        server.judged(asked["messages"][-1]["content"])
        if asked["model"] == "judge"
        else f"I say {asked['seed'] % 100}",
        "stop",
    )
    found = ranked(server, prompts, tmp_path / "votes.jsonl")
    assert found["prompts"]["vote"] == 12
    place = Workspace(tmp_path / "learned", {})
    training = reward.prepare(
        model_folder,
        tmp_path / "votes.jsonl",
        place,
        Wishes(steps=2, batch=512),
        RewardWishes(),
        console=Console(quiet=True),
    )
    assert training.data.train.rows + training.data.held_out.rows == 12
    out = training.run(Console(quiet=True))
    assert folder.read_config(out, outputs="score")[1].width == tiny_model.config.width


def test_a_folder_answers_the_same_each_time(prompts, tokenizer, model_folder, judge_folder, tmp_path):
    shape = {"width": 32, "depth": 1, "heads": 2, "kv_heads": 2, "head_size": 16, "ffn_width": 32}
    config = TrunkConfig(vocab_size=tokenizer.highest_id + 1, max_positions=256, **shape)
    model = randomised(LanguageModel(config).initialise(0))
    folder.save(tmp_path / "chat", model, lineage=Lineage(verb="x"), tokenizer_folder=model_folder)
    prompts.write_text(prompts.read_text() + "cat " * 300 + "\n")
    wanted = Wanted(max_tokens=150)
    found = rank(tmp_path / "chat", prompts, judge_folder, tmp_path / "one.jsonl", wanted)
    assert found["prompts"]["vote"] > 0 < found["prompts"]["alike"], "some answers must end, and some must not"
    assert found["prompts"]["untaken"] == 1
    rank(tmp_path / "chat", prompts, judge_folder, tmp_path / "two.jsonl", wanted)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    scored = next(iter(read_preferences(tmp_path / "one.jsonl")))
    assert scored.scores[0] > scored.scores[1]


def test_what_cannot_be_done_is_said_before_anything_is_asked(server, prompts, model_folder, tmp_path):
    out = tmp_path / "votes.jsonl"
    with pytest.raises(FolderError, match="holds a language model"):
        ranked(server, prompts, out, judge=model_folder)
    with pytest.raises(FolderError, match="does not exist"):
        ranked(server, prompts, out, judge=tmp_path / "nobody")
    with pytest.raises(PlanError, match="--judge me needs a terminal"):
        ranked(server, prompts, out, judge="me")
    with pytest.raises(PlanError, match="--answers 1: from 2"):
        Wanted(answers=1)
    with pytest.raises(DataError):
        ranked(server, tmp_path / "none.jsonl", out)
    assert not server.asked
    assert not out.exists()
