"""What a learner does in each notebook, as data: honest guesses, odd ones, statements, and what is then on the screen.

`Player` plays a lesson in JupyterLab, cell by cell, and reads only what a person would see. What is alike in every
notebook it finds there itself: exercises are answered with the wrong answers that the course knows, computed in the
learner's kernel from the learner's tables, then with the solution that the screen shows.
"""

from __future__ import annotations

import ast
import json
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from lab import Notebook

from mllayers.course.exercises import Exercise, find
from mllayers.course.notes import MEANT

BROWSER = Path(__file__).parent
NO_NUMBER = "A prediction is one number"
# As people type a guess, and what they must then read; what is right in one unit only stands under its name.
ODD = (
    ('"a lot"', NO_NUMBER),
    ("None", NO_NUMBER),
    ("50,000", "50_000"),
    ('float("nan")', NO_NUMBER),
    ("____", "Not attempted yet. Replace ____ by your guess"),
)
ODD_IN = {
    "%": (('"95 %"', "95 %. It can be changed"), ("-5", "is outside"), ("0.4", "if you meant 40 %, write 40")),
    "$": (('"$1,200"', "$1,200. It can be changed"), ('"a few"', NO_NUMBER), ("-3", "$3. It can be changed")),
}
MARKUP = "It costs $5, <b>not</b> $7, per *case*"


@dataclass(frozen=True)
class Lesson:
    """One notebook: the guess that stays for each prediction, and guesses that are asked back there."""

    notebook: str
    guesses: dict[str, str]
    odd: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    after: tuple[str, ...] = ()  # what the last marks must bring up


LESSONS = (
    Lesson("01_data", {"P1-1": "90", "P1-2": '"40 %"'}, {"P1-1": (("150", "is outside"),)}, ("Does not hold",)),
    Lesson("02_prediction", {"P2-1": "60", "P2-2": "50"}, {"P2-2": (("101", "is outside"),)}, ("Does not hold",)),
    Lesson("03_decision", {"P3-1": "50_000", "P3-2": "20"}, {"P3-2": (("101", "is outside"),)}, ("Does not hold",)),
    Lesson("04_action", {"P4-1": '"$100,000"', "P4-2": "8", "P4-3": "50"}, {}, ("Does not hold",)),
    Lesson("05_feedback", {"P5-1": "80", "P5-2": '"2 %"'}, {"P5-1": (("5_000", "is outside"),)}, ("Does not hold",)),
)


@dataclass
class Played:
    """A row of the table at the end of the run."""

    notebook: str
    steps: int = 0
    seconds: float = 0.0
    setup: float = 0.0
    texts: int = 0
    errors: int = 0
    formulas: int = 0
    reveals: int = 0
    exercises: int = 0
    controls: int = 0
    asked: list[str] = field(default_factory=list)  # what was to be read, and was not there


