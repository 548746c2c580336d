"""A process is recognised by more than its pid."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import psutil

from stores.processes import ProcessId


def test_the_present_process_is_alive_and_the_same_every_time() -> None:
    """Its identity does not depend on when it is asked."""
    assert ProcessId.current() == ProcessId.current()
    assert ProcessId.current().alive() is True


def test_a_process_that_ended_is_dead_also_before_its_parent_noticed() -> None:
    """A zombie holds nothing; neither does a pid that nobody has any more."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        known = replace(ProcessId.current(), pid=process.pid, started=psutil.Process(process.pid).create_time())
        assert known.alive() is True
        process.kill()
        psutil.Process(process.pid).status()
        while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert known.alive() is False
        process.wait()
        assert known.alive() is False


def test_a_pid_used_again_is_another_process() -> None:
    """Same pid, another start time."""
    assert replace(ProcessId.current(), started=ProcessId.current().started - 60).alive() is False


def test_of_another_host_or_container_nothing_is_known() -> None:
    """Neither alive nor dead: the heartbeat decides."""
    assert replace(ProcessId.current(), host="elsewhere").alive() is None
    assert replace(ProcessId.current(), namespace="pid:[1]").alive() is None
