"""A conversation as HTML: what was asked, the answers side by side, and the buttons that edit, draw anew and walk between branches."""

from __future__ import annotations

from markupsafe import Markup

from onward.studio.kept import Answer, Turn, beside
from onward.studio.shared import Studio, button, empty, joined

ENDS = {"length": "cut off: tokens at most", "stopped": "stopped", "error": "an error"}


def page(found: dict[int, Turn], path: list[Turn]) -> Markup:
    """found: the whole conversation.   path: the turns to show."""
    return joined(_turn(found, turn) for turn in path)


def beginning(studio: Studio) -> Markup:
    """Where nothing was said yet: what the model knows, and what one may ask it."""
    for name in studio.places.talking():
        if name in studio.places.addresses:
            continue
        history = studio.places.stage(name).history()
        tries = [button(text, "try", text=text) for text in history.try_asking[:5]]
        if tries:
            about = f"{name} knows {history.about}." if history.about else f"Things to ask {name}:"
            return Markup('<div class="o-empty"><p>{}</p><p>{}</p></div>').format(about, joined(tries))
    return empty("Choose who answers, and say something.")


def _turn(found: dict[int, Turn], turn: Turn) -> Markup:
    return Markup(
        '<div class="o-turn"><div class="o-asked">{}</div><div class="o-tools">{}</div>'
        '<div class="o-answers" aria-live="polite">{}</div></div>'
    ).format(
        turn.asked,
        _tools(found, turn),
        joined(_answer(name, answer) for name, answer in turn.answers.items()),
    )


def _tools(found: dict[int, Turn], turn: Turn) -> Markup:
    others = beside(found, turn) if turn.id in found else [turn]
    at = next((place for place, one in enumerate(others) if one.id == turn.id), 0)
    walk = []
    if len(others) > 1:
        before, after = others[max(0, at - 1)].id, others[min(len(others) - 1, at + 1)].id
        walk = [
            button("‹", "to", title="the branch before", turn=before, disabled=at == 0),
            Markup('<span class="o-soft o-small">branch {} of {}</span>').format(at + 1, len(others)),
            button("›", "to", title="the next branch", turn=after, disabled=at == len(others) - 1),
        ]
    seed = Markup('<span class="o-soft o-small">seed {}</span>').format(turn.settings.get("seed", 0))
    return joined([*walk, seed, button("edit", "edit", turn=turn.id), button("again", "again", turn=turn.id)])


def _answer(name: str, answer: Answer) -> Markup:
    end = ENDS.get(answer.finish, "")
    who = Markup('<div class="o-who">{}{}</div>').format(name, f" · {end}" if end else "")
    said = Markup('<div class="o-said{}">{}</div>').format("" if answer.finish else " o-live", answer.text.lstrip())
    error = Markup('<p class="o-warm">{}</p>').format(answer.error) if answer.error else ""
    return Markup('<section class="o-answer">{}{}{}</section>').format(who, said, error)
