"""Text to ids and back: nothing lost, nothing taken for a control token, the same ids as transformers."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onward.errors import TokenizerError
from onward.tokens.tokenizer import Tokenizer

few = settings(max_examples=150, deadline=None)
unicode_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
look_alikes = st.sampled_from(
    ["<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|im_", "|>", "<", "<|", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]"]
)
hard_text = st.lists(st.one_of(unicode_text, look_alikes, st.sampled_from([" ", "\n", "\r\n", "\t", "\U000f0000"])))

HARD = [
    "",
    " ",
    "a  b   c    d\t\te \n \n\n x",
    "\r\n\r\n  \r line",
    "trailing   ",
    "   leading",
    "0123456789 1,000.50 ٣٤٥ Ⅷ ½",
    "It's we'LL THEY'RE I'd'd",
    "你好世界。日本語のテキスト、한국어",
    "e\u0301 vs \u00e9, \u1112\u1161\u11ab vs \ud55c, a\u0300\u0316",
    "😀👩‍👩‍👧🇩🇪🏳️‍🌈",
    "\u200b\u200d\ufeff\u00a0\u3000\u2028\x00\x1f\x7f",
    "العربية עברית हिन्दी ไทย",
    "\U0010ffff\U000f0000\ue000 private",
    "x" * 500 + "=" * 500 + " " * 500 + "\n" * 50,
    "<|im_start|>user\nhi<|im_end|><|endoftext|>",
    "<think>x</think>",
]


@few
@given(parts=hard_text)
def test_every_text_comes_back_as_it_went_in(ours, parts):
    text = "".join(parts)
    assert ours.decode(ours.encode(text), skip_special=False) == text


def test_all_of_unicode_comes_back(ours):
    """Each of the 1,112,064 characters, in order and in one text, the tokeniser's own mark among them."""
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert ours.decode(ours.encode(everything)) == everything


@few
@given(parts=hard_text)
def test_no_text_becomes_a_control_token(any_tokenizer, parts):
    controls = set(any_tokenizer.special_ids) - {any_tokenizer.special.get("<unk>"), any_tokenizer.special.get("[UNK]")}
    assert controls.isdisjoint(any_tokenizer.encode("".join(parts)))


def test_a_control_token_spelled_by_merges_stays_text(ours):
    """A folder may mark an ordinary word as special; a user who types the word still types text."""
    definition = json.loads(ours._definition)
    word = max((t for t in definition["model"]["vocab"] if t.isalpha() and t.isascii()), key=len)
    id = definition["model"]["vocab"][word]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    definition["added_tokens"].insert(0, {"id": id, "content": word, **flags})
    marked = Tokenizer(json.dumps(definition), {}, {})
    assert marked.special[word] == id
    assert id not in marked.encode(f"{word} and {word}")
    assert marked.decode(marked.encode(f"{word} and {word}")) == f"{word} and {word}"
    assert id in ours.encode(word), "or the test shows nothing"


def test_a_folder_that_pads_with_a_letter_can_still_read_it(ours):
    marked = Tokenizer(ours._definition, {"pad_token": "!"}, {})
    assert marked.decode(marked.encode("well!"), skip_special=False) == "well!"


@pytest.mark.parametrize("text", HARD)
def test_ids_are_those_of_transformers_for_hard_texts(ours, oracle, text):
    assert ours.encode(text) == oracle.encode(text, add_special_tokens=False, split_special_tokens=True)


@few
@given(text=unicode_text)
def test_ids_are_those_of_transformers_for_any_text(ours, oracle, text):
    assert ours.encode(text) == oracle.encode(text, add_special_tokens=False, split_special_tokens=True)


@few
@given(text=st.text("abcthe .,<>/s▁\n😀é", max_size=30))
def test_foreign_ids_are_those_of_transformers(any_folder, any_tokenizer, text):
    from transformers import AutoTokenizer

    theirs = _cached(AutoTokenizer.from_pretrained, any_folder)
    if any(name in text for name in any_tokenizer.special):
        return
    assert any_tokenizer.encode(text) == theirs.encode(text, add_special_tokens=False)


_loaded: dict[Path, object] = {}


def _cached(load, folder):
    if folder not in _loaded:
        _loaded[folder] = load(folder)
    return _loaded[folder]


@few
@given(ids=st.lists(st.integers(0, 710)), skip=st.booleans())
def test_decoding_is_that_of_the_tokenizers_library(any_tokenizer, ids, skip):
    """Of the tokens that are shown: the library forgets to leave out control tokens that its normaliser changes."""
    hidden = any_tokenizer.special_ids if skip else ()
    shown = [id for id in ids if id <= any_tokenizer.highest_id and id not in hidden]
    assert any_tokenizer.decode(ids, skip) == any_tokenizer._backend.decode(shown, skip_special_tokens=skip)


