"""Print the public signatures of ETSpy's TomoStack and RecStack as YAML.

Runs in an environment with ETSpy: ``python etspy_take.py > etspy_signatures.yaml``.
"""

import inspect
import json
import re
from enum import Enum
from importlib.metadata import version
from typing import get_args

HEAD = """\
# Public signatures of TomoStack and RecStack of ETSpy {version}, taken by etspy_take.py.
# A parameter is [name] or [name, default]; * and ** are open-ended ones. `keywords` are those that
# the methods of an operation look up in its **kwargs, with their defaults; `choices` are
# the names that a parameter takes.
"""
KEYWORD = re.compile(r'kwargs\.get\("(\w+)"(?:, ([^)]+))?\)')
ALIGNERS = {
    "stack_register": {
        "PC": "PhaseCorrelationAligner", "StackReg": "StackRegAligner",
        "COM": "CoMAligner", "COM-CL": "CommonLineAligner",
    },
    "tilt_align": {"CoM": "TiltCOMAligner", "MaxImage": "TiltMaxImageAligner"},
}  # fmt: skip
CHOICES = [
    ("filter", "method"), ("stack_register", "method"), ("stack_register", "shift_type"),
    ("align_other", "shift_type"), ("tilt_align", "method"), ("recon_error", "algorithm"),
    ("reconstruct", "method"), ("reconstruct", "sino_filter"), ("test_align", "method"),
]  # fmt: skip


def plain(value):
    return value.value if isinstance(value, Enum) else value


def parameter(p):
    star = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
    return [star + p.name] if p.default is p.empty else [p.name, plain(p.default)]


def members(cls):
    """Yield name and signature of what ETSpy itself defines; of a property whether it is set."""
    for name in sorted(dir(cls)):
        owner = next(k for k in cls.__mro__ if name in vars(k))
        if not owner.__module__.startswith("etspy") or (name[0] == "_" and name != "__init__"):
            continue
        member = inspect.getattr_static(cls, name)
        if isinstance(member, property):
            yield name, "property, settable" if member.fset else "property"
        elif inspect.isfunction(member):
            rows = list(inspect.signature(member).parameters.values())[1:]
            yield name, [parameter(p) for p in rows]


def names(hint):
    """Yield the texts of all Literals in a type hint."""
    for part in get_args(hint):
        if isinstance(part, str):
            yield part
        else:
            yield from names(part)


def keywords(cls):
    return {
        name: json.loads((default or "null").lower())
        for name, default in KEYWORD.findall(inspect.getsource(cls))
    }


def main():
    from etspy import align, base

    lines = [HEAD.format(version=version("etspy"))]
    for cls in (base.TomoStack, base.RecStack):
        lines.append(f"{cls.__name__}:")
        lines += [f"  {name}: {json.dumps(rows)}" for name, rows in members(cls)]
    lines.append("keywords:")
    for operation, classes in ALIGNERS.items():
        lines.append(f"  {operation}:")
        for method, name in classes.items():
            found = keywords(getattr(align, name))
            lines.append(f"    {method}: {json.dumps(found)}")
    lines.append("choices:")
    for function, parameter_name in CHOICES:
        hint = inspect.signature(getattr(base.TomoStack, function)).parameters[parameter_name]
        found = list(names(hint.annotation))
        lines.append(f"  {function} {parameter_name}: {json.dumps(found)}")
    return "\n".join(lines)


if __name__ == "__main__":
    print(main())
