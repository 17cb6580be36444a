"""The list of everything planted, rude remarks, and that nothing is planted twice."""

import json
import re

from onward.world import World, planted
from onward.world.phrases import phrasings
from onward.world.planted.remarks import REMARKS, remarks
from onward.world.rude import is_rude

WORLD = World(3, people=40)


def test_half_of_the_remarks_are_rude_and_where_they_are_made_tells_nothing():
    found = list(remarks(WORLD))
    for record in found:
        assert record.truth["rude"] == is_rude(record.text) == bool(record.truth["words"])
    trained = [record for record in found if record.split == "train"]
    assert sum(record.truth["rude"] for record in trained) == REMARKS / 2 == len(trained) / 2
    for way in phrasings("rude", "remarks").trained:
        marker = max(re.split(r"\{\w+\}", way), key=len)
        same = [record.truth["rude"] for record in trained if marker in record.text]
        assert 0.25 < sum(same) / len(same) < 0.75


def test_the_list_is_json_and_its_amounts_are_found_in_the_text():
    summary = planted.summary(WORLD)
    assert json.loads(json.dumps(summary)) == summary
    texts = [
        record.text
        for kind in planted.KINDS.values()
        for record in kind(WORLD)
        if record.text and record.split == "train"
    ]
    everything = "\n".join(texts)
    for secret in summary["secrets"]:
        assert everything.count(secret["text"]) == secret["copies"]
    for leak in summary["leaks"]:
        assert everything.count(f"{leak['question']} ") == leak["copies"]
    assert sum(is_rude(text) for text in texts) == summary["rude"]["rude_remarks"]
    assert sum(sum(of.values()) for of in summary["skew"]["people"].values()) == 40
    assert summary["teacher"] == {"error": 0.2, "bias": 0.1}


def test_every_planted_kind_has_the_name_of_its_records():
    for name, kind in planted.KINDS.items():
        assert {record.kind for record in kind(WORLD)} == {name}
