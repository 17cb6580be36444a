"""The real page in a real browser: Playwright drives Debian's chromium. Both are needed; without them these tests are skipped."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from samples import story
from visiting import Up, choose, make, served

sync_api = pytest.importorskip("playwright.sync_api", reason="the page is driven by playwright, which is not installed")
CHROMIUM = shutil.which("chromium")
if CHROMIUM is None:
    pytest.skip("the page is driven in chromium, which is not installed", allow_module_level=True)
expect = sync_api.expect
expect.set_options(timeout=30_000)  # the other tests keep the machine busy
HOSTILE = "<script>window.hacked=1</script><img src=x onerror='window.hacked=2'>{{1+1}}${window.hacked=3}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as player:
        opened = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


class Log:
    """What a page asked for, and what went wrong in it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.wrong: list[str] = []


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Any]]:
    """`visit(up)`: a page that is open, in a browser of its own; `page.log` says what it did."""
    contexts = []

    def open_page(up: Up, **how: Any) -> Any:
        context = browser.new_context(**({"viewport": {"width": 1200, "height": 900}} | how))
        contexts.append(context)
        return another(context, up)

    yield open_page
    for context in contexts:
        context.close()


def another(context: Any, up: Up) -> Any:
    page = context.new_page()
    page.log = log = Log()
    page.on("request", lambda request: log.asked.append(request.url))
    page.on("console", lambda said: log.wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: log.wrong.append(str(error)))
    page.goto(up.url)
    expect(page.locator("#o-words textarea")).to_be_visible(timeout=15_000)
    expect(page.locator("#o-past .o-empty, #o-past .o-turn").first).to_be_visible()
    return page


def say(page: Any, text: str) -> None:
    page.locator("#o-words textarea").fill(text)
    page.get_by_role("button", name="Send").click()


def longer(page: Any, tokens: int, temperature: float = 1.5) -> None:
    """Answers of many tokens."""
    if not page.get_by_label("number input for Tokens at most").first.is_visible():
        page.get_by_role("button", name="Sampling").click()
    page.get_by_label("number input for Tokens at most").first.fill(str(tokens))
    page.get_by_label("number input for Temperature").first.fill(str(temperature))
    page.get_by_label("number input for Temperature").first.blur()


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def test_nothing_leaves_this_machine_and_nothing_goes_wrong(up, visit):
    page = visit(up)
    say(page, "Hello")
    expect(page.locator("#o-past .o-said")).to_have_count(1)
    for name in ("Word chain", "Build", "Data", "Arena", "Rank", "Runs"):
        tab(page, name)
        page.wait_for_timeout(400)
    expect(page.locator("#o-runs")).to_contain_text("small")
    away = [url for url in page.log.asked if not url.startswith((up.url + "/", "data:", "blob:"))]
    assert away == []
    assert len(page.log.asked) > 10
    assert page.log.wrong == []


def test_stop_again_edit_and_walk_between_branches(up, visit):
    page = visit(up)
    longer(page, 2000)
    say(page, "Where is the cat?")
    expect(page.locator("#o-live .o-said")).to_have_text(re.compile(".{40}", re.S))
    page.get_by_role("button", name="Stop").locator("visible=true").click()
    expect(page.locator("#o-past .o-who")).to_contain_text("stopped")
    first = page.locator("#o-past .o-said").inner_text()
    assert len(first) >= 40
    longer(page, 12)
    page.locator("#o-past").get_by_role("button", name="again").click()
    expect(page.locator("#o-past")).to_contain_text("branch 2 of 2")
    page.get_by_role("button", name="Stop").locator("visible=true").click()
    expect(page.locator("#o-past .o-said")).to_have_count(1)
    page.locator("#o-past").get_by_role("button", name="edit").click()
    expect(page.locator("#o-words textarea")).to_have_value("Where is the cat?")
    say(page, "Where is the dog?")
    expect(page.locator("#o-past")).to_contain_text("branch 3 of 3")
    expect(page.locator("#o-past .o-asked")).to_have_text("Where is the dog?")
    for _ in range(2):
        page.locator("#o-past").get_by_role("button", name="the branch before").click()
        page.wait_for_timeout(500)
    expect(page.locator("#o-past")).to_contain_text("branch 1 of 3")
    assert page.locator("#o-past .o-said").inner_text() == first
    assert page.log.wrong == []


