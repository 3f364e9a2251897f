"""Sessions on disk: what was done, step by step, to go on from after a crash or a closed tab."""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tomojupyter.errors import FormatError, TomojupyterError
from tomojupyter.steps import make_step
from tomojupyter.ui.claims import Claim, write_whole
from tomojupyter.ui.records import step_values
from tomojupyter.ui.sources import Source
from tomojupyter.ui.timeline import Node, Timeline, now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tomojupyter.steps import Step

FORMAT = 1
DAYS = 30
CONTENT, PICTURE = "session.json", "picture.png"


class Store:
    """The folder of all sessions: hidden in the data folder, else in the person's own.

    Parameters
    ----------
    folder
        The data folder.
    """

    def __init__(self, folder: str | Path) -> None:
        data = Path(folder).resolve()
        home = Path.home() / ".local" / "state" / "tomojupyter"
        self.data = data
        place = data / ".tomojupyter" if os.access(data, os.W_OK) else home
        self.folder = place / "sessions"

    def new(self) -> Path:
        """Return the folder of a session that begins; it is made at the first step."""
        return self.folder / f"{now():%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"

    def sessions(self) -> list[Saved]:
        """Return the sessions with work in them, the latest first; old ones are deleted."""
        found = []
        for path in self.folder.glob(f"*/{CONTENT}"):
            with contextlib.suppress(FormatError, OSError):
                saved = Saved.read(path.parent)
                if now() - saved.time > datetime.timedelta(days=DAYS):
                    shutil.rmtree(path.parent, ignore_errors=True)
                elif saved.worth_going_on and saved.stay_inside(self.data):
                    found.append(saved)
        return sorted(found, key=lambda s: s.time, reverse=True)


@dataclass(frozen=True)
class Line:
    """A line of the table of what was done: stage, what, when, and whether it was finished."""

    label: str
    text: str
    time: datetime.datetime
    done: bool = True


