"""Training a tokeniser: Qwen2's cuts, every byte, the same result each time, impossible wishes refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from onward.errors import TokenizerError
from onward.tokens.statistics import statistics
from onward.tokens.train import PATTERN, _pieces, train


def test_the_cuts_are_qwen2_s(ours):
    from transformers.models.qwen2 import tokenization_qwen2

    assert tokenization_qwen2.PRETOKENIZE_REGEX == PATTERN
    theirs = json.loads(tokenization_qwen2.Qwen2Tokenizer(vocab={"a": 0}, merges=[])._tokenizer.to_str())
    split, byte_level = json.loads(ours._definition)["pre_tokenizer"]["pretokenizers"]
    assert [split, {**byte_level, "trim_offsets": None}] == [
        {**part, "trim_offsets": None} if part["type"] == "ByteLevel" else part
        for part in theirs["pre_tokenizer"]["pretokenizers"]
    ]
    assert json.loads(ours._definition)["normalizer"] is None


def test_transformers_reads_a_qwen3_folder_with_all_names_in_place(ours, oracle):
    assert type(oracle).__name__ in ("TokenizersBackend", "PreTrainedTokenizerFast")
    assert oracle.chat_template == ours.template
    assert (oracle.bos_token, oracle.eos_token, oracle.pad_token) == ("<|endoftext|>", "<|im_end|>", "<|endoftext|>")
    assert (oracle.eos_token_id, len(oracle)) == (ours.eos_ids[0], ours.vocab_size)
    assert oracle.encode("hello", add_special_tokens=True) == ours.encode("hello"), "nothing is added by itself"
    assert oracle.decode(ours.encode(" a , b . c n't"), clean_up_tokenization_spaces=None) == " a , b . c n't"


def test_the_vocabulary_has_the_size_asked_for_and_control_tokens_last(ours):
    assert ours.vocab_size <= 700
    found = train(["abcabcabc xyzxyz"] * 5, 265)
    assert found.vocab_size == 265
    assert list(found.special.values()) == [262, 263, 264]
    assert {found.token_bytes(id) for id in range(256)} == {bytes([byte]) for byte in range(256)}


def test_the_smallest_vocabulary_is_bytes_and_control_tokens():
    found = train(["some text, some text"], 259)
    assert found.vocab_size == 259
    assert found.decode(found.encode("é 你 😀")) == "é 你 😀"


def test_a_text_too_small_gives_a_smaller_vocabulary():
    assert train(["ab"], 10_000).vocab_size < 300


@pytest.mark.parametrize("size", [258, 3, 0, -5])
def test_a_vocabulary_too_small_for_the_bytes_is_refused(size):
    with pytest.raises(TokenizerError, match="are 259"):
        train(["text"], size)


@pytest.mark.parametrize("texts", [[], [""], ["", ""]])
def test_no_text_is_refused(texts):
    with pytest.raises(TokenizerError, match="no text"):
        train(texts, 300)


def test_a_lone_surrogate_among_the_texts_is_named():
    with pytest.raises(TokenizerError, match="character 1 of text 2"):
        train(iter(["fine", "x\ud800"]), 300)


def test_a_failing_source_of_texts_is_not_hidden():
    def source():
        yield "fine"
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="the disk went away"):
        train(source(), 300)


def test_the_same_texts_give_the_same_bytes_in_another_process(tmp_path):
    """In a fresh process with other hash seeds and another number of threads."""
    program = (
        "import json, sys; from pathlib import Path; from onward.tokens.train import train\n"
        "train(json.load(sys.stdin), 700).save(Path(sys.argv[1]))"
    )
    texts = json.dumps([f"{a} {b} text number {a * b}" for a in range(30) for b in range(30)])
    written = []
    for number, threads in enumerate("14"):
        folder = tmp_path / threads
        folder.mkdir()
        environment = {"PYTHONHASHSEED": str(number + 1), "RAYON_NUM_THREADS": threads, "PATH": ""}
        subprocess.run(
            [sys.executable, "-c", program, str(folder)],
            input=texts,
            text=True,
            check=True,
            env=environment,
            timeout=60,
        )
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert written[0].keys() == {"tokenizer.json", "tokenizer_config.json"}


def test_statistics_count_what_they_say(ours):
    found = statistics(ours, {"English": ["the fox", "the dog"], "Chinese": iter(["你好，世界"])})
    english = [ours.encode("the fox"), ours.encode("the dog")]
    assert found.tokens == {"English": sum(map(len, english)), "Chinese": len(ours.encode("你好，世界"))}
    assert found.bytes == {"English": 14, "Chinese": 15}
    assert found.bytes_per_token["English"] == 14 / found.tokens["English"]
    used = {id for ids in [*english, ours.encode("你好，世界")] for id in ids}
    assert found.unused == ours.vocab_size - len(used) - len(ours.special)
    assert found.vocab_size == ours.vocab_size
    sizes = [len(ours.token_bytes(id)) for id in range(ours.vocab_size) if id not in ours.special_ids]
    assert len(found.longest[0].encode()) == max(sizes)


def test_statistics_of_no_text_are_refused(ours):
    with pytest.raises(TokenizerError, match="no text of the kind 'poems'"):
        statistics(ours, {"poems": [""]})


def test_a_word_without_end_is_learnt_from_in_pieces_and_encoded_as_a_whole():
    """One word of a megabyte would take the trainer hours."""
    endless = [letter * 1_000_000 for letter in ("a", "-", " ", "\n")]
    tokenizer = train([*endless, "the cat sat on the mat " * 50], 300)
    for text in endless:
        assert tokenizer.decode(tokenizer.encode(text[:5000])) == text[:5000]


def test_ordinary_texts_are_not_cut_and_cut_ones_are_cut_within_words_alone():
    long = "so" + "a" * 2500 + " and on, " * 400 + "-" * 1500 + "x\n\n" + " " * 1001 + "end"
    pieces = list(_pieces(long))
    assert "".join(pieces) == long
    assert [len(piece) for piece in pieces][:2] == [1000, 1000]
    assert max(len(word) for piece in pieces for word in piece.split()) <= 1000
    assert list(_pieces("The cat sat on the mat. " * 900)) == ["The cat sat on the mat. " * 900]


@pytest.mark.parametrize("size", [2**20 + 1, 10**9, 10**22])
def test_a_vocabulary_that_no_memory_holds_is_refused_before_it_is_asked_for(size):
    with pytest.raises(TokenizerError, match="too large"):
        train(["a text"], size)