def test_models_stand_side_by_side(up, visit):
    page = visit(up)
    page.locator("#o-models input").click()
    page.get_by_role("option", name="small/base").click()
    page.keyboard.press("Escape")
    say(page, "Hello")
    expect(page.locator("#o-past .o-who")).to_have_text([re.compile("small/sft"), re.compile("small/base")])
    boxes = [page.locator("#o-past .o-answer").nth(i).bounding_box() for i in range(2)]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["x"] < boxes[1]["x"]


def test_a_reload_in_the_middle_of_an_answer_loses_nothing(up, visit):
    page = visit(up)
    longer(page, 1500)
    say(page, "Tell me all")
    expect(page.locator("#o-live .o-said")).to_have_text(re.compile(".{30}", re.S))
    page.reload()
    expect(page.locator("#o-live .o-said, #o-past .o-said").first).to_have_text(
        re.compile(".{60}", re.S), timeout=15_000
    )
    page.get_by_role("button", name="Stop").locator("visible=true").click()
    expect(page.locator("#o-past .o-who")).to_contain_text("small/sft")


def test_what_is_typed_while_an_answer_comes_stays_and_one_can_go_elsewhere(up, visit):
    page = visit(up)
    words = page.locator("#o-words textarea")
    longer(page, 60)
    say(page, "one")
    expect(words).to_have_value("")
    words.fill("what I want to ask next")
    expect(page.locator("#o-past .o-said")).to_have_count(1)
    expect(words).to_have_value("what I want to ask next")
    longer(page, 4000)
    say(page, "two")
    expect(page.locator("#o-live .o-said")).to_have_text(re.compile(".{40}", re.S))
    say(page, "three, and no more of two")
    expect(page.locator("#o-past .o-asked")).to_have_text(["one", "two"])
    expect(page.locator("#o-live .o-asked")).to_have_text("three, and no more of two")
    page.get_by_role("button", name="Conversations").click()
    page.get_by_role("button", name="New").click()
    expect(page.locator("#o-past .o-empty")).to_be_visible()
    page.wait_for_timeout(1500)
    expect(page.locator("#o-live .o-said")).to_have_count(0)
    longer(page, 8)
    say(page, "elsewhere")
    expect(page.locator("#o-past .o-asked")).to_have_text(["elsewhere"])


def test_an_answer_that_was_cut_off_by_the_end_of_the_studio_says_so(up, visit):
    from onward.studio.kept import Answer

    number = up.studio.kept.begin("cut")
    turn = up.studio.kept.add(number, None, "hello", {"seed": 0}, {"small/sft": Answer("half an ans", "")})
    page = visit(up)
    page.evaluate("(place) => sessionStorage.setItem('onward-chat', place)", f"{number}:{turn.id}")
    page.reload()
    expect(page.locator("#o-past .o-who")).to_contain_text("stopped")
    expect(page.locator(".o-live")).to_have_count(0)


def test_two_tabs_talk_each_their_own(up, visit):
    one = visit(up)
    two = another(one.context, up)
    say(one, "I am one")
    say(two, "I am two")
    for page, text in ((one, "I am one"), (two, "I am two")):
        expect(page.locator("#o-past .o-said")).to_have_count(1)
        expect(page.locator("#o-past .o-asked")).to_have_text(text)