@dataclass
class Player:
    """Plays a notebook that is open; its cells keep their places."""

    notebook: Notebook
    path: Path
    row: Played

    def __post_init__(self) -> None:
        self.cells = nbformat.read(self.path, as_version=4).cells
        self.code = [place for place, cell in enumerate(self.cells) if cell.cell_type == "code"]
        self.setup = [place for place in self.code if "setup-experiment" in self.cells[place].metadata.get("tags", ())]

    # --- by hand

    def run(self, place: int, source: str | None = None) -> str:
        """Run a cell, rewritten if need be; everything that then stands under it, as it is read."""
        if source is not None:
            self.notebook.retype(place, source)
        self.row.steps += 1
        self.notebook.execute(place)
        return self.told(place)

    def told(self, place: int) -> str:
        """What stands under a cell."""
        self.notebook.page.wait_for_timeout(100)
        return plain("\n".join(self.notebook.cell(place).locator(".jp-OutputArea-output").all_inner_texts()))

    def reads(self, told: str, text: str, where: str) -> None:
        """Whether a text is among what was read."""
        self.row.texts += 1
        if plain(text) not in told:
            self.row.asked.append(f"{where}: {text!r} is not in {told[:300]!r}")

    def beside(self, place: int, source: str) -> str:
        """What a new cell under this one says; it goes again."""
        new = self.notebook.new_cell_below(place, source)
        self.row.steps += 1
        self.notebook.execute(new)
        told = self.told(new)
        self.notebook.delete(new)
        return told

    # --- a lesson

    def play(self, lesson: Lesson) -> None:
        """From the first cell to the last."""
        begun = time.monotonic()
        waiting: list[int] = []  # cells of guesses that were left open
        for place in self.code:
            source = self.cells[place].source
            call, calls = _called(source)
            if place == self.setup[0]:
                before = time.monotonic()
                self.reads(self.run(place), "Ready. Notebook", "set-up")
                self.row.setup = time.monotonic() - before
            elif "predict" in calls:
                waiting += [place] if self.predict(place, lesson) else []
            elif "check" in calls:
                self.exercise(place, call["check"])
            elif "believe" in calls:
                self.mark(place, lesson)
            elif "card" in calls and "____" in source:
                told = self.run(place, source.replace("____", json.dumps(MARKUP)))
                self.reads(told, MARKUP, "card")
                self.reads(told, "system_card.md", "card")
            else:
                told = self.run(place)
            if "reveal" in calls:
                self.reveal(place, str(ast.literal_eval(call["reveal"].args[0])), waiting, lesson)
            if "explore" in calls:
                self.controls(place)
        self.row.seconds = time.monotonic() - begun

    def predict(self, place: int, lesson: Lesson) -> bool:
        """Guess oddly, then as one would; the last question stays open at first, as after a Run All: true says so."""
        source = self.cells[place].source
        call = _called(source)[0]["predict"]
        id = ast.literal_eval(call.args[0])
        unit = next((ast.literal_eval(word.value) for word in call.keywords if word.arg == "unit"), "")
        kept, asked_back = ODD_IN.get(unit, ()), (*lesson.odd.get(id, ()), *ODD)
        last = id == list(lesson.guesses)[-1]
        for guess, text in asked_back if last else (*kept, *asked_back):
            self.reads(self.run(place, source.replace("____", guess)), text, f"{id}, guess = {guess}")
        if last:
            return True
        self.guess(place, id, lesson)
        return False

    def guess(self, place: int, id: str, lesson: Lesson) -> None:
        """The guess that stays."""
        told = self.run(place, self.cells[place].source.replace("____", lesson.guesses[id]))
        self.reads(told, f"Noted. {id}: ", id)
        self.reads(told, "It can be changed until the result is shown.", id)

    def reveal(self, place: int, id: str, waiting: list[int], lesson: Lesson) -> None:
        """The result stands beside the guess; without one, it waits."""
        if waiting and id == list(lesson.guesses)[-1]:
            self.reads(self.told(place), f"Your guess first. The result of {id} waits for your guess", id)
            self.guess(waiting[0], id, lesson)
            self.run(place)
        told = self.told(place)
        self.reads(told, f"Result. {id}: you said ", f"reveal({id})")
        self.row.reveals += f"Result. {id}: you said " in told
        changed = self.run(waiting[0], self.cells[waiting[0]].source.replace("____", "1")) if waiting else ""
        if changed:
            self.reads(changed, "the result has been shown, so your earlier guess", id)

    def exercise(self, place: int, call: ast.Call) -> None:
        """Untouched, wrong in every way the course knows, with hints, and as the shown solution has it."""
        source = self.cells[place].source
        exercise = find(ast.literal_eval(call.args[0]))
        assert isinstance(exercise, Exercise)
        answer, given = ast.unparse(call.args[1]), ", ".join(f"{k.arg}={ast.unparse(k.value)}" for k in call.keywords)
        before, line = _last(source, call)
        first = "Not attempted yet." if "____" in source else "Not yet."
        self.reads(self.run(place), first, exercise.id)
        for guess in ('"a lot"', "None"):
            self.reads(self.run(place, f"{before}{answer} = {guess}\n{line}"), "Not yet.", f"{exercise.id}: {guess}")
        help = f"import sys; sys.path.insert(0, {str(BROWSER)!r})\nfrom lessons import wrong_answer"
        self.beside(place, help)
        told_by_it = [plain(wrong.message) for wrong in exercise.wrong]
        for number in range(len(exercise.wrong)):
            wrong = f"{answer} = wrong_answer({exercise.id!r}, {number}, {given})"
            told = self.run(place, f"{before}{wrong}\n{line}")
            self.reads(told, "Not yet.", f"{exercise.id}: {exercise.wrong[number].name}")
            said = next((text for text in told_by_it if text in told), exercise.wrong[number].message)
            self.reads(told, said, f"{exercise.id}: {exercise.wrong[number].name}")
        for number, text in enumerate(exercise.hints, 1):
            told = self.beside(place, f'hint("{exercise.id}")')
            self.reads(told, f"Hint {number} of {len(exercise.hints)}.", exercise.id)
            self.reads(told, text, exercise.id)
        told = self.beside(place, f'solution("{exercise.id}")')
        self.reads(told, exercise.solution, exercise.id)
        shown = f"{before}{exercise.solution.strip()}\n{answer} = answer\n{line}"
        self.reads(self.run(place, shown), "Correct.", f"{exercise.id}: the solution")
        self.row.exercises += 1

    def mark(self, place: int, lesson: Lesson) -> None:
        """Statements, first with a mark that is none."""
        source = self.cells[place].source
        after = '"after"' in source
        told = self.run(place, source.replace("____", '"perhaps"', 1))
        self.reads(told, "the marks agree, unsure, disagree", "believe")
        told = self.run(place, source.replace("____", '"disagree"' if after else '"agree"'))
        for text in lesson.after if after else ("8 of 8 statements marked.",):
            self.reads(told, text, "believe")

    def controls(self, place: int) -> None:
        """Move each control with the keyboard, type numbers beside the sliders."""
        box, page = self.notebook.cell(place), self.notebook.page
        sliders = box.locator(".widget-hbox:has(.widget-slider):not(:has(.widget-hbox))")
        for number in range(sliders.count()):
            slider = sliders.nth(number)
            label = plain(slider.locator(".widget-label").first.inner_text())
            handle, typed = slider.locator(".noUi-handle"), slider.locator("input[type=text]")
            high, now = (float(handle.get_attribute(f"aria-value{end}")) for end in ("max", "now"))
            first = typed.input_value()
            handle.focus()
            page.keyboard.press("ArrowLeft" if now >= high else "ArrowRight")
            self._until(lambda typed=typed, first=first: typed.input_value() != first, f"{label}: the arrow key")
            for text, fine in ((first, True), (first.replace(".", ","), True), ("lots", False), ("-1e9", False)):
                typed.fill(text)
                typed.press("Enter")
                if fine:
                    self._until(
                        lambda typed=typed, first=first: typed.input_value() == first,
                        f"{label}: {text!r} typed, the field says {typed.input_value()!r}",
                    )
                else:
                    asks = f"{label.rstrip(':')} goes from"
                    self._until(lambda slider=slider, asks=asks: asks in plain(slider.inner_text()), f"{asks!r}")
            self._until(lambda typed=typed, first=first: typed.input_value() == first, f"{label}: {first!r} is back")
            typed.fill(first.replace(".", ",") + " ")
            typed.press("Enter")
            self._until(lambda slider=slider: "goes from" not in slider.inner_text(), f"{label}: the question goes")
            self.row.controls += 1
        figure = box.locator("img").first
        for tick in box.locator("input[type=checkbox]").all():
            tick.focus()
            self._there_and_back(figure, lambda: page.keyboard.press("Space"), lambda: page.keyboard.press("Space"))
        for words in box.locator("select").all():
            now = words.evaluate("list => list.selectedIndex")
            other = 0 if now else 1
            self._there_and_back(
                figure,
                lambda words=words, other=other: words.select_option(index=other),
                lambda words=words, now=now: words.select_option(index=now),
            )

    def _there_and_back(self, figure: Any, there: Any, back: Any) -> None:
        """The figure follows a control there, and back."""
        before = figure.get_attribute("src")
        there()
        self._until(lambda: figure.get_attribute("src") != before, "the figure follows its control")
        moved = figure.get_attribute("src")
        back()
        self._until(lambda: figure.get_attribute("src") != moved, "and goes back with it")
        self.row.controls += 1

    def _until(self, so: Any, what: str) -> None:
        """Wait up to five seconds for something to be on the screen."""
        self.row.texts += 1
        self.row.steps += 1
        for _ in range(50):
            if so():
                return
            self.notebook.page.wait_for_timeout(100)
        self.row.asked.append(what)

    # --- the whole page

    def look(self) -> None:
        """Scroll from the first cell to the last: formulas that nobody meant, tracebacks, whatever looks like code."""
        meant = 0
        for place, cell in enumerate(self.cells):
            shown = self.notebook.cell(place)
            shown.scroll_into_view_if_needed()
            self.notebook.page.wait_for_timeout(60)
            if cell.cell_type == "markdown":
                meant += sum(1 for part in MEANT.findall(cell.source) if part.startswith(("$", "\\(")))
                text = plain(shown.locator(".jp-RenderedMarkdown").inner_text())
                for mark in ("&#36;", "<span>", "\\$", "****"):
                    if mark in text:
                        self.row.asked.append(f"cell {place} shows {mark!r}")
        self.row.formulas = self.notebook.page.locator(".jp-Notebook mjx-container").count() - meant
        self.row.errors = len(self.notebook.errors())


