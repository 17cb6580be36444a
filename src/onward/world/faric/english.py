"""A clause in English: articles, plurals, agreement, tenses, do-support, and question words at the beginning.

Faric has no articles, so that the English ones follow from the clause: a subject and a place are known ("the cat", "in the kitchen"), an
object and a complement are new ("a ball", "as a baker"), and what has an owner, is mass or is a plural that nobody counts has none.
Left out: phrasings; here a clause has one sentence.
"""

from __future__ import annotations

from onward.world import grammar
from onward.world.faric.clause import Clause, Phrase, Role
from onward.world.faric.lexicon import lexicon

ORDER: tuple[Role, ...] = ("object", "as", "to", "with", "in")
PRONOUNS = {
    "she": grammar.PRONOUNS["female"],
    "he": grammar.PRONOUNS["male"],
    "it": grammar.PRONOUNS["thing"],
    "they": {"they": "they", "them": "them", "their": "their"},
}
PLACED = ("where", "when")
"""Question words that need no preposition."""


def english(clause: Clause) -> str:
    """As a sentence with its full stop or question mark."""
    asked = clause.asked
    inverted = clause.asks and asked != "subject"
    helper, verb = _verb(clause, inverted)
    subject = _phrase(clause.subject, "subject", clause)
    deny = ["not"] if clause.negative else []
    words = [helper, subject, *deny, verb] if inverted else [subject, helper, *deny, verb]
    parts = dict(clause.parts)
    words += [_said(clause, role, parts[role], role == asked) for role in ORDER if role in parts] + [clause.time]
    front = [_phrase(parts[asked], "object", clause)] if inverted and asked else []
    return grammar.capital(" ".join(filter(None, front + words))) + ("?" if clause.asks else ".")


def _verb(clause: Clause, inverted: bool) -> tuple[str, str]:
    """The helping verb, if there is one, and the verb with what belongs to it: "does", "look for"."""
    head, _, rest = clause.verb.partition(" ")
    plural = clause.subject.plural
    past = lexicon().verbs[clause.verb].past
    if clause.tense == "future":
        return "will", f"{head} {rest}".strip()
    if head == "be":
        return ("were" if plural else "was") if clause.tense == "past" else ("are" if plural else "is"), rest
    if inverted or clause.negative:
        return "did" if clause.tense == "past" else "do" if plural else "does", f"{head} {rest}".strip()
    return "", f"{past if clause.tense == 'past' else head if plural else _third(head)} {rest}".strip()


def _third(verb: str) -> str:
    """The third person singular of the present."""
    return {"have": "has", "go": "goes"}.get(verb, grammar.plural(verb))


def _said(clause: Clause, role: Role, phrase: Phrase, asked: bool) -> str:
    """An object or complement with its preposition; of one that is asked for and stands at the beginning, the preposition alone."""
    if phrase.head in PLACED:
        return ""
    preposition = lexicon().verbs[clause.verb].prepositions.get(role, "" if role == "object" else role)
    return preposition if asked else f"{preposition} {_phrase(phrase, role, clause)}".strip()


def _phrase(phrase: Phrase, role: Role, clause: Clause) -> str:
    if phrase.kind == "pronouns":
        return PRONOUNS[phrase.head]["they" if role == "subject" else "them"]
    if phrase.kind != "noun":
        return phrase.head
    noun = " ".join(filter(None, [phrase.adjective, grammar.plural(phrase.head, phrase.count), phrase.name]))
    if phrase.count > 1:
        noun = f"{grammar.number(phrase.count)} {noun}"
    if phrase.owner:
        return f"{_possessive(phrase.owner, clause)} {noun}"
    if lexicon().nouns[phrase.head].mass or phrase.count == 0 or phrase.adjective == "which":
        return noun
    if role in ("subject", "to", "with", "in") or phrase.name:
        return f"the {noun}"
    if phrase.count > 1:
        return noun
    return f"the {noun}" if _is_generic(phrase, role, clause) else grammar.a(noun)


def _is_generic(phrase: Phrase, role: Role, clause: Clause) -> bool:
    """ "She plays the flute"; "her favourite flower is the tulip"."""
    if role == "object":
        return lexicon().verbs[clause.verb].article == "the"
    return lexicon().nouns[phrase.head].generic


def _possessive(owner: Phrase, clause: Clause) -> str:
    if owner.kind == "pronouns":
        return PRONOUNS[owner.head]["their"]
    text = _phrase(owner, "subject", clause)
    return f"{text}'" if owner.plural and text.endswith("s") else grammar.possessive(text)
