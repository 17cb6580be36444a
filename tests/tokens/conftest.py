"""Tokenisers for the tests, made here: ours, and small ones built as Llama, BERT and others build theirs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import tokenizers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors, trainers

from onward.tokens.tokenizer import Tokenizer
from onward.tokens.train import train

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

TEXTS = [
    "The quick brown fox jumps over the lazy dog. It's 12,345 metres away, isn't it?",
    "def add(a, b):\n    return a + b\n\n\n    # done\r\n",
    "你好，世界。今天天气很好，我们去公园吧。",
    "Größe, naïve café, ångström; e\u0301 and \u00e9 are not the same bytes.",
    "👩‍👩‍👧 family, 😀😀 smiles and flags 🇩🇪.",
    "system user assistant tool: hello there, how are you? I am fine, thank you.",
] * 6


@pytest.fixture(scope="session")
def ours() -> Tokenizer:
    return train(TEXTS, 700)


@pytest.fixture(scope="session")
def our_folder(ours: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our tokeniser in what transformers takes for the folder of a Qwen3 model."""
    folder = tmp_path_factory.mktemp("ours")
    ours.save(folder)
    (folder / "config.json").write_text('{"model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}')
    return folder


@pytest.fixture(scope="session")
def oracle(our_folder: Path):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(our_folder)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a folder with our vocabulary under other control tokens and another template."""

    def make(template: str, controls: list[str], config: dict[str, str]) -> Path:
        backend = tokenizers.Tokenizer.from_str(train(TEXTS, 700)._definition)
        plain = json.loads(backend.to_str()) | {"added_tokens": []}
        backend = tokenizers.Tokenizer.from_str(json.dumps(plain))
        backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in controls])
        backend.add_tokens([AddedToken(name, normalized=False) for name in ("<think>", "</think>")])
        folder = tmp_path_factory.mktemp("foreign")
        backend.save(str(folder / "tokenizer.json"))
        said = {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": template} | config
        (folder / "tokenizer_config.json").write_text(json.dumps(said))
        return folder

    return make


def llama_like() -> tokenizers.Tokenizer:
    """Characters with byte fall-back and `▁` for blanks, as SentencePiece tokenisers are converted."""
    letters = sorted({c for text in TEXTS[:6] for c in text.replace(" ", "▁") if c != "😀"})
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters]
    vocab = {name: id for id, name in enumerate(dict.fromkeys(names))}
    merges = [("t", "h"), ("th", "e"), ("▁", "the"), ("i", "n"), ("▁", "a")]
    for left, right in merges:
        vocab.setdefault(left + right, len(vocab))
    model = models.BPE(vocab=vocab, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    backend = tokenizers.Tokenizer(model)
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in ("<unk>", "<s>", "</s>")])
    return backend


def bert_like(normalized: bool = False) -> tokenizers.Tokenizer:
    """normalized: control tokens are looked for behind the normaliser, which removes private-use characters."""
    backend = tokenizers.Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    controls = [AddedToken(name, special=True, normalized=normalized) for name in names]
    backend.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=controls, show_progress=False)
    )
    cls, sep = backend.token_to_id("[CLS]"), backend.token_to_id("[SEP]")
    backend.post_processor = processors.BertProcessing(("[SEP]", sep), ("[CLS]", cls))
    backend.enable_truncation(8)
    backend.enable_padding(length=8)
    return backend


def unigram_like() -> tokenizers.Tokenizer:
    """T5's kind, where a control token is a piece of the model and can be spelled by plain text."""
    letters = sorted({c for text in TEXTS[:6] for c in text.replace(" ", "▁")} | set("</s>"))
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁the", -2.0), *((c, -5.0) for c in letters)]
    backend = tokenizers.Tokenizer(models.Unigram(pieces, unk_id=2))
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    backend.add_special_tokens([AddedToken(name, special=True) for name in ("<pad>", "</s>", "<unk>")])
    return backend


MADE = {
    "llama": llama_like,
    "bert": bert_like,
    "bert-normalised": lambda: bert_like(normalized=True),
    "unigram": unigram_like,
}


@pytest.fixture
def bert_backend() -> tokenizers.Tokenizer:
    return bert_like()


@pytest.fixture(scope="session", params=[*MADE, "ours"])
def any_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, our_folder: Path) -> Path:
    """Tokenisers of all kinds in folders, one after another."""
    if request.param == "ours":
        return our_folder
    folder = tmp_path_factory.mktemp(request.param)
    MADE[request.param]().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return folder


@pytest.fixture(scope="session")
def any_tokenizer(any_folder: Path) -> Tokenizer:
    return Tokenizer.load(any_folder)