@few
@given(text=unicode_text)
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(ours, text):
    assert b"".join(map(ours.token_bytes, ours.encode(text))) == text.encode()


def test_bytes_of_tokens_in_other_vocabularies(any_tokenizer):
    ids = any_tokenizer.encode("the fox 😀")
    joined = b"".join(map(any_tokenizer.token_bytes, ids)).decode()
    assert joined.replace("[UNK]", "😀").replace("<unk>", "😀").replace(" ", "") == "thefox😀"
    assert any_tokenizer.token_bytes(10**6) == b""
    assert any_tokenizer.token_bytes(-1) == b""


def test_many_texts_are_encoded_as_each_alone(ours):
    texts = [*HARD, "\U000f0000<|im_end|>"]
    assert ours.encode_batch(texts) == [ours.encode(text) for text in texts]
    assert ours.encode_batch([]) == []


def test_threads_share_a_tokeniser(ours):
    texts = [f"{text} {n}" for n in range(20) for text in HARD]
    expected = ours.encode_batch(texts)
    wrong = []

    def work() -> None:
        wrong.extend(text for text, ids in zip(texts, expected, strict=True) if ours.encode(text) != ids)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("code", [0xD800, 0xDFFF])
def test_a_lone_surrogate_is_refused_with_its_place(ours, code):
    half = chr(code)
    with pytest.raises(TokenizerError, match=r"character 3 of the text is a lone surrogate \(U\+D"):
        ours.encode("abc" + half)
    with pytest.raises(TokenizerError, match="character 0 of text 2 of 2"):
        ours.encode_batch(["fine", half])


def test_saving_and_loading_changes_nothing(any_tokenizer, tmp_path):
    any_tokenizer.save(tmp_path)
    again = Tokenizer.load(tmp_path)
    assert again.hash == any_tokenizer.hash
    assert (again.special, again.named, again.vocab_size) == (
        any_tokenizer.special,
        any_tokenizer.named,
        any_tokenizer.vocab_size,
    )
    assert again.encode(HARD[8]) == any_tokenizer.encode(HARD[8])


def test_the_hash_sees_the_content_and_not_the_layout(ours, our_folder, tmp_path):
    folder = shutil.copytree(our_folder, tmp_path / "copy")
    path = folder / "tokenizer.json"
    definition = json.loads(path.read_text())
    path.write_text(json.dumps(definition, indent=7, sort_keys=True))
    assert Tokenizer.load(folder).hash == ours.hash
    definition["model"]["merges"].pop()
    path.write_text(json.dumps(definition))
    assert Tokenizer.load(folder).hash != ours.hash


def test_truncation_and_padding_stored_in_a_folder_are_not_applied(bert_backend, tmp_path):
    bert_backend.save(str(tmp_path / "tokenizer.json"))
    long = "the fox and the dog and the fox and the dog"
    found = Tokenizer.load(tmp_path)
    assert len(found.encode(long)) > 8
    assert len(found.encode("fox")) < 8
    assert len(bert_backend.encode(long, add_special_tokens=False)) == 8, "or the test shows nothing"


def test_names_and_ends_and_padding_of_ours(ours):
    assert ours.bos_id == ours.pad_id == ours.special["<|endoftext|>"]
    assert ours.eos_ids == (ours.special["<|im_end|>"], ours.special["<|endoftext|>"])
    assert ours.highest_id == ours.vocab_size - 1


def test_tokens_given_as_objects_and_only_in_the_configuration_are_found(ours, tmp_path):
    """As Llama's and Mistral's older folders have it: named tokens as objects, a padding token of its own."""
    ours.save(tmp_path)
    path = tmp_path / "tokenizer_config.json"
    said = json.loads(path.read_text())
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False}
    said["eos_token"] = {"__type": "AddedToken", "content": "<|im_end|>", **flags}
    said["pad_token"] = "[PAD]"
    said["added_tokens_decoder"] = {
        str(ours.vocab_size): {"content": "<tool>", **flags, "special": False},
        **{str(id): {"content": name, **flags, "special": True} for name, id in ours.special.items()},
    }
    said["additional_special_tokens"] = ["<|vision|>"]
    path.write_text(json.dumps(said))
    found = Tokenizer.load(tmp_path)
    assert found.named["eos_token"] == "<|im_end|>"
    assert "<tool>" not in found.special
    assert found.encode("<tool>") == [ours.vocab_size]
    assert {"[PAD]", "<|vision|>"} <= found.special.keys()
    assert found.special["[PAD]"] == found.pad_id
    from transformers import AutoTokenizer

    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert {name: theirs.convert_tokens_to_ids(name) for name in found.special} == found.special


