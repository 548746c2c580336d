"""What the README promises a newcomer, run as it stands there."""

from __future__ import annotations

import json
import re
import shlex
import subprocess

import psycopg
import pytest
import yaml

from tests.e2e.conftest import REPOSITORY, SLUICE, Shell
from tests.postgres import binaries, postgres
from tests.website import Page, website

pytestmark = pytest.mark.slow


def _block(language: str, containing: str) -> str:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    fenced: list[tuple[str, str]] = re.findall(r"^```(\w*)\n(.*?)^```$", readme, flags=re.DOTALL | re.MULTILINE)
    return next(block for kind, block in fenced if kind == language and containing in block)


def test_the_readmes_own_documents_section_works_as_it_is_written(shell: Shell) -> None:
    """Its configuration, saved next to a folder docs/, and its commands in their order; an edit before the second run."""
    shell.configure(_block("yaml", "index: handbook"))
    leave = shell.folder / "docs" / "hr" / "leave.md"
    leave.parent.mkdir(parents=True)
    leave.write_text("# Leave\n\nParental leave lasts sixteen weeks.\n", encoding="utf-8")
    (shell.folder / "docs" / "office.md").write_text("# Office\n\nYou have thirty days of leave each year.\n", encoding="utf-8")
    commands = [line.split("#")[0].strip() for line in _block("", "sluice doctor").splitlines() if line.startswith(".venv")]
    assert [shlex.split(command)[1] for command in commands][:2] == ["doctor", "run"]
    runs = 0
    for command in commands:
        arguments = shlex.split(command)[1:]
        if arguments == ["serve"]:
            continue  # runs until interrupted: tests/flows/test_serve.py
        if arguments == ["run"]:
            runs += 1
            if runs == 2:
                leave.write_text("# Leave\n\nParental leave lasts twenty weeks.\n", encoding="utf-8")
        done = subprocess.run(
            [str(SLUICE), *arguments],
            cwd=shell.folder,
            env=shell.environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        if arguments[0] == "search":
            assert "thirty days" in done.stdout
            assert "sixteen weeks" not in done.stdout, "staff may not read hr/"


def test_a_web_site_and_a_database_are_added_as_the_readme_says(shell: Shell) -> None:
    """Its second configuration's sources and rules beside the first's; the addresses are those of servers here."""
    if binaries() is None:
        pytest.skip("initdb is not installed (Debian: apt-get install postgresql)")
    first, more = yaml.safe_load(_block("yaml", "index: handbook")), yaml.safe_load(_block("yaml", "type: sql"))
    (shell.folder / "docs").mkdir()
    (shell.folder / "docs" / "office.md").write_text("# Office\n\nYou have thirty days of leave each year.\n", encoding="utf-8")
    page = Page(b"<html><title>Printer</title><main><h1>Printer</h1><p>The printer takes blue paper only.</p></main></html>")
    with website() as site, postgres() as where:
        site.pages["/"] = page
        with psycopg.connect(f"postgresql://{where}") as database:
            database.execute(
                "CREATE TABLE account (id int PRIMARY KEY, name text, notes text, changed timestamptz DEFAULT now())"
            )
            database.execute("INSERT INTO account VALUES (1, 'Acme', 'Acme renews in March and wants a discount.')")
        credentials, _, host = where.partition("@")
        web, sql = more["sources"]
        web["start"] = [f"{site.url}/"]
        sql["url"] = sql["url"].replace("db.example.com/crm", host)
        both = {
            **first,
            "sources": [*first["sources"], web, sql],
            "access": {"rules": [*more["access"]["rules"], *first["access"]["rules"]]},
        }
        shell.configure(both)
        code, said, _ = shell("run")
        assert (code, "CRM_PASSWORD" in said["error"]["message"]) == (2, True)
        shell.environment["CRM_PASSWORD"] = credentials.partition(":")[2]
        assert shell("doctor")[0] == 0
        code, done, err = shell("run")
        assert (code, done["outcome"]) == (0, "promoted"), err
        for words, tag, uri in (
            ("blue paper for the printer", "staff", f"{site.url}/"),
            ("when does Acme renew?", "sales", "account/1"),
            ("thirty days of leave", "staff", "office.md"),
        ):
            assert shell("search", words, "--as", tag, "-k", "1")[1]["hits"][0]["uri"] == uri
        assert shell("search", "when does Acme renew?", "--as", "staff", "-k", "9")[1]["hits"][0]["uri"] != "account/1"
        assert shell("run")[1]["outcome"] == "unchanged"


def test_the_demo_tells_its_whole_story(shell: Shell) -> None:
    """`sluice demo` from nothing: each chapter checks its own claim, and the second version costs one document."""
    command = [str(SLUICE), "demo", "--workplace", str(shell.folder / "demo"), "--json"]
    done = subprocess.run(
        command, cwd=shell.folder, env=shell.environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)["chapters"]
    assert [told["1"]["outcome"], told["2"]["outcome"], told["3"]["outcome"]] == ["promoted", "promoted", "rejected"]
    assert told["2"]["embedded"] < 5
