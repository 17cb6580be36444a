"""Chat: with any stage or endpoint, several side by side with the same seed; conversations are trees, and are kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import gradio as gr

from onward.errors import OnwardError
from onward.generate.settings import Sampling
from onward.studio import copying, turns
from onward.studio.answers import STOPPED
from onward.studio.kept import Answer, Turn, beside, latest_below, path_to
from onward.studio.shared import Studio, empty, html, told

NOWHERE = {"conversation": None, "leaf": None, "editing": None}
SEVERAL = 4
"""Models side by side, at most."""
REMEMBER = "(value) => { sessionStorage.setItem('onward-chat', value); }"
RECALL = "() => [sessionStorage.getItem('onward-chat') || '']"
COPIED = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_tokens", "seed")


def chat(studio: Studio) -> None:
    """Build the tab."""
    with gr.Tab("Chat", id="chat") as tab:
        here = gr.State(NOWHERE)
        recalled = gr.Textbox(visible="hidden", elem_id="o-recalled")
        with gr.Row():
            with gr.Column(scale=1, min_width=240):
                models = gr.Dropdown(
                    there := studio.places.talking(),
                    value=there[:1],
                    label="Who answers",
                    multiselect=True,
                    max_choices=SEVERAL,
                    elem_id="o-models",
                )
                system = gr.Textbox(label="System prompt", lines=2, placeholder="none")
                with gr.Accordion("Sampling", open=False):
                    knobs = _knobs()
                with gr.Accordion("Conversations", open=False):
                    saved = gr.Dropdown([], label="Kept on this machine", filterable=True)
                    with gr.Row():
                        new, forget = gr.Button("New", size="sm"), gr.Button("Delete", size="sm")
                with gr.Accordion("Copy as", open=False):
                    as_curl = gr.Textbox(label="curl", lines=3, max_lines=8, buttons=["copy"], interactive=False)
                    as_python = gr.Textbox(label="Python", lines=3, max_lines=8, buttons=["copy"], interactive=False)
            with gr.Column(scale=3, min_width=300, elem_classes="o-talk"):
                past = html(clicks=True, elem_id="o-past")
                live = html(clicks=True, follow=True, elem_id="o-live")
                with gr.Row(elem_classes="o-composer"):
                    words = gr.Textbox(
                        placeholder="Say something",
                        show_label=False,
                        label="Message",
                        scale=6,
                        max_lines=8,
                        lines=1,
                        elem_id="o-words",
                    )
                    send = gr.Button("Send", variant="primary", scale=1, min_width=80)
                    stop = gr.Button("Stop", scale=1, min_width=70)
        asked = [words, models, system, *knobs, here]
        shown = [here, past, live, words, recalled]
        also: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", "trigger_mode": "multiple"}
        looked_at = _LookedAt()

        async def say(
            request: gr.Request, text: str, names: list[str], system: str, *rest: Any
        ) -> AsyncIterator[list[Any]]:
            *values, at = rest
            with told():
                turn, there = _turn(studio, text, names, _settings(system, values), at)
            yield [gr.skip(), gr.skip(), gr.skip(), "", gr.skip()]  # what was sent; what is written from now on stays
            async for view in _followed(studio, turn, looked_at.by(request), there):
                yield view

        async def act(
            request: gr.Request, event: gr.EventData, system: str, names: list[str], *rest: Any
        ) -> AsyncIterator[list[Any]]:
            *values, at = rest
            with told():
                done = _acted(studio, dict(event._data), names, _settings(system, values), at)
            look = looked_at.by(request)
            if isinstance(done, Turn):
                async for view in _followed(studio, done, look):
                    yield view
            else:
                yield done

        async def recall(request: gr.Request, text: str) -> AsyncIterator[list[Any]]:
            conversation, _, leaf = text.partition(":")
            with told():
                found = _turns(studio, int(conversation[:9]) if conversation.isdecimal() else None)
            turn, look = found.get(int(leaf[:9])) if leaf.isdecimal() else None, looked_at.by(request)
            if turn is None:
                yield _view(studio, NOWHERE)
                return
            async for view in _followed(studio, turn, look):
                yield view

        def load(request: gr.Request, number: int | None) -> list[Any]:
            looked_at.by(request)
            with told():
                found = _turns(studio, number)
                leaf = max(found) if found else None
                return _view(studio, {"conversation": number if found else None, "leaf": leaf, "editing": None})

        def begin(request: gr.Request) -> list[Any]:
            return load(request, None)

        def delete(request: gr.Request, at: dict[str, Any]) -> list[Any]:
            looked_at.by(request)
            with told():
                if at["conversation"] is not None:
                    studio.answers.stop(at["leaf"])
                    studio.kept.remove(at["conversation"])
                return _view(studio, NOWHERE)

        def copied(request: gr.Request, names: list[str], system: str, *rest: Any) -> tuple[str, str]:
            *values, at = rest
            with told():
                path, settings = path_to(_turns(studio, at["conversation"]), at["leaf"]), _settings(system, values)
                return copying.snippets(studio, (names or [""])[0], path, settings, str(request.headers.get("host")))

        gr.on([send.click, words.submit], say, asked, shown, **also)
        gr.on([past.click, live.click], act, [system, models, *knobs, here], shown, **also)
        stop.click(lambda at: studio.answers.stop(at["leaf"]), here, None, queue=False)
        saved.input(load, saved, shown, **also)
        new.click(begin, None, shown, **also)
        forget.click(delete, here, shown, **also)
        recalled.change(None, recalled, None, js=REMEMBER)
        gr.on([recalled.change, models.change], copied, [models, system, *knobs, here], [as_curl, as_python], **also)
        recalled.change(lambda at: _saved(studio, at), here, saved, **also)
        page = gr.context.Context.root_block
        gr.on([page.load, tab.select], lambda names: _choices(studio, names), models, models, show_progress="hidden")
        page.unload(looked_at.forget)
        page.load(recall, recalled, shown, js=RECALL, **also)


def _knobs() -> list[gr.components.Component]:
    """In the order of COPIED."""
    usual = Sampling()
    return [
        gr.Slider(0, 2, usual.temperature, step=0.05, label="Temperature"),
        gr.Slider(0.05, 1, usual.top_p, step=0.05, label="Top-p"),
        gr.Slider(0, 200, usual.top_k, step=1, label="Top-k (0: all)"),
        gr.Slider(0, 0.5, usual.min_p, step=0.01, label="Min-p"),
        gr.Slider(1, 2, usual.repetition_penalty, step=0.05, label="Repetition penalty"),
        gr.Slider(1, 2048, usual.max_tokens, step=1, label="Tokens at most"),
        gr.Number(usual.seed, precision=0, label="Seed: same seed, same text"),
    ]


def _settings(system: str, values: list[Any]) -> dict[str, Any]:
    """Raises PlanError."""
    sampling = dict(zip(COPIED, values, strict=True))
    whole = {name: int(sampling[name] or 0) for name in ("top_k", "max_tokens", "seed")}
    Sampling(**(sampling | whole))
    return {"system": system or ""} | sampling | whole


@dataclass(eq=False)
class _Look:
    """What one page shows, until it turns to something else.   live: an answer that is being drawn."""

    page: str | None
    pages: dict[str | None, _Look]
    live: bool = False

    def still(self) -> bool:
        return self.pages.get(self.page) is self

    def last(self) -> list[Any]:
        """What a page is sent last that has turned away: a piece of this answer may have reached it after that, and must not stay."""
        now = self.pages.get(self.page)
        covered = now is not None and now.live
        return [gr.skip(), gr.skip(), gr.skip() if covered else "", gr.skip(), gr.skip()]


class _LookedAt:
    """What each page shows now: who goes on to something else must not be called back when an answer ends that it has left."""

    def __init__(self) -> None:
        self._now: dict[str | None, _Look] = {}

    def by(self, request: gr.Request) -> _Look:
        """The page turns to something now."""
        self._now[request.session_hash] = look = _Look(request.session_hash, self._now)
        return look

    def forget(self, request: gr.Request) -> None:
        self._now.pop(request.session_hash, None)


def _choices(studio: Studio, names: list[str] | None) -> Any:
    """What there is now; what was chosen stays."""
    talking = studio.places.talking()
    return gr.update(choices=talking, value=[name for name in names or [] if name in talking] or talking[:1])


def _turns(studio: Studio, conversation: int | None) -> dict[int, Turn]:
    """As they were kept, and as far as they have come. What nobody is answering, and has no end, was cut off: the studio was killed."""
    found = studio.kept.turns(conversation) if isinstance(conversation, int) else {}
    for number, turn in found.items():
        going = studio.answers.going(number)
        found[number] = going or turn
        for answer in turn.answers.values() if going is None else ():
            answer.finish = answer.finish or STOPPED
    return found


def _saved(studio: Studio, at: dict[str, Any]) -> Any:
    with told():
        choices = [(title, number) for number, title, _ in studio.kept.conversations()]
    return gr.update(
        choices=choices,
        value=at["conversation"] if any(number == at["conversation"] for _, number in choices) else None,
    )


def _turn(
    studio: Studio, text: str, names: list[str], settings: dict[str, Any], at: dict[str, Any]
) -> tuple[Turn, dict[str, Any] | None]:
    """Ask, after the last turn, or beside the one that is edited. Who asks before the last answer has ended, stops that.

    Also what of it the page shows as the past already, as in `_followed`.
    """
    if not text.strip():
        raise OnwardError("there is nothing to say yet. Write something.")
    if not names:
        raise OnwardError("nobody is to answer. Choose a model on the left; or build one, under Build.")
    kept, found = studio.kept, _turns(studio, at["conversation"])
    conversation = at["conversation"] if found else kept.begin(text)  # it may be deleted by now
    parent = found[at["editing"]].parent if at["editing"] in found else at["leaf"] if found else None
    unfinished = studio.answers.going(parent) if parent is not None else None
    if unfinished is not None:
        studio.answers.stop(parent)
    turn = kept.add(conversation, parent, text, settings, {name: Answer() for name in names})
    studio.answers.start(turn, path_to(found, parent))
    return turn, at if unfinished is None else None


def _acted(
    studio: Studio, event: dict[str, Any], names: list[str], settings: dict[str, Any], at: dict[str, Any]
) -> Turn | list[Any]:
    """What a button in the conversation does: a turn that is now answered, or a view.   Raises OnwardError."""
    found = _turns(studio, at["conversation"])
    number = str(event.get("turn", ""))
    if event.get("do") == "try":
        return _turn(studio, str(event.get("text", "")), names, settings, at)[0]
    if not number.isdecimal() or int(number) not in found:
        raise OnwardError("this turn is not part of the conversation any more. Load the page again.")
    turn = found[int(number)]
    if event.get("do") == "again":
        return _again(studio, found, turn, names)
    if event.get("do") == "edit":
        view = _view(studio, {**at, "editing": turn.id})
        view[3] = gr.update(value=turn.asked, placeholder="Change it, and send")
        return view
    return _view(studio, {**at, "leaf": latest_below(found, turn.id), "editing": None})


def _again(studio: Studio, found: dict[int, Turn], turn: Turn, names: list[str]) -> Turn:
    """The same question as a branch, with the next seed that no branch there has had."""
    seeds = [one.settings.get("seed", 0) for one in beside(found, turn) if one.asked == turn.asked]
    settings = turn.settings | {"seed": max(seeds) + 1}
    answers = {name: Answer() for name in names or turn.answers}
    new = studio.kept.add(turn.conversation, turn.parent, turn.asked, settings, answers)
    studio.answers.start(new, path_to(found, turn.parent))
    return new


async def _followed(
    studio: Studio, turn: Turn, look: _Look, there: dict[str, Any] | None = None
) -> AsyncIterator[list[Any]]:
    """The page while a turn is answered, and after.   there: what the page shows already; a long past is not sent to it again."""
    at = {"conversation": turn.conversation, "leaf": turn.id, "editing": None}
    found = _turns(studio, turn.conversation)
    if studio.answers.going(turn.id) is not None:
        same = there is not None and (there["conversation"], there["leaf"]) == (turn.conversation, turn.parent)
        before = gr.skip() if same else str(turns.page(found, path_to(found, turn.parent)))
        look.live = True
        yield [at, before, str(turns.page(found, [turn])), gr.skip(), _place(at)]
        async for now in studio.answers.watch(turn.id):
            if not look.still():
                break
            yield [gr.skip(), gr.skip(), str(turns.page(found, [now])), gr.skip(), gr.skip()]
        look.live = False
    yield _view(studio, at) if look.still() else look.last()  # Gradio sends what came last once more


def _view(studio: Studio, at: dict[str, Any]) -> list[Any]:
    """The page where nothing is being said."""
    found = _turns(studio, at["conversation"])
    path = path_to(found, at["leaf"])
    shown = turns.page(found, path) if path else turns.beginning(studio)
    if not path and not studio.places.talking():
        shown = empty("There is no model here yet. Under Build, one button makes one, in minutes.")
    return [at, str(shown), "", gr.update(placeholder="Say something"), _place(at)]


def _place(at: dict[str, Any]) -> str:
    return f"{at['conversation'] or ''}:{at['leaf'] or ''}"
