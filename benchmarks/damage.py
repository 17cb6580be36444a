"""Damage of every kind that a crawl has, done to good texts, so that it is known what is wrong with each.

`plant` takes good texts and gives labelled records: {"text", "id", "wrong": [kind], "planted": [strings that must be gone, or the document
dropped], "of": id of the text that a duplicate is a copy of}. Everything follows from the seed.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

Damaged = tuple[str, list[str]]

MENUS = (
    "Home | News | Sport | Weather | Contact",
    "Home » Local » Archive",
    "Skip to content",
    "Log in   Register   My account   Help",
)
NOTICES = (
    "This website uses cookies to give you the best experience. By continuing you accept our use of cookies.",
    "© 2019 The Valley Post. All rights reserved.",
    "Sign up for our free newsletter and get the news in your inbox every morning.",
    "Share this on Facebook, Twitter and WhatsApp",
    "Read our privacy policy and terms of use.",
    "You may also like: Ten gardens to see this summer",
    "Please enable JavaScript in your browser to see this page.",
)
SITE_LINES = (
    "The Valley Post - news from the hills since 1881",
    "Tip line open day and night, editors at the desk",
    "Weather station North Gate +14 degrees",
)
PITCHES = (
    "BUY NOW and save! Our {thing} are the best price in town, only ${price}. Click here: www.{thing}-outlet.com",
    "Limited time offer!!! Free shipping on all {thing}. Order today, satisfaction guaranteed.",
    "You have been selected to win cash prizes. Claim your reward at http://win-{thing}.biz before midnight.",
    "Earn ${price} a day, work from home, no risk. Sign up now at best{thing}.net and make money with {thing}.",
    "Cheap {thing} online, huge discounts, 70% off today only! Visit our shop at {thing}4u.com.",
    "Act now! Special deal on {thing}, half price, money back guarantee. Don't wait, hurry while stocks last!!!",
)
THINGS = ("watches", "pills", "loans", "handbags", "phones", "mattresses", "vitamins", "sunglasses")
INSULTS = (
    "You stupid moron, this is bullshit and you are an idiot.",
    "Shut up, you pathetic loser, nobody likes you.",
    "What a bunch of assholes, go to hell, all of you shitheads.",
    "Screw you, you worthless piece of shit.",
    "You're such a dickhead. Get lost, you disgusting scumbag.",
    "Fucking idiots like you should drop dead.",
)
FOREIGN = {
    "de": (
        "Der alte {} wohnt seit vielen Jahren in der kleinen Stadt am Fluss.",
        "Am Morgen ging die Frau mit ihrem Hund über die Brücke zum Markt und kaufte {}.",
        "Die Kinder spielten im Garten, bis es dunkel wurde und die Mutter sie zum Essen rief.",
        "Niemand wusste, warum der {} an diesem Tag nicht gekommen war.",
        "Im Winter liegt der Schnee so hoch, dass man kaum aus dem Haus gehen kann.",
        "Er hatte den Brief noch nicht gelesen, als es an der Tür klopfte.",
    ),
    "fr": (
        "Le vieux {} habite depuis longtemps dans la petite ville au bord de la rivière.",
        "Le matin, la femme traversa le pont avec son chien et acheta {} au marché.",
        "Les enfants jouaient dans le jardin jusqu'à ce que leur mère les appelle pour le dîner.",
        "Personne ne savait pourquoi le {} n'était pas venu ce jour-là.",
        "En hiver, la neige est si haute qu'on peut à peine sortir de la maison.",
        "Il n'avait pas encore lu la lettre quand on frappa à la porte.",
    ),
    "es": (
        "El viejo {} vive desde hace muchos años en la pequeña ciudad junto al río.",
        "Por la mañana la mujer cruzó el puente con su perro y compró {} en el mercado.",
        "Los niños jugaron en el jardín hasta que su madre los llamó para cenar.",
        "Nadie sabía por qué el {} no había venido aquel día.",
        "En invierno la nieve es tan alta que apenas se puede salir de la casa.",
        "Todavía no había leído la carta cuando llamaron a la puerta.",
    ),
}
NOUNS = ("Miller", "Bauer", "Schmidt", "Lucas", "Marie", "Pablo", "Tomas", "Otto")
SYLLABLES = ("ka", "ri", "mo", "fen", "lu", "ne", "sto", "vor", "el", "tan", "bi", "sha", "ro", "ul", "dim", "pra")
SIGNS = "@#$%^&*~|<>{}[]§¤¦±¶◊■►★☆♠♣♦♪†‡"


def near_duplicate(text: str, chance: random.Random) -> Damaged:
    """A few words replaced, a sentence left out, or a line put before it."""
    words = text.split(" ")
    how = chance.randrange(3)
    if how == 0:
        for place in chance.sample(range(len(words)), max(1, len(words) // 40)):
            words[place] = chance.choice(("very", "old", "then", "house", "quite", "morning", "again"))
        return " ".join(words), []
    if how == 1:
        sentences = re.split(r"(?<=[.!?]) ", text)
        del sentences[chance.randrange(len(sentences))]
        return (" ".join(sentences) if len(sentences) > 3 else text + " That was all."), []
    return f"Seen on {chance.randint(1, 28)} May. {text}", []


def boilerplate(text: str, chance: random.Random) -> Damaged:
    before = [chance.choice(MENUS), *chance.sample(SITE_LINES, 1)]
    after = chance.sample(NOTICES, 3)
    return "\n".join([*before, text, *after]), [*before, *after]


def html(text: str, chance: random.Random) -> Damaged:
    body = re.sub(r"\n+", '</p>\n<p class="t">', text.replace("&", "&amp;"))
    words = body.split(" ")
    for place in chance.sample(range(len(words)), min(3, len(words))):
        if "<" not in words[place] and ">" not in words[place] and "=" not in words[place]:
            words[place] = chance.choice(("<b>{}</b>", '<a href="/x">{}</a>', "{}&nbsp;", "<span>{}</span>")).format(
                words[place]
            )
    page = (
        f'<div id="main"><h1>Page</h1><p>{" ".join(words)}</p></div><script>var t = {chance.randint(1, 99)};</script>'
    )
    return page, ["</", "<p", "<div", "var t", "&nbsp;", "&amp;"]


def broken_encoding(text: str, chance: random.Random) -> Damaged:
    """Mojibake, of which quotes, dashes and accents are made first; or letters that are gone."""
    if chance.random() < 0.5:
        rich = "“" + text.replace(" a ", " à ").replace("'", "’").replace(". ", " – é. ", 2) + "”"
        broken = rich.encode().decode("windows-1252", "replace")
        return broken, ["â€", "Ã©", "Ã"]
    letters = list(text)
    for place in chance.sample(range(len(letters)), max(4, len(letters) // 60)):
        letters[place] = "\ufffd"
    return "".join(letters), ["\ufffd"]


def symbols(text: str, chance: random.Random) -> Damaged:
    words = text.split()
    soup = ["".join(chance.choices(SIGNS, k=chance.randint(1, 6))) for _ in range(len(words) // 2)]
    mixed = [*words[: len(words) // 2], *soup]
    chance.shuffle(mixed)
    return " ".join(mixed), soup


def word_salad(text: str, chance: random.Random) -> Damaged:
    words = text.split()
    chance.shuffle(words)
    return " ".join(words), [" ".join(words[:6])]


def spam(_text: str, chance: random.Random) -> Damaged:
    pitches = chance.sample(PITCHES, chance.randint(2, 4))
    filled = [pitch.format(thing=chance.choice(THINGS), price=chance.randint(5, 999)) for pitch in pitches]
    return " ".join(filled), [filled[0]]


def rude(text: str, chance: random.Random) -> Damaged:
    sentences = re.split(r"(?<=[.!?]) ", text)[:8]
    said = chance.sample(INSULTS, 3)
    for insult in said:
        sentences.insert(chance.randrange(len(sentences) + 1), insult)
    return " ".join(sentences), said


def personal_data(text: str, chance: random.Random) -> Damaged:
    def digits(count: int) -> str:
        return "".join(chance.choices("0123456789", k=count))

    first, last = chance.choice(("anna", "ben", "carla", "dov")), chance.choice(("stone", "wood", "hill", "marsh"))
    found = [
        f"{first}.{last}{chance.randint(1, 99)}@example.org",
        f"+44 20 7946 0{digits(3)}",
        f"192.0.2.{chance.randint(1, 254)}",
        _iban(chance),
        _card(chance),
    ]
    said = (
        "Write to {}.",
        "Call {} after six.",
        "The address of the machine is {}.",
        "The account is {}.",
        "Paid by card {}.",
    )
    chosen = chance.sample(range(5), 3)
    sentences = re.split(r"(?<=[.!?]) ", text)
    for i in chosen:
        sentences.insert(chance.randrange(len(sentences) + 1), said[i].format(found[i]))
    return " ".join(sentences), [found[i] for i in chosen]


def _iban(chance: random.Random) -> str:
    account = "".join(chance.choices("0123456789", k=18))
    check = 98 - int(f"{account}131400") % 97
    whole = f"DE{check:02d}{account}"
    return " ".join(whole[i : i + 4] for i in range(0, 22, 4))


def _card(chance: random.Random) -> str:
    digits = [4, *chance.choices(range(10), k=14)]
    doubled = [d if i % 2 else sum(divmod(2 * d, 10)) for i, d in enumerate(digits)]
    whole = "".join(map(str, [*digits, -sum(doubled) % 10]))
    return " ".join(whole[i : i + 4] for i in range(0, 16, 4))


def other_language(_text: str, chance: random.Random) -> Damaged:
    which = chance.choice([*FOREIGN, "invented"])
    if which == "invented":
        made = []
        for _ in range(chance.randint(5, 9)):
            words = ["".join(chance.choices(SYLLABLES, k=chance.randint(1, 3))) for _ in range(chance.randint(4, 10))]
            made.append(" ".join(words).capitalize() + ".")
        return " ".join(made), [made[0]]
    sentences = [sentence.format(chance.choice(NOUNS)) for sentence in chance.sample(FOREIGN[which], 5)]
    return " ".join(sentences), [sentences[0]]


def exact_duplicate(text: str, _chance: random.Random) -> Damaged:
    return text, []


KINDS: dict[str, Callable[[str, random.Random], Damaged]] = {
    "exact-duplicate": exact_duplicate,
    "near-duplicate": near_duplicate,
    "boilerplate": boilerplate,
    "html": html,
    "broken-encoding": broken_encoding,
    "symbols": symbols,
    "word-salad": word_salad,
    "spam": spam,
    "rude": rude,
    "personal-data": personal_data,
    "other-language": other_language,
}


def plant(texts: Sequence[str], share: float, seed: int) -> Iterator[dict[str, Any]]:
    """Records in random order. `share` of them are damaged, of each kind as many; copies are of good texts that stay."""
    chance = random.Random(seed)
    each = max(1, round(len(texts) * share / len(KINDS)))
    spoiled = each * (len(KINDS) - 2)
    good, raw = list(texts[spoiled:]), iter(texts[:spoiled])
    records: list[dict[str, Any]] = [{"text": text, "id": f"good-{i}", "wrong": []} for i, text in enumerate(good)]
    for kind, damage in KINDS.items():
        copies = kind.endswith("duplicate")
        chosen = chance.sample(range(len(good)), each) if copies else [None] * each
        for number, of in enumerate(chosen):
            text, planted = damage(good[of] if of is not None else next(raw), chance)
            record = {
                "text": text,
                "id": f"{kind}-{number}",
                "wrong": [kind],
                "planted": [p for p in planted if p in text],
            }
            records.append(record | ({"of": f"good-{of}"} if of is not None else {}))
    chance.shuffle(records)
    yield from records
