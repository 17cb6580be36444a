"""Preferences: five formats in, rankings out, and a reason for every record that is left out."""

from __future__ import annotations

import gzip
import json
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.corpus.preferences import ANSWERS, PROMPTS, TEXTS, WORTHS, Ranking, preference_files, read_preferences
from onward.errors import BadLine, DataError, OnwardError
from onward.world import World
from onward.world.preferences.pairs import preferences, rankings, teacher_preferences

QUESTION = "How many legs has a cat?"
ASKED = {"role": "user", "content": QUESTION}
BRIEF = {"role": "system", "content": "Be brief."}
FOUR, FIVE = ({"role": "assistant", "content": text} for text in ("Four.", "Five."))
PAIR = {"prompt": QUESTION, "chosen": "Four.", "rejected": "Five."}
HUMAN = f"\n\nHuman: {QUESTION}\n\nAssistant:"
DIALOGUES = {"chosen": f"{HUMAN} Four.", "rejected": f"{HUMAN} Five."}
RANKED = {"prompt": QUESTION, "answers": ["Four.", "Five.", "Cats?"]}
OPENAI = {"input": {"messages": [ASKED]}, "preferred_output": [FOUR], "non_preferred_output": [FIVE]}
ALPACA = {
    "instruction": "How many legs",
    "input": "has a cat?",
    "output": "Six.",
    "chosen": "Four.",
    "rejected": "Five.",
}
DATA = "ONWARD_REAL_DATA"


