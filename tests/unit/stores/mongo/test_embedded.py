"""The embedded server is there when someone needs it, once per state directory, and leaves no one behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest

from sluice.errors import ConfigurationError, IntegrityError, StoreUnavailable
from stores.locks import FileLock
from stores.mongo.connection import connect
from stores.mongo.embedded import EmbeddedMongo
from stores.mongo.vectors import MongoVectorCache

USER = """
import sys, time
from pathlib import Path
from stores.mongo.embedded import EmbeddedMongo
with EmbeddedMongo(Path(sys.argv[1])) as uri:
    print(uri, flush=True)
    time.sleep(120)
"""


def server(state_dir: Path) -> psutil.Process:
    """The server process of a state directory."""
    return psutil.Process(json.loads((state_dir / "mongodb" / "server.json").read_text())["pid"])


def gone(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextmanager
def users(state_dir: Path, count: int) -> Iterator[list[tuple[subprocess.Popen[str], str]]]:
    """Other processes that use the server, and the uri each was given."""
    with ExitStack() as stack:
        command = [sys.executable, "-c", USER, str(state_dir)]
        started = [
            stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[4]))
            for _ in range(count)
        ]
        for process in started:
            stack.callback(process.kill)
        yield [(process, process.stdout.readline().strip() if process.stdout else "") for process in started]


def write(uri: str, text: str) -> None:
    database = connect(uri, "kept")
    database["rows"].update_one({"_id": text}, {"$set": {"text": text}}, upsert=True)
    database.client.close()


def read(uri: str) -> set[str]:
    database = connect(uri, "kept")
    found = {row["_id"] for row in database["rows"].find({})}
    database.client.close()
    return found


class TestWithinAProcess:
    def test_it_is_started_shared_and_stopped_with_the_last(self, state_dir: Path) -> None:
        """Two users get one server; it outlives the first and not the second; what was written is there the next time."""
        first, second = EmbeddedMongo(state_dir), EmbeddedMongo(state_dir)
        process = server(state_dir)
        assert first.uri == second.uri
        write(first.uri, "one")
        first.close()
        first.close()
        assert not within(0.3, lambda: gone(process))
        write(second.uri, "two")
        second.close()
        assert within(5, lambda: gone(process))
        with EmbeddedMongo(state_dir) as uri:
            assert read(uri) == {"one", "two"}
            assert server(state_dir).pid != process.pid

    def test_threads_may_open_it_at_once(self, state_dir: Path) -> None:
        """Eight threads, one server."""
        opened: list[EmbeddedMongo] = []
        threads = [threading.Thread(target=lambda: opened.append(EmbeddedMongo(state_dir))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(opened) == 8
        assert len({user.uri for user in opened}) == 1
        for user in opened:
            user.close()

    def test_it_can_be_opened_again_the_moment_it_was_closed(self, state_dir: Path) -> None:
        """A server on its way out is waited for, never talked to."""
        for number in range(4):
            with EmbeddedMongo(state_dir) as uri:
                write(uri, str(number))
                assert len(read(uri)) == number + 1

    def test_state_directories_have_servers_of_their_own(self, tmp_path: Path) -> None:
        """Several at once on one machine, with the same database name, share nothing."""
        with EmbeddedMongo(tmp_path / "a") as first, EmbeddedMongo(tmp_path / "b") as second:
            write(first, "one")
            assert first != second
            assert read(second) == set()

    def test_a_file_left_by_a_crash_or_a_reboot_is_not_believed(self, state_dir: Path, tmp_path: Path) -> None:
        """Nonsense, a living pid that is no server, and another directory's server with its port: each is started anew."""
        folder = state_dir / "mongodb"
        folder.mkdir(parents=True)
        with EmbeddedMongo(tmp_path / "other") as other:
            write(other, "theirs")
            theirs = (tmp_path / "other" / "mongodb" / "server.json").read_text()
            for stale in ("", "[]", "{}", json.dumps({"pid": os.getpid(), "socket": json.loads(theirs)["socket"]}), theirs):
                (folder / "server.json").write_text(stale)
                with EmbeddedMongo(state_dir) as uri:
                    assert uri != other
                    assert "theirs" not in read(uri)

    def test_a_long_path_and_a_long_folder_for_temporary_files_are_no_obstacle(self, tmp_path: Path) -> None:
        """A socket's name may have 104 bytes; the files are found, and named, by their folder all the same."""
        state, temporary = tmp_path / ("s" * 90), tmp_path / ("t" * 90)
        temporary.mkdir()
        code = "import sys; from pathlib import Path; from stores.mongo.embedded import EmbeddedMongo\n"
        code += "with EmbeddedMongo(Path(sys.argv[1])) as uri: print(uri)"
        command = [sys.executable, "-c", code, str(state)]
        done = subprocess.run(command, env={**os.environ, "TMPDIR": str(temporary)}, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "%2Ftmp%2Fsluice-" in done.stdout

    def test_a_directory_that_cannot_be_written_is_a_matter_of_configuration(self, tmp_path: Path) -> None:
        """The message names the path; the exit code is 2."""
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(ConfigurationError, match="file/state") as error:
            EmbeddedMongo(tmp_path / "file" / "state")
        assert error.value.exit_code == 2

    def test_a_server_that_does_not_come_up_is_reported_with_its_log(self, state_dir: Path) -> None:
        """Its data directory is a file: it stops at once, and the log says why."""
        (state_dir / "mongodb").mkdir(parents=True)
        (state_dir / "mongodb" / "data").write_text("in the way")
        with pytest.raises(StoreUnavailable) as error:
            EmbeddedMongo(state_dir)
        assert str(state_dir / "mongodb" / "server.log") in error.value.hint
        assert "data" in (state_dir / "mongodb" / "server.log").read_text()

    @pytest.mark.parametrize("damage", ["truncated", "overwritten"])
    def test_a_damaged_database_says_what_it_is_and_how_to_come_back(self, state_dir: Path, damage: str) -> None:
        """Reading, writing and probing; the file and its folder are named."""
        with EmbeddedMongo(state_dir) as uri:
            for number in range(40):
                write(uri, f"{number} " + "x" * 400)
            process = server(state_dir)
        assert within(5, lambda: gone(process))
        file = state_dir / "mongodb" / "data" / "kept.db"
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2] if damage == "truncated" else b"x" * 5000 + content[5000:])
        with EmbeddedMongo(state_dir) as uri:
            database = connect(uri, "kept")
            for use in (MongoVectorCache(database).get, MongoVectorCache(database).put):
                with pytest.raises(IntegrityError, match="damaged") as error:
                    use("m", {"t": np.ones(3, dtype=np.float32)})  # type: ignore[arg-type]
                assert str(file.parent) in error.value.hint
            database.client.close()

    def test_waiting_for_another_process_that_starts_it_has_an_end(self, state_dir: Path) -> None:
        """A lock that is never let go does not hang the caller, and the caller holds nothing afterwards."""
        with FileLock(state_dir / "mongodb" / "start.lock") as starting:
            assert starting.acquire()
            with pytest.raises(StoreUnavailable, match="another process"):
                EmbeddedMongo(state_dir, timeout_s=0.2)
        with FileLock(state_dir / "mongodb" / "users.lock") as nobody:
            assert nobody.acquire()


