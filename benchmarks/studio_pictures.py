"""The pictures of docs/studio.md: every room of the studio in both themes, as Chromium shows it.

    python benchmarks/studio_pictures.py runs -o docs/images

runs: a folder with the run of `onward build` in it, called world. A studio is served in this process over a copy of it; votes and
conversations go to a folder that goes away, and so does the short training that is watched.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from visiting import choose, make, served

ASKED = "By which company is Humphrey Coldbourne employed?"
COLOURS = 256
"""Of a picture: flat ones need no more, and are a third as large."""


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()
    page.wait_for_timeout(1500)


def chat(page: Page) -> None:
    for stage in ("world/sft", "world/base"):
        page.locator("#o-models input").click()
        page.get_by_role("option", name=stage).click()
    page.keyboard.press("Escape")
    page.locator("#o-words textarea").fill("What does Selma Hazelacre drink?")
    page.get_by_role("button", name="Send").click()
    page.wait_for_timeout(8000)


def chain(page: Page) -> None:
    tab(page, "Word chain")
    page.locator("#o-chain-text textarea").fill(ASKED)
    page.get_by_label("lookup").check()
    page.get_by_label("layers:1").check()
    page.get_by_role("button", name="Begin", exact=True).click()
    page.wait_for_timeout(8000)
    page.locator("#o-chain button.o-token").nth(4).click()
    page.wait_for_timeout(1500)
    page.locator("#o-place .o-bars button:not([disabled])").nth(1).click()
    page.wait_for_timeout(4000)
    page.locator("#o-chain button.o-token").nth(4).click()
    page.wait_for_timeout(1500)


def drafters(page: Page) -> None:
    page.get_by_label("drafter", exact=True).check()
    page.wait_for_timeout(1500)


def build(page: Page) -> None:
    tab(page, "Build")
    if not page.get_by_text("all is made").is_visible():
        page.get_by_label("sft", exact=True).check()
        page.wait_for_timeout(500)
        choose(page, "Base model", "world/base")
        choose(page, "Conversations", "chats/question")
        page.locator("#o-build-name textarea, #o-build-name input").first.fill("mine/sft")
        page.get_by_label("Minutes").locator("visible=true").first.fill("0.5")
        page.locator("#o-build-start").click()
        page.get_by_text("all is made").wait_for(timeout=180_000)


def data(page: Page) -> None:
    tab(page, "Data")
    choose(page, "A file, to look at what stands in it", "votes.jsonl")
    page.wait_for_timeout(2500)


def arena(page: Page) -> None:
    tab(page, "Arena")
    page.locator("#o-arena-words textarea, #o-arena-words input").first.fill("Tell me about Selma Hazelacre.")
    page.get_by_role("button", name="Ask two of them").click()
    page.wait_for_timeout(5000)


def rank(page: Page) -> None:
    tab(page, "Rank")
    page.locator("#o-rank-words textarea, #o-rank-words input").first.fill("Tell me about Selma Hazelacre.")
    page.get_by_role("button", name="Two answers").click()
    page.wait_for_timeout(8000)


def runs(page: Page) -> None:
    tab(page, "Runs")
    page.wait_for_timeout(2500)


ROOMS = {
    "chat": chat,
    "chain": chain,
    "drafters": drafters,
    "build": build,
    "data": data,
    "arena": arena,
    "rank": rank,
    "runs": runs,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=list(ROOMS))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as player:
        there = Path(place) / "runs"
        shutil.copytree(asked.runs, there)
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with served(make([str(there)], Path(place) / "data")) as up:
            for theme in ("light", "dark"):
                page = browser.new_page(viewport={"width": 1200, "height": 800}, color_scheme=theme)
                page.goto(up.url)
                page.wait_for_timeout(2500)
                for name in asked.only:
                    ROOMS[name](page)
                    page.mouse.move(0, 0)
                    picture = asked.out / f"studio-{name}-{theme}.png"
                    page.screenshot(path=picture, full_page=name != "chat")
                    Image.open(picture).convert("RGB").quantize(COLOURS).save(picture, optimize=True)
        browser.close()


if __name__ == "__main__":
    main()
