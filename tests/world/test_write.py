"""A world as files: the same bytes for the same seed, documented lines, nothing half-written."""

import json
from itertools import islice

import pytest

from onward.corpus.chats import read_chats
from onward.corpus.read import documents
from onward.errors import OutputError, WorldError
from onward.world import World
from onward.world.kinds import KINDS
from onward.world.write import write

SMALL = {"people": 20, "cities": 6}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("world") / "world"
    write(World(1, **SMALL), out)
    return out


def files(folder):
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "onward.json"
    }


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_renders_the_same_bytes(kind):
    once, again = (b"".join(r.line(0).encode() for r in islice(KINDS[kind](World(1, **SMALL)), 60)) for _ in range(2))
    assert once == again


def test_the_same_seed_writes_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(World(1, **SMALL), tmp_path / name, only=["biography", "question", "claim"])
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_every_kind_is_there_and_counted(folder):
    counts = json.loads((folder / "truth.json").read_text())["records"]
    assert {name for name in files(folder) if name != "truth.json"} == set(counts)
    assert {name.split("/")[1].removesuffix(".jsonl") for name in counts} >= set(KINDS)
    assert all(len((folder / name).read_text().rstrip("\n").split("\n")) == count for name, count in counts.items())


def test_the_rest_of_onward_reads_what_it_writes(folder):
    assert sum(1 for _ in documents([folder / "texts"])) > 0
    for path in (folder / "chats").iterdir():
        assert sum(1 for _ in read_chats(path)) == len(path.read_text().rstrip("\n").split("\n"))


def test_training_files_hold_only_what_is_for_training(folder):
    for path in folder.glob("*/*.jsonl"):
        splits = {json.loads(line)["split"] for line in path.read_text().rstrip("\n").split("\n")}
        assert ("train" in splits) == (path.parent.name != "tests"), path
        assert path.parent.name == "tests" or splits == {"train"}


def test_identifiers_are_unique(folder):
    found = [
        json.loads(line)["id"]
        for path in folder.glob("*/*.jsonl")
        for line in path.read_text().rstrip("\n").split("\n")
    ]
    assert len(found) == len(set(found))


def test_everybody_is_in_truth_json(folder):
    world, truth = World(1, **SMALL), json.loads((folder / "truth.json").read_text())
    assert [person["name"] for person in truth["people"]] == [person.name for person in world.people]
    assert truth["people"][3]["facts"]["job"] == [world.people[3].job]


def test_a_folder_that_is_there_is_not_touched_and_an_unknown_kind_is_named(folder, tmp_path):
    with pytest.raises(OutputError, match="exists already"):
        write(World(1, **SMALL), folder)
    with pytest.raises(WorldError, match="poetry: there is no such kind"):
        write(World(1, **SMALL), tmp_path / "new", only=["poetry"])
    assert not (tmp_path / "new").exists()