@pytest.mark.slow
class TestBetweenProcesses:
    def test_processes_that_start_together_share_one_server(self, state_dir: Path) -> None:
        """Five processes at once agree on one uri; it answers all of them."""
        with users(state_dir, 5) as started:
            assert len({uri for _, uri in started}) == 1
            assert started[0][1].startswith("mongodb://%2F")
            write(started[0][1], "one")

    def test_it_outlives_the_process_that_started_it(self, state_dir: Path) -> None:
        """kill -9 of the starter takes nothing from those who joined."""
        with users(state_dir, 1) as started, EmbeddedMongo(state_dir) as uri:
            assert uri == started[0][1]
            started[0][0].kill()
            started[0][0].wait()
            assert not within(1, lambda: gone(server(state_dir)))
            write(uri, "still there")

    def test_when_every_user_was_killed_it_stops_by_itself(self, state_dir: Path) -> None:
        """kill -9 of all users at once leaves no server behind, and no acknowledged write is lost."""
        with users(state_dir, 3) as started:
            write(started[0][1], "acknowledged")
            process = server(state_dir)
            for user, _ in started:
                user.send_signal(signal.SIGKILL)
            assert within(2, lambda: gone(process))
        with EmbeddedMongo(state_dir) as uri:
            assert read(uri) == {"acknowledged"}

    def test_a_killed_server_is_an_error_for_those_who_use_it_and_started_anew_for_the_next(self, state_dir: Path) -> None:
        """kill -9 of the server: nothing acknowledged is lost, also while old users are still there."""
        with EmbeddedMongo(state_dir) as uri:
            write(uri, "0")
            process = server(state_dir)
            process.kill()
            assert within(2, lambda: gone(process))
            with pytest.raises(StoreUnavailable, match=r"mongodb\.sock"):
                connect(uri + "&serverSelectionTimeoutMS=200", "kept")
            with EmbeddedMongo(state_dir) as again:
                assert read(again) == {"0"}

    def test_a_starter_killed_half_way_is_no_obstacle(self, state_dir: Path) -> None:
        """Killed at five moments of its start; the next one to open it has a server within the time limit."""
        command = [sys.executable, "-c", USER, str(state_dir)]
        for number in range(5):
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=Path(__file__).parents[4]) as starter:
                time.sleep(0.2 + 0.3 * number)
                starter.kill()
            with EmbeddedMongo(state_dir) as uri:
                write(uri, str(number))
        with EmbeddedMongo(state_dir) as uri:
            assert read(uri) == {str(number) for number in range(5)}

    def test_who_leaves_it_behind_is_warned_of_nothing(self, state_dir: Path) -> None:
        """A process that ends while the server that it started has yet to: on purpose, and no leak."""
        imports = "import sys\nfrom pathlib import Path\nfrom stores.mongo.embedded import EmbeddedMongo\n"
        script = f"{imports}EmbeddedMongo(Path(sys.argv[1]))"
        command = [sys.executable, "-W", "always", "-c", script, str(state_dir)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[4], timeout=60, check=True)
        assert "still running" not in done.stderr
