"""Energies and relative intensities of X-ray lines, as exSpy knows them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from typing import Any

from tomojupyter.errors import ParameterError

FAMILIES = ("K", "L", "M")
GREEK = str.maketrans({"a": "α", "b": "β", "g": "γ", "z": "ζ", "l": "ℓ"})


@dataclass(frozen=True)
class Family:
    """The lines of one element that fill the same shell.

    Parameters
    ----------
    element
        Symbol of the element.
    shell
        ``"K"``, ``"L"`` or ``"M"``.
    names
        Of its lines, such as ``"Ka"``.
    energies_kev, weights
        Of its lines; intensities are relative to the strongest.
    """

    element: str
    shell: str
    names: tuple[str, ...]
    energies_kev: tuple[float, ...]
    weights: tuple[float, ...]

    def within(self, low: float, high: float) -> Family | None:
        """Return the family without lines outside of a range of energies; None if none is left."""
        kept = [i for i, e in enumerate(self.energies_kev) if low < e < high]
        if not kept:
            return None
        parts = (tuple(v[i] for i in kept) for v in (self.names, self.energies_kev, self.weights))
        return Family(self.element, self.shell, *parts)  # type: ignore[arg-type]


@cache
def _table() -> dict[str, Any]:
    from exspy.material import elements

    # exSpy makes it anew each time, which takes a hundred times as long as to look a line up.
    return elements.as_dictionary()  # type: ignore[no-any-return]


def families_of(element: str) -> list[Family]:
    """Return the lines of an element, a family a shell.

    Raises
    ------
    ParameterError
        If there is no such element, or it has no lines.
    """
    table = _table()
    if element not in table:
        close = difflib.get_close_matches(str(element).capitalize(), table, n=1)
        raise ParameterError(
            f"{element!r} is not the symbol of an element"
            + (f"; is {close[0]} meant?" if close else "")
        )
    lines = table[element].get("Atomic_properties", {}).get("Xray_lines", {})
    found = []
    for shell in FAMILIES:
        names = [name for name in lines if name.startswith(shell)]
        if names:
            found.append(
                Family(
                    element,
                    shell,
                    tuple(names),
                    tuple(float(lines[n]["energy (keV)"]) for n in names),
                    tuple(float(lines[n]["weight"]) for n in names),
                )
            )
    if not found:
        raise ParameterError(f"{element} has no X-ray lines: leave it out")
    return found


def line(name: str) -> tuple[str, str, float]:
    """Return element, name and energy in keV of a line such as ``"Ni_Ka"``.

    Raises
    ------
    ParameterError
        If it is not a line, with those that the element has.
    """
    element, _, which = str(name).partition("_")
    families = families_of(element)
    for family in families:
        if which in family.names:
            return element, which, family.energies_kev[family.names.index(which)]
    known = [f"{element}_{n}" for family in families for n in family.names]
    raise ParameterError(
        f"{name!r} is not a line: write it as Ni_Ka; {element} has {', '.join(known)}"
    )


def line_text(name: str) -> str:
    """Write a line as it is read: ``Ni Kα`` for ``Ni_Ka``."""
    element, _, which = name.partition("_")
    return f"{element} {which[:1]}{which[1:].translate(GREEK)}" if which else element


def near(energy_kev: float, within_kev: float, least: float = 0.1) -> list[tuple[str, float]]:
    """Return the lines near an energy, of all elements, the most likely ones first.

    Parameters
    ----------
    energy_kev
        Where a peak is.
    within_kev
        How far from it a line may lie.
    least
        Intensity relative to the strongest line of its shell, below which a line is left out.

    Returns
    -------
    list of (str, float)
        Names such as ``"Ni_Ka"``, and energies in keV.
    """
    found = []
    for element, known in _table().items():
        if not isinstance(known, dict):  # a note about the table itself
            continue
        lines = known.get("Atomic_properties", {}).get("Xray_lines", {})
        for name, about in lines.items():
            energy, weight = float(about["energy (keV)"]), float(about["weight"])
            if abs(energy - energy_kev) <= within_kev and weight >= least and name[0] in FAMILIES:
                # the strongest line of a shell is likelier than a weak one that lies nearer
                cost = abs(energy - energy_kev) / within_kev + 2 * (1 - weight)
                found.append((cost, f"{element}_{name}", energy))
    return [(name, energy) for _, name, energy in sorted(found)]
