"""The desk on the page: labelled controls around `mllayers.desk.game`, for mouse or keyboard alone.

The board keeps nothing and reckons nothing. It hands choices to the year, shows what the year says, and gives what is
to be kept to whoever made the board. Whatever goes wrong is told in words, and the year stays as it was.
"""

from __future__ import annotations

import html
import math
import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from mllayers._extras import absent

try:
    import ipywidgets
    from IPython.display import display
except ModuleNotFoundError as _error:
    raise absent("mllayers.desk.board", "course", _error) from None

import numpy as np

from mllayers._words import dollars, money, percent
from mllayers.desk.game import Debrief, TeamTable, Year
from mllayers.desk.game.choices import Choices, Control
from mllayers.figures import Finding, desk, picture, sentence
from mllayers.widgets import choice, slider, switch

Keep = Callable[[dict[str, Any]], str]
TWICE = 0.1  # seconds after an answer in which a press was made while it was not there yet
_STUCK = "position: sticky; left: 0; background: var(--jp-layout-color0, white)"  # the names stay when the rest moves
TITLES = {"fraud": "The fraud desk", "retention": "The retention desk"}
_LOST = "The kernel was restarted: run this cell again, and your year goes on where it was."
_WHEN_LOST = (
    "<style>.mllayers-lost {display: none} .jupyter-widgets-disconnected .mllayers-lost {display: block} "
    ".mllayers-fit img {max-width: 100%; height: auto}</style>"
    f'<p class="mllayers-lost" role="alert" style="white-space: normal">{_LOST}</p>'
)


