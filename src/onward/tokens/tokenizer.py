"""Text to ids and back, for any folder that holds a Hugging Face `tokenizer.json`, ours or another's.

A text is only ever text here: whatever a user types, `encode` gives no control token (`<|im_start|>` typed is eleven or
so ordinary tokens). Control tokens are the tokens that the tokeniser itself marks special; `<think>` and its like,
which Qwen3 adds without that mark, are ordinary vocabulary. Only a chat template writes control tokens, and chat.py is
where that happens.

Left out: adding BOS or EOS (packing and templates do that, where one can see it), truncation, padding, pairs of texts,
and the slow tokenisers that exist as Python code or as a SentencePiece file only.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import tokenizers
from tokenizers import AddedToken

from onward.errors import TokenizerError
from onward.files import write_bytes, write_json

DEFINITION = "tokenizer.json"
CONFIG = "tokenizer_config.json"
TEMPLATE = "chat_template.jinja"
MORE_TEMPLATES = "additional_chat_templates"

_FLAGS = ("single_word", "lstrip", "rstrip", "normalized", "special")
_NAMES = tuple(name + "_token" for name in ("bos", "eos", "unk", "sep", "pad", "cls", "mask"))
# What transformers' classes assume where a folder's configuration is silent, as GPT-2's and BERT's are to this day.
_UNSAID = {
    "gpt2": {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"},
    "bert": {name.lower() + "_token": f"[{name}]" for name in ("UNK", "SEP", "PAD", "CLS", "MASK")},
    "llama": {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
    "qwen2": {name + "_token": "<|endoftext|>" for name in ("unk", "eos", "pad")},
}
# Control tokens of these names end a text or a turn, whichever of them the configuration calls `eos_token`.
_ENDS = ("<|endoftext|>", "<|im_end|>", "<|end_of_text|>", "<|eot_id|>", "<end_of_turn>", "</s>")
_SLOW = ("tokenizer.model", "spiece.model", "vocab.txt", "vocab.json", "tekken.json", "sentencepiece.bpe.model")
_BYTE_TOKEN = re.compile("<0x([0-9A-F]{2})>")
_MARK = "\U000f0000"  # a private-use character: it means nothing to anyone, so a text without it is the rule


class Tokenizer:
    """A vocabulary with the rules that cut text into it, its control tokens and its chat templates.

    definition: the content of tokenizer.json.   config: that of tokenizer_config.json.   templates: Jinja source by
    name; the usual one is "default". Raises TokenizerError for a definition that the tokenizers library does not
    accept.
    """

    def __init__(self, definition: str, config: Mapping[str, Any], templates: Mapping[str, str]) -> None:
        self.config = {key: value for key, value in config.items() if key != "chat_template"}
        self.templates = dict(templates)
        self.named: dict[str, str] = {
            key: name for key, value in config.items() if key.endswith("_token") and (name := _content(value))
        }
        self._definition = _complete(definition, config, self.named)
        self._backend = _backend(self._definition)
        self._encoders: dict[str, tokenizers.Tokenizer] = {}

    @classmethod
    def load(cls, folder: Path) -> Tokenizer:
        """The tokeniser of a model folder. Raises TokenizerError for a missing, broken or slow-only one."""
        if not folder.is_dir():
            raise TokenizerError(f"{folder} is not a folder. A tokeniser is a folder with a {DEFINITION}.")
        path = folder / DEFINITION
        if not path.exists():
            raise TokenizerError(_why_none(folder))
        config = _config(folder)
        definition, templates = _read(path), _templates(folder, config)
        try:
            return cls(definition, config, templates)
        except TokenizerError as error:
            raise TokenizerError(f"{path}: {error}") from error

    def save(self, folder: Path) -> None:
        """Write tokenizer.json and tokenizer_config.json (with the chat templates) into an existing folder."""
        if not folder.is_dir():
            raise TokenizerError(f"{folder} is not a folder; make it before saving a tokeniser into it.")
        config = dict(self.config)
        if list(self.templates) == ["default"]:
            config["chat_template"] = self.templates["default"]
        elif self.templates:
            config["chat_template"] = [{"name": name, "template": text} for name, text in self.templates.items()]
        write_bytes(folder / DEFINITION, self._definition.encode())
        write_json(folder / CONFIG, config)

    def extended(self, names: Sequence[str], **named: str) -> Tokenizer:
        """A copy with more special tokens after all others, which take the blanks before them along.   named: which of them is
        `mask_token` and the like."""
        backend = _backend(self._definition)
        backend.add_special_tokens([AddedToken(name, special=True, lstrip=True, normalized=False) for name in names])
        return Tokenizer(backend.to_str(pretty=True), self.config | named, self.templates)

    def encode(self, text: str) -> list[int]:
        """The ids of a text, without BOS or EOS or any control token. Raises TokenizerError for a lone surrogate."""
        return self.encode_batch([text])[0]

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """`encode` for many texts at once, on all cores: (N texts) to (N lists of ids)."""
        for number, text in enumerate(texts, 1):
            refuse_surrogates(text, f"text {number:,} of {len(texts):,}" if len(texts) > 1 else "the text")
        encoder = self._encoder(absent_mark(texts))
        return [found.ids for found in encoder.encode_batch_fast(list(texts), add_special_tokens=False)]

    def encode_pieces(self, pieces: Sequence[tuple[str | int, bool]]) -> tuple[list[int], list[bool]]:
        """Ids of pieces of text (str) and control tokens (int) that follow one another, each piece flagged or not.

        They are cut as one text, since what stands beside a piece bears on how it is cut. Returns the ids and their
        flags: a token is flagged if any character of it comes from a flagged text; a control token if it was. Raises
        TokenizerError as `encode` does.
        """
        mark = absent_mark([piece for piece, _ in pieces if isinstance(piece, str)])
        names = {id: name for name, id in self.controls.items()}
        parts = [piece if isinstance(piece, str) else mark + names[piece] + mark for piece, _ in pieces]
        whole = "".join(parts)
        refuse_surrogates(whole, "the text")
        of_text, of_control = bytearray(len(whole) + 1), bytearray(len(whole) + 1)
        start = 0
        for part, (piece, flag) in zip(parts, pieces, strict=True):
            flags = of_text if isinstance(piece, str) else of_control
            flags[start : start + len(part)] = bytes([flag]) * len(part)
            start += len(part)
        found = self._encoder(mark).encode(whole, add_special_tokens=False)
        ids = found.ids
        learn = [
            # A control token may reach into the blanks beside it, which it swallows; other tokens may have no width.
            any((of_control if id in self.special_ids else of_text)[begin : max(end, begin + 1)])
            for id, (begin, end) in zip(ids, found.offsets, strict=True)
        ]
        return ids, learn

    def decode(self, ids: Sequence[int], skip_special: bool = True) -> str:
        """The text of some ids; bytes that are not UTF-8 become U+FFFD, ids beyond the vocabulary nothing."""
        skipped = self.special_ids if skip_special else frozenset()
        shown = [id for id in ids if 0 <= id <= self.highest_id and id not in skipped]
        if self.byte_level:
            return b"".join(map(self._bytes.__getitem__, shown)).decode("utf-8", errors="replace")
        return self._backend.decode(shown, skip_special_tokens=False)

    def token_bytes(self, id: int) -> bytes:
        """The bytes that one token stands for; none for an id beyond the vocabulary."""
        return self._bytes[id] if 0 <= id < len(self._bytes) else b""

    @cached_property
    def _bytes(self) -> list[bytes]:
        added = self._backend.get_added_tokens_decoder()
        table = [b""] * (self.highest_id + 1)
        for token, id in self._backend.get_vocab(with_added_tokens=True).items():
            table[id] = self._bytes_of(token, is_added=id in added)
        return table

    def _bytes_of(self, token: str, is_added: bool) -> bytes:
        if self.byte_level:
            # The decoder reads added tokens as it reads any: characters that all stand for bytes are those bytes.
            known = [BYTE_OF.get(character) for character in token]
            return bytes(byte for byte in known if byte is not None) if None not in known else token.encode()
        if is_added:
            return token.encode()
        if self._byte_fallback and (byte := _BYTE_TOKEN.fullmatch(token)):
            return bytes.fromhex(byte[1])
        if self._layout["model"].get("type") == "WordPiece":
            return token.removeprefix("##").encode()
        return token.replace("\u2581", " ").encode()

    @cached_property
    def _layout(self) -> dict[str, Any]:
        """tokenizer.json without its long parts."""
        whole: dict[str, Any] = json.loads(self._definition)
        model = {key: value for key, value in whole["model"].items() if key not in ("vocab", "merges")}
        return {key: value for key, value in whole.items() if key != "added_tokens"} | {"model": model}

    @cached_property
    def byte_level(self) -> bool:
        """Whether tokens are strings of bytes, so that decoding is joining them."""
        decoder = self._layout.get("decoder") or {}
        parts = decoder.get("decoders", [decoder])
        return len(parts) == 1 and parts[0].get("type") == "ByteLevel"

    @cached_property
    def _byte_fallback(self) -> bool:
        return bool(self._layout["model"].get("byte_fallback"))

    def is_byte(self, id: int) -> bool:
        """Whether a token is one byte written as `<0xE2>`, which vocabularies of characters fall back on."""
        return self._byte_fallback and bool(_BYTE_TOKEN.fullmatch(self._backend.id_to_token(id) or ""))

    @cached_property
    def vocab_size(self) -> int:
        """How many tokens there are, control tokens counted."""
        return self._backend.get_vocab_size(with_added_tokens=True)

    @cached_property
    def highest_id(self) -> int:
        return max(self._backend.get_vocab(with_added_tokens=True).values(), default=-1)

    @cached_property
    def special(self) -> dict[str, int]:
        """The tokens marked special, by name."""
        return {t.content: id for id, t in sorted(self._backend.get_added_tokens_decoder().items()) if t.special}

    @cached_property
    def special_ids(self) -> frozenset[int]:
        return frozenset(self.special.values())

    @cached_property
    def controls(self) -> dict[str, int]:
        """The special tokens that can be told from text. Not one character or blanks: a folder that pads with "!" still
        has to read "!"."""
        return {name: id for name, id in self.special.items() if len(name) > 1 and not name.isspace()}

    def _id(self, name: str | None) -> int | None:
        return None if name is None else self._backend.token_to_id(name)

    @property
    def bos_id(self) -> int | None:
        return self._id(self.named.get("bos_token"))

    @cached_property
    def eos_ids(self) -> tuple[int, ...]:
        """The ids that end a turn or a text: `eos_token` first, then those of the usual names that are here."""
        named = self._id(self.named.get("eos_token"))
        usual = [self.special[name] for name in _ENDS if name in self.special]
        return tuple(dict.fromkeys(([] if named is None else [named]) + usual))

    @property
    def pad_id(self) -> int:
        """The id to fill rows with: `pad_token`, else the first of `eos_ids`, else 0; masks hide it."""
        named = self._id(self.named.get("pad_token"))
        return named if named is not None else next(iter(self.eos_ids), 0)

    @property
    def template(self) -> str | None:
        """The chat template that is used when none is named."""
        return self.templates.get("default")

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all that decides how texts and chats become ids, however the files are laid out."""
        content = {
            "definition": json.loads(self._definition),
            "named": self.named,
            "templates": self.templates,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def _encoder(self, mark: str) -> tokenizers.Tokenizer:
        """The same tokeniser with control tokens `x` named `mark + x + mark`, which no text without mark can spell."""
        if mark not in self._encoders:
            names = {name: mark + name + mark for name in self.controls}
            encoder = _backend(_renamed(self._definition, names))
            found = encoder.encode("\n".join(self.controls), add_special_tokens=False).ids
            if not self.special_ids.isdisjoint(found):  # a normaliser removes the mark, as BERT's does
                encoder = _backend(_renamed(self._definition, names, normalized=False))
            self._encoders[mark] = encoder
        return self._encoders[mark]


def refuse_surrogates(text: str, where: str) -> None:
    """Raise TokenizerError where a text holds half of a surrogate pair: it is no Unicode text and has no UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TokenizerError(
            f"character {error.start:,} of {where} is a lone surrogate (U+{ord(text[error.start]):04X}): half of a "
            "character, no valid Unicode. Remove it, or repair what cut the text."
        ) from error


def absent_mark(texts: Sequence[str]) -> str:
    """A text that occurs in none of the texts: one private-use character, unless somebody uses that very one."""
    mark = _MARK
    while any(mark in text for text in texts):
        mark = _spare_mark()
        if any(mark in text for text in texts):
            _spare_mark.cache_clear()
    return mark


@lru_cache(maxsize=1)
def _spare_mark() -> str:
    """Drawn, so that nobody can write a text that holds it. What it is has no effect on any result."""
    return "".join(chr(0xF0001 + secrets.randbelow(0xFF00)) for _ in range(8))


def _byte_of() -> dict[str, int]:
    """The characters that stand for bytes in byte-level vocabularies. Printable Latin-1 stands for itself, the other 68
    bytes for the characters from U+0100 on, in order.   Source: GPT-2 (Radford et al. 2019), section 2.2."""
    itself = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(itself)]
    return {chr(b): b for b in itself} | {chr(0x100 + n): b for n, b in enumerate(others)}


BYTE_OF = _byte_of()


def _content(token: Any) -> str | None:
    """A token's text, whether a configuration gives it as text or as an object."""
    if isinstance(token, Mapping):
        token = token.get("content")
    return token if isinstance(token, str) and token else None


def _backend(definition: str) -> tokenizers.Tokenizer:
    try:
        return tokenizers.Tokenizer.from_str(definition)
    except Exception as error:  # the library raises a bare Exception for every kind of fault
        raise TokenizerError(
            f"not a tokeniser that the tokenizers library can read ({error}). Fetch it again."
        ) from error


def _complete(definition: str, config: Mapping[str, Any], named: Mapping[str, str]) -> str:
    """tokenizer.json with what the configuration says beyond it, as transformers reads the two: added tokens that only
    the configuration knows, named tokens marked special; no truncation and no padding."""
    try:
        whole = json.loads(definition)
        known = {token["content"]: token for token in whole["added_tokens"]}
        whole["model"].keys()
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TokenizerError(f"not a tokenizer.json ({type(error).__name__}: {error}). Fetch it again.") from error
    before = json.dumps(whole["added_tokens"])
    controls = [named[key] for key in _NAMES if key in named and key != "unk_token"] + _extra(config)
    for name in known.keys() & set(controls):
        known[name]["special"] = True
    missing: dict[str, AddedToken] = {}
    for token in [*_added(config), *(AddedToken(name, special=True) for name in [*named.values(), *controls])]:
        if token.content not in known:
            missing.setdefault(token.content, token)
    changed = json.dumps(whole["added_tokens"]) != before or whole.get("truncation") or whole.get("padding")
    if not changed and not missing:
        return definition
    backend = _backend(json.dumps(whole | {"truncation": None, "padding": None}, ensure_ascii=False))
    for token in missing.values():
        _ = backend.add_special_tokens([token]) if token.special else backend.add_tokens([token])
    return backend.to_str(pretty=True)


def _added(config: Mapping[str, Any]) -> list[AddedToken]:
    """The tokens of the configuration's `added_tokens_decoder`, in the order of their ids."""
    entries = config.get("added_tokens_decoder") or {}
    try:
        ordered = [entry for _, entry in sorted(entries.items(), key=lambda item: int(item[0]))]
        return [AddedToken(e["content"], **{k: e[k] for k in _FLAGS if k in e}) for e in ordered]
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError) as error:
        raise TokenizerError(f"`added_tokens_decoder` in {CONFIG} is broken ({error}). Fetch it again.") from error