def written(folder: Path, *records: Any, name: str = "preferences.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def only(folder: Path, record: Any) -> Ranking:
    [ranking] = read_preferences(written(folder, record))
    return ranking


def with_gold(answer: str, gold: float) -> dict[str, Any]:
    return {"text": answer, "gold": {"true": 1, "total": gold}}


SAME: dict[str, tuple[str, Any]] = {
    "texts": ("pairs", PAIR),
    "a text and messages": ("pairs", PAIR | {"chosen": FOUR, "rejected": [FIVE]}),
    "messages": ("pairs", {"prompt": [ASKED], "chosen": [FOUR], "rejected": [FIVE]}),
    "one message": ("pairs", {"prompt": ASKED, "chosen": FOUR, "rejected": FIVE}),
    "conversations": ("pairs", {"chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]}),
    "the prompt told again": ("pairs", PAIR | {"chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]}),
    "an empty prompt": ("pairs", {"prompt": "", "chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]}),
    "Alpaca": (
        "pairs",
        {"instruction": QUESTION, "input": "", "output": "Six.", "chosen": "Four.", "rejected": "Five."},
    ),
    "ShareGPT": (
        "pairs",
        {
            "conversations": [{"from": "human", "value": QUESTION}],
            "chosen": {"from": "gpt", "value": "Four."},
            "rejected": {"from": "gpt", "value": "Five."},
        },
    ),
    "dialogues": ("hh-rlhf", DIALOGUES),
    "ends of dialogues": ("hh-rlhf", {"prompt": HUMAN, "chosen": " Four.", "rejected": " Five."}),
    "a prompt and whole dialogues": ("hh-rlhf", DIALOGUES | {"prompt": HUMAN}),
    "the best first": ("rankings", {"prompt": [ASKED], "answers": ["Four.", "Five."]}),
    "ranks": ("rankings", {"prompt": QUESTION, "responses": ["Five.", "Four."], "ranks": [2, 1]}),
    "OpenAI": ("OpenAI preferences", OPENAI),
    "another model's end mark": ("pairs", PAIR | {"chosen": "Four.<|im_end|>\n"}),
}


@pytest.mark.parametrize("case", SAME)
def test_every_format_gives_the_same(tmp_path: Path, case: str) -> None:
    format, record = SAME[case]
    path = written(tmp_path, record, record)
    found = read_preferences(path)
    assert found.format == format
    assert list(found) == [Ranking([ASKED], ("Four.", "Five."), None, str(path), number) for number in (1, 2)]
    assert (found.read, found.skipped, found.ties) == (2, 0, 0)
    assert found.trimmed == (2 if "mark" in case else 0)


@pytest.mark.parametrize(
    "record",
    [
        {
            "answers": [
                {"content": "Five.", "score": 1},
                {"text": "Cats?", "score": -1},
                {"text": "Four.", "score": 2.5},
            ]
        },
        {"completions": [{"text": "Five.", "gold": 1}, {"text": "Four.", "gold": 2.5}, {"text": "Cats?", "gold": -1}]},
        {
            "answers": [
                {"text": "Five.", "reward": 1},
                {"text": "Four.", "reward": 2.5},
                {"text": "Cats?", "reward": -1},
            ]
        },
        {"responses": ["Cats?", "Four.", "Five."], "scores": [-1, 2.5, 1]},
        {"answers": [{"text": "Cats?"}, {"text": "Four."}, {"text": "Five."}], "scores": [-1, 2.5, 1]},
        {"truth": {"candidates": [with_gold("Five.", 1), with_gold("Four.", 2.5), with_gold("Cats?", -1)]}},
    ],
)
def test_scored_answers_are_put_in_order_with_their_scores(tmp_path: Path, record: dict[str, Any]) -> None:
    ranking = only(tmp_path, {"prompt": QUESTION} | record)
    assert (ranking.answers, ranking.scores) == (("Four.", "Five.", "Cats?"), (2.5, 1.0, -1.0))
    assert ranking.truth == record.get("truth")


@pytest.mark.parametrize(
    ("fields", "scores"),
    [
        ({"score_chosen": 8, "score_rejected": 7.5}, (8.0, 7.5)),
        ({"chosen_score": 1e-3, "rejected_score": 0}, (0.001, 0.0)),
        ({"margin": 2}, (2.0, 0.0)),
        ({"margin": None, "score_chosen": None}, None),
    ],
)
def test_pairs_may_say_what_they_are_worth(tmp_path: Path, fields: Any, scores: Any) -> None:
    assert only(tmp_path, PAIR | fields).scores == scores
    assert only(tmp_path, DIALOGUES | fields).scores == scores


def test_what_comes_before_the_last_answer_is_the_prompt(tmp_path: Path) -> None:
    """Earlier answers too, of which the sense of the last one may hang, and turns that follow their like."""
    dialogue = "\n\nHuman: Hello?\n\nHuman: Hello?\n\nAssistant: Yes.\nWhat\n\nis it?" + HUMAN
    begun = [("user", "Hello?"), ("user", "Hello?"), ("assistant", "Yes.\nWhat\n\nis it?"), ("user", QUESTION)]
    messages = [{"role": role, "content": content} for role, content in begun]
    for record in (
        {"chosen": f"{dialogue} Four.", "rejected": f"{dialogue} Five."},
        {"chosen": [*messages, FOUR], "rejected": [*messages, FIVE]},
        PAIR | {"chosen": [*messages, FOUR], "rejected": [*messages, FIVE]},
        {"prompt": messages, "answers": ["Four.", "Five."]},
        OPENAI | {"input": {"messages": messages}},
    ):
        assert only(tmp_path, record) == Ranking(
            messages, ("Four.", "Five."), None, str(tmp_path / "preferences.jsonl"), 1
        )


@pytest.mark.parametrize(
    "record",
    [
        {"prompt": [BRIEF, ASKED], "chosen": "Four.", "rejected": "Five."},
        PAIR | {"system": "Be brief."},
        PAIR | {"system": "Be brief.", "prompt": [BRIEF, ASKED]},
        PAIR | {"chosen": [BRIEF, ASKED, FOUR], "rejected": [BRIEF, ASKED, FIVE]},
        OPENAI | {"input": {"messages": [{"role": "developer", "content": "Be brief."}, ASKED], "tools": []}},
    ],
)
def test_a_system_message_comes_first(tmp_path: Path, record: Any) -> None:
    assert only(tmp_path, record).prompt == [BRIEF, ASKED]


def test_tools_and_calls_become_text_as_in_conversations(tmp_path: Path) -> None:
    called = {"role": "assistant", "tool_calls": [{"function": {"name": "legs", "arguments": '{"of": "cat"}'}}]}
    found = {"role": "tool", "content": "4"}
    record = {"messages": [ASKED, called, found], "tools": [{"name": "legs"}]}
    ranking = only(tmp_path, OPENAI | {"input": record})
    assert [message["role"] for message in ranking.prompt] == ["system", "user", "assistant", "tool"]
    assert '{"name": "legs"}' in ranking.prompt[0]["content"]
    called_first = only(tmp_path, {"prompt": QUESTION, "chosen": [called], "rejected": "Five."})
    assert called_first.answers[0] == '<tool_call>\n{"name": "legs", "arguments": {"of": "cat"}}\n</tool_call>'


def test_instruction_and_input_are_joined_by_a_blank_line_and_the_output_is_ignored(tmp_path: Path) -> None:
    ranking = only(tmp_path, ALPACA)
    assert ranking.prompt == [{"role": "user", "content": "How many legs\n\nhas a cat?"}]
    assert ranking.answers == ("Four.", "Five.")


def test_texts_stay_as_they_are(tmp_path: Path) -> None:
    said = ["Vier – ‚Füße‘ 🐈\u200d⬛!\n", "四\u3000本 é e\u0301", " \u202babc<|im_end|> "]
    ranking = only(tmp_path, {"prompt": said[0], "answers": [said[1], said[2][:-12], said[0]]})
    assert (ranking.prompt[0]["content"], ranking.answers) == (said[0], (said[1], said[2][:-12], said[0]))


def test_end_marks_are_taken_from_answers_and_counted(tmp_path: Path) -> None:
    prompt = [ASKED, {"role": "assistant", "content": "Well.<|eot_id|>"}, ASKED]
    found = read_preferences(written(tmp_path, PAIR | {"prompt": prompt, "rejected": "Five.<|endoftext|>"}))
    [ranking] = found
    assert (ranking.prompt[1]["content"], ranking.answers) == ("Well.", ("Four.", "Five."))
    assert found.trimmed == 2


def test_of_answers_that_are_worth_the_same_the_first_is_kept_and_the_others_counted(tmp_path: Path) -> None:
    ranked = {"prompt": QUESTION, "answers": ["d", "b", "c", "a", "b again", "d"]}
    path = written(tmp_path, ranked | {"scores": [1, 2, 1.0, 3, 2, 1]}, ranked | {"ranks": [4, 2, 4, 1, 2, 4]})
    found = read_preferences(path)
    assert [(r.answers, r.scores) for r in found] == [(("a", "b", "d"), (3, 2, 1)), (("a", "b", "d"), None)]
    assert (found.read, found.ties) == (2, 6)


def test_a_pair_of_equals_is_left_out_and_counted(tmp_path: Path) -> None:
    path = written(tmp_path, PAIR | {"margin": 0}, PAIR, PAIR | {"score_chosen": 5, "score_rejected": 5})
    found = read_preferences(path)
    assert [ranking.number for ranking in found] == [ranking.number for ranking in found] == [2]
    assert (found.read, found.skipped, found.ties) == (1, 0, 2)


def test_a_file_of_nothing_but_ties_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, PAIR | {"margin": 0}, PAIR | {"margin": 0})
    with pytest.raises(DataError, match=r"no preference that can be used \(0 left out as bad, 2 as ties\)"):
        list(read_preferences(path))


BAD_PAIRS: dict[str, tuple[Any, str]] = {
    "equal answers": (PAIR | {"rejected": "Four.\n"}, "the two answers are the same"),
    "equal answers but for a mark": (PAIR | {"rejected": "Four. <|endoftext|>"}, "the two answers are the same"),
    "an empty answer": (PAIR | {"chosen": " \n"}, "the chosen answer is empty"),
    "nothing but an end mark": (PAIR | {"rejected": "<|im_end|>"}, "the rejected answer is empty"),
    "half a surrogate pair": (PAIR | {"rejected": "a\ud800"}, "the rejected answer: half a surrogate pair"),
    "half a pair in the prompt": (PAIR | {"prompt": "\udc00"}, r"the prompt: message 1 is no valid Unicode"),
    "an empty question": (PAIR | {"prompt": " "}, r"the prompt: message 1 \(user\) is empty"),
    "no prompt": ({"chosen": [FOUR], "rejected": [FIVE]}, "there is no prompt: none of prompt, conversations, instr"),
    "a number as prompt": (PAIR | {"prompt": 7}, '"prompt": the conversation is no list of messages'),
    "an unknown role": (PAIR | {"prompt": [{"role": "cat", "content": "a"}]}, '"prompt": message 1 has the role "cat"'),
    "a prompt with its answer": (PAIR | {"prompt": [ASKED, FOUR]}, "the prompt ends with an answer"),
    "a system message alone": (PAIR | {"prompt": [BRIEF]}, "the prompt ends with a system message"),
    "a late system message": (PAIR | {"prompt": [ASKED, BRIEF, ASKED]}, "it can only come first"),
    "two system messages": (PAIR | {"prompt": [BRIEF, ASKED], "system": "Be long."}, "it can only come first"),
    "no answer": (PAIR | {"chosen": None}, '"chosen": the conversation is no list of messages'),
    "a number as answer": (PAIR | {"chosen": 4}, '"chosen": the conversation is no list of messages'),
    "an answer without text": (PAIR | {"chosen": {"role": "assistant"}}, '"chosen": message 1 has no text'),
    "an empty list": (PAIR | {"chosen": []}, '"chosen" does not end with an answer of the assistant'),
    "a question as answer": (PAIR | {"rejected": [ASKED]}, '"rejected" does not end with an answer of the assistant'),
    "other prompts": ({"chosen": [BRIEF, ASKED, FOUR], "rejected": [ASKED, FIVE]}, "to different prompts"),
    "one conversation": (PAIR | {"chosen": [ASKED, FOUR]}, "to different prompts"),
    "another prompt": (
        PAIR | {"prompt": "Hm?", "chosen": [ASKED, FOUR], "rejected": [ASKED, FIVE]},
        "not those of the pr",
    ),
    "a score that is none": (PAIR | {"score_chosen": "9", "score_rejected": 1}, '"score_chosen" is "9", and no number'),
    "a score that is true": (PAIR | {"score_chosen": True, "score_rejected": 0}, "is true, and no number"),
    "one score": (PAIR | {"score_chosen": 1}, '"score_rejected" is null, and no number'),
    "no finite score": (PAIR | {"score_chosen": float("inf"), "score_rejected": 0}, "is inf, and no finite number"),
    "a score too large": (PAIR | {"score_chosen": 10**400, "score_rejected": 0}, "is 10*, and no finite number"),
    "no finite margin": (PAIR | {"margin": float("nan")}, '"margin" is nan, and no finite number'),
    "rising scores": (PAIR | {"score_chosen": 1, "score_rejected": 2}, "the rejected answer has a higher score"),
    "a negative margin": (PAIR | {"margin": -1}, "the margin is negative"),
    "another format": (RANKED, "the file began as pairs, and this is rankings"),
    "no format": ({"prompt": QUESTION}, "the file began as pairs, and this is no preference"),
    "no record": ([PAIR], "this is no preference"),
    "one answer": ({"prompt": QUESTION, "chosen": "Four."}, "this is no preference"),
}


@pytest.mark.parametrize("case", BAD_PAIRS)
def test_a_bad_record_is_named_with_its_reason_or_left_out(tmp_path: Path, case: str) -> None:
    record, why = BAD_PAIRS[case]
    path = written(tmp_path, PAIR, record, PAIR)
    with pytest.raises(BadLine, match=rf"preferences\.jsonl, line 2: .*{why}.*--skip-bad") as caught:
        list(read_preferences(path))
    assert "\n" not in str(caught.value)
    left_out: list[BadLine] = []
    found = read_preferences(path, skip_bad=True, on_skip=left_out.append)
    assert [ranking.number for ranking in found] == [1, 3]
    assert found.skipped == len(left_out) == 1


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (DIALOGUES | {"chosen": DIALOGUES["rejected"]}, "the two answers are the same"),
        (DIALOGUES | {"chosen": HUMAN + " "}, "the chosen answer is empty"),
        (DIALOGUES | {"chosen": "\n\nHuman: Hm?\n\nAssistant: Four."}, "the two answers are to different prompts"),
        (DIALOGUES | {"chosen": f"{DIALOGUES['chosen']}\n\nHuman: Oh."}, '"chosen" does not end with an answer'),
        ({"chosen": "\n\nAssistant: a", "rejected": "\n\nAssistant: b"}, "there is no prompt"),
        ({"chosen": "Four.", "rejected": "Five."}, '"chosen" does not begin with "Human:"'),
        ({"chosen": f"Well.{HUMAN} Four.", "rejected": "Five."}, '"chosen" does not begin with "Human:"'),
        (DIALOGUES | {"chosen": f"{HUMAN}\n\nHuman: a\n\nAssistant: b"}, "the two answers are to different prompts"),
        (RANKED | {"answers": 4}, "the answers are no list"),
        (RANKED | {"answers": "Four."}, "the answers are no list"),
        (RANKED | {"answers": []}, "it takes two answers to compare, and there is none"),
        (RANKED | {"answers": ["Four."]}, "it takes two answers to compare, and there is only one"),
        (RANKED | {"answers": ["Four.", "Five.", " Four."]}, "answers 1 and 3 are the same"),
        (RANKED | {"answers": ["Four.", ""]}, "answer 2 is empty"),
        (RANKED | {"answers": ["Four.", 5]}, "answer 2 is 5, and no text"),
        (RANKED | {"answers": [{"text": "Four."}, {"text": "Five."}]}, "answer 1 has none of score, gold, reward"),
        (RANKED | {"answers": [{"text": "Four.", "score": 1}, "Five."]}, "answer 2 has none of score, gold, reward"),
        (RANKED | {"answers": [{"score": 1}, {"score": 2}]}, 'answer 1 is {"score": 1}, and no text'),
        (RANKED | {"answers": [{"text": "a", "score": "x"}] * 2}, 'the score of answer 1 is "x", and no number'),
        (RANKED | {"answers": [{"text": "a", "gold": {"sum": 1}}] * 2}, "the gold of answer 1 is null, and no number"),
        (RANKED | {"scores": [1, 2]}, '"scores" is no list of 3 numbers, one for each answer'),
        (RANKED | {"ranks": {"a": 1}}, '"ranks" is no list of 3 numbers'),
        (RANKED | {"ranks": [1, 2, None]}, "rank 3 is null, and no number"),
        (RANKED | {"scores": [1, 2, float("nan")]}, "score 3 is nan, and no finite number"),
        ({"answers": ["Four.", "Five."]}, "there is no prompt"),
        (RANKED | {"prompt": [ASKED, FOUR]}, "the prompt ends with an answer"),
        (RANKED | {"tools": 3}, '"tools" is no list'),
        (OPENAI | {"input": QUESTION}, '"input" is no object with "messages"'),
        (OPENAI | {"input": {}}, '"input": the conversation is no list of messages'),
        (OPENAI | {"input": {"messages": [ASKED, FOUR]}}, "the prompt ends with an answer"),
        (OPENAI | {"preferred_output": [ASKED]}, '"preferred_output" does not end with an answer'),
        (OPENAI | {"non_preferred_output": [FOUR]}, "the two answers are the same"),
        (ALPACA | {"input": ["a"]}, r'"input" is \["a"\], and no text'),
    ],
)
def test_bad_records_of_the_other_formats_are_named_too(tmp_path: Path, record: Any, why: str) -> None:
    with pytest.raises(BadLine, match=f"line 1: {why}"):
        list(read_preferences(written(tmp_path, record)))


def test_what_is_nested_too_deeply_is_a_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for depth in range(850, 1010):
        path.write_text('{"chosen": "a", "rejected": "b", "margin": ' + "[" * depth + "]" * depth + "}\n")
        with pytest.raises(BadLine, match="line 1: "):
            list(read_preferences(path))


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.jsonl", b"", "is empty. Give a file with preferences in it"),
        ("a.jsonl", b"\n\n", "holds no records. Give a file with a preference on each line"),
        ("a.jsonl", b'{"prompt": "a"}\n', r'not a format of preferences \(its first record has "prompt"\)'),
        ("a.jsonl", b'{"messages": []}\n', "not a format of preferences"),
        ("a.jsonl", b"[]\n", r"not a format of preferences \(its first record has no fields\)"),
        ("a.jsonl", json.dumps(PAIR).encode()[:-9], r"line 1: broken JSON"),
        ("a.jsonl", json.dumps(PAIR).replace("?", "ß").encode("latin-1"), r"line 1: not UTF-8 \(0xdf"),
        ("a.jsonl", json.dumps(PAIR).encode("utf-16"), "is UTF-16"),
        ("a.jsonl.gz", gzip.compress(json.dumps(PAIR).encode(), mtime=0)[:-9], "is cut short"),
        ("a.json", b"[]", "holds no records"),
        ("a.json", json.dumps(PAIR).encode(), "is JSON, but no list of preferences"),
        ("a.csv", b"a,b\n", "preferences are read from .*, and not from this kind of file"),
    ],
)
def test_a_file_without_preferences_is_refused_in_one_line(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=why) as caught:
        read_preferences(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.json"])
def test_every_kind_of_file_gives_the_same_and_can_be_gone_through_again(tmp_path: Path, name: str) -> None:
    text = json.dumps([PAIR] * 2) if name.endswith(".json") else "\n".join([json.dumps(PAIR)] * 2)
    pack = {".gz": gzip.compress, ".zst": zstandard.compress}.get(Path(name).suffix, bytes)
    (tmp_path / name).write_bytes(pack(text.encode()))
    found = read_preferences(str(tmp_path / name))
    assert list(found) == list(found)
    assert [ranking.number for ranking in found] == [1, 2]
    assert found.read == 2


def test_a_folder_is_read_file_by_file_each_in_its_own_format(tmp_path: Path) -> None:
    files = [written(tmp_path, record, name=name) for name, record in (("a.jsonl", PAIR), ("b.jsonl", DIALOGUES))]
    found = read_preferences(tmp_path)
    assert found.format == "pairs and hh-rlhf"
    assert preference_files(tmp_path) == files == [Path(ranking.source) for ranking in found]


MADE = {
    "preference": lambda: preferences(World(0, people=40), 60),
    "teacher_preference": lambda: teacher_preferences(World(0, people=40), 60),
    "ranking": lambda: rankings(World(0, people=40), 60),
}


def of_the_world(folder: Path, kind: str) -> tuple[Path, list[dict[str, Any]]]:
    """A file as `onward world` writes it, only smaller, and its records."""
    lines = [record.line(number) for number, record in enumerate(MADE[kind]())]
    path = folder / f"{kind}.jsonl"
    path.write_text("".join(lines), encoding="utf-8")
    return path, [json.loads(line) for line in lines]


@pytest.mark.parametrize("kind", ["preference", "teacher_preference"])
def test_the_worlds_pairs_are_read_with_their_gold(tmp_path: Path, kind: str) -> None:
    path, records = of_the_world(tmp_path, kind)
    found = read_preferences(path)
    for record, ranking in zip(records, found, strict=True):
        assert ranking.prompt == record["prompt"]
        assert ranking.answers == (record["chosen"][0]["content"], record["rejected"][0]["content"])
        assert ranking.scores is None
        assert ranking.truth == record["truth"]
        golds = [ranking.truth[side]["gold"]["total"] for side in ("chosen", "rejected")]
        assert (golds[0] < golds[1]) == (kind == "teacher_preference" and ranking.truth["teacher_erred"])
    assert (found.format, found.read, found.ties) == ("pairs", len(records), 0)


def test_the_worlds_rankings_are_read_with_their_gold_as_scores(tmp_path: Path) -> None:
    path, records = of_the_world(tmp_path, "ranking")
    found = read_preferences(path)
    there = 0
    for record, ranking in zip(records, found, strict=True):
        gold = {each["text"]: each["gold"]["total"] for each in record["truth"]["candidates"]}
        there += len(record["truth"]["candidates"])
        assert ranking.scores == tuple(sorted(set(gold.values()), reverse=True))
        assert ranking.scores == tuple(gold[answer] for answer in ranking.answers)
        assert (ranking.prompt, ranking.truth) == (record["prompt"], record["truth"])
    assert found.ties == there - sum(len(ranking.answers) for ranking in found) > 0


def test_the_examples_of_the_page_are_read(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## Preferences$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"```json\n(.*?)```", section, re.DOTALL)
    formats = []
    for line in "".join(blocks).splitlines():
        found = read_preferences(written(tmp_path, json.loads(line)))
        [ranking] = found
        assert ranking.prompt == [ASKED]
        assert ranking.answers == ("Four.", "Five.", "Cats?")[: len(ranking.answers)]
        formats.append(found.format)
    assert formats == ["pairs"] * 5 + ["hh-rlhf"] + ["rankings"] * 4 + ["OpenAI preferences"]


leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.sampled_from([QUESTION, HUMAN])
)
message = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "cat"]), "content": leaves})
FIELDS = {name for record in (PAIR, RANKED, OPENAI, ALPACA, FOUR) for name in record} | {
    *PROMPTS,
    *ANSWERS,
    *TEXTS,
    *WORTHS,
}
OTHERS = {
    "scores",
    "ranks",
    "total",
    "truth",
    "candidates",
    "system",
    "tools",
    "margin",
    "score_chosen",
    "from",
    "value",
}
names = st.sampled_from(sorted(FIELDS | OTHERS | {"messages", "tool_calls"}))
values = st.recursive(
    leaves | message | st.lists(message, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
records = st.sampled_from([PAIR, DIALOGUES, RANKED, OPENAI, ALPACA, {}]).flatmap(
    lambda record: st.dictionaries(names, values, max_size=4).map(lambda changed: record | changed)
)


@settings(max_examples=150, deadline=None)
@given(records=st.lists(records | values, min_size=1, max_size=3), skip_bad=st.booleans())
def test_whatever_the_records_are_it_is_read_or_refused_in_a_line(records: list[Any], skip_bad: bool) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder), *records)
        read, refusals = [], []
        try:
            read = list(read_preferences(path, skip_bad=skip_bad))
        except OnwardError as error:
            refusals.append(str(error))
    assert all(len(refusal.splitlines()) == 1 for refusal in refusals)
    for ranking in read:
        assert ranking.prompt[-1]["role"] in ("user", "tool")
        assert len(set(ranking.answers)) == len(ranking.answers) >= 2
        assert all(answer.strip() for answer in ranking.answers)
        assert ranking.scores is None or sorted(set(ranking.scores), reverse=True) == list(ranking.scores)


@pytest.mark.parametrize(
    ("name", "format", "read", "bad"),
    [
        ("hh_harmless.jsonl.gz", "hh-rlhf", 2303, {"the chosen answer is empty": 4, "are to different prompts": 5}),
        ("alpaca_eval_pairs.jsonl", "pairs", 2078, {}),
        ("polite.jsonl", "pairs", 1094, {"the two answers are the same": 6}),
    ],
)
def test_real_preferences_are_read_whole(name: str, format: str, read: int, bad: dict[str, int]) -> None:
    if DATA not in os.environ:
        pytest.skip(f"{DATA} names no folder of real data, with {name} in prefs/")
    path, left_out = Path(os.environ[DATA], "prefs", name), list[BadLine]()
    found = read_preferences(path, skip_bad=True, on_skip=left_out.append)
    there = list(found)
    assert found.format == format
    assert (found.read, found.skipped, found.ties) == (read, sum(bad.values()), 0)
    assert {why: sum(why in str(line) for line in left_out) for why in bad} == bad
    assert all(ranking.scores is not None for ranking in there) == (name == "alpaca_eval_pairs.jsonl")
