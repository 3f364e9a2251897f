"""A recipe: ordered Steps over named signals, as YAML, Python or a notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tomojupyter.errors import (
    ParameterError,
    RecipeError,
    TomojupyterError,
    UnknownParameterError,
)
from tomojupyter.paths import template
from tomojupyter.steps import history, recipe_set
from tomojupyter.steps.arrays import GivenArray
from tomojupyter.steps.base import Step, make_step, parameters
from tomojupyter.steps.checks import warn
from tomojupyter.steps.recipe_code import calls, given
from tomojupyter.steps.run import check_options, run, run_together

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomojupyter.monitor import Monitor

VERSION = 1
DEFAULT = "stack"
EXTERNAL = "external"
PLACES = {"left", "right", "top", "bottom", "projections", "start", "slices", "shifts"}


class _Loader(yaml.SafeLoader):
    """Reads ``on`` as a word: YAML 1.1 takes it for true."""


class _Dumper(yaml.SafeDumper):
    """Writes ``on`` without quotes."""


for _class in (_Loader, _Dumper):
    _class.yaml_implicit_resolvers = {
        first: [rule for rule in rules if first in "tTfF" or rule[0] != "tag:yaml.org,2002:bool"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


@dataclass(frozen=True)
class Entry:
    """One line of a recipe.

    Parameters
    ----------
    step
        What to do; None stands for an edit made outside, which cannot be replayed, and for
        ``align_other`` with `other`, whose numbers are worked out when it runs.
    on
        Names of the signals to do it to.
    other
        For ``align_other``: the signal that gets the alignment of the first in `on`.
    shift_type
        For ``align_other`` with `other`: how its pixels are moved.
    output
        Of a Step with several results: the one that takes the place of the signal. None: all
        are signals, under their own names.
    """

    step: Step | None
    on: tuple[str, ...] = (DEFAULT,)
    other: str | None = None
    shift_type: str = "interp"
    output: str | None = None


@dataclass(frozen=True)
class Recipe:
    """Ordered Steps that can be written down and done again.

    Parameters
    ----------
    entries
        The lines.
    shape
        Shape of the series it was made from, (n, ny, nx), or None.
    """

    entries: tuple[Entry, ...] = ()
    shape: tuple[int, ...] | None = None

    @classmethod
    def of(cls, signal: Any, resolved: bool = True) -> Recipe:
        """Return the recipe of a signal's history.

        Parameters
        ----------
        signal
            A TomoStack or RecStack.
        resolved
            True: with the values that were used, so that a replay gives the same voxels.
            False: as asked, so that every "auto" is decided anew on other data.

        Returns
        -------
        Recipe
            Of "stack". What several signals were taken together for names them all: "spectra"
            for spectra, and others as they were named.
        """
        return cls.of_records(history.read(signal), resolved)

    @classmethod
    def of_records(cls, records: list[dict[str, Any]], resolved: bool = True) -> Recipe:
        """Return the recipe of a history, as :meth:`of` does.

        Parameters
        ----------
        records
            As `history.read` returns them.
        resolved
            As for :meth:`of`.
        """
        if recipe_set.was_together(records):
            found, _ = recipe_set.lines(records, resolved)
            return cls(tuple(Entry(step, on) for step, on in found))
        entries = []
        shape = None
        for record in records:
            if record["operation"] == "source":
                shape = tuple(record["shape"]) if record.get("shape") else None
            elif record["operation"] == EXTERNAL:
                entries.append(Entry(None))
            else:
                values = record["resolved" if resolved else "asked"]
                step = make_step(record["operation"], record["method"], **values)
                entries.append(Entry(step, output=record.get("output")))
        return cls(tuple(entries), shape if resolved else None)

    @classmethod
    def from_yaml(cls, text: str) -> Recipe:
        """Read a recipe.

        Raises
        ------
        RecipeError
            If it is not YAML or not a recipe.
        UnknownMethodError, UnknownParameterError, ParameterError
            If a step is wrong; the sentence begins with the number of the step.
        """
        try:
            content = yaml.load(text, _Loader)
        except yaml.YAMLError as error:
            where = getattr(error, "problem_mark", None)
            place = f" near line {where.line + 1}" if where else ""
            raise RecipeError(f"the recipe is not valid YAML{place}") from error
        if not isinstance(content, dict) or "tomojupyter" not in content:
            raise RecipeError(
                'a recipe begins with "tomojupyter: 1" and lists its "steps"; this one does not'
            )
        if content["tomojupyter"] != VERSION:
            raise RecipeError(
                f"the recipe has format {content['tomojupyter']!r}; this version reads {VERSION}"
            )
        steps = content.get("steps") or []
        if not isinstance(steps, list):
            raise RecipeError('"steps" must be a list, each line "- operation: {method: ...}"')
        shape = content.get("shape")
        return cls(
            tuple(_entry(i + 1, item) for i, item in enumerate(steps)),
            tuple(shape) if isinstance(shape, list) else None,
        )

    def to_yaml(self) -> str:
        """Return the recipe as text."""
        lines = [f"tomojupyter: {VERSION}"]
        if self.shape:
            lines.append(f"shape: [{', '.join(map(str, self.shape))}]")
        lines.append("steps:" if self.entries else "steps: []")
        for entry in self.entries:
            name, values = _content(entry)
            flow = yaml.dump(
                values, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=10**9,
                allow_unicode=True,
            )  # fmt: skip
            lines.append(f"  - {name}: {flow.strip()}")
        return "\n".join(lines) + "\n"

    def to_code(self) -> str:
        """Return the recipe as a script of method calls."""
        lines = [
            "import tomojupyter.api as tomo",
            "",
            f'{DEFAULT} = tomo.load("series.mrc")  # the series to work on',
        ]
        for entry in self.entries:
            if entry.other:
                how = f"({entry.other}, {entry.shift_type!r})"
                lines.append(f"{entry.other} = {entry.on[0]}.align_other{how}")
            elif entry.step is None:
                lines.append("# an edit was made here outside tomojupyter; it is not known")
            elif entry.step.operation == "align_other":
                # The method takes the other signal; the numbers are known to a recipe only.
                text = Recipe((Entry(entry.step),)).to_yaml()
                lines += [
                    f'{name} = tomo.Recipe.from_yaml("""\n{text}""").run({name})'
                    for name in entry.on
                ]
            else:
                lines += calls(entry, entry.step)
        lines.append(f'{DEFAULT}.save("result.hspy")')
        return "\n".join(lines) + "\n"

    def to_notebook(self, path: str | Path) -> Path:
        """Write the recipe as a papermill notebook, with input and output as parameters."""
        notebook = json.loads(template("reconstruct").read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if "parameters" in cell["metadata"].get("tags", ()):
                # The recipe is the last parameter of the template.
                before = "".join(cell["source"]).partition("recipe =")[0]
                text = f'{before}recipe = """\n{self.to_yaml()}"""'
                cell["source"] = text.splitlines(keepends=True)
        path = Path(path)
        path.write_text(json.dumps(notebook, indent=1) + "\n", encoding="utf-8")
        return path

    def run(
        self,
        signal: Any,
        monitor: Monitor | None = None,
        *,
        arrays: Sequence[Any] = (),
        **options: Any,
    ) -> Any:
        """Do it.

        Parameters
        ----------
        signal
            One signal, known as "stack" in the recipe, or a mapping of names to signals.
        monitor
            Follows each Step.
        arrays
            Arrays or volumes that Steps were given from memory, such as a start volume, in any
            order: recipes know them by their checksums.
        **options
            Run options, such as ``ncores``.

        Returns
        -------
        TomoStack, RecStack or dict
            The signal named "stack", or the mapping with every result in its place.

        Raises
        ------
        RecipeError
            If a signal that a step names is not given.
        UnknownParameterError
            If there is no such run option.
        """
        check_options(options)
        many = isinstance(signal, Mapping)
        signals = dict(signal) if many else {DEFAULT: signal}
        self._warn_of_places(signals.get(DEFAULT))
        for number, entry in enumerate(self.entries, 1):
            for name in (*entry.on, *([entry.other] if entry.other else [])):
                if name not in signals:
                    raise RecipeError(
                        f'step {number} needs a signal named "{name}"; '
                        f"given are {', '.join(signals)}"
                    )
            if entry.other:
                ours, other = signals[entry.on[0]], signals[entry.other]
                signals[entry.other] = ours.align_other(other, entry.shift_type)
                continue
            if entry.step is None:
                warn(f"step {number} was an edit made outside tomojupyter and cannot be replayed")
                continue
            step = _with(arrays, entry.step)
            if step.together and len(entry.on) > 1:
                chosen = {name: signals[name] for name in entry.on}
                signals.update(run_together(chosen, step, monitor, **options))
                continue
            for name in entry.on:
                made = run(signals[name], step, monitor, **options)
                signals.update(_placed(number, name, entry, made))
        return signals if many else signals[DEFAULT]

    def _warn_of_places(self, signal: Any) -> None:
        if not self.shape or signal is None or tuple(signal.data.shape) == self.shape:
            return
        frozen = sorted({k for e in self.entries if e.step for k in given(e.step) if k in PLACES})
        if frozen:
            size, made = (" x ".join(map(str, s)) for s in (signal.data.shape, self.shape))
            warn(
                f"the recipe was made from a series of {made} and this one is {size}; its fixed "
                f"{', '.join(frozen)} may not fit. Export it with automatic values instead"
            )


def _with(arrays: Sequence[Any], step: Step) -> Step:
    """Return a Step that has got its arrays back."""
    given = {f.name: getattr(step, f.name) for f in parameters(type(step))}
    held = {k: v for k, v in given.items() if isinstance(v, GivenArray)}
    return step.replace(**{k: v.among(arrays) for k, v in held.items()}) if held else step


def _placed(number: int, name: str, entry: Entry, made: Any) -> dict[str, Any]:
    """Return the signals that a Step has made, by the names they get."""
    if not isinstance(made, dict):
        return {name: made}
    if entry.output is None:
        return made
    if entry.output not in made:
        raise RecipeError(
            f'step {number} has no result "{entry.output}"; it made {", ".join(made)}'
        )
    return {name: made[entry.output]}


def _entry(number: int, item: Any) -> Entry:
    if not isinstance(item, dict) or len(item) != 1:
        raise RecipeError(
            f'step {number} must be one line "- operation: {{method: ...}}", got {item!r}'
        )
    ((name, values),) = item.items()
    named = isinstance(values, dict) and all(isinstance(key, str) for key in values)
    if values is not None and not named:
        raise RecipeError(
            f"step {number} ({name}) must hold its values as {{method: ..., name: value}}, "
            f"got {values!r}"
        )
    values = dict(values or {})
    on = _names(number, values.pop("on", DEFAULT))
    if name == EXTERNAL:
        return Entry(None, on)
    if "other" in values:
        return _entry_for_other(number, name, on, values)
    method, output = values.pop("method", None), values.pop("output", None)
    if method is None:
        raise RecipeError(f'step {number} ({name}) does not name its "method"')
    try:
        return Entry(make_step(name, method, **values), on, output=output)
    except TomojupyterError as error:
        raise type(error)(f"step {number}: {error}") from error


def _names(number: int, given: Any) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    if not listed or not all(isinstance(name, str) for name in listed):
        raise RecipeError(
            f'step {number}: "on" must be the name of a signal or a list of names, got {given!r}'
        )
    return tuple(listed)


def _entry_for_other(number: int, name: str, on: tuple[str, ...], values: dict[str, Any]) -> Entry:
    """Return the line ``align_other: {on: ..., other: ...}``."""
    other, shift_type = values.pop("other"), values.pop("shift_type", "interp")
    if name != "align_other" or not isinstance(other, str) or len(on) > 1:
        raise RecipeError(
            f'step {number}: only align_other has an "other", the name of one signal that gets '
            "the alignment of one"
        )
    if values:
        raise UnknownParameterError(
            f"step {number}: {', '.join(values)}: not a value of align_other with another signal "
            "(known: on, other, shift_type)"
        )
    if shift_type not in ("interp", "fourier"):
        raise ParameterError(
            f"step {number}: shift_type must be one of interp, fourier, got {shift_type!r}"
        )
    return Entry(None, on, other, shift_type)


def _content(entry: Entry) -> tuple[str, dict[str, Any]]:
    where: dict[str, Any] = {} if entry.output is None else {"output": entry.output}
    if entry.on != (DEFAULT,):
        where["on"] = entry.on[0] if len(entry.on) == 1 else list(entry.on)
    if entry.other:
        how = {} if entry.shift_type == "interp" else {"shift_type": entry.shift_type}
        return "align_other", {**where, "other": entry.other, **how}
    if entry.step is None:
        return EXTERNAL, where
    return entry.step.operation, {"method": entry.step.method, **given(entry.step), **where}