class Board:
    """A year at a desk with its controls.

    Parameters
    ----------
    year : Year
        New or begun.
    keep : callable, optional
        Is given the year as a dictionary after each month; returns what the player should be told, mostly nothing.
    plays : mapping, optional
        Years at this desk that were kept before, by name (`Year.label`), as dictionaries.
    teams : mapping, optional
        The records of the table of teams.
    enter : callable, optional
        Is given the records of the table when a team was entered; returns what the player should be told.
    told : str
        What the player should be told first.

    Attributes
    ----------
    year : Year
        The year as it stands.
    controls : dict of str to widget
        The controls, named like the choices.
    """

    def __init__(
        self,
        year: Year,
        *,
        keep: Keep | None = None,
        plays: Mapping[str, Any] | None = None,
        teams: Mapping[str, Any] | None = None,
        enter: Keep | None = None,
        told: str = "",
    ) -> None:
        self.year = year
        self.found: Debrief | None = None
        self._answered = -math.inf  # when the last press was
        self._keep, self._enter, self._teams = keep, enter, TeamTable(teams)
        self._kept: dict[str, Any] = dict(plays or {})  # dictionaries, as they are in the file
        self._open: dict[str, Year] = {year.label: year}  # those that need not be played again
        self._before: dict[str, Year] = {}  # of a replay: the play that it left
        last = year.choices[-1] if year.choices else year.kind()
        self.controls = {name: _control(each, getattr(last, name)) for name, each in year.kind.controls().items()}
        self._head, self._news, self._table, self._told, self._rules = (ipywidgets.HTML() for _ in range(5))
        self._lit_before: dict[str, tuple[Debrief, tuple[Any, ...]]] = {}  # debriefs that need not be reckoned again
        self._next = _button("Next month", self._decide)
        self._lights = _button("Turn the lights on", self._debrief)
        self._from = choice("Replay from month", ["1"], value="1")
        self._again = _button("Replay", self._replay)
        self._new = _button("Play another year", self._another)
        self._plays = choice("Plays that are kept", [year.label], value=year.label)
        self._back = _button("Go on with it", self._reopen)
        style = {"description_width": "initial"}
        self._name = ipywidgets.Text(description="Your team's name", continuous_update=False, style=style)
        self._name.observe(lambda _: self._by_key(), "value")  # the Enter key
        self._beside = ipywidgets.HTML()  # what is told beside the name
        self._add = _button("Enter the table of teams", self._entered)
        self._lit = ipywidgets.VBox()
        row = {"flex_flow": "row wrap"}
        self._replays = ipywidgets.HBox([self._from, self._again, self._new], layout=row)
        self._others = ipywidgets.HBox([self._plays, self._back], layout=row)
        self._choose = ipywidgets.VBox([*self.controls.values(), self._next])
        first = [self._head, self._rules, self._choose, self._lights, self._told, self._news, self._lit]
        last_of_all = [self._table, self._replays, self._others, ipywidgets.HTML(_WHEN_LOST)]
        self.box = ipywidgets.VBox([*first, *last_of_all])
        for control in self.controls.values():
            if isinstance(control, Words):
                control.watch(self._grey)
        self._draw(told)

    def set(self, **values: Any) -> None:
        """Move controls, as a player would."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"no control is called {name!r}; there are {', '.join(self.controls)}")
            self.controls[name].value = value

    def chosen(self) -> Choices:
        """The choices as the controls stand."""
        return self.year.kind(**{name: control.value for name, control in self.controls.items()})

    @property
    def told(self) -> str:
        """What the player is told now, as HTML: a mistake, or how far something is."""
        return str(self._told.value)

    def press(self, label: str) -> None:
        """Press the button with this label, as a player would."""
        buttons = [self._next, self._lights, self._again, self._new, self._back, self._add]
        named = {button.description: button for button in buttons}
        if label not in named:
            raise ValueError(f"no button is called {label!r}; there are {', '.join(named)}")
        self._answered = -math.inf
        named[label].click()

    def show(self) -> None:
        """Put the board on the page."""
        view = dict(self.box._repr_mimebundle_())
        view["text/plain"] = f"{TITLES[self.year.desk]}: run this cell to play twelve months."
        display(view, raw=True)

    def _ipython_display_(self) -> None:
        """Already on the page: as the last line of a cell it shows nothing twice."""

    # --- what the buttons do

    def _decide(self) -> None:
        self.year.next_month(self.chosen())
        self._draw(self._keep_it())

    def _replay(self) -> None:
        month = int(self._from.value)
        same = [kept for kept in (*self._kept.values(), self.year.to_dict()) if kept.get("seed") == self.year.seed]
        used = {str(kept.get("name") or "") for kept in same}
        numbers = (f"replay {number} from month {month}" for number in range(1, len(same) + 2))
        taken = {name.partition(" from ")[0] for name in used}
        again = self.year.replay(month, name=next(x for x in numbers if x.partition(" from ")[0] not in taken))
        self._before[again.label] = self.year
        self._move_to(again, f"You decide month {month} again; the months before it stay, and so does the first play.")

    def _another(self) -> None:
        self._move_to(type(self.year)(seed=secrets.randbelow(1_000_000), size=self.year.size), "Another year begins.")

    def _reopen(self) -> None:
        label = self._plays.value
        year = self._open[label] if label in self._open else type(self.year).from_dict(self._kept[label])
        self._move_to(year, f"You go on with {label}.")

    def _move_to(self, year: Year, told: str) -> None:
        self.year = self._open[year.label] = year
        if year.choices:
            self.set(**{name: getattr(year.choices[-1], name) for name in self.controls})
        self._draw(self._keep_it() or told)

    def _debrief(self) -> None:
        year, began = self.year, time.monotonic()
        others = [kept for label, kept in self._kept.items() if label != year.label and "short" in kept]
        same = [kept for kept in others if (kept["seed"], kept["size"]) == (year.seed, year.size)]
        beside = {str(kept.get("name") or "your first play"): kept["short"] for kept in same}
        self.found = found = Debrief(year, beside=beside, progress=self._progress)
        words = "".join(f"<li><em>{html.escape(word)}</em>: {sentence(what)}</li>" for word, what in year.words.items())
        happened = year.happened()
        self._lit.children = (_heading("The lights are on"), _fold("What the words mean", f"<ul>{words}</ul>"))
        self._lit.children += (_shown(desk.where_the_money_went(found.waterfall)), _sentence(found.worst_month()))
        self._lit.children += (
            _shown(desk.booked_and_true(found.truth, books=year.books)),
            _shown(desk.alarms_of_the_year(year.alarms(), year.watched(), happened)),
        )
        self._lit.children += (_heading("Others in the same year"), _shown(desk.teams_of_the_year(found.others)))
        self._lit.children += (_heading("What would have helped"), _sentence(found.advice()))
        if not found.helped.empty:
            self._lit.children += (_shown(desk.what_would_have_helped(found.helped)),)
        luck = desk.luck_of_the_year(found.luck, found.short)
        self._lit.children += (_heading("Luck"), _shown(luck), _sentence(found.luck_told()))
        self._lit.children += (_heading("The table of teams (it stays on this machine)"),)
        self._beside.value = ""
        row = ipywidgets.HBox([self._name, self._add, self._beside], layout={"flex_flow": "row wrap"})
        self._lit.children += (row, self._teams_shown())
        self._lit_before[year.label] = (found, self._lit.children)
        self._say(f"Every light is on, after {time.monotonic() - began:.0f} seconds.")

    def _entered(self) -> None:
        if self.found is None:
            raise ValueError("turn the lights on first")
        if not self._name.value.strip():
            told = "Type your team's name first."
        else:
            self._teams.enter(self._name.value, self.found)
            told = self._enter(self._teams.records) if self._enter is not None else ""
            told = told or f"Entered: {self._name.value.strip()}."
            self._lit.children = (*self._lit.children[:-1], self._teams_shown())
        self._beside.value = f'<p role="status">{sentence(told)}</p>'
        self._say("")

    def _by_key(self) -> None:
        self._answered = -math.inf  # to enter a team twice does no harm
        self.pressed(self._entered)

    # --- how it looks

    def _draw(self, told: str) -> None:
        year = self.year
        at = f"month {year.done + 1} of 12" if year.left else "the year is over"
        name = f", {year.name}" if year.name else ""
        self._head.value = _paragraph(
            f"{TITLES[year.desk]}, {at}", f" Year {year.seed}{name}: the same number is the same year."
        )
        self._news.value = self._last_month() if year.done else ""
        opened = "" if year.done else " open"
        rules = f"<summary>The rules</summary><p>{sentence(year.opening())}</p>"
        self._rules.value = _fitting(f"<details{opened}>{rules}</details>")
        self._table.value = _all_months(year, self._before.get(year.label)) if year.done else ""
        reached = [str(month) for month in range(1, min(year.done + 1, 12) + 1)]
        self._from.options, self._from.value = reached, reached[-1 if year.left else 0]
        self.found, self._lit.children = self._lit_before.get(year.label, (None, ()))
        self._grey()
        _show_if(bool(year.left), self._choose)
        _show_if(not year.left, self._lights)
        labels = list(dict.fromkeys([*self._kept, *self._open]))
        self._plays.options, self._plays.value = labels, year.label
        _show_if(bool(year.done), self._replays)
        _show_if(len(labels) > 1, self._others)
        if not year.left:
            self._lights.focus()
        self._say(told)

    def _last_month(self) -> str:
        year = self.year
        lines = "<br>".join(sentence(line) for line in year.told(year.done))
        news = f"<strong>At the end of month {year.done}.</strong> {lines}"
        return _fitting(f'<div role="status">{news}</div>')

    def _teams_shown(self) -> ipywidgets.Widget:
        year = self.year
        table = self._teams.frame(year.desk, year=year.seed, size=year.size)
        if table.empty:
            return ipywidgets.HTML("<p>No team yet.</p>")
        rows = {}
        for row in table.to_dict("records"):
            luck = f"{money(row['low'])} to {money(row['high'])}"
            share = percent(row["short"] / row["of"]) if row["of"] > 0 else "–"
            name = f"{row['team']}{' (' + row['play'] + ')' if row['play'] else ''}"
            rows[name] = [dollars(row["short"], 0), share, luck]
        head = ["short of the clairvoyant", "of what the clairvoyant makes", "the same choices elsewhere"]
        title = f"Teams in year {year.seed} with {year.size:,} a month: first plays, then replays; the best first"
        return ipywidgets.HTML(_fitting(_table(title, head, rows)))

    def _keep_it(self) -> str:
        self._kept[self.year.label] = self.year.to_dict()
        return self._keep(self._kept[self.year.label]) if self._keep is not None else ""

    def _grey(self) -> None:
        """Controls that change nothing, given the others, cannot be moved."""
        try:
            unused = self.chosen().unused()
        except (TypeError, ValueError):  # choices that contradict each other: any may be the one to change
            unused = frozenset()
        for name, control in self.controls.items():
            for part in getattr(control, "children", [control]):
                part.disabled = name in unused

    def _progress(self, what: str, done: int, of: int) -> None:
        self._say(f"Playing {what}: {done}{f' of {of}' if of else ''} …")

    def _say(self, text: str, *, wrong: bool = False) -> None:
        role = "alert" if wrong else "status"
        self._told.value = f'<p role="{role}" style="white-space: normal">{sentence(text)}</p>' if text else ""

    def pressed(self, do: Callable[[], None]) -> None:
        """Do what a button says; whatever goes wrong is told in words. A double click counts once."""
        if time.monotonic() - self._answered < TWICE:
            return
        try:
            self._say("…")
            do()
        except (TypeError, ValueError) as error:
            self._say(self._in_words(str(error)), wrong=True)
        except Exception as error:
            self._say(f"This went wrong ({type(error).__name__}: {error}). Run the cell again.", wrong=True)
        self._answered = time.monotonic()

    def _in_words(self, text: str) -> str:
        """The labels of the controls in the place of the names of the choices."""
        for name, control in self.year.kind.controls().items():
            text = re.sub(rf"\b{name}\b", f"“{control.label}”", text)
        return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


class Several(ipywidgets.VBox):  # type: ignore[misc]
    """Boxes to tick, with a heading; ``value`` lists the words that are ticked."""

    def __init__(self, label: str, words: Mapping[str, str], value: tuple[str, ...]) -> None:
        self._boxes = {word: switch(text, value=word in value) for word, text in words.items()}
        self.description = label
        super().__init__([ipywidgets.HTML(f"<strong>{html.escape(label)}</strong>"), *self._boxes.values()])

    @property
    def value(self) -> list[str]:
        """The words that are ticked."""
        return [word for word, box in self._boxes.items() if box.value]

    @value.setter
    def value(self, ticked: Any) -> None:
        for word, box in self._boxes.items():
            box.value = word in ticked


class Words(ipywidgets.VBox):  # type: ignore[misc]
    """A list to choose from, with a label; ``value`` is the word, what is read stands for it."""

    def __init__(self, label: str, words: Mapping[str, str], value: str) -> None:
        self._words, self._read = dict(words), {text: word for word, text in words.items()}
        self._list = choice(label, list(self._read), value=words[value])
        self.description = label
        super().__init__([self._list])

    def watch(self, do: Callable[[], None]) -> None:
        """Do something whenever another word is chosen."""
        self._list.observe(lambda _: do(), "value")

    @property
    def value(self) -> str:
        """The word that is chosen."""
        return self._read[self._list.value]

    @value.setter
    def value(self, word: str) -> None:
        self._list.value = self._words[word]


def _control(control: Control, value: Any) -> Any:
    """The widget for a choice, set to a value."""
    if control.kind == "flag":
        return switch(control.label, value=value)
    if control.kind == "word":
        return Words(control.label, control.words, value)
    if control.kind == "several":
        return Several(control.label, control.words, value)
    whole = control.kind == "whole"
    ends: Any = [int(x) if whole else x for x in (control.low, control.high, control.step)]
    return slider(control.label, *ends[:2], step=ends[2], value=value, form="" if whole else ".1%")


def _button(label: str, do: Callable[[], None]) -> ipywidgets.Button:
    button = ipywidgets.Button(description=label, layout={"width": "auto"})
    button.on_click(lambda _: do.__self__.pressed(do))  # type: ignore[attr-defined]
    return button


def _show_if(shown: bool, widget: ipywidgets.Widget) -> None:
    """Keep a part on the page or off it; it is not built again, so the focus stays where it is."""
    widget.layout.display = "" if shown else "none"  # in the browser alone, None would not reach the page


def _heading(text: str) -> ipywidgets.Widget:
    return ipywidgets.HTML(f"<p><strong>{html.escape(text)}</strong></p>")


def _sentence(text: str) -> ipywidgets.Widget:
    return ipywidgets.HTML(_fitting(f'<p style="white-space: normal">{sentence(text)}</p>'))


def _fitting(text: str) -> str:
    """As wide as the page and no wider: a picture that is wider does not take the text beside it out of sight."""
    return f'<div class="mllayers-fit" style="width: 0; min-width: 100%">{text}</div>'


def _fold(title: str, inside: str) -> ipywidgets.Widget:
    return ipywidgets.HTML(_fitting(f"<details><summary>{html.escape(title)}</summary>{inside}</details>"))


def _paragraph(strong: str, rest: str) -> str:
    return f"<p><strong>{html.escape(strong)}.</strong>{html.escape(rest)}</p>"


def _shown(found: Finding) -> ipywidgets.Widget:
    """A finding: its picture with the alternative text, its sentence, its numbers, folded."""
    shown = picture(found.png(), found.alt)[0]["text/html"]
    rows = {str(name): [_number(x) for x in row] for name, *row in found.table.itertuples()}
    numbers = _table("The numbers", [str(name) for name in found.table], rows)
    read = f'<p style="white-space: normal">{sentence(found.says)}</p>'
    return ipywidgets.HTML(_fitting(f"{shown}{read}<details><summary>The numbers</summary>{numbers}</details>"))


def _all_months(year: Year, before: Year | None = None) -> str:
    """What was seen of every month, and what was chosen; of a replay also what the play that it left had booked."""
    seen = year.seen
    columns = {year.books if name == "booked" else str(name): (name, column) for name, column in seen.items()}
    if before is not None:
        booked = before.seen["booked"].reindex(seen.index)
        columns[f"{year.books}, in {before.name or 'your first play'}"] = ("booked", booked)
    rows = {
        label: [money(x) if name in year.in_dollars and np.isfinite(x) else _number(x) for x in column]
        for label, (name, column) in columns.items()
    }
    names = year.kind.controls()
    chosen = {control.label: [control.told(getattr(c, name)) for c in year.choices] for name, control in names.items()}
    months = [str(month) for month in seen.index]
    newest = {
        name: {key: row[::-1] for key, row in part.items()} for name, part in (("seen", rows), ("chosen", chosen))
    }
    return _fitting(
        _table("What you see, the newest month first", months[::-1], newest["seen"])
        + "<details><summary>Your choices so far</summary>"
        + _table("Your choices, the newest month first", months[::-1], newest["chosen"])
        + "</details>"
    )


def _number(x: Any) -> str:
    if isinstance(x, str):
        return x
    return f"{round(x) + 0:,}" if np.isfinite(x) else "–"


def _table(caption: str, head: list[str], rows: Mapping[str, list[str]]) -> str:
    """A table that a screen reader can walk through."""
    top = "".join(f'<th scope="col" style="text-align: right">{sentence(x)}</th>' for x in head)
    body = "".join(
        f'<tr><th scope="row" style="text-align: left; {_STUCK}">{sentence(name)}</th>'
        + "".join(f'<td style="text-align: right; padding: 0 0.5em">{sentence(x)}</td>' for x in row)
        + "</tr>"
        for name, row in rows.items()
    )
    return (
        f'<div style="overflow-x: auto" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table>'
        f"<caption>{html.escape(caption)}</caption><thead><tr><td></td>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )
