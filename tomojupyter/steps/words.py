"""Steps and records in words: a line each, and what two histories have different."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import TomojupyterError
from tomojupyter.steps.base import Step, make_step, parameters

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN = 6
Records = list[dict[str, Any]]


def words(value: Any) -> str:
    """Write one value as the recipe does."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        more = ", ..." if len(value) > SHOWN else ""
        return f"[{', '.join(words(v) for v in value[:SHOWN])}{more}]"
    return "none" if value is None else str(value)


def step_values(step: Step, resolved: Step | None = None) -> list[str]:
    """Return ``size: 3`` for what is set, and ``start: auto → 38``.

    Left out are advanced parameters at their default, and what is off.
    """
    parts = []
    for p in parameters(type(step)):
        asked = getattr(step, p.name)
        used = getattr(resolved, p.name, None)
        if asked is None and used is not None and not p.metadata["advanced"]:
            parts.append(f"{p.name}: auto → {words(used)}")
        elif asked != p.default or not (p.metadata["advanced"] or asked is None or asked is False):
            parts.append(f"{p.name}: {words(asked)}")
    return parts


def step_words(step: Step, resolved: Step | None = None) -> str:
    """Write a Step: ``stack_register PC {start: auto → 38}``."""
    return f"{step.operation} {step.method} {{{', '.join(step_values(step, resolved))}}}"


def step_call(step: Step) -> str:
    """Write a Step as the method call that does the same."""
    given = [
        f", {p.name}={getattr(step, p.name)!r}"
        for p in parameters(type(step))
        if getattr(step, p.name) != p.default
    ]
    return f'stack = stack.{step.operation}("{step.method}"{"".join(given)})'


def record_words(record: dict[str, Any]) -> str:
    """Write a record of a history in a line."""
    if record["operation"] == "source":
        return source_words(record)
    if record["operation"] == "external":
        return "an edit made outside tomojupyter, which cannot be replayed"
    name = (record["operation"], record["method"])
    try:
        text = step_words(
            make_step(*name, **record["asked"]), make_step(*name, **record["resolved"])
        )
    except TomojupyterError:
        # Another version made it: what it says is worth reading all the same.
        values = (f"{k}: {words(v)}" for k, v in record["resolved"].items() if v is not None)
        text = f"{' '.join(name)} {{{', '.join(values)}}}"
    found = [
        f"{k.replace('_', ' ')} {words(v)}"
        for k, v in record.get("scalars", {}).items()
        if isinstance(v, int | float)
    ]
    return f"{text}  ({', '.join(found)})" if found else text


def source_words(record: dict[str, Any]) -> str:
    """Write where pixels come from: ``a.mrc (77 x 256 x 256, crc32:..., read as .mrc)``."""
    facts = [" x ".join(map(str, record["shape"]))] if record.get("shape") else []
    facts += [record["checksum"]] if record.get("checksum") else []
    if "file" in record:
        return f"{record['file']} ({', '.join([*facts, 'read as ' + record['reader']])})"
    return f"pixels that came from no file ({', '.join([*facts, record['after']])})"


def history_lines(records: Records) -> list[str]:
    """Return a history as lines of text, the source first and the versions last."""
    lines = []
    for number, record in enumerate(records):
        took = f"  {record['seconds']:.1f} s" if record.get("seconds") is not None else ""
        lines.append(f"{number:2d}  {record_words(record)}{took}")
    if records:
        made = records[-1].get("versions") or {}
        packages = ", ".join(f"{name} {number}" for name, number in made.items())
        lines.append(f"Last changed {records[-1].get('time', '')} with {packages or 'no record'}.")
    return lines


def differences(one: Records, other: Records) -> list[str]:
    """Return what is different in two histories, a sentence each.

    Times, seconds and the number of threads are no difference: results do not depend on them.
    """
    found = []
    first, second = (_split(records) for records in (one, other))
    if not same_source(first[0], second[0]):
        found.append(f"source: {record_words(first[0])} / {record_words(second[0])}")
    ours, theirs = ([_name(r) for r in steps] for steps in (first[1], second[1]))
    matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(range(a, b), first[1][a:b], second[1][c:d], strict=True)
            for number, *pair in pairs:
                found += [f"step {number + 1}, {_name(pair[0])}: {w}" for w in _changes(*pair)]
            continue
        found += [f"only in the first, step {i + 1}: {record_words(first[1][i])}"
                  for i in range(a, b)]  # fmt: skip
        found += [f"only in the second, step {i + 1}: {record_words(second[1][i])}"
                  for i in range(c, d)]  # fmt: skip
    return found + _versions(one, other)


def _split(records: Records) -> tuple[dict[str, Any], Records]:
    if records and records[0]["operation"] == "source":
        return records[0], records[1:]
    return {"operation": "source", "after": "no history"}, records


def same_source(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Tell whether two source records are of the same pixels, by content where that is known."""
    sums = (one.get("checksum"), other.get("checksum"))
    if all(sums):
        return sums[0] == sums[1]
    # A file that was loaded lazily has no checksum.
    files = [(r["file"], r.get("bytes")) for r in (one, other) if "file" in r]
    return files[0] == files[1] if len(files) == 2 else one["after"] == other["after"]


def _name(record: dict[str, Any]) -> str:
    return f"{record['operation']} {record.get('method', '')}".strip()


def _changes(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the parameters and figures that differ in two records of the same operation."""
    changes = []
    for key in ("resolved", "scalars"):
        ours, theirs = one.get(key) or {}, other.get(key) or {}
        for name in dict.fromkeys((*ours, *theirs)):
            if name == "chosen" and (name in ours) != (name in theirs):
                continue  # a replay takes what was chosen, and does not choose again
            a, b = ours.get(name), theirs.get(name)
            if a != b:
                changes.append(f"{name.replace('_', ' ') if key == 'scalars' else name} "
                               f"{_pair(a, b)}")  # fmt: skip
    return changes


def _pair(a: Any, b: Any) -> str:
    both = isinstance(a, list | tuple) and isinstance(b, list | tuple)
    if both and len(a) == len(b) and len(a) > SHOWN:
        # The first six values may well be the same.
        where = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        i = where[0]
        return (
            f"differs in {len(where)} of {len(a)} values, first #{i}: {words(a[i])} → {words(b[i])}"
        )
    if words(a) == words(b):
        return f"{a!r} → {b!r}"
    return f"{words(a)} → {words(b)}"


def _versions(one: Sequence[dict[str, Any]], other: Sequence[dict[str, Any]]) -> list[str]:
    ours, theirs = ((r[-1].get("versions") or {}) if r else {} for r in (one, other))
    return [
        f"{name}: {ours.get(name, 'not recorded')} → {theirs.get(name, 'not recorded')}"
        for name in dict.fromkeys((*ours, *theirs))
        if ours.get(name) != theirs.get(name)
    ]