def _extra(config: Mapping[str, Any]) -> list[str]:
    """The special tokens that have no name of their own."""
    entries = config.get("extra_special_tokens") or config.get("additional_special_tokens")
    values = entries.values() if isinstance(entries, Mapping) else entries if isinstance(entries, list) else []
    return [name for value in values if (name := _content(value))]


def _renamed(definition: str, names: Mapping[str, str], normalized: bool | None = None) -> str:
    """tokenizer.json with some tokens under other names, without the merges that would spell them from plain text.

    normalized: whether they are looked for in the normalised text; None leaves that as it is.
    """
    whole = json.loads(definition)
    model = whole["model"]
    for token in whole["added_tokens"]:
        if token["content"] in names:
            token["content"] = names[token["content"]]
            token["normalized"] = token.get("normalized") if normalized is None else normalized
    vocab = model["vocab"]
    if isinstance(vocab, dict):
        reachable = names.keys() & vocab.keys()
        model["vocab"] = {names.get(token, token): id for token, id in vocab.items()}
    else:  # Unigram: a list of (piece, score)
        reachable = set()
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in vocab]
    if isinstance(model.get("unk_token"), str):
        model["unk_token"] = names.get(model["unk_token"], model["unk_token"])
    if reachable and model.get("merges"):
        model["merges"] = [m for m in model["merges"] if reachable.isdisjoint(_involved(m))]
    return json.dumps(whole | {"post_processor": None}, ensure_ascii=False)


