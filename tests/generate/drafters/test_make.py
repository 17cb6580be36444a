from dataclasses import replace

import pytest

import onward
from onward.errors import NativeError, OnwardError, PlanError
from onward.generate.drafters.block import Block
from onward.generate.drafters.datastore import Datastore, build
from onward.generate.drafters.drafter import Aim
from onward.generate.drafters.heads import Heads
from onward.generate.drafters.learned import save
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.make import made
from onward.generate.drafters.many import Many
from onward.generate.drafters.model import ModelDrafter
from onward.generate.engine import Request
from onward.generate.native.build import library
from onward.generate.settings import Sampling
from onward.lineage import Lineage
from samples import story


@pytest.fixture
def engine(model_folder):
    return onward.load(model_folder).engine


def test_each_name_makes_its_drafter(engine, model_folder, tmp_path, tokenizer):
    build([story(0), story(1)], tokenizer, tmp_path / "store")
    kinds = {"lookup": Lookup, "layers:1": ModelDrafter, f"store:{tmp_path / 'store'}": Datastore}
    kinds |= {str(model_folder): ModelDrafter}
    for what, kind in kinds.items():
        drafter = made(engine, [what])
        assert isinstance(drafter, kind)
        assert len(drafter.propose([5, 6, 7, 5, 6], 4, Aim())) <= 4
    together = made(engine, list(kinds))
    assert isinstance(together, Many)
    assert [type(one) for one in together.drafters] == list(kinds.values())
    assert len(together.propose([5, 6, 7, 5, 6], 8, Aim())) > 4


def test_the_model_quantised_drafts_for_itself(engine):
    try:
        library()
    except NativeError as error:
        pytest.skip(str(error))
    drafter = made(engine, ["int8"])
    assert drafter.engine.model is engine.model
    assert len(drafter.propose([5, 6], 4, Aim())) == 4


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("lokup", "--draft lokup: choose lookup, int8"),
        ("", "choose lookup"),
        ("layers", "choose lookup"),
        ("layers:some", "choose lookup"),
        ("layers:0", "from 1 to 1"),
        ("layers:2", "from 1 to 1"),
        ("store:", "choose lookup"),
        ("store:nowhere", "no datastore"),
        (".", "not|no |has"),
    ],
)
def test_what_is_no_drafter_is_refused_in_a_line(engine, what, words):
    with pytest.raises(OnwardError, match=words) as refusal:
        made(engine, [what])
    assert "\n" not in str(refusal.value)


def test_no_name_is_refused(engine):
    with pytest.raises(PlanError, match="needs a name"):
        made(engine, [])


@pytest.mark.parametrize("mode", ["coupled", "ratio"])
def test_in_the_engine_each_leaves_texts_as_they_are_and_all_blocks_are_given_back(
    engine, model_folder, tmp_path, tokenizer, mode
):
    build([story(n) for n in range(5)], tokenizer, tmp_path / "store")
    for kind in (Heads, Block):
        learned = kind.shaped(engine.model, ahead=3).initialise(engine.model, 0)
        save(tmp_path / kind.kind, engine.model, learned, Lineage(verb="test"), {}, force=False)
    names = ["lookup", "layers:1", "int8", str(model_folder), f"store:{tmp_path / 'store'}"]
    names += [f"heads:{tmp_path / 'heads'}", f"block:{tmp_path / 'block'}"]
    prompts = [tokenizer.encode(story(n))[: 9 + n] for n in range(4)]
    sampling = Sampling(temperature=0.9, max_tokens=20, repetition_penalty=1.1)
    asked = [Request(prompt=prompt, sampling=replace(sampling, seed=n)) for n, prompt in enumerate(prompts)]
    plain = [done.drawn for done in engine.run(asked)]
    for whats in [*([name] for name in names), names]:
        engine.draft(made(engine, whats), mode, most=6, fixed=True)
        drafted = [done.drawn for done in engine.run(asked)]
        assert (drafted == plain) or mode == "ratio", whats
        assert engine.speculation.report.proposed > 0 or whats[0].startswith(("lookup", "store")), whats
        assert engine.pages.used == 0
        if whats == [str(model_folder)] and mode == "coupled":
            assert engine.speculation.report.acceptance > 0.9
