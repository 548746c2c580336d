"""`golden add --log` as a person meets it: a real terminal, a real index, keys typed and words read."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.flows.conftest import Index

WHICH, WORDS, SLICES = "b, q, ?]: ", "the whole document): ", "(Enter: none): "
UNSEEN = "\x1b]0;renamed\x07"


class Screen:
    """A command in a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self._child, self._terminal = pty.fork()
        if self._child == 0:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):  # tests started in the background ignore them
                signal.signal(number, signal.SIG_DFL)
            os.execv(sys.executable, [sys.executable, "-c", "from cli.main import main; main()", *arguments])
        self.shown, self._read = "", 0

    def until(self, words: str, timeout_s: float = 60.0) -> str:
        """Read until these words come up; gives what was shown before them."""
        deadline = time.monotonic() + timeout_s
        while words not in self.shown[self._read :]:
            assert time.monotonic() < deadline, f"no {words!r} in:\n{self.shown}"
            if select.select([self._terminal], [], [], 0.2)[0]:
                assert self._more(), f"it ended without {words!r}:\n{self.shown}"
        start, self._read = self._read, self.shown.index(words, self._read) + len(words)
        return self.shown[start : self._read]

    def type(self, keys: str, then: str) -> str:
        """Press keys, Enter after them, and read until these words come up."""
        os.write(self._terminal, f"{keys}\r".encode())
        return self.until(then)

    def press(self, key: str) -> None:
        os.write(self._terminal, key.encode())

    def interrupt(self) -> int:
        """Ctrl-C, once more after five seconds, as a person would: a signal that comes in the moment between showing a prompt
        and waiting for keys is noticed by Python's line editing only with the next key."""
        self.press("\x03")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            if select.select([self._terminal], [], [], 0.2)[0] and not self._more():
                break
        else:
            self.press("\x03")
        return self.end()

    def end(self, timeout_s: float = 60.0) -> int:
        """Read to the end; the command's exit code."""
        deadline = time.monotonic() + timeout_s
        while not select.select([self._terminal], [], [], 0.2)[0] or self._more():
            if time.monotonic() > deadline:
                os.kill(self._child, signal.SIGKILL)
                raise AssertionError(f"it does not end:\n{self.shown}")
        os.close(self._terminal)
        return os.waitstatus_to_exitcode(os.waitpid(self._child, 0)[1])

    def _more(self) -> bool:
        try:
            got = os.read(self._terminal, 65536)
        except OSError:  # how Linux says that nobody writes here any more
            return False
        self.shown += got.decode("utf-8", "replace")
        return bool(got)


def queries(file: Path) -> list[tuple[str, list[dict[str, str]]]]:
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [(line["query"], line["relevant"]) for line in lines if line["id"].startswith("log-")]


@pytest.mark.slow
def test_judging_at_a_terminal(index: Index) -> None:
    """Told what to type, corrected, undone, interrupted, resumed: nothing is lost, and nothing is asked twice."""
    index.write("people/0.md", f"# People note 0\n\nRemember that parental leave lasts sixteen weeks{UNSEEN}.\n")
    index.run()
    log, made = index.folder / "queries.txt", index.folder / "golden.jsonl"
    asked = ["parental leave lasts sixteen weeks?", "travel budget?", "the moon?", "argon passwords?", "badges expire?"]
    log.write_text("\n".join([*asked, "The MOON?"]), encoding="utf-8")
    command = ("--config", str(index.config), "golden", "add", "--log", str(log), "-k", "2")

    screen = Screen(*command)
    first = screen.until(WHICH)
    assert "question 1 of 5, asked 2 times" in first  # the moon: most often asked, in the words it was first asked in
    assert "n           no document answers it" in first
    screen.type("9", "numbers from 1 to 2")
    screen.until(WHICH)
    screen.type("s", "question 2 of 5")
    shown = screen.until(WHICH)
    assert "people/0.md" in shown
    assert "lasts sixteen weeks" in shown
    assert "\x1b]0;" not in shown  # a document does not rename the window
    screen.type(next(n for n in "12" if f"{n}. people/0.md" in shown), WORDS)
    screen.type("seventeen years and counting", "these words are not in it")
    screen.until(WORDS)
    screen.type("lasts … weeks", SLICES)
    screen.type("people", "kept: people/0.md “lasts sixteen weeks”  [people]")
    screen.until("question 3 of 5")
    screen.until(WHICH)
    screen.type("n", SLICES)
    screen.type("", "question 4 of 5")
    screen.until(WHICH)
    screen.type("b", "question 3 of 5")  # not "no document" after all: it is one that was not shown
    assert [query for query, _ in queries(made)] == [asked[0]]
    screen.until(WHICH)
    screen.type("u", "after all): ")
    screen.type("people/nowhere.md", "unknown uri")
    screen.until("after all): ")
    screen.type("people/1.md", WORDS)
    searching = index("search", "argon", "--as", "security")  # whoever thinks does not keep others from the index
    assert searching.code == 0, searching.err
    screen.press("\x1b[200~the travel\nbudget\x1b[201~")  # a line break that was pasted does not end the answer
    screen.type("", SLICES)
    screen.type("", "question 4 of 5")
    screen.until(WHICH)
    assert screen.interrupt() == 0
    assert "2 added, 1 skipped; 2 left: run the same command again" in screen.shown
    assert queries(made) == [
        (asked[0], [{"uri": "people/0.md", "source": "notes", "quote": "lasts sixteen weeks"}]),
        (asked[1], [{"uri": "people/1.md", "quote": "the travel\nbudget"}]),
    ]

    screen = Screen(*command)
    assert "argon passwords?" in screen.until(WHICH)
    screen.type("s", "question 2 of 2")
    screen.until(WHICH)
    screen.type("q", "1 skipped, 2 known already; 1 left")
    assert screen.end() == 0

    # Without a terminal the end of the input is the end of the sitting.
    program = [sys.executable, "-c", "from cli.main import main; main()", *command, "--skipped", "--json"]
    ended = subprocess.run(program, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    answer = json.loads(ended.stdout)
    assert (answer["added"], answer["skipped"], answer["known"], answer["left"]) == (0, 0, 2, 3)
    assert index("golden", "check").out["healthy"] is True


@pytest.mark.slow
def test_the_next_best_question_is_one_that_no_label_covers(index: Index) -> None:
    """With --next what is asked most comes second to what nothing in the golden set is like."""
    index.run()
    log = index.folder / "queries.txt"
    log.write_text("badges expire after ninety days?\n" * 5 + "where is the moon base\n" * 2, encoding="utf-8")
    screen = Screen("--config", str(index.config), "golden", "add", "--log", str(log), "--next", "--limit", "1")
    shown = screen.until(WHICH)
    assert "where is the moon base" in shown
    assert screen.interrupt() == 0