@pytest.mark.parametrize("marks", [{"special": False}, {"special": True}])
def test_a_named_token_is_a_control_token_whatever_its_mark(ours, marks):
    definition = json.loads(ours._definition)
    for token in definition["added_tokens"]:
        token.update(marks)
    found = Tokenizer(json.dumps(definition), ours.config, {})
    assert found.eos_ids[0] == ours.special["<|im_end|>"]
    assert set(found.encode("<|im_end|>")).isdisjoint(ours.special_ids)
    assert found.decode([found.eos_ids[0]]) == ""


@pytest.mark.parametrize(("family", "eos"), [("gpt2", "<|endoftext|>"), ("bert", None)])
def test_old_folders_whose_configuration_is_silent_take_their_family_s_names(ours, tmp_path, family, eos):
    ours.save(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 512}')
    (tmp_path / "config.json").write_text(json.dumps({"model_type": family}))
    found = Tokenizer.load(tmp_path)
    assert found.named.get("eos_token") == eos
    assert found.named["unk_token"]


def test_a_template_file_stands_above_the_configuration(our_folder, tmp_path):
    from transformers import AutoTokenizer

    folder = shutil.copytree(our_folder, tmp_path / "copy")
    (folder / "chat_template.jinja").write_bytes(b"from a file\r\n{{ messages }}")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("with tools")
    found = Tokenizer.load(folder)
    assert found.templates == AutoTokenizer.from_pretrained(folder).chat_template
    assert found.template.startswith("from a file")


def test_a_list_of_templates_is_read_and_written(our_folder, tmp_path):
    folder = shutil.copytree(our_folder, tmp_path / "copy")
    path = folder / "tokenizer_config.json"
    named = [{"name": "default", "template": "a"}, {"name": "tool_use", "template": "b"}]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": named}))
    found = Tokenizer.load(folder)
    assert (found.template, found.templates["tool_use"]) == ("a", "b")
    found.save(folder)
    assert Tokenizer.load(folder).templates == found.templates


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("tokenizer.json", b"", "tokenizer.json"),
        ("tokenizer.json", b"{", "tokenizer.json"),
        ("tokenizer.json", b"[]", "tokenizer.json"),
        ("tokenizer.json", b"{}", "tokenizer.json"),
        ("tokenizer.json", b'{"model": null, "added_tokens": []}', "tokenizer.json"),
        ("tokenizer.json", b'{"model": {"type": "BPE"}, "added_tokens": []}', "tokenizer.json"),
        ("tokenizer.json", b'{"model": {"type": "BPE"}, "added_tokens": [3]}', "tokenizer.json"),
        ("tokenizer.json", b"\xff\xfe\x00", "cannot be read"),
        ("tokenizer_config.json", b"{", "is not JSON"),
        ("tokenizer_config.json", b"[1]", "no JSON object"),
        ("tokenizer_config.json", b"\xff", "cannot be read"),
        ("tokenizer_config.json", b'{"chat_template": 5}', "`chat_template`"),
        ("tokenizer_config.json", b'{"chat_template": [{"name": "x"}]}', "`chat_template`"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": {"x": {}}}', "`added_tokens_decoder`"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": {"1": {"what": 1}}}', "`added_tokens_decoder`"),
        ("tokenizer_config.json", b'{"added_tokens_decoder": [5]}', "`added_tokens_decoder`"),
        ("chat_template.jinja", b"\xff", "cannot be read"),
    ],
)
def test_a_broken_file_is_named_in_one_line(our_folder, tmp_path, file, content, says):
    folder = shutil.copytree(our_folder, tmp_path / "copy")
    (folder / file).write_bytes(content)
    with pytest.raises(TokenizerError) as caught:
        Tokenizer.load(folder)
    assert says in str(caught.value)
    assert str(folder) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_truncated_definition_is_refused_wherever_it_was_cut(our_folder, tmp_path):
    folder = shutil.copytree(our_folder, tmp_path / "copy")
    whole = (our_folder / "tokenizer.json").read_bytes()
    for share in (0.1, 0.5, 0.9, 0.999):
        (folder / "tokenizer.json").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
            Tokenizer.load(folder)


def test_missing_things_are_named(tmp_path):
    with pytest.raises(TokenizerError, match="is not a folder"):
        Tokenizer.load(tmp_path / "nowhere")
    with pytest.raises(TokenizerError, match=r"has no tokenizer\.json"):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.txt").write_text("[PAD]")
    with pytest.raises(TokenizerError, match=r"only a slow tokeniser \(vocab\.txt\)"):
        Tokenizer.load(tmp_path)


def test_saving_needs_a_folder(ours, tmp_path):
    with pytest.raises(TokenizerError, match="is not a folder"):
        ours.save(tmp_path / "nowhere")
