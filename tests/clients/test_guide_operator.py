"""The operator's guide does what it shows: all of its blocks, in one shell, in an empty folder.

`sh,step` is run; `json,shown` or `text,shown` after it is all that it prints, with `…` for anything.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.demo import REPOSITORY, program

PAGE = REPOSITORY / "docs" / "guide-operator.md"
MARK = "------ end of a block ------"
RUN_MAX_S = 120
# The ports that the page names; a test takes free ones.
PORTS = ("8080", "9700")


@dataclass
class Step:
    """A block that is run, and what the page says that it prints."""

    line: int
    script: str
    kind: str = ""
    shown: str = ""


def blocks(text):
    """Line, kind and text of each fenced block."""
    found, fence = [], None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```") and fence is None:
            fence = (number, line.removeprefix("```"), [])
        elif line == "```":
            found.append((fence[0], fence[1], "\n".join(fence[2])))
            fence = None
        elif fence is not None:
            fence[2].append(line)
    assert fence is None, "a block has no end"
    return found


def steps(text):
    made = []
    for line, kind, block in blocks(text):
        if kind == "sh,step":
            made.append(Step(line, block))
        else:
            assert kind in ("json,shown", "text,shown"), f"{PAGE.name}:{line}: nobody runs {kind}"
            assert made and not made[-1].kind, f"{PAGE.name}:{line}: nothing printed this"
            made[-1].kind, made[-1].shown = kind, block
    return made


def free_ports(count):
    """Ports on which nothing listens now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(taken.getsockname()[1]) for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def text_fits(shown, said):
    """Whether a text is as shown, where `…` stands for anything."""
    first, *parts = shown.split("…")
    if not said.startswith(first):
        return False
    if not parts:
        return said == first
    *middle, last = parts
    at = len(first)
    for part in middle:
        found = said.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return said[at:].endswith(last)


def value_fits(shown, said):
    """The same of a value. An object has the fields that are shown and no others."""
    if isinstance(shown, str):
        return shown == "…" or (isinstance(said, str) and text_fits(shown, said))
    if isinstance(shown, dict):
        return isinstance(said, dict) and shown.keys() == said.keys() and all(
            value_fits(value, said[name]) for name, value in shown.items()
        )
    if isinstance(shown, list):
        return isinstance(said, list) and len(shown) == len(said) and all(
            map(value_fits, shown, said)
        )
    return type(shown) is type(said) and shown == said


def values(text):
    """JSON values, one after the other."""
    decoder, found, text = json.JSONDecoder(), [], text.strip()
    while text:
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:].lstrip()
    return found


def check(step, said):
    place = f"{PAGE.name}:{step.line}"
    if step.kind == "json,shown":
        shown, got = values(step.shown), values(said)
        fits = value_fits(shown, got)
    else:
        fits = text_fits(step.shown, said.strip())
    assert fits, f"{place}: it printed\n{said}\nand the page shows\n{step.shown}"


def run(made, folder):
    """What each step printed."""
    script = ["set -euo pipefail"]
    for step in made:
        script += [step.script, f"printf '\\n%s\\n' '{MARK}'"]
    ways = [str(Path(program()).resolve().parent), str(Path(sys.executable).parent)]
    shell = subprocess.Popen(
        ["bash", "-c", "\n".join(script)],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
        env=os.environ | {"PATH": os.pathsep.join([*ways, os.environ["PATH"]])},
    )
    try:
        said, errors = shell.communicate(timeout=RUN_MAX_S)
    finally:
        # Whatever the page left running ends with it.
        try:
            os.killpg(shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    *printed, rest = said.split(f"\n{MARK}\n")
    failed = made[min(len(printed), len(made) - 1)].line
    assert shell.returncode == 0 and len(printed) == len(made), (
        f"{PAGE.name}:{failed} failed:\n{rest}\n{errors}"
    )
    return printed


def test_every_block_does_what_the_page_shows(tmp_path):
    text = PAGE.read_text("utf-8")
    for named, free in zip(PORTS, free_ports(len(PORTS))):
        text = text.replace(f"127.0.0.1:{named}", f"127.0.0.1:{free}")
        text = text.replace(f"--port {named}", f"--port {free}")
    made = steps(text)
    (tmp_path / "examples").symlink_to(REPOSITORY / "examples")

    printed = run(made, tmp_path)

    assert made[-1].shown == "ended with 0"
    for step, said in zip(made, printed):
        check(step, said)


@pytest.mark.parametrize(("shown", "said", "fits"), [
    ({"a": "x-…"}, {"a": "x-7"}, True),
    ({"a": 1}, {"a": 1, "b": 2}, False),
    ({"a": 1, "b": 2}, {"a": 1}, False),
    ({"a": [1, "…"]}, {"a": [1, {"b": 2}]}, True),
    ({"a": [1]}, {"a": [1, 2]}, False),
    (True, 1, False),
    ("a … b", "a 1 c", False),
    ("", "anything", False),
])
def test_the_comparison_sees_differences(shown, said, fits):
    assert value_fits(shown, said) is fits
