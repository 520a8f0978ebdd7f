"""`packages/samples/shared/course.js` in a real Chromium, against a strict recorder."""

from __future__ import annotations

import io
import json
import re
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from packages.samples.answers import Answer, answers
from packages.samples.build import NAMES, build_sample
from packages.samples.content import HOME, read_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Frame, Page, Route

ORIGIN = "http://samples.localhost"
RECORDER = (Path(__file__).parent / "recorder.js").read_text("utf-8")
UNITS = [(name, unit.id) for name in NAMES for unit in read_sample(name).units]
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


@dataclass
class Portal:
    """What a portal keeps of one learner: opens a unit and closes it again."""

    context: BrowserContext
    sample: str
    unit: str
    values: dict[str, str] = field(default_factory=dict)
    page: Page = field(init=False)

    def open(self, *, popup: bool = False) -> Frame | Page:
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        address = f"{ORIGIN}/{self.sample}/{self.unit}/index.html"
        self.page.goto(f"{ORIGIN}/frame?{json.dumps(self.values)}")
        if popup:
            with self.page.expect_popup() as opened:
                self.page.evaluate("address => { window.open(address) }", address)
            return opened.value
        self.page.evaluate(
            """address => new Promise((done) => {
                const frame = document.createElement("iframe");
                frame.addEventListener("load", done, { once: true });
                frame.src = address;
                document.body.append(frame);
            })""",
            address,
        )
        return self.page.frames[1]

    def look(self) -> tuple[list[list[str]], dict[str, str]]:
        """All calls so far and what is kept; nothing was refused or thrown."""
        assert self.page.evaluate("refusals") == []
        assert self.errors == []
        return self.page.evaluate("calls"), self.page.evaluate("values")

    def close(self) -> list[list[str]]:
        """Leave as a portal does that takes the frame away."""
        self.page.evaluate("document.querySelector('iframe').src = 'about:blank'")
        self.page.wait_for_function("calls.some(([name]) => name === 'LMSFinish')")
        calls, self.values = self.look()
        self.values["cmi.core.entry"] = "resume"
        self.page.close()
        return calls


@pytest.fixture(scope="module")
def files() -> dict[str, zipfile.ZipFile]:
    return {name: zipfile.ZipFile(io.BytesIO(build_sample(name))) for name in NAMES}


@pytest.fixture
def context(
    browser: Browser, files: dict[str, zipfile.ZipFile]
) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1024, "height": 900})

    def answer(route: Route) -> None:
        path, _, query = route.request.url.removeprefix(f"{ORIGIN}/").partition("?")
        if path == "frame":
            from urllib.parse import unquote

            route.fulfill(content_type="text/html", body=frame(unquote(query)))
            return
        name, _, inside = path.partition("/")
        if name not in files:
            route.fulfill(status=404)
            return
        kind = TYPES[inside.rpartition(".")[2]]
        route.fulfill(content_type=kind, body=files[name].read(inside))

    made.route("**/*", answer)
    yield made
    made.close()


def frame(values: str) -> str:
    return (
        "<!doctype html><html lang=en><title>Portal</title>"
        "<style>body{margin:0}iframe{border:0;width:100%;height:850px}</style>"
        f'<script type="application/json" id="values">{values or "{}"}</script>'
        f"<script>{RECORDER}</script><body></body></html>"
    )


def press(unit: Frame | Page, name: str) -> None:
    unit.get_by_test_id(name).click()


def choose(unit: Frame | Page, answer: Answer) -> None:
    asked = unit.get_by_test_id("screen").evaluate("screen => ({...screen.dataset})")
    assert (asked["part"], asked["question"]) == (answer.part, answer.question)
    for letter in answer.letters:
        unit.get_by_test_id(f"choice-{letter}").check()