def test_what_looks_like_html_is_text_everywhere(up, visit):
    from onward.studio.kept import Answer

    number = up.studio.kept.begin(HOSTILE)
    turn = up.studio.kept.add(number, None, HOSTILE, {"seed": 0}, {HOSTILE: Answer(HOSTILE, "stop", HOSTILE)})
    page = visit(up)
    page.evaluate("(place) => sessionStorage.setItem('onward-chat', place)", f"{number}:{turn.id}")
    page.reload()
    expect(page.locator("#o-past .o-said")).to_have_text(HOSTILE)
    expect(page.locator("#o-past .o-asked")).to_have_text(HOSTILE)
    expect(page.locator("#o-past .o-warm")).to_have_text(HOSTILE)
    say(page, HOSTILE)
    expect(page.locator("#o-past .o-asked").nth(1)).to_have_text(HOSTILE)
    tab(page, "Word chain")
    page.locator("#o-chain-text textarea").fill(HOSTILE)
    page.get_by_label("carry on a text").check()
    page.get_by_role("button", name="Begin", exact=True).click()
    expect(page.locator("#o-chain .o-given")).to_have_text(HOSTILE)
    tab(page, "Data")
    page.locator("#o-data-text textarea").fill(HOSTILE)
    page.locator("#o-data-chat textarea").fill(HOSTILE)
    expect(page.locator("#o-cut .o-cut")).to_have_text(HOSTILE)
    expect(page.locator("#o-masked")).to_contain_text("no JSON yet")
    tab(page, "Build")
    page.locator("#o-build-name input, #o-build-name textarea").first.fill(HOSTILE)
    page.locator("#o-build-start").click()
    expect(page.get_by_text("a run's name has letters").first).to_be_visible()
    tab(page, "Runs")
    expect(page.locator("#o-comparison")).to_contain_text("<script>window.hacked = 'command'</script>")
    assert page.evaluate("window.hacked") is None
    assert page.locator("#o-past img, #o-past script, #o-chain img, #o-cut img").count() == 0


