"""The studio's page: how long after the engine's first token does a person see it, and does a long conversation slow that down?

    python benchmarks/studio.py FOLDER --rounds 15

A model with room for 16,384 tokens, a tokenizer from the folder and random weights (what it says does not matter here) is served in this
process and visited with Chromium (Playwright). The engine's side is the moment at which the
first piece of an answer leaves its thread; the page's side is the first frame after its text stands in the page. Both clocks are this
machine's. Measured with an empty conversation and, in turns, with one of 4,000 tokens; also how long a key takes to show in the field.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from onward.lineage import Lineage
from onward.model import folder
from onward.model.config import TrunkConfig
from onward.model.trunk import LanguageModel
from onward.studio import saying
from onward.studio.kept import Answer
from onward.tokens.tokenizer import Tokenizer
from visiting import Up, make, served

TURNS, WORDS = 40, 100
WATCH = """() => {
  window.seen = null;
  const before = document.querySelectorAll("#o-past .o-said").length;
  const look = () => {
    const all = [...document.querySelectorAll("#o-past .o-said")].slice(before).concat(...document.querySelectorAll("#o-live .o-said"));
    if (window.seen === null && all.some((said) => said.textContent.trim()))
      requestAnimationFrame(() => { window.seen = window.seen ?? performance.timeOrigin + performance.now(); });
  };
  new MutationObserver(look).observe(document.body, {childList: true, subtree: true, characterData: true});
}"""
TYPE = """async () => {
  const field = document.querySelector("#o-words textarea");
  const set = Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set;
  const begun = performance.now();
  set.call(field, field.value + "x"); field.dispatchEvent(new Event("input", {bubbles: true}));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - begun;
}"""
FIRST: list[float] = []


def talker(tokenizer_folder: Path, place: Path) -> Path:
    """A model folder."""
    tokenizer = Tokenizer.load(tokenizer_folder)
    shape = TrunkConfig(
        vocab_size=tokenizer.highest_id + 1,
        max_positions=2**14,
        width=64,
        depth=2,
        heads=4,
        kv_heads=2,
        head_size=16,
        ffn_width=128,
    )
    model = LanguageModel(shape).initialise(0)
    folder.save(place, model, lineage=Lineage(verb="pretrain", folder=str(place)), tokenizer_folder=tokenizer_folder)
    return place


def note_first_pieces() -> None:
    """Write down when the first piece of an answer with a text leaves the engine."""
    plain = saying.pieces

    async def noted(*given: Any) -> AsyncGenerator[Any]:
        seen = False
        async for piece in plain(*given):
            if piece.text.strip() and not seen:
                FIRST.append(1000 * time.time())
                seen = True
            yield piece

    saying.pieces = noted


def visit(page: Page, up: Up, long: bool) -> None:
    """An empty conversation, or one of 4,000 tokens, on the page."""
    page.goto(up.url)
    page.locator("#o-words textarea").wait_for()
    if long:
        kept, turn = up.studio.kept, None
        number = kept.begin("long")
        for i in range(TURNS):
            said = {name: Answer(" the" * WORDS, "stop") for name in up.studio.places.talking()[:1]}
            turn = kept.add(number, turn and turn.id, f"question {i}", {"seed": 0}, said)
        assert turn is not None
        page.evaluate("(place) => sessionStorage.setItem('onward-chat', place)", f"{number}:{turn.id}")
        page.reload()
        page.locator("#o-past .o-asked").nth(TURNS - 1).wait_for()
    else:
        page.evaluate("() => sessionStorage.clear()")
        page.reload()
    page.locator("#o-past .o-empty, #o-past .o-turn").first.wait_for()
    page.wait_for_timeout(500)


def ask(page: Page) -> tuple[float, float]:
    """Milliseconds from the engine's first piece to the page, and of a key in the field."""
    key = float(page.evaluate(TYPE))
    page.evaluate(WATCH)
    before, answers = len(FIRST), page.locator("#o-past .o-said").count()
    page.locator("#o-words textarea").fill("Who are you, and what do you know?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_function("() => window.seen !== null", timeout=60_000)
    page.locator("#o-past .o-said").nth(answers).wait_for(timeout=120_000)
    return float(page.evaluate("window.seen")) - FIRST[before], key


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=15)
    asked = parser.parse_args()
    note_first_pieces()
    found: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
    with (
        tempfile.TemporaryDirectory() as data,
        served(make([str(talker(asked.folder, Path(data) / "model"))], Path(data))) as up,
        sync_playwright() as player,
    ):
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        visit(page, up, long=False)
        ask(page)  # the model is opened
        for _ in range(asked.rounds):
            for long in found:
                visit(page, up, long)
                found[long].append(ask(page))
        browser.close()
    for long, rows in found.items():
        shown, keys = zip(*rows, strict=True)
        worst = sorted(shown)[int(0.95 * len(shown))]
        print(
            f"{'after 4,000 tokens' if long else 'empty conversation'}: first token to page {statistics.median(shown):.0f} ms "
            f"(95th percentile {worst:.0f}, n = {len(shown)}); a key in the field {statistics.median(keys):.0f} ms"
        )


if __name__ == "__main__":
    main()
