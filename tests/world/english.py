"""Rules of English that the world's sentences are checked by, independently of how they are made.

Each rule looks for one kind of mistake by its form and gives the piece of text that has it. The rules are strict where the world's language
is simple: none of its own sentences may break one. Left out: spelling, style, and grammar that cannot be seen without parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from onward.world.words import split, table, words


class Mistake(NamedTuple):
    rule: str
    where: str


Rule = Callable[[str], Iterator[str]]

# --- words --------------------------------------------------------------------------------------------------------------

GENDER = {name: gender for gender in ("female", "male") for name in words(gender, "names")}
GENDERED = {
    "female": "mother wife sister daughter woman girl aunt grandmother granddaughter niece queen",
    "male": "father husband brother son man boy uncle grandfather grandson nephew king",
}
NOUN_GENDER = {noun: gender for gender, nouns in GENDERED.items() for noun in nouns.split()}
PRONOUN_GENDER = dict.fromkeys(("she", "her", "hers", "herself"), "female") | dict.fromkeys(
    ("he", "him", "his", "himself"), "male"
)
PLURALS = [food for food, many in table("words")["food"].items() if many]
PLURALS += split(
    "bicycles boats candles carpets clocks hats lamps pianos shoes tools toys people children friends houses"
)
MASS = [food for food, many in table("words")["food"].items() if not many]
MASS += [*words("drink"), "furniture", "glass", "paper", "soap", "work", "news"]
ANIMALS = words("animal")
SINGULAR = [
    *ANIMALS,
    *NOUN_GENDER,
    "city",
    "company",
    "friend",
    "river",
    "country",
    "road",
    "way",
    "job",
    "hobby",
    "pet",
]
SINGULAR += ["employer", "home", "flat", "capital", "letter", "diary"]
UNITS = "kilometre year day leg road city company river inhabitant hour week month minute letter word friend candle"
NUMBERS = split("two three four five six seven eight nine ten")
BASES = split("""
add answer ask become begin believe belong bring build buy call carry celebrate come cook count cross die dream drink drive
earn eat enjoy feed feel find flow follow forget get give go grow have hear help hope keep know laugh lead learn leave lie like
live look lose love make mean meet move need open own pay play prefer produce rain remember ride ring rise run say see
sell send share show sing sit sleep speak spend stand stay study swim take talk teach tell think travel turn understand use
visit wait walk want wear win work write
""")


def _third(base: str) -> str:
    """The form after he, she and it."""
    if base in ("have", "do", "go"):
        return {"have": "has", "do": "does", "go": "goes"}[base]
    if base.endswith(("s", "x", "ch", "sh")):
        return f"{base}es"
    return f"{base[:-1]}ies" if base.endswith("y") and base[-2] not in "aeiou" else f"{base}s"


THIRDS = {_third(base) for base in BASES} | {"does"}
FOR_MANY = {*BASES, "do", "are", "were", "am"}
"""Verb forms that he, she, it and a name do not take."""
FOR_ONE = THIRDS | {"is", "was"}
"""Verb forms that you, we and they do not take."""
AUXILIARIES = "do does did can could will would shall should may might must let lets make makes made help helps helped see sees saw"
AUXILIARIES += " hear hears heard watch watched"
ADVERBS = r"(?:(?:still|always|never|often|also|sometimes|only|really|just|now|usually) )?"
PREPOSITIONS = "of in on from to at by with for between near through after before about around over under like than via"
STARTS = r"(?:^|[,;:\"] |\"|\b(?:and|but|since|because|when|if|while|that|as|so|before|until|where|whether) )"
"""Where a clause begins: what stands here is a subject."""


def _any(found: object) -> str:
    return "(?:" + "|".join(found.split() if isinstance(found, str) else map(str, found)) + ")"  # type: ignore[call-overload]


NAME = r"[A-Z][a-z]+(?: [A-Z][a-z]+)?"

# --- sentences ----------------------------------------------------------------------------------------------------------


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


@lru_cache(64)
def sentences(text: str) -> tuple[str, ...]:
    """Parted after end marks; not after the number of a list, nor where a quotation ends within a sentence."""
    found = list[str]()
    for line in lines(text):
        start = 0
        for end in re.finditer(r"[.!?]([\")']*)\s+(?=\S)", line):
            after = line[end.end()]
            if not (end[1] and after.islower()) and not re.search(r"(?:^|\s)\d+\.$", line[start : end.start() + 1]):
                found.append(line[start : end.end()].strip())
                start = end.end()
        found.append(line[start:])
    return tuple(found)


def _ended(line: str) -> bool:
    return re.search(r"[.!?:][\")']*$", line) is not None


def clauses(text: str) -> Iterator[str]:
    """Sentences as the rules below need them: "this" stands for a word that is quoted, other quotation marks are left out, and the first
    letter is small, unless it begins somebody's name.
    """
    for sentence in sentences(text):
        plain = re.sub(r'"\w+"', "this", sentence).replace('"', "")
        first = re.match(r"[A-Za-z]*", plain)
        name = first is None or first[0] in GENDER or first[0] == "I"
        yield plain if name else plain[:1].lower() + plain[1:]


def _each(*patterns: str) -> Rule:
    """Whatever matches one of the patterns, in every clause."""
    compiled = [re.compile(pattern) for pattern in patterns]
    return lambda text: (m[0] for clause in clauses(text) for pattern in compiled for m in pattern.finditer(clause))


# --- the rules ----------------------------------------------------------------------------------------------------------


def articles(text: str) -> Iterator[str]:
    """ "a" before a sound like a consonant's, "an" before one like a vowel's."""
    for match in re.finditer(r"(?<![\w'])([Aa]n?) ([\w][\w'-]*)", text):
        article, noun = match[1], match[2]
        if (article == "A" and noun[0].isupper()) or len(noun) == 1 or text[: match.start()].endswith("letter "):
            continue  # a letter, not an article
        low = noun.lower()
        vowel = low[0] in "aeiou" and not re.match(r"uni(?!n)|us[ei]|eu|ewe|one\b|one-|once", low)
        vowel = vowel or re.match(r"hour|honest|honour|heir", low) is not None
        vowel = vowel or re.match(r"8|11\b|11-|18\b|18-", low) is not None
        if (article.lower() == "an") != vowel:
            yield match[0]


def doubled_words(text: str) -> Iterator[str]:
    for match in re.finditer(r"\b([A-Za-z]{2,}) +\1\b", text, re.IGNORECASE):
        if match[1].lower() not in ("had", "that"):
            yield match[0]


def capitals(text: str) -> Iterator[str]:
    """At the beginning of every sentence; a line may go on with one that has no end."""
    for block in re.split(r"\n\s*\n", text):
        goes_on = False
        for line in lines(block):
            for i, sentence in enumerate(sentences(line)):
                first = re.match(r"[\"'(]*(\w)", sentence)
                if first and first[1].islower() and not (goes_on and i == 0):
                    yield sentence[:40]
            goes_on = not _ended(line)


def end_marks(text: str) -> Iterator[str]:
    """At the end of every line, but for headings and for the lines that a letter begins and ends with."""
    for line in lines(text):
        heading = len(line.split()) <= 10 and len(sentences(line)) == 1 and not re.search(r"[;]", line)
        if not (_ended(line) or heading):
            yield line[-40:]


def slots(text: str) -> Iterator[str]:
    for match in re.finditer(r"\{[^}]*\}?|\bNone\b|\bnan\b", text):
        yield match[0]


def spaces(text: str) -> Iterator[str]:
    """One between two words, none before a mark, one after it; no mark twice."""
    for match in re.finditer(r"\S*  +\S*|\S* [,.;:!?](?!\w)|[ \t]+(?=\n)|[,;:.]{2,}|[a-z][,;:!?.][A-Za-z]", text):
        yield match[0]


def pronoun_gender(text: str) -> Iterator[str]:
    """He and she stand for somebody of this gender who is named in the same paragraph, or, where nobody is, further up."""
    known = set[str]()
    for line in lines(text):
        here, named = set[str](), False
        for sentence in sentences(line):
            here |= genders(sentence)
            named = named or any(_name(word) in GENDER for word in sentence_words(sentence))
            allowed = here if named else here | known
            for word in sentence_words(sentence):
                gender = PRONOUN_GENDER.get(word.lower())
                if gender and allowed and gender not in allowed:
                    yield f"{word} in: {sentence}"
        known |= here


def genders(sentence: str) -> set[str]:
    """Of all who are named or spoken of in it."""
    found = sentence_words(sentence)
    if "married" in found:  # to whom, need not be said
        return {"female", "male"}
    names = {GENDER[_name(word)] for word in found if _name(word) in GENDER}
    return names | {NOUN_GENDER[word.lower()] for word in found if word.lower() in NOUN_GENDER}


def sentence_words(sentence: str) -> list[str]:
    return re.findall(r"\b[A-Za-z]+\b", sentence)


def _name(word: str) -> str:
    """A name may be in capital letters as a whole."""
    return word.capitalize() if word.isupper() and len(word) > 1 else word


def couples(text: str) -> Iterator[str]:
    """A wife is a man's, a husband is a woman's: the world has no other couples."""
    for match in re.finditer(r"\b[Hh]er wife\b|\b[Hh]is husband\b", text):
        yield match[0]
    for match in re.finditer(r"\b([A-Z][a-z]+)(?: [A-Z][a-z]+)?'s (wife|husband)\b", text):
        if match[1] in GENDER and (GENDER[match[1]] == "male") != (match[2] == "wife"):
            yield match[0]


def agreement(text: str) -> Iterator[str]:
    """He works, they work: a verb has the form that its subject asks for, unless another verb or "and" stands before it."""
    for clause in clauses(text):
        for subject, wrong in SUBJECTS:
            for match in subject.finditer(clause):
                named = GENDER if match[1][0].isupper() and match[1] != "I" else {match[1].split()[0]}
                before = clause[: match.start(1)]
                wished = match[2] == "were" and re.search(r"\b(?:if|though) $", before)
                if match[2] in wrong and match[1].split()[0] in named and not wished and not EXCUSED.search(before):
                    yield match[0]


def _subjects(pattern: str, wrong: set[str]) -> tuple[re.Pattern[str], set[str]]:
    return re.compile(rf"{pattern} {ADVERBS}([a-z]+)\b"), wrong


SUBJECTS = [
    _subjects(rf"\b(he|she|{NAME})", FOR_MANY),
    _subjects(rf"{STARTS}(it)", FOR_MANY),
    _subjects(r"\b(I)", FOR_ONE - {"was"} | {"are", "were"}),
    _subjects(r"\b(we|they)", FOR_ONE),
    _subjects(rf"{STARTS}(you)", FOR_ONE),
    _subjects(
        rf"\b((?:my|your|our|his|her|the|an?) {_any(SINGULAR)})",
        FOR_MANY - {"like", "work", "use", "play", "call", "visit"},
    ),
]
EXCUSED = re.compile(rf"\b{_any(AUXILIARIES)}\b[^,;:]*$|\b(?:and|or|{'|'.join(PREPOSITIONS.split())}) $", re.IGNORECASE)
PLURAL_SUBJECT = rf"{STARTS}(?:(?:the|my|his|her|their|your|all|some) )?"
quantities = _each(
    rf"{PLURAL_SUBJECT}{_any(PLURALS)} {ADVERBS}{_any(FOR_ONE)}\b",
    rf"{PLURAL_SUBJECT}(?:{'|'.join(MASS)}) {ADVERBS}{_any('are were have do')}\b",
    rf"\b{_any(PLURALS)},? which {_any('is was has does tastes')}\b",
    rf"\bthere {_any('is was')} {ADVERBS}(?:some |more |no |two |three |four |many )?{_any(PLURALS)}\b",
    r"\bthere (?:are|were) (?:an?|one) ",
    rf"\b(?:much|less|little|an?) {_any(PLURALS)}\b",
    rf"\b(?:many|fewer|few|several) (?:{'|'.join(MASS)})\b",
    rf"\b(?<![\w,])(?:[02-9]|\d\d+|\d+,\d{3}|{'|'.join(NUMBERS)}|many|several|few) {_any([*UNITS.split(), *ANIMALS])}\b",
    rf"(?<![\w,.-])(?<!and )(?:1|one) {_any(unit + 's' for unit in UNITS.split() if unit[-1] != 'y')}\b",
    rf"\ba (?:{'|'.join(MASS)})(?=[.,;!?])",
    r"\b(?:childs|mans|womans|mouses|citys|countrys|companys|informations)\b",
)
verb_forms = _each(
    rf"\b(?:does|did|do) (?:not )?(?:(?:he|she|it|I|you|we|they|{NAME}) )?{_any({*THIRDS, 'is', 'was', 'had', 'went', 'made'})}\b",
    rf"\b(?:can|could|will|would|must|should|may|might) (?:not )?(?:(?:he|she|it|I|you|we|they|{NAME}) )?{_any(THIRDS)}\b",
    rf"\bto {_any('has is does goes lives eats comes knows keeps wants earns')}\b",
    r"\bdo (?:he|she)\b|\bdoes (?:I|you|we|they)\b|\b(?:is|has) (?:I|you|we|they)\b|\bare (?:I|he|she)\b",
    r"\bmore \w+er than\b|\bmost \w+est\b",
    r"\b(?:have|has|had) (?:went|came back from|saw|ate|drank|wrote|took|gave|knew|forgot|began|swam|sang)\b",
)
OWNED = _any(noun for noun in SINGULAR if noun != "company")  # one may keep somebody company
wrong_cases = _each(
    r"\bit's\b|\b(?:your|her|their|our|hi)'s\b|\bits'",
    r"\b(?:hers|theirs|ours|yours|mine) (?=[a-z]+ (?:is|was|has|lives|works)\b)",
    r"\bof (?:my|your|their|our)[.,;]|\b(?:friend|child) of (?:him|me|you|them|us|she|he|I)\b",
    rf"\b(?:him|me|them|she|he|I|they) {OWNED}\b",
    rf"\b{_any('of with to from by at near about beside')} (?:he|she|they|we|I)\b",
    r"^(?:him|me|us|them) \w+",
    r"\w's's\b|\w's'",
)


def possessives(text: str) -> Iterator[str]:
    """ "Ada's dog", "its dog", "a friend of hers"."""
    yield from wrong_cases(text)
    for match in re.finditer(rf"\b([A-Z][a-z]+) {OWNED}\b", text):
        if match[1] in GENDER:
            yield match[0]


RULES: dict[str, Rule] = {
    "articles": articles,
    "doubled words": doubled_words,
    "capitals": capitals,
    "end marks": end_marks,
    "slots": slots,
    "spaces": spaces,
    "pronoun gender": pronoun_gender,
    "couples": couples,
    "agreement": agreement,
    "quantities": quantities,
    "verb forms": verb_forms,
    "possessives": possessives,
}


def mistakes(text: str, leave_out: tuple[str, ...] = ()) -> list[Mistake]:
    return [Mistake(name, where) for name, rule in RULES.items() if name not in leave_out for where in rule(text)]
