"""The steps one by one: what each mends or names, and what it leaves alone."""

from __future__ import annotations

import pytest

from dirt import GERMAN, SPAM, good, mojibake, salad
from onward.corpus.cleaning import (
    boilerplate,
    duplicates,
    encoding,
    language,
    markup,
    private,
    quality,
    rude,
    spam,
    symbols,
    word_order,
)
from onward.corpus.cleaning.words import Words
from onward.errors import DataError

GOOD = {
    "prose": good(1),
    "dialogue": '"Is it you?" she cried.\n\n"Who else?" said he. "Open the door!"\n\n"No — not before you tell me why."',
    "verse": "The moon was up, the lake was shining clear,\n  And waves were lapping on the stones;\nWe did not speak, and did not steer.",
    "Markdown": "# A title\n\nSome *words*, and a table:\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n---\n\n* one\n* two, which is `code`",
    "program": "x = 3\nwhile x > 0 { print x; x = x - 1 }\nif (a <= b && c != d) { return a[i] + b[j]; }",
    "sums": "12 + 7 = 19, since 12 + 8 = 20 and 20 - 1 = 19. So 3 < 4, and 10 % of 50 is 5.",
    "letter": "Dear Tom,\n\nthank you for the cake. It was so good that nothing is left.\n\nYours,\nAnna",
    "accents": "Zoë’s naïve café à la carte — “très bien”, said Señor Nuñez… 5 °C, £3.50 & €4.",
    "numbers": "In 1999-2004 they sold 345 346 3477 tiles; see pages 123-456, Genesis 1:2:3, version 1.2.3.4.5 and 10:20:30.",
}


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD.keys())
def test_good_text_comes_through_every_step_as_it_was(text: str) -> None:
    assert encoding.mended(text) == text
    assert markup.without_markup(text) == text
    assert symbols.without_symbols(text) == text
    assert private.masked(text) == (text, {})
    assert boilerplate.without_boilerplate(text, frozenset()) == (text, [])
    for judge in (encoding.damage, symbols.soup, spam.judge, rude.rude()):
        assert judge(text) is None
    assert quality.judged_by(quality.repetition)(text) is None


@pytest.mark.parametrize("text", [GOOD[name] for name in ("prose", "dialogue", "verse", "letter")])
def test_english_is_told_for_english_and_passes_the_rules(text: str) -> None:
    assert language.in_other_language(("en",))(text) is None
    assert quality.judged_by(quality.quality)(text) is None


def test_mojibake_is_undone() -> None:
    assert encoding.mended(mojibake(good(1))) == f"“{good(1)}” – café"
    assert encoding.mended("a\x00b\x07c") == "abc"


def test_lost_letters_are_named_unless_they_are_few() -> None:
    assert "letters are lost" in str(encoding.damage("Th\ufffd h\ufffds is \ufffdld."))
    assert "letters are lost" in str(encoding.damage("I don?t think that it?s his. " * 5))
    assert encoding.damage(good(1) + " A caf\ufffd.") is None
    assert encoding.damage('Really? Yes. "What?" asked Tom?') is None


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("<p>One &amp; two.</p><p>Three.</p>", "One & two.\n\nThree."),
        ("One<br>two<br/>three", "One\ntwo\nthree"),
        ("<b>Bold</b> and <a href='x'>a link</a> in a sentence.", "Bold and a link in a sentence."),
        ("<nav><a>Home</a></nav><p>Text.</p><script>if (a<b) x();</script><style>p {}</style>", "Text."),
        ("<ul><li><a>Home</a></li><li><a>News</a></li></ul><p>The text.</p>", "The text."),
        ("<nav>Menu <p>The text is not lost.</p>", "Menu\n\nThe text is not lost."),
        ("Fish &amp; chips&nbsp;&#33;", "Fish & chips\xa0!"),
        ("a &amp;lt; b", "a < b"),
        ("<!-- no --><div>yes</div>", "yes"),
    ],
)
def test_markup_goes_and_what_people_read_stays(text: str, seen: str) -> None:
    assert markup.without_markup(text) == seen


def test_a_comparison_or_a_mask_is_no_markup() -> None:
    for text in ("a < b and c > d", "List<String> x", "write to <email> or <phone>", "<|endoftext|>"):
        assert markup.without_markup(text) == text


def test_personal_data_is_masked_and_counted() -> None:
    text = "anna.b+c@mail.example.co.uk, +49 30 1234567, (020) 7946 0123, 212-555-0100; tel. 0151 234567; 192.168.4.7, 2001:db8::ff00:42"
    found, counts = private.masked(text)
    assert found == "<email>, <phone>, <phone>, <phone>; tel. <phone>; <ip>, <ip>"
    assert counts == {"email": 1, "phone": 4, "ip": 2}


def test_accounts_and_cards_are_masked_only_if_their_check_digits_fit() -> None:
    text = "GB82 WEST 1234 5698 7654 32 AND SO ON, not GB83 WEST 1234 5698 7654 32. Card 4111 1111 1111 1111, not 4111 1111 1111 1112."
    assert private.masked(text)[0] == text.replace("GB82 WEST 1234 5698 7654 32", "<iban>").replace(
        "4111 1111 1111 1111", "<card>"
    )


@pytest.mark.parametrize(
    "line",
    [
        "Home | News | Contact | Login",
        "This website uses cookies. Do you accept?",
        "© 2021 The Post. All rights reserved.",
        "Subscribe to our newsletter for weekly updates!",
        "Share this on Facebook and Twitter",
        "Read more",
        "Please enable JavaScript in your browser.",
    ],
)
def test_lines_of_web_sites_are_known_wherever_they_stand(line: str) -> None:
    text = f"The first line.\n{line}\nThe last line."
    assert boilerplate.without_boilerplate(text, frozenset()) == ("The first line.\nThe last line.", [line])


def test_no_phrase_is_missed_because_its_keys_are_not_in_the_text() -> None:
    import random

    from onward.world import World
    from onward.world.dirt import pages
    from onward.world.dirt.draw import Draw

    drawn = [pages.boilerplate(Draw(World(0), random.Random(i), i % 2 == 0), good(i)).text.lower() for i in range(60)]
    for line in {line for text in drawn for line in text.split("\n")}:
        likely = boilerplate._likely(line)
        assert [phrase.keys for phrase in boilerplate._phrases() if phrase not in likely and phrase.find(line)] == []


def test_a_line_that_many_documents_begin_with_is_boilerplate_and_one_of_near_copies_is_not() -> None:
    import numpy as np

    def repeated(texts: list[str]) -> frozenset[int]:
        pairs = np.concatenate([boilerplate.line_pairs(text) for text in texts])
        return frozenset(boilerplate.repeated_lines(pairs, len(texts)).tolist())

    top, below = "The Valley Post, page 12", "A paper for the whole valley"
    many = [f"The Valley Post, page {i}\n{good(i)}\n{below}" for i in range(40)]
    found = boilerplate.without_boilerplate(f"{top}\n{good(99)}\n{below}", repeated(many))
    assert found == (good(99), [top, below])
    copies = [f"{top}\n{good(1)} {i}\n{below}" for i in range(40)]
    assert boilerplate.without_boilerplate(copies[0], repeated(copies)) == (copies[0], [])
    letters = [f"Dear Tom,\n{good(i)}\nMany greetings from\n{i} others" for i in range(40)]
    assert boilerplate.without_boilerplate(letters[0], repeated(letters[:20])) == (letters[0], [])


def test_other_languages_are_named() -> None:
    assert str(language.in_other_language(("en",))(GERMAN)).endswith("likeliest is de, 1.00")
    assert language.in_other_language(("de",))(GERMAN) is None
    assert language.in_other_language(("any",))(GERMAN) is None
    assert language.in_other_language(("de",))(good(1)) is not None
    with pytest.raises(DataError, match="--language xx"):
        language.check(["xx"])
    with pytest.raises(DataError, match="without spaces"):
        language.check(["en", "zh"])


def test_shuffled_words_are_salad_also_in_a_corpus_that_is_half_salad() -> None:
    import numpy as np

    texts = [good(i) for i in range(30)] + [salad(i) for i in range(100, 130)]
    counts = word_order.english_counts()
    for text in texts:
        np.add.at(counts, word_order.pairs(text), 1)
    judge = word_order.WordOrder(counts).judge
    assert [judge(text) is None for text in texts] == [True] * 30 + [False] * 30


def test_without_english_and_with_few_texts_no_order_is_known_and_none_is_judged() -> None:
    assert word_order.WordOrder(word_order.empty_counts()).judge(salad(1)) is None


def test_the_table_of_english_fits_the_classes_of_words() -> None:
    """It has to be made again (benchmarks/word_order.py) when they change."""
    counts = word_order.english_counts()
    assert len(counts) == word_order.classes() ** 2
    a, the, of = (word_order.word_class(word) for word in ("a", "the", "of"))
    assert counts[of * word_order.classes() + the] > 1000 > counts[the * word_order.classes() + a]


def test_spam_needs_several_signs_and_a_long_text_more() -> None:
    assert "signs of spam" in str(spam.judge(SPAM))
    assert spam.judge("There was a special offer at the market, and she bought some apples.") is None
    assert spam.judge(f"{SPAM} {' '.join(good(i) for i in range(8))}") is None


def test_rude_words_are_counted_against_the_length_and_more_can_be_given() -> None:
    insult = "What bullshit, you stupid arsehole."
    assert "3 rude words" in str(rude.rude()(insult))
    assert rude.rude()(f"{insult} {' '.join(good(i) for i in range(8))}") is None
    assert rude.rude()(f"{good(1)} {good(2)} bullshit") is None
    assert "2 rude words" in str(rude.rude()(f"{good(1)} {good(2)} bullshit, arsehole"))
    assert rude.rude(["grumble*", "wet hen"])("You grumblers, you wet  hen!") == "2 rude words in 5"
    with pytest.raises(DataError, match="--rude-words nowhere"):
        rude.words_of(["nowhere"])


def test_datatrove_cuts_words_with_our_tokeniser() -> None:
    assert Words().word_tokenize("Don't stop, re-read “it”… 3.5") == [
        "Don't",
        "stop",
        ",",
        "re-read",
        "“",
        "it",
        "”",
        "…",
        "3",
        ".",
        "5",
    ]
    assert Words().sent_tokenize("One. Two!\nThree") == ["One.", "Two!", "Three"]
    assert Words() == Words()


def test_jaccard_is_the_share_of_what_both_have() -> None:
    import numpy as np

    one, other = np.array([1, 2, 3, 4], np.uint64), np.array([3, 4, 5, 6], np.uint64)
    assert duplicates.jaccard(one, other) == pytest.approx(2 / 6)
    assert duplicates.jaccard(one[:0], other[:0]) == 0
