"""Filling blanks: as transformers fills them, and in words where it cannot be done."""

from __future__ import annotations

import pytest
import tokenizers
import torch

from onward.errors import DataError, FolderError, PlanError
from onward.generate.fill import LONGEST_SPAN, Filler
from onward.generate.load import open_folder
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.masks import Mask
from onward.model.trunk import LanguageModel
from onward.tokens.special import mask_id, span_ids, with_mask, with_spans
from onward.train.tasks import bert
from samples import randomised

SHAPE = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "head_size": 8, "ffn_width": 64, "max_positions": 64}


def saved(path, tokenizer, architecture):
    parts = path / "tokenizer"
    parts.mkdir(parents=True)
    tokenizer.save(parts)
    family, config = architecture(TrunkConfig(vocab_size=tokenizer.highest_id + 1, **SHAPE))
    model = randomised(LanguageModel(config).initialise(0), seed=3)
    folder.save(path / "model", model, lineage=Lineage(verb="test"), tokenizer_folder=parts, family=family)
    return path / "model"


@pytest.fixture
def encoder(tmp_path, tokenizer):
    return saved(tmp_path / "encoder", with_mask(tokenizer), bert)


@pytest.fixture
def span_model(tmp_path, tokenizer):
    return saved(tmp_path / "spans", with_spans(tokenizer), lambda shape: ("qwen3", shape))


@pytest.fixture
def stock_bert(tmp_path):
    """What transformers writes for a BERT with a vocabulary of word pieces."""
    transformers = pytest.importorskip("transformers")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "##s", "."]
    backend = tokenizers.Tokenizer(tokenizers.models.WordPiece({w: i for i, w in enumerate(words)}, unk_token="[UNK]"))
    backend.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    backend.decoder = tokenizers.decoders.WordPiece()
    backend.post_processor = tokenizers.processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {f"{name.lower()}_token": f"[{name}]" for name in ("PAD", "UNK", "CLS", "SEP", "MASK")}
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **names).save_pretrained(tmp_path / "bert")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.BertConfig(vocab_size=len(words), max_position_embeddings=16, initializer_range=0.5, **shape)
    transformers.BertForMaskedLM(config).save_pretrained(tmp_path / "bert")
    return tmp_path / "bert"


@pytest.mark.parametrize("made", ["encoder", "stock_bert"])
@pytest.mark.parametrize("text", ["The cat ___ on the mat.", "___ cat sat on the ___."])
def test_words_and_probabilities_are_those_of_transformers(made, text, request):
    transformers = pytest.importorskip("transformers")
    path = request.getfixturevalue(made)
    pipeline = transformers.pipeline("fill-mask", model=str(path), device="cpu")
    theirs = pipeline(text.replace("___", pipeline.tokenizer.mask_token), top_k=4)
    theirs = theirs if "___" in text.replace("___", "", 1) else [theirs]
    ours = Filler(path, "cpu").fill(text, top=4)
    for words, expected in zip(ours.blanks, theirs, strict=True):
        assert [w.probability for w in words] == pytest.approx([e["score"] for e in expected], abs=1e-5)
        assert [w.text.strip() for w in words] == [e["token_str"].strip() for e in expected]


def test_the_mask_token_is_a_blank_too(encoder, stock_bert):
    for path, mask in ((encoder, "<|mask|>"), (stock_bert, "[MASK]")):
        filler = Filler(path, "cpu")
        assert filler.fill(f"The cat {mask} on.") == filler.fill("The cat ___ on.") == filler.fill("The cat _____ on.")


def test_the_filled_text_holds_the_likeliest_word_in_place_of_the_blank(encoder):
    found = Filler(encoder, "cpu").fill("The cat ___ on the mat.", top=2)
    likeliest = found.blanks[0][0]
    assert found.text == f"The cat{likeliest.text} on the mat."
    assert likeliest.probability >= found.blanks[0][1].probability


def test_a_span_is_what_the_model_finds_likeliest_token_by_token_without_a_cache(span_model):
    """Worked out anew for each token, from the whole row under the training's mask."""
    filler = Filler(span_model, "cpu")
    tokenizer, model = filler.tokenizer, filler.model
    sentinels = span_ids(tokenizer)[:2]
    pieces = [("The cat ", False), (sentinels[0], True), (" on the ", False), (sentinels[1], True), (".", False)]
    row = [tokenizer.bos_id, *tokenizer.encode_pieces(pieces)[0]]
    prefix, expected = Mask.prefix(torch.tensor([len(row)])), []
    for number, sentinel in enumerate(sentinels):
        row, ids, room = [*row, sentinel], [], 64 - 2 * (1 - number)
        while len(ids) < LONGEST_SPAN and len(row) - 1 < room:
            scores = model(torch.tensor([row]), mask=prefix)[0, -1].softmax(-1)
            token = next(t for t in scores.argsort(descending=True).tolist() if ids or t not in tokenizer.special_ids)
            if token in tokenizer.special_ids:
                break
            row, ids = [*row, token], [*ids, token]
        expected.append(tokenizer.decode(ids))
    found = filler.fill("The cat ___ on the ___.")
    assert [words[0].text for words in found.blanks] == expected
    assert all(0 < words[0].probability < 1 for words in found.blanks)


def test_every_blank_gets_something_however_little_room_is_left(span_model):
    filler = Filler(span_model, "cpu")
    found = filler.fill("The ___ cat ___ sat ___ on ___ the ___ mat ___ and ___ slept ___.")
    assert all(words[0].text for words in found.blanks)


def test_a_model_that_carries_texts_on_is_refused_and_told_what_to_do(model_folder):
    with pytest.raises(FolderError, match="onward generate"):
        Filler(model_folder)


def test_an_encoder_is_not_opened_to_carry_a_text_on(encoder):
    with pytest.raises(FolderError, match="onward fill"):
        open_folder(encoder)


def test_a_text_without_a_blank_is_told_how_to_write_one(encoder, span_model):
    with pytest.raises(DataError, match=r"___ or <\|mask\|>"):
        Filler(encoder, "cpu").fill("The cat sat.")
    with pytest.raises(DataError, match="Write ___ where"):
        Filler(span_model, "cpu").fill("The cat sat.")


@pytest.mark.parametrize("made", ["encoder", "span_model"])
def test_a_text_that_is_too_long_is_one_line(made, request):
    with pytest.raises(PlanError, match="64 positions"):
        Filler(request.getfixturevalue(made), "cpu").fill("The cat sat on the mat. " * 12 + "___")


def test_more_blanks_than_sentinels_are_one_line(span_model):
    with pytest.raises(PlanError, match="101 blanks"):
        Filler(span_model, "cpu").fill("___ " * 101)


def test_an_encoder_without_a_mask_token_is_refused(tmp_path, tokenizer):
    with pytest.raises(FolderError, match="mask_token"):
        Filler(saved(tmp_path, tokenizer, bert))


def test_the_mask_of_a_tokenizer_is_found(tokenizer):
    assert mask_id(tokenizer) is None
    assert mask_id(with_mask(tokenizer)) == tokenizer.highest_id + 1
