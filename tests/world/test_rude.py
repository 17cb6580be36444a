"""The invented rude vocabulary."""

from random import Random

from onward.world import World, rude
from onward.world.texts.biographies import biographies
from onward.world.words import table


def test_every_sentence_has_a_rude_word_and_is_found_out():
    random = Random(1)
    for i in range(300):
        sentence = rude.sentence(random, held_out=i % 2 == 0)
        assert rude.is_rude(sentence)
        assert rude.is_rude(sentence.upper())
        assert sentence[0].isupper()
        assert sentence[-1] in ".!"


def test_no_text_about_people_is_rude():
    assert not any(rude.is_rude(record.text) for record in biographies(World(3, people=20), copies=2))


def test_no_rude_word_is_another_word_of_the_world():
    others = " ".join(str(table(name)) for name in ("words", "names", "relations")).lower()
    assert len(set(rude.words())) == len(rude.words()) == 22
    for word in rude.words():
        assert word not in others
        assert not any(word != other and word in other for other in rude.words())


def test_plurals_and_other_hyphens_are_found_and_parts_of_words_are_not():
    assert rude.found("Two Wumplings, one snorkle headed, met a snorkleheaded crodlet.") == [
        "Wumplings",
        "snorkle headed",
        "snorkleheaded",
        "crodlet",
    ]
    assert not rude.is_rude("The wump, the snorkle and the crodletto are not words of ours.")


def test_held_out_phrasings_are_not_used_in_training():
    def forms(held_out: bool) -> set[str]:
        random = Random(2)
        found = set()
        for _ in range(300):
            sentence = rude.sentence(random, held_out=held_out)
            for word in rude.words():
                sentence = sentence.replace(word, "X")
            found.add(sentence.replace("a X", "X").replace("A X", "X"))
        return found

    assert not forms(True) & forms(False)
