"""Sliders and switches: thin shells around the drawing functions of `mllayers.figures`.

The figure is an ordinary picture output that the controls update in place, so it is stored with the notebook and shows
where no kernel runs. Only its moving parts are redrawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
from IPython.display import DisplayHandle, display

from mllayers.figures import WIDTH, Draw, Stage, alt_text, picture, sentence

MOST_CONTROLS = 3
_NEXT_TO_CONTROLS = "Run this cell to move the controls: {}."


def slider(label: str, low: float, high: float, *, step: float, value: float, form: str = "") -> ipywidgets.Widget:
    """A slider with a visible label; its number can also be typed.

    Parameters
    ----------
    label : str
        What it sets, with the unit.
    low, high, step, value : float
        The ends, the step and the first value; whole numbers give a slider of whole numbers.
    form : str
        How the number is written beside it, as a format such as ".1%"; by default as it is. A number typed there is
        the value itself: 0.02, not 2%.

    Returns
    -------
    ipywidgets.IntSlider or ipywidgets.FloatSlider
    """
    whole = all(isinstance(x, int) for x in (low, high, step, value))
    made = (ipywidgets.IntSlider if whole else ipywidgets.FloatSlider)(
        value=value, min=low, max=high, step=step, description=label, readout_format=form or ("d" if whole else ".4g")
    )
    return _wide(made)


def switch(label: str, *, value: bool = False) -> ipywidgets.Widget:
    """A box to tick, with a visible label."""
    return _wide(ipywidgets.Checkbox(value=value, description=label, indent=False))


def choice(label: str, options: list[str], *, value: str) -> ipywidgets.Widget:
    """One of several words, from a list with a visible label."""
    return _wide(ipywidgets.Dropdown(options=options, value=value, description=label))


def _wide(control: ipywidgets.Widget) -> ipywidgets.Widget:
    control.layout.width = f"{int(WIDTH * 80)}px"
    control.layout.max_width = "100%"
    control.style.description_width = "initial"
    return control


class Explorer:
    """A figure with its controls and its reading sentence, as `explore` shows them.

    Attributes
    ----------
    controls : dict of str to ipywidgets.Widget
        The controls by name.
    sentence : str
        What stands under the controls now: the reading sentence, or what went wrong.
    """

    def __init__(
        self, stage: Stage, controls: Mapping[str, ipywidgets.Widget], alt: str, says: Callable[..., str]
    ) -> None:
        self.controls = dict(controls)
        self.sentence = ""
        self._stage, self._alt, self._says = stage, alt, says
        self._figure: DisplayHandle | None = None
        self._words: DisplayHandle | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control."""
        return {name: control.value for name, control in self.controls.items()}

    def png(self) -> bytes:
        """The picture for the controls as they stand."""
        return self._stage.png(**self.values)

    def set(self, **values: Any) -> None:
        """Move controls, as a learner would; the figure follows."""
        for name in values:
            if name not in self.controls:
                raise ValueError(f"no control is called {name!r}; there are {', '.join(self.controls)}")
        for name, value in values.items():
            self.controls[name].value = value

    def show(self) -> None:
        """Put the figure, the controls and the sentence on the page."""
        data, metadata = picture(self.png(), self._alt)
        self.sentence = self._says(**self.values)
        self._figure = display(data, metadata=metadata, raw=True, display_id=True)
        box = ipywidgets.VBox(list(self.controls.values()))
        view = dict(box._repr_mimebundle_())
        view["text/plain"] = _NEXT_TO_CONTROLS.format(", ".join(c.description for c in self.controls.values()))
        display(view, raw=True)
        self._words = display(_sentence(self.sentence), raw=True, display_id=True)
        for control in self.controls.values():
            control.observe(self._redraw, "value")

    def _redraw(self, _change: object) -> None:
        try:
            data, metadata = picture(self.png(), self._alt, compact=False)
            told = self._says(**self.values)
        except Exception as error:
            told = f"This setting cannot be drawn ({type(error).__name__}: {error}). The figure shows the one before."
        else:
            if self._figure is not None:
                self._figure.update(data, metadata=metadata, raw=True)
        if told != self.sentence and self._words is not None:
            self._words.update(_sentence(told), raw=True)
        self.sentence = told

    def _ipython_display_(self) -> None:
        """Already on the page: as the last line of a cell it shows nothing twice."""

    def __repr__(self) -> str:
        return f"Explorer({', '.join(f'{name}={value!r}' for name, value in self.values.items())})"


def _sentence(text: str) -> dict[str, str]:
    return {"text/html": f'<p role="status">{sentence(text)}</p>', "text/plain": text}


def explore(
    draw: Draw,
    controls: Mapping[str, ipywidgets.Widget],
    *,
    title: str,
    alt: str,
    says: Callable[..., str],
    size: tuple[float, float] = (WIDTH, 3.6),
) -> Explorer:
    """Show a figure that follows its controls.

    Parameters
    ----------
    draw : callable
        Draws what never changes and returns ``move(**values)`` (see `mllayers.figures`).
    controls : mapping of name to widget
        At most three, from `slider`, `switch` and `choice`; the names are those that ``move`` and ``says`` take.
    title : str
        What the figure shows, true for every setting.
    alt : str
        The figure in words, for who cannot see it, true for every setting.
    says : callable
        Takes the values of the controls, returns the sentence that reads the figure.
    size : (float, float)
        Width and height in inches.

    Returns
    -------
    Explorer
        With ``.controls``, ``.values``, ``.set(**values)``, ``.png()`` and ``.sentence``.

    Raises
    ------
    ValueError
        When there is no control or more than three, one has no visible label, or the figure has no alt text.
    """
    if not 1 <= len(controls) <= MOST_CONTROLS:
        raise ValueError(f"controls must hold one to {MOST_CONTROLS} controls; got {len(controls)}")
    for name, control in controls.items():
        if not str(control.description).strip():
            raise ValueError(f"the control {name!r} must have a visible label (its description); got none")
    if not callable(says):
        raise TypeError(f"says must be a function of the controls' values that returns a sentence; got {says!r}")
    explorer = Explorer(Stage(draw, title=title, size=size), controls, alt_text(alt), says)
    explorer.show()
    return explorer