def wrong_answer(id: str, number: int, **given: Any) -> Any:
    """The answer of somebody who makes this mistake on these tables; called in the learner's kernel."""
    from mllayers.course.exercises import _call

    exercise = find(id)
    assert exercise is not None
    answer = _call(exercise.wrong[number].value, given)
    count = getattr(exercise.kind, "count", None)
    return set(sorted(answer)[:count]) if isinstance(answer, set) else answer  # of all that are wrong, as many as asked


def plain(text: str) -> str:
    """A text as it is read: no signs of code, one blank where there are several."""
    text = text.replace("`", "").replace("**", "").replace("\u00a0", " ")
    return re.sub(r"\s+", " ", text).strip()


def _called(source: str) -> tuple[dict[str, ast.Call], set[str]]:
    """The calls of a cell by their names; the last of each name."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            whole = ast.unparse(node.func)
            name = "explore" if whole == "widgets.explore" else whole  # a model's own `predict` is none of the course's
            found[name] = node
    return found, set(found)


def _last(source: str, call: ast.Call) -> tuple[str, str]:
    """What stands above a call, without lines that are blanks to be filled, and the lines of the call."""
    lines = source.splitlines()
    above = "".join(f"{line}\n" for line in lines[: call.lineno - 1] if "____" not in line)
    return above, "\n".join(lines[call.lineno - 1 : call.end_lineno])