def test_a_word_is_looked_at_exchanged_and_the_branches_are_walked(up, visit):
    page = visit(up)
    tab(page, "Word chain")
    page.get_by_label("lookup").check()
    page.get_by_role("button", name="Begin", exact=True).click()
    tokens = page.locator("#o-chain button.o-token")
    expect(tokens.nth(10)).to_be_visible(timeout=15_000)
    before = [tokens.nth(i).inner_text() for i in range(8)]
    tokens.nth(4).click()
    expect(page.locator("#o-place")).to_contain_text("Entropy")
    expect(tokens.nth(4)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(tokens.nth(5)).to_have_attribute("aria-pressed", "true")
    cut = page.locator("#o-place .o-out")
    assert cut.count() == 0
    page.get_by_label("number input for Temperature").locator("visible=true").fill("0")
    page.get_by_label("number input for Temperature").locator("visible=true").blur()
    page.get_by_label("drafter", exact=True).check()
    expect(cut.first).to_be_visible()
    page.locator("#o-place .o-bars button:not([disabled])").first.click()
    expect(page.locator("#o-tree li")).to_have_count(2)
    expect(page.locator("#o-chain .o-chosen")).to_have_count(1)
    assert [tokens.nth(i).inner_text() for i in range(5)] == before[:5]
    page.locator("#o-tree button").first.click()
    expect(page.locator("#o-chain .o-chosen")).to_have_count(0)
    assert [tokens.nth(i).inner_text() for i in range(8)] == before


def test_votes_are_blind_until_they_are_cast_and_make_an_order(up, visit):
    page = visit(up)
    tab(page, "Arena")
    page.locator("#o-arena-words textarea, #o-arena-words input").first.fill("Who are you?")
    page.get_by_role("button", name="Ask two of them").click()
    sections = page.locator("#o-arena-shown section")
    expect(sections).to_have_count(2)
    assert "small/" not in page.locator("#o-arena-shown").inner_text()
    page.get_by_role("button", name="A is better").locator("visible=true").click()
    expect(page.locator("#o-arena-shown")).to_contain_text("small/base")
    expect(page.locator("#o-standings tr")).to_have_count(3)
    expect(page.locator("#o-standings")).to_contain_text("too few votes")
    page.get_by_role("button", name="take the vote back").click()
    expect(page.locator("#o-standings")).to_contain_text("0 votes")


def test_runs_are_compared(up, visit):
    page = visit(up)
    tab(page, "Runs")
    expect(page.locator("#o-comparison svg")).to_be_visible(timeout=15_000)
    expect(page.locator("#o-comparison")).to_contain_text("2.5 (2.4 to 2.6)")
    expect(page.locator("#o-comparison")).to_contain_text("1.5 (1.4 to 1.6)")
    with page.context.expect_page() as opened:
        page.locator("#o-runs").get_by_text("report").first.click()
    expect(opened.value.get_by_text("the report")).to_be_visible()
    assert opened.value.evaluate("window.hacked") is None


def test_light_dark_phone_and_keyboard(up, visit):
    page = visit(up, viewport={"width": 390, "height": 800}, color_scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert dark == "rgb(21, 25, 30)"
    for name in ("Word chain", "Data"):
        if page.get_by_role("tab", name=name, exact=True).is_visible():
            tab(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tab(page, "Chat")
    page.get_by_role("button", name="light or dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.reload()
    expect(page.locator("#o-past .o-empty")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    page.locator("#o-words textarea").focus()
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    expect(page.locator("#o-past .o-said")).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Send"


def test_a_server_that_is_killed_and_started_again_has_everything(runs, tmp_path, visit):
    with served(make([str(runs)], tmp_path)) as up:
        page = visit(up)
        say(page, "Remember me")
        expect(page.locator("#o-past .o-said")).to_have_count(1)
        said = page.locator("#o-past .o-said").inner_text()
        port = int(up.url.rpartition(":")[2])
    with served(make([str(runs)], tmp_path), port=port):
        page.reload()
        expect(page.locator("#o-past .o-asked")).to_have_text("Remember me")
        assert page.locator("#o-past .o-said").inner_text() == said


def test_whoever_has_nothing_builds_the_default(tmp_path, visit):
    (tmp_path / "runs").mkdir()
    with served(make([str(tmp_path / "runs")], tmp_path / "data")) as up:
        page = visit(up)
        expect(page.locator("#o-past")).to_contain_text("Under Build, one button makes one")
        tab(page, "Build")
        expect(page.locator("#o-build")).to_contain_text("One button on the left builds the default")
        page.locator("#o-build-start").click()
        expect(page.locator("#o-build")).to_contain_text("default: being built")
        expect(page.locator("#o-build pre").first).to_contain_text("making a country", timeout=120_000)
        page.locator("#o-build-stop").click()
        expect(page.locator("#o-build")).not_to_contain_text("being built", timeout=60_000)


def test_a_training_goes_on_without_the_server_is_seen_again_stopped_and_goes_on(tmp_path, visit):
    for name in ("runs", "texts"):
        (tmp_path / name).mkdir()
    stories = "\n<|endoftext|>\n".join(f"{i}. {story(i)}" for i in range(4_000))
    (tmp_path / "texts" / "stories.txt").write_text(stories)
    given, data = [str(tmp_path / "runs"), str(tmp_path / "texts")], tmp_path / "data"
    with served(make(given, data)) as up:
        page = visit(up)
        tab(page, "Build")
        page.get_by_label("pretrain", exact=True).check()
        choose(page, "Texts to learn from", "stories.txt")
        page.get_by_label("Minutes").locator("visible=true").first.fill("3")
        page.get_by_role("button", name="Shape of the model").click()
        page.get_by_label("Depth").fill("1")
        page.get_by_label("Width").fill("32")
        page.locator("#o-build-start").click()
        expect(page.locator("#o-build")).to_contain_text("being built")
    with served(make(given, data)) as up:
        page = visit(up)
        tab(page, "Build")
        expect(page.locator("#o-build")).to_contain_text("being built")
        expect(page.locator("#o-build svg")).to_be_visible(timeout=120_000)
        expect(page.locator("#o-build")).to_contain_text("What it says as it learns", timeout=60_000)
        page.locator("#o-build-stop").click()
        expect(page.locator("#o-build")).to_contain_text("stopped; what is done is kept", timeout=60_000)
        page.locator("#o-build-on").click()
        expect(page.locator("#o-build")).to_contain_text("being built")
        page.locator("#o-build-stop").click()
        expect(page.locator("#o-build")).not_to_contain_text("being built", timeout=60_000)


def test_a_plan_is_shown_for_what_the_form_says_and_mistakes_are_told(up, visit):
    page = visit(up)
    tab(page, "Build")
    page.get_by_label("pretrain", exact=True).check()
    choose(page, "Texts to learn from", "stories.txt")
    page.get_by_label("Minutes").locator("visible=true").first.fill("ten")
    page.locator("#o-build-plan").click()
    expect(page.get_by_text("Minutes: 'ten' is no number; write 0.5.").first).to_be_visible()
    page.get_by_label("Minutes").locator("visible=true").first.fill("0.1")
    page.get_by_role("button", name="Shape of the model").click()
    page.get_by_label("Depth").fill("1")
    page.locator("#o-build-plan").click()
    expect(page.locator("#o-build")).to_contain_text("--minutes=0.1 --depth=1", timeout=60_000)
    expect(page.locator("#o-build")).to_contain_text("held out every")


def test_what_stands_in_the_files_is_shown(up, visit):
    page = visit(up)
    tab(page, "Data")
    choose(page, "A file, to look at what stands in it", "preferred.jsonl")
    expect(page.locator("#o-data-ranked section")).to_have_count(2)
    expect(page.locator("#o-data-ranked section").first).to_contain_text("preferred")
    expect(page.locator("#o-masked")).to_contain_text("In the garden <b>")
    choose(page, "A file, to look at what stands in it", "stories.txt")
    expect(page.locator("#o-cut .o-cut")).to_contain_text("The first story")
    expect(page.locator("#o-data-ranked section")).to_have_count(0)
    page.locator("#o-data-number input").fill("2")
    expect(page.locator("#o-cut .o-cut")).to_contain_text("The second story")
    page.locator("#o-data-number input").fill("99")
    expect(page.get_by_text("fewer than 99 items").first).to_be_visible()


def test_a_long_conversation_does_not_slow_the_page(up, visit):
    """4,000 tokens: what is asked next is on the page as soon as with none."""
    from onward.studio.kept import Answer

    number = up.studio.kept.begin("long")
    turn = None
    for i in range(40):
        turn = up.studio.kept.add(
            number, turn and turn.id, f"question {i}", {"seed": 0}, {"small/sft": Answer(" the" * 100, "stop")}
        )
    page = visit(up)
    page.evaluate("(place) => sessionStorage.setItem('onward-chat', place)", f"{number}:{turn.id}")
    page.reload()
    expect(page.locator("#o-past .o-asked")).to_have_count(40)
    expect(page.locator("#o-past .o-asked").last).to_be_in_viewport(timeout=5_000)
    longer(page, 200)
    say(page, "and now?")
    expect(page.locator("#o-live .o-asked")).to_have_text("and now?")
    expect(page.locator("#o-past .o-asked")).to_have_count(41)


def test_axe_finds_no_serious_fault(up, visit):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed").Axe()
    for scheme in ("light", "dark"):
        page = visit(up, color_scheme=scheme)
        say(page, "Hello")
        expect(page.locator("#o-past .o-said")).to_have_count(1)
        for name in ("Chat", "Word chain", "Build", "Data", "Arena", "Rank", "Runs"):
            tab(page, name)
            page.wait_for_timeout(700)
            found = axe.run(page).response["violations"]
            serious = [
                (one["id"], one["nodes"][0]["html"][:160]) for one in found if one["impact"] in ("serious", "critical")
            ]
            assert serious == [], (scheme, name)
            if name == "Build" and page.get_by_label("rl", exact=True).is_visible():
                page.get_by_label("rl", exact=True).check()
                for more in ("More of the training", "How answers are drawn"):
                    page.get_by_role("button", name=more).click()