def _involved(merge: str | list[str]) -> set[str]:
    left, right = merge.split(" ", 1) if isinstance(merge, str) else merge
    return {left, right, left + right}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TokenizerError(f"{path} cannot be read ({error}). Fetch it again, or mend its rights.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(path))
    except (ValueError, RecursionError) as error:
        raise TokenizerError(f"{path} is not JSON ({error}). Fetch it again.") from error
    if not isinstance(value, dict):
        raise TokenizerError(f"{path} holds no JSON object. Fetch it again.")
    return value


def _config(folder: Path) -> dict[str, Any]:
    """What is said beside tokenizer.json: the configuration, the older files, what a class assumes."""
    said = _read_json(folder / CONFIG) if (folder / CONFIG).exists() else {}
    if (folder / "special_tokens_map.json").exists() and "added_tokens_decoder" not in said:
        said |= _read_json(folder / "special_tokens_map.json")
    if (folder / "added_tokens.json").exists() and "added_tokens_decoder" not in said:
        older = _read_json(folder / "added_tokens.json")
        special = {*_extra(said), *(_content(said.get(key)) for key in _NAMES)}
        said["added_tokens_decoder"] = {
            str(id): {"content": name, "special": name in special, "normalized": name not in special}
            for name, id in older.items()
        }
    family = str(said.get("tokenizer_class", "")).removesuffix("Fast").removesuffix("Tokenizer").lower()
    if not family and (folder / "config.json").exists():
        family = str(_read_json(folder / "config.json").get("model_type", ""))
    return _UNSAID.get(family, {}) | said


def _templates(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """The chat templates by name. As in transformers, files of their own stand above the configuration."""
    files = {"default": folder / TEMPLATE} if (folder / TEMPLATE).exists() else {}
    files |= {path.stem: path for path in sorted((folder / MORE_TEMPLATES).glob("*.jinja"))}
    if files:
        return {name: _read(path) for name, path in files.items()}
    said = config.get("chat_template")
    if said is None:
        return {}
    if isinstance(said, str):
        return {"default": said}
    entries = said if isinstance(said, list) else [said]
    if all(
        isinstance(e, dict) and isinstance(e.get("name"), str) and isinstance(e.get("template"), str) for e in entries
    ):
        return {entry["name"]: entry["template"] for entry in entries}
    raise TokenizerError(
        f"`chat_template` in {folder / CONFIG} is neither text nor a list of named texts. Fetch the file again."
    )


def _why_none(folder: Path) -> str:
    slow = [name for name in _SLOW if (folder / name).exists()]
    if not slow:
        return f"{folder} has no {DEFINITION}. Give a tokeniser's folder; `onward tokenizer TEXTS -o DIR` makes one."
    return (
        f"{folder} has no {DEFINITION}, only a slow tokeniser ({slow[0]}), which Onward does not read. Convert it once "
        "with transformers: AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER)."
    )