# Clicks inside the page: forty screens by real pointer would take many seconds.
GO_THROUGH = """planned => {
    const shown = (name) => document.querySelector(`[data-testid="${name}"]`);
    const main = document.getElementById("main-button");
    for (let screens = 0; screens < 99; screens += 1) {
        const { part, question } = shown("screen").dataset;
        if (question) {
            const next = planned.shift();
            if (next.part !== part || next.question !== question) return [next, question];
            for (const letter of next.letters) shown(`choice-${letter}`).click();
            if (part.startsWith("lesson")) shown("submit").click();
        }
        if (main.dataset.testid === "finish") return planned;
        main.click();
    }
}"""


def go_through(unit: Frame | Page, planned: list[Answer]) -> None:
    """From the first screen to the last one, answering as planned."""
    assert unit.evaluate(GO_THROUGH, [asdict(one) for one in planned]) == []


def interactions(values: dict[str, str]) -> list[dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for name, value in values.items():
        if match := re.fullmatch(r"cmi\.interactions\.(\d+)\.(.+)", name):
            found.setdefault(int(match[1]), {})[match[2]] = value
    return [found[n] for n in sorted(found)]


def objectives(values: dict[str, str]) -> dict[str, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for name, value in values.items():
        if match := re.fullmatch(r"cmi\.objectives\.(\d+)\.(.+)", name):
            found.setdefault(int(match[1]), {})[match[2]] = value
    return {row["id"]: row for row in found.values()}


@pytest.mark.parametrize(("sample", "unit"), UNITS)
def test_every_unit_goes_from_start_to_finish(
    context: BrowserContext, sample: str, unit: str
) -> None:
    portal = Portal(context, sample, unit)
    go_through(shown := portal.open(), answers(sample, unit))
    press(shown, "finish")
    expect(shown.get_by_test_id("done")).to_be_visible()
    calls, values = portal.look()
    scored = read_sample(sample).unit(unit).mastery is not None
    assert values["cmi.core.lesson_status"] == ("passed" if scored else "completed")
    assert calls[0] == ["LMSInitialize", ""]
    assert [name for name, _ in calls[-2:]] == ["LMSCommit", "LMSFinish"]
    assert [name for name, _ in calls].count("LMSFinish") == 1
    assert values["cmi.core.exit"] == "suspend"
    assert re.fullmatch(r"0000:00:\d\d\.\d\d", values["cmi.core.session_time"])


@pytest.mark.parametrize(
    ("sample", "unit", "score", "status"),
    [
        ("report-writing", "posttest", 79, "failed"),
        ("report-writing", "posttest", 80, "passed"),
        ("first-on-scene", "course", 79, "failed"),
        ("calm-voice", "briefing", 60, "failed"),
        ("calm-voice", "briefing", 80, "passed"),
    ],
)
def test_eighty_points_pass_and_seventy_nine_fail(
    context: BrowserContext, sample: str, unit: str, score: int, status: str
) -> None:
    portal = Portal(context, sample, unit)
    planned = answers(sample, unit, score=score)
    go_through(shown := portal.open(), planned)
    expect(shown.get_by_test_id("score")).to_contain_text(f"{score} of 100 points")
    expect(shown.get_by_test_id("retry")).to_be_visible(visible=status == "failed")
    _, values = portal.look()
    assert values["cmi.core.lesson_status"] == status
    assert values["cmi.core.score.raw"] == str(score)
    assert values["cmi.core.score.min"] == "0"
    assert values["cmi.core.score.max"] == "100"
    found = objectives(values)["posttest"]
    assert found["score.raw"] == str(score)
    assert found["status"] == status
    assert len(values["cmi.suspend_data"]) < 4096


def test_interactions_tell_what_was_asked_and_answered(context: BrowserContext) -> None:
    portal = Portal(context, "report-writing", "posttest")
    planned = answers("report-writing", "posttest", score=79)
    go_through(portal.open(), planned)
    _, values = portal.look()
    found = interactions(values)
    assert [one["id"] for one in found] == [
        f"posttest-{one.question}" for one in planned
    ]
    assert [one["student_response"] for one in found] == [
        ",".join(one.letters) for one in planned
    ]
    assert [one["result"] for one in found] == [
        {10: "correct", 0: "wrong"}.get(one.points, str(one.points / 10))
        for one in planned
    ]
    assert found[-1]["result"] == "0.9"
    assert found[-1]["correct_responses.0.pattern"] == "b,d,e,g,i"
    for one in found:
        assert one["type"] == "choice"
        assert one["weighting"] == "10"
        assert one["objectives.0.id"] == "posttest"
        assert one["objectives.1.id"].startswith("lesson-")
        assert re.fullmatch(r"\d\d:\d\d:\d\d", one["time"])
        assert re.fullmatch(r"0000:00:\d\d\.\d\d", one["latency"])


def test_a_pretest_is_completed_and_shows_no_score(context: BrowserContext) -> None:
    portal = Portal(context, "report-writing", "pretest")
    go_through(shown := portal.open(), answers("report-writing", "pretest", score=30))
    expect(shown.get_by_test_id("result")).to_contain_text("Your answers are saved")
    expect(shown.get_by_test_id("score")).to_have_count(0)
    assert "30" not in shown.locator("main").inner_text()
    _, values = portal.look()
    assert values["cmi.core.lesson_status"] == "completed"
    assert values["cmi.core.score.raw"] == "30"


def test_the_single_unit_keeps_both_tests_apart(context: BrowserContext) -> None:
    portal = Portal(context, "first-on-scene", "course")
    low = answers("first-on-scene", "course", score=40)
    high = answers("first-on-scene", "course", score=90)
    pre = [one for one in low if one.part == "pretest"]
    go_through(portal.open(), pre + [one for one in high if one.part != "pretest"])
    _, values = portal.look()
    found = objectives(values)
    assert list(found) == [
        "welcome",
        "pretest",
        "lesson-1",
        "lesson-2",
        "lesson-3",
        "posttest",
    ]
    assert (found["pretest"]["status"], found["pretest"]["score.raw"]) == (
        "completed",
        "40",
    )
    assert found["posttest"]["score.raw"] == values["cmi.core.score.raw"] == "90"
    assert {found[name]["status"] for name in ("lesson-1", "lesson-2", "lesson-3")} == {
        "completed"
    }
    parts = {one["id"]: one["objectives.0.id"] for one in interactions(values)}
    assert all(name.startswith(f"{part}-") for name, part in parts.items())
    assert list(parts.values()).count("pretest") == 10


def test_a_closed_unit_opens_at_the_same_screen_with_its_answers(
    context: BrowserContext,
) -> None:
    portal = Portal(context, "report-writing", "posttest")
    planned = answers("report-writing", "posttest")
    shown = portal.open()
    press(shown, "start")
    for one in planned[:3]:
        choose(shown, one)
        press(shown, "next")
    choose(shown, planned[3])
    before = shown.get_by_test_id("screen").get_attribute("id")
    calls = portal.close()
    assert [name for name, _ in calls[-2:]] == ["LMSCommit", "LMSFinish"]
    assert portal.values["cmi.core.lesson_location"] == before == "posttest.source-2"
    assert portal.values["cmi.core.lesson_status"] == "incomplete"
    assert interactions(portal.values) == []

    shown = portal.open()
    expect(shown.get_by_test_id("screen")).to_have_attribute("id", before)
    expect(shown.get_by_test_id(f"choice-{planned[3].letters}")).to_be_checked()
    press(shown, "previous")
    expect(shown.get_by_test_id(f"choice-{planned[2].letters}")).to_be_checked()
    press(shown, "next")
    press(shown, "next")
    for one in planned[4:]:
        choose(shown, one)
        press(shown, "next")
    press(shown, "submit")
    expect(shown.get_by_test_id("score")).to_contain_text("100 of 100")
    assert len(interactions(portal.look()[1])) == 10


def test_a_lesson_keeps_its_feedback_and_reports_every_try(
    context: BrowserContext,
) -> None:
    portal = Portal(context, "report-writing", "lesson-1")
    shown = portal.open()
    press(shown, "start")
    press(shown, "next")
    press(shown, "next")
    expect(shown.get_by_test_id("message")).to_contain_text("Answer the question")
    for letter, said in (("a", "Not the best choice."), ("b", "Right.")):
        shown.get_by_test_id(f"choice-{letter}").check()
        press(shown, "submit")
        expect(shown.get_by_test_id("feedback")).to_contain_text(said)
    portal.close()
    found = interactions(portal.values)
    assert [(one["student_response"], one["result"]) for one in found] == [
        ("a", "wrong"),
        ("b", "correct"),
    ]
    assert {one["weighting"] for one in found} == {"0"}

    shown = portal.open()
    expect(shown.get_by_test_id("choice-b")).to_be_checked()
    expect(shown.get_by_test_id("feedback")).to_contain_text("Right.")
    press(shown, "next")
    assert portal.look()[1]["cmi.core.lesson_status"] == "incomplete"


def test_every_screen_is_committed(context: BrowserContext) -> None:
    portal = Portal(context, "report-writing", "lesson-1")
    shown = portal.open()
    before = 0
    for name in ("start", "next", "previous"):
        press(shown, name)
        calls, values = portal.look()
        new, before = calls[before:], len(calls)
        here = shown.get_by_test_id("screen").get_attribute("id")
        assert ["cmi.core.lesson_location", here] in new
        assert new[-1] == ["LMSCommit", ""]
        assert json.loads(values["cmi.suspend_data"])["at"] == here


def test_an_incomplete_test_is_not_taken(context: BrowserContext) -> None:
    portal = Portal(context, "report-writing", "posttest")
    shown = portal.open()
    press(shown, "start")
    planned = answers("report-writing", "posttest")
    for number, one in enumerate(planned):
        if number not in {1, 5}:
            choose(shown, one)
        press(shown, "next")
    press(shown, "submit")
    expect(shown.get_by_test_id("message")).to_have_text(
        "Questions 2, 6 have no answer yet."
    )
    assert "cmi.core.score.raw" not in portal.look()[1]
    shown.get_by_role("button", name="Question 2").click()
    choose(shown, planned[1])


def test_a_failed_test_can_be_repeated_with_other_questions(
    context: BrowserContext,
) -> None:
    portal = Portal(context, "report-writing", "posttest")
    go_through(shown := portal.open(), answers("report-writing", "posttest", score=70))
    press(shown, "retry")
    assert portal.look()[1]["cmi.core.lesson_status"] == "failed"
    portal.close()
    shown = portal.open()
    expect(shown.get_by_test_id("screen")).to_have_attribute("id", "posttest.start")
    go_through(shown, answers("report-writing", "posttest", score=80, attempt=2))
    values = portal.look()[1]
    assert values["cmi.core.lesson_status"] == "passed"
    assert values["cmi.core.score.raw"] == "80"
    assert len(interactions(values)) == 20
    expect(shown.get_by_test_id("retry")).to_be_hidden()


@pytest.mark.parametrize("mode", ["browse", "review"])
def test_a_look_without_credit_changes_nothing(
    context: BrowserContext, mode: str
) -> None:
    portal = Portal(context, "calm-voice", "briefing", {"cmi.core.lesson_mode": mode})
    go_through(shown := portal.open(), answers("calm-voice", "briefing"))
    expect(shown.get_by_test_id("notice")).to_contain_text("without being recorded")
    _, values = portal.look()
    assert values == {"cmi.core.lesson_mode": mode}


def test_the_api_is_found_in_the_opener(context: BrowserContext) -> None:
    portal = Portal(context, "report-writing", "lesson-1")
    shown = portal.open(popup=True)
    press(shown, "start")
    calls, values = portal.look()
    assert calls[0] == ["LMSInitialize", ""]
    assert values["cmi.core.lesson_location"] == "lesson-1.2"


def test_without_a_portal_the_page_says_so(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{ORIGIN}/calm-voice/briefing/index.html")
    expect(page.get_by_test_id("notice")).to_contain_text("Nothing is saved")
    press(page, "start")
    expect(page.get_by_test_id("place")).to_contain_text("Screen 2 of")


def test_a_test_can_be_taken_by_keyboard_alone(context: BrowserContext) -> None:
    portal = Portal(context, "calm-voice", "briefing")
    shown = portal.open()
    keyboard = portal.page.keyboard
    shown.locator("#main-button").focus()
    for _ in range(3):
        keyboard.press("Enter")
        assert shown.evaluate("document.activeElement.tagName") == "H2"
        for _ in range(6):
            keyboard.press("Tab")
            if shown.evaluate("document.activeElement.id") == "main-button":
                break
    assert shown.evaluate("document.activeElement.id") == "main-button"
    outline = shown.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    here = shown.get_by_test_id("screen")
    expect(here).to_have_attribute("data-question", "bus-stop")
    here.locator("h2").focus()
    keyboard.press("Tab")
    keyboard.press("ArrowDown")
    expect(shown.get_by_test_id("choice-b")).to_be_checked()
    keyboard.press("Enter")
    expect(shown.get_by_test_id("feedback")).to_contain_text("Not the best choice")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(("sample", "unit"), UNITS)
def test_no_screen_is_wider_than_the_window(
    context: BrowserContext, sample: str, unit: str, width: int
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 640})
    page.goto(f"{ORIGIN}/{sample}/{unit}/index.html")
    wide: list[Any] = page.evaluate(
        """() => [...document.querySelectorAll(".screen")].filter((screen) => {
            document.querySelector(".current")?.classList.remove("current");
            screen.classList.add("current");
            return document.documentElement.scrollWidth > innerWidth;
        }).map((screen) => screen.id)"""
    )
    assert wide == []


def test_the_second_half_of_a_double_click_does_nothing(
    context: BrowserContext,
) -> None:
    portal = Portal(context, "report-writing", "lesson-1")
    shown = portal.open()
    shown.get_by_test_id("start").dblclick()
    expect(shown.get_by_test_id("screen")).to_have_attribute("id", "lesson-1.2")


def test_print_holds_the_lessons_and_no_test(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{ORIGIN}/first-on-scene/course/index.html")
    page.emulate_media(media="print")
    shown = """kind => [...document.querySelectorAll(`.screen.${kind}`)]
        .map((screen) => screen.checkVisibility())"""
    assert set(page.evaluate(shown, "lesson")) == {True}
    assert set(page.evaluate(shown, "test")) == {False}
    expect(page.locator("#main-button")).to_be_hidden()


def test_text_and_controls_have_enough_contrast() -> None:
    style = (HOME / "shared" / "course.css").read_text("utf-8")
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", style))
    text = [
        ("ink", "paper"),
        ("ink", "wash"),
        ("soft", "paper"),
        ("soft", "wash"),
        ("deep", "paper"),
        ("paper", "deep"),
        ("link", "paper"),
        ("link", "wash"),
        ("paper", "link"),
        ("good", "good-wash"),
        ("good", "paper"),
        ("bad", "bad-wash"),
        ("bad", "paper"),
        ("bad", "wash"),
        ("ink", "good-wash"),
        ("ink", "bad-wash"),
    ]
    ratios = {pair: contrast(*(colours[name] for name in pair)) for pair in text}
    assert {pair: ratio for pair, ratio in ratios.items() if ratio < 4.5} == {}
    assert contrast(colours["focus"], colours["paper"]) >= 3
    assert contrast(colours["focus"], colours["wash"]) >= 3


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
    ]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