@dataclass
class Saved:
    """A session as it lies on disk.

    Parameters
    ----------
    folder
        Where.
    content
        Of its file.
    """

    folder: Path
    content: dict[str, Any]
    claim: Claim = field(init=False)

    def __post_init__(self) -> None:
        self.claim = Claim(self.folder)

    @classmethod
    def read(cls, folder: Path) -> Saved:
        """Read a session.

        Raises
        ------
        FormatError
            If it cannot be read, or was written by a later version.
        """
        try:
            content = json.loads((folder / CONTENT).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise FormatError(f"the session has format {content['format']!r}")
            datetime.datetime.fromisoformat(content["updated"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"the session in {folder} cannot be read") from error
        return cls(folder, content)

    @property
    def name(self) -> str:
        """Name of the series."""
        return str(self.content["name"])

    @property
    def time(self) -> datetime.datetime:
        """When the last step was kept."""
        return datetime.datetime.fromisoformat(self.content["updated"])

    @property
    def opened(self) -> datetime.datetime:
        """When the page that writes it opened it."""
        return datetime.datetime.fromisoformat(self.content["opened"])

    @property
    def worth_going_on(self) -> bool:
        """Whether more was done than to look at a series."""
        nodes = self.content["nodes"]
        begun = bool(self.content["running"] or self.content.get("drafts"))
        return begun or len(nodes) > 1 or any(n["steps"] for n in nodes)

    def stay_inside(self, folder: Path) -> bool:
        """Tell whether its series lie in a folder; other files than those are forgotten.

        What is in the data folder may have been put there by somebody else, and nothing outside
        of it can be opened by the app.
        """

        def inside(path: str) -> bool:
            whole = (self.folder / path).resolve()
            return whole.is_relative_to(folder) or whole.is_relative_to(self.folder.resolve())

        for node in self.content["nodes"]:
            if node["file"] and not inside(node["file"]):
                node["file"] = None
        sources = [node["source"] for node in self.content["nodes"] if node["source"]]
        return all(inside(source["path"]) for source in sources if source["path"])

    @property
    def picture(self) -> bytes:
        """A small picture of the last state as PNG, or nothing."""
        try:
            return (self.folder / PICTURE).read_bytes()
        except OSError:
            return b""

    def lines(self) -> list[Line]:
        """Return what was done on the way to the current state, and what was not finished."""
        nodes, at = self.content["nodes"], self.content["cursor"]
        found: list[Line] = []
        while at is not None:
            node = nodes[at]
            text = step_texts(_steps(node["steps"])) or str(node["name"])
            run = f"{node['name']}: " if node["volume"] and node["parent"] is not None else ""
            when = datetime.datetime.fromisoformat(node["time"])
            found.insert(0, Line(str(node["label"]), run + text, when))
            at = node["parent"]
        running = self.content["running"]
        if running:
            where = f", stopped at {running['done']} of {running['total']}"
            text = step_texts(_steps(running["steps"])) + (where if running["total"] else "")
            when = datetime.datetime.fromisoformat(running["time"])
            found.append(Line(str(running["label"]), text, when, done=False))
        for panel, draft in self.content.get("drafts", {}).items():
            found.append(Line(panel.capitalize(), draft["values"]["text"], self.time, done=False))
        return found

    @property
    def interrupted(self) -> tuple[str, list[Step]]:
        """Label and Steps of what was under way when the session ended; empty where nothing was."""
        running = self.content["running"]
        return (str(running["label"]), _steps(running["steps"])) if running else ("", [])

    def problems(self) -> list[str]:
        """Return what is wrong with the files it needs, as sentences."""
        sources = [Source.from_dict(node["source"]) for node in self._line() if node["root"]]
        return [source.problem() for source in sources if source and source.problem()]

    def source(self) -> Source | None:
        """Return the file of the series."""
        return Source.from_dict(self._line()[-1]["source"])

    def relocate(self, path: str | Path) -> None:
        """Take the series from another file, or from the same as it is now."""
        old = self._line()[-1]["source"]
        for node in self.content["nodes"]:
            if node["source"] == old:
                node["source"] = Source.of_file(path).as_dict()

    def _line(self) -> list[dict[str, Any]]:
        nodes, at, line = self.content["nodes"], self.content["cursor"], []
        while at is not None:
            line.append(nodes[at])
            at = nodes[at]["parent"]
        return line

    def drafts(self, timeline: Timeline) -> dict[str, tuple[Node, dict[str, Any]]]:
        """Return what was not applied yet, by panel: the state that it was done to, and what.

        Parameters
        ----------
        timeline
            What `timeline` returned.
        """
        found, n = self.content.get("drafts", {}), len(timeline.nodes)
        return {
            panel: (timeline.nodes[d["node"]], d["values"])
            for panel, d in found.items()
            if 0 <= d["node"] < n
        }

    def timeline(self) -> Timeline:
        """Return its states; none of their signals is in memory yet."""
        timeline = Timeline()
        for values in self.content["nodes"]:
            timeline.nodes.append(_node(values, timeline.nodes, self.folder))
        nodes = timeline.nodes
        back, forward = timeline.moves
        for moves, stored in ((back, self.content["back"]), (forward, self.content["forward"])):
            moves.extend((None if k is None else nodes[k], label) for k, label in stored)
        timeline.cursor = nodes[self.content["cursor"]]
        return timeline


def content_of(
    timeline: Timeline,
    name: str,
    opened: datetime.datetime,
    running: dict[str, Any] | None,
    drafts: Mapping[str, tuple[Node, dict[str, Any]]] | None = None,
) -> dict[str, Any]:
    """Return what is written of a session.

    Parameters
    ----------
    timeline
        Its states.
    name
        Of the series.
    opened
        When this page opened it.
    running
        What is under way: label, steps, time, done, total; or None.
    drafts
        By panel, the state and what was done to it there and not applied yet.
    """
    place = {node: k for k, node in enumerate(timeline.nodes)}
    back, forward = timeline.moves

    def moves(found: list[tuple[Node | None, str]]) -> list[tuple[int | None, str]]:
        return [(place[node] if node else None, label) for node, label in found]

    return {
        "format": FORMAT,
        "name": name,
        "opened": opened.isoformat(timespec="seconds"),
        "updated": now().isoformat(timespec="seconds"),
        "cursor": place[timeline.cursor] if timeline.cursor else None,
        "nodes": [_values(node, place) for node in timeline.nodes],
        "back": moves(back),
        "forward": moves(forward),
        "running": running,
        "drafts": {
            panel: {"node": place[node], "values": values}
            for panel, (node, values) in (drafts or {}).items()
            if node in place
        },
    }


def write(folder: Path, content: dict[str, Any], picture: bytes = b"") -> None:
    """Write a session into its folder."""
    write_whole(folder / CONTENT, json.dumps(content))
    if picture:
        part = folder / f"{PICTURE}.part"
        part.write_bytes(picture)
        part.replace(folder / PICTURE)


def steps_values(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """Return Steps as values for JSON."""
    return [{"operation": s.operation, "method": s.method, "values": s.as_dict()} for s in steps]


def step_texts(steps: Iterable[Step]) -> str:
    """Return Steps as ``PC; manual, shift: 3.4, angle: 1.2``."""
    return "; ".join(", ".join([step.method, *step_values(step)]) for step in steps)


def _steps(values: list[dict[str, Any]]) -> list[Step]:
    found = []
    for v in values:
        # A method that a later version gave up is seen in the records; it cannot be asked for.
        with contextlib.suppress(TomojupyterError):
            found.append(make_step(v["operation"], v["method"], **v["values"]))
    return found


def _values(node: Node, place: dict[Node, int]) -> dict[str, Any]:
    inherited = node.parent.records if node.parent else []
    # What was made of spectra has a history of its own, which is kept whole.
    before = len(inherited) if node.records[: len(inherited)] == inherited else 0
    return {
        "parent": place[node.parent] if node.parent else None,
        "root": node.parent is None,
        "label": node.label,
        "name": node.name,
        "seconds": node.seconds,
        "time": node.time.isoformat(timespec="seconds"),
        "steps": steps_values(node.steps),
        "records": node.records[before:],
        "source": node.source.as_dict() if node.source else None,
        "file": str(node.file) if node.file else None,
        "volume": node.is_volume,
        "shape": list(node.shape),
    }


def _node(values: dict[str, Any], nodes: list[Node], folder: Path) -> Node:
    parent = None if values["parent"] is None else nodes[values["parent"]]
    node = Node(
        None, parent, tuple(_steps(values["steps"])), values["label"], values["name"],
        float(values["seconds"]), Source.from_dict(values["source"]),
    )  # fmt: skip
    node.time = datetime.datetime.fromisoformat(values["time"])
    own = list(values["records"])
    whole = bool(own) and own[0]["operation"] == "source"
    node.records = own if whole else [*(parent.records if parent else []), *own]
    node.is_volume, node.shape = bool(values["volume"]), tuple(values["shape"])
    node.file = folder / values["file"] if values["file"] else None
    return node
