"""Sliders and switches: thin shells around the drawing functions of `mllayers.figures`.

The figure is an ordinary picture output that the controls update in place, so it is stored with the notebook and shows
where no kernel runs. Only its moving parts are redrawn. A number typed beside a slider means what stands there; when
the kernel is gone, the controls say so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from mllayers._extras import absent

try:
    import ipywidgets
    import traitlets
    from IPython.display import DisplayHandle, display
except ModuleNotFoundError as _error:
    raise absent("mllayers.widgets", "course", _error) from None

from mllayers._words import typed_number
from mllayers.figures import WIDTH, Moving, picture, sentence

Control = TypeVar("Control", bound=ipywidgets.Widget)

MOST_CONTROLS = 3
_NEXT_TO_CONTROLS = "Run this cell to move the controls: {}."
_LOST = "The kernel was restarted, so these controls move nothing: run the set-up cell again, then this one."
# Shown by the browser alone, as soon as ipywidgets marks a control whose kernel is gone.
_WHEN_LOST = (
    "<style>.mllayers-lost {display: none} .jupyter-widgets-disconnected .mllayers-lost {display: block}</style>"
    f'<p class="mllayers-lost" role="alert" style="white-space: normal">{_LOST}</p>'
)


class Slider(ipywidgets.HBox):  # type: ignore[misc]
    """A slider and, beside it, the same number in a field, to read and to type.

    Attributes
    ----------
    value : float or int
        What a figure gets: a share is 0.02, though the field says 2.
    description : str
        The visible label, with the unit of the field.
    """

    value = traitlets.Any()

    def __init__(self, label: str, low: float, high: float, *, step: float, value: float, form: str = "") -> None:
        self._low, self._high, self._step = low, high, step
        self._whole = all(isinstance(x, int) for x in (low, high, step, value))
        self._scale, self._form = (100, form[:-1] + "f") if form.endswith("%") else (1, form)
        self.description = f"{label} (%)" if self._scale == 100 and "%" not in label else label
        kind = ipywidgets.IntSlider if self._whole else ipywidgets.FloatSlider
        self.track = kind(
            value=self._shown(value),
            min=self._shown(low),
            max=self._shown(high),
            step=self._shown(step),
            description=self.description,
            readout=False,
        )
        self.field = ipywidgets.Text(
            value=self._written(value), continuous_update=False, tooltip=f"{self.description}, as a number"
        )
        self.told = ipywidgets.HTML("")
        super().__init__([self.track, self.field, self.told])
        self.value = value
        self.track.style.description_width = "initial"
        self.track.layout.flex = "1 1 auto"
        self.field.layout.width = "6em"
        self.layout.flex_flow = "row wrap"
        self.track.observe(self._dragged, "value")
        self.field.observe(self._typed, "value")
        self.observe(self._set, "value")

    def _shown(self, value: float) -> float:
        """The number as the field has it: a share in per cent."""
        return value if self._scale == 1 else round(value * self._scale, 9)

    def _written(self, value: float) -> str:
        shown = self._shown(value)
        return format(shown, self._form or ("d" if self._whole else ".6g"))

    def _dragged(self, change: Any) -> None:
        self.value = self._at_a_step(change["new"] / self._scale)

    def _typed(self, change: Any) -> None:
        """Take a typed number, in the unit of the field; ask back what is none, or outside."""
        text = change["new"]
        if text == self._written(self.value):
            return
        number = typed_number(text.replace("%", "").replace("$", ""))
        low, high = self._written(self._low), self._written(self._high)
        if number is None or not self._low <= number / self._scale <= self._high:
            self._say(f"{self.description} goes from {low} to {high}; got {text[:40]!r}.")
            self.field.value = self._written(self.value)
            return
        self._say("")
        self.value = taken = self._at_a_step(number / self._scale)
        self.field.value = self._written(taken)
        if abs(taken - number / self._scale) > 1e-9:
            step, shown = self._written(self._step), self._written(taken)
            self._say(f"{self.description} goes in steps of {step}: {text[:40]!r} was taken as {shown}.")

    def _set(self, change: Any) -> None:
        self._say("")
        self.track.value = self._shown(change["new"])
        self.field.value = self._written(change["new"])

    def _at_a_step(self, value: float) -> float:
        if self._whole:
            return int(self._low + round((value - self._low) / self._step) * self._step)
        steps = round((value - self._low) / self._step)
        return min(round(self._low + steps * self._step, 9), self._high)

    def _say(self, text: str) -> None:
        self.told.value = f'<span role="alert">{sentence(text)}</span>' if text else ""


def slider(label: str, low: float, high: float, *, step: float, value: float, form: str = "") -> Slider:
    """A slider with a visible label and a field with its number, which can also be typed.

    Parameters
    ----------
    label : str
        What it sets, with the unit.
    low, high, step, value : float
        The ends, the step and the first value; whole numbers give a slider of whole numbers.
    form : str
        How the number is written in the field, as a format such as ".2f"; by default as it is. With a per cent format
        (".1%") the field holds per cent: 2 means 2 %, and the figure gets 0.02.

    Returns
    -------
    Slider
    """
    return _wide(Slider(label, low, high, step=step, value=value, form=form))


def switch(label: str, *, value: bool = False) -> ipywidgets.Widget:
    """A box to tick, with a visible label."""
    return _wide(ipywidgets.Checkbox(value=value, description=label, indent=False))


def choice(label: str, options: list[str], *, value: str) -> ipywidgets.Widget:
    """One of several words, from a list with a visible label."""
    return _wide(ipywidgets.Dropdown(options=options, value=value, description=label))


def _wide(control: Control) -> Control:
    control.layout.width = f"{int(WIDTH * 80)}px"
    control.layout.max_width = "100%"
    if hasattr(control, "style"):
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

    def __init__(self, figure: Moving, controls: Mapping[str, ipywidgets.Widget]) -> None:
        self.controls = dict(controls)
        self.sentence = ""
        self._stage, self._alt, self._says = figure.stage(), figure.alt, figure.says
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
        box = ipywidgets.VBox([*self.controls.values(), ipywidgets.HTML(_WHEN_LOST)])
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


def explore(figure: Moving, **controls: ipywidgets.Widget) -> Explorer:
    """Show a figure that follows its controls.

    Parameters
    ----------
    figure : Moving
        What draws, with its title, alternative text and the sentence for each setting: a function of
        `mllayers.figures.<layer>` gives one.
    **controls : widget
        At most three, from `slider`, `switch` and `choice`; the names are those that the figure takes.

    Returns
    -------
    Explorer
        With ``.controls``, ``.values``, ``.set(**values)``, ``.png()`` and ``.sentence``.

    Raises
    ------
    TypeError, ValueError
        When `figure` is no `Moving`, there is no control or more than three, or one has no visible label.
    """
    if not isinstance(figure, Moving):
        raise TypeError(f"figure must be a Moving, as a function of mllayers.figures.<layer> returns; got {figure!r}")
    if not 1 <= len(controls) <= MOST_CONTROLS:
        raise ValueError(f"there must be one to {MOST_CONTROLS} controls; got {len(controls)}")
    for name, control in controls.items():
        if not str(control.description).strip():
            raise ValueError(f"the control {name!r} must have a visible label (its description); got none")
    explorer = Explorer(figure, controls)
    explorer.show()
    return explorer
