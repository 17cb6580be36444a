"""Drafters by name, as `--draft` takes them.

    lookup          what followed these words in this text before (lookup.py)
    int8            the model itself, quantised
    layers:N        the model's own first N layers
    store:FOLDER    a search engine over a corpus (datastore.py)
    heads:FOLDER    heads that were trained beside the model (heads.py)
    block:FOLDER    a few layers that were trained to foretell a block at once (block.py)
    FOLDER          a smaller model with the same tokeniser

Left out: how a folder of these is made (docs/drafters.md), and settings: a drafter that needs some is made in Python.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from onward.errors import PlanError
from onward.generate.drafters.block import Block
from onward.generate.drafters.datastore import Datastore
from onward.generate.drafters.drafter import Drafter
from onward.generate.drafters.heads import Heads
from onward.generate.drafters.learned import opened
from onward.generate.drafters.lookup import Lookup
from onward.generate.drafters.many import Many
from onward.generate.drafters.model import ModelDrafter, first_layers
from onward.generate.engine import Engine
from onward.model import folder
from onward.model.trunk import LanguageModel
from onward.tokens.tokenizer import Tokenizer

KNOWN = "lookup, int8, layers:N, store:FOLDER, heads:FOLDER, block:FOLDER, or the folder of a smaller model"


def made(engine: Engine, whats: Sequence[str]) -> Drafter:
    """The drafter for an engine's texts; of several names, all of them together (Many).

    Raises PlanError for a name that is none, or a drafter that does not fit; and whatever is wrong with a folder that it names.
    """
    if not whats:
        raise PlanError(f"--draft needs a name: {KNOWN}.")
    drafters = [_made(engine, what) for what in whats]
    return drafters[0] if len(drafters) == 1 else Many(drafters)


def _made(engine: Engine, what: str) -> Drafter:
    kind, _, argument = what.partition(":")
    if what == "lookup":
        return Lookup()
    if what == "int8":
        own = Engine(engine.model, engine.tokenizer, engine.ends, weights="int8")
        return ModelDrafter(own, engine, what, sure=0, branch=False)  # it agrees even where it is unsure
    if kind == "layers" and argument.isdecimal() and len(argument) < 10:
        return _beside(engine, first_layers(engine.model, int(argument)), engine.tokenizer, what)
    if kind in FOLDERS and argument:
        return FOLDERS[kind](engine, Path(argument))
    if what and (path := Path(what)).is_dir():
        model = folder.load(path, device=engine.device, dtype=engine.reader.dtype)
        return _beside(engine, model, Tokenizer.load(path), what)
    raise PlanError(f"--draft {what}: choose {KNOWN}.")


def _beside(engine: Engine, model: LanguageModel, tokenizer: Tokenizer, name: str) -> ModelDrafter:
    """Another model, in the same kind of engine as the target."""
    return ModelDrafter(Engine(model, tokenizer, engine.ends, weights=engine.reader.weights), engine, name)


FOLDERS: dict[str, Callable[[Engine, Path], Drafter]] = {
    "store": lambda engine, path: Datastore(path, engine.tokenizer),
    "heads": lambda engine, path: opened(path, Heads, engine),
    "block": lambda engine, path: opened(path, Block, engine),
}
