"""Helpers for tests of constrained output: small tokenisers, whole texts tried on a machine, random walks over allowed tokens."""

import json
import random
from functools import cache

import numpy as np
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers

from onward.generate.constraint.automaton import compile
from onward.generate.constraint.machine import Machine
from onward.generate.constraint.pattern import parse
from onward.generate.constraint.schema import rules_of
from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train

TEXTS = [
    'The quick brown fox. {"name": "Ada", "age": 36, "tags": ["a", "b"], "next": null, "yes": true, "no": false}',
    "Größe, naïve café; 你好，世界。 😀😀 👩‍👩‍👧",
    "2024-02-29T12:30:00Z or 1999-12-31, 3.14159 and -17e5",
] * 6


@cache
def ours() -> Tokenizer:
    return train(TEXTS, 420)


@cache
def llama_like(fallback: range = range(256)) -> Tokenizer:
    """Characters, `▁` for blanks, a blank dropped at the start; single bytes as well, to fall back on."""
    letters = sorted({c for text in TEXTS for c in text.replace(" ", "▁")} - {"😀"})
    bytes_ = [f"<0x{byte:02X}>" for byte in fallback]
    words = ["▁the", "▁yes", "yes", '":', '{"', "▁▁", "no", "▁no", "12"]
    vocab = {name: id for id, name in enumerate(dict.fromkeys(["<unk>", "<s>", "</s>", *bytes_, *letters, *words]))}
    backend = tokenizers.Tokenizer(
        models.BPE(vocab=vocab, merges=[], unk_token="<unk>", byte_fallback=len(fallback) > 0)
    )
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return _with_specials(backend)


@cache
def unigram_like() -> Tokenizer:
    letters = sorted({c for text in TEXTS for c in text.replace(" ", "▁")} - {"😀"})
    pieces = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), ("▁yes", -2.0), *((c, -5.0) for c in letters)]
    backend = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=0))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    return _with_specials(backend)


def _with_specials(backend: tokenizers.Tokenizer) -> Tokenizer:
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    return Tokenizer(backend.to_str(), {"eos_token": "</s>"}, {})


def word_pieces() -> Tokenizer:
    vocab = {name: id for id, name in enumerate(["[UNK]", "[SEP]", "a", "b", "##a", "##b", "yes", "no"])}
    backend = tokenizers.Tokenizer(models.WordPiece(vocab, unk_token="[UNK]"))
    backend.decoder = decoders.WordPiece(prefix="##")
    backend.add_special_tokens([AddedToken("[SEP]", special=True)])
    return Tokenizer(backend.to_str(), {"eos_token": "[SEP]"}, {})


def machine_of(pattern: str) -> Machine:
    return Machine({"pattern": compile(parse(pattern))})


def machine_of_schema(schema) -> Machine:
    return Machine({name: compile(tree) for name, tree in rules_of(schema).items()})


def accepts(machine: Machine, text: str) -> bool:
    """Whether a machine allows a whole text."""
    number = machine.number(machine.start)
    for byte in text.encode(errors="surrogatepass"):
        number = machine.step(number, byte)
    return machine.may_end(machine.states[number])


def walk(constraint, tokenizer: Tokenizer, seed: int, wish=(), longest: int = 3000) -> list[int]:
    """Tokens drawn at random from those allowed, until one ends the text; after 60, tokens of one byte that bring an end nearer in
    JSON are preferred.   wish: ids that are taken whenever they are allowed."""
    random_ = random.Random(seed)
    closing = [
        id for id in range(tokenizer.highest_id + 1) if tokenizer.token_bytes(id) in (b'"', b"]", b"}", b"0", b"1")
    ]
    state, ids = constraint.start, []
    for _ in range(longest):
        mask = constraint.allowed(state)
        allowed = np.flatnonzero(mask)
        assert len(allowed), "nothing may follow, and the text has not ended"
        assert constraint.may_end(state) == mask[list(tokenizer.eos_ids)].all()
        wished = [id for id in (*wish, *(tokenizer.eos_ids if len(ids) > 20 else ())) if mask[id]]
        wished = wished or [id for id in closing if mask[id] and len(ids) > 60 and random_.random() < 0.5]
        token = int(random_.choice(wished or allowed.tolist()))
        state = constraint.after(state, token)
        assert state is not None
        if token in tokenizer.eos_ids:
            return ids
        ids.append(token)
    raise AssertionError(f"no end after {longest} tokens")


def ids_of(tokenizer: Tokenizer, text: str) -> list[int]:
    """A text byte by byte."""
    single = {
        tokenizer.token_bytes(id): id for id in range(tokenizer.highest_id + 1) if id not in tokenizer.special_ids
    }
    return [single[bytes([byte])] for byte in text.encode()]


def compact(value) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
