"""A configuration: the contract's loads as written, and everything that is wrong with one is said with file and key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from sluice.access import NOBODY, AccessTags
from sluice.errors import ConfigurationError
from sluice.settings import ChunkingSettings, ConfigPath, Section, Settings, load, options

CORPORA = Path(__file__).resolve().parents[3] / "../shared/corpora"

CONTRACT = """\
index: handbook
state_dir: .sluice/handbook
stores:
  mongodb: {uri: embedded, database: handbook}
  qdrant: {url: embedded}
sources:
  - {name: handbook, type: files, root: corpora/handbook, include: ["content/**/*.md"], parse: elements}
access:
  rules:                                   # matched against the uri; the first match wins; no match: nobody
    - {match: "content/departments/security/**", tags: [security]}
    - {match: "content/**", tags: [public]}
chunking: {strategy: recursive, max_tokens: 200, overlap_tokens: 20, context: none}   # context: none | title | headings
embedding: {model: "bundled:all-MiniLM-L6-v2", precision: auto}   # auto is decided once per index and recorded
search: {mode: dense}                      # dense | sparse | hybrid
gates:
  - {type: retrieval, golden: corpora/handbook.golden.jsonl, k: 5, min_recall: 0.70, max_drop: 0.03, max_stale: 0.05}
  - {type: leaks, cases: corpora/handbook.leaks.jsonl}
retention: {keep: 3}
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration: the smallest that loads, with these keys changed (None: left out), or a text."""

    def written(text: str | None = None, **changes: Any) -> Path:
        smallest = {"index": "ix", "sources": [{"name": "s", "type": "files", "root": "docs"}], "gates": []}
        file = tmp_path / "sluice.yaml"
        raw = {key: value for key, value in {**smallest, **changes}.items() if value is not None}
        file.write_text(yaml.safe_dump(raw) if text is None else text, encoding="utf-8")
        return file

    return written


def refused(file: Path, environment: dict[str, str] | None = None) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as error:
        load(file, environment or {})
    assert error.value.message.startswith(f"{file}: "), "every message begins with the file"
    assert error.value.exit_code == 2
    return error.value


# ── what loads ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_configuration_of_the_contract_loads(write: Write, tmp_path: Path) -> None:
    """The public contract, word for word."""
    settings = load(write(CONTRACT), {})
    assert settings.index == settings.database == "handbook"
    assert settings.state_dir == tmp_path / ".sluice/handbook"
    assert settings.source("handbook").options == {"root": "corpora/handbook", "include": ["content/**/*.md"]}
    rules = settings.access.compiled()
    assert rules.ceiling("handbook", "content/departments/security/a.md") == AccessTags({"security"})
    assert rules.ceiling("handbook", "content/a.md") == AccessTags({"public"})
    assert rules.ceiling("handbook", "elsewhere/a.md") == NOBODY
    assert (settings.chunking.strategy, settings.chunking.max_tokens, settings.chunking.overlap_tokens) == ("recursive", 200, 20)
    assert settings.gates[0].options["min_recall"] == 0.70
    assert settings.retention.keep == 3


@pytest.mark.corpora
@pytest.mark.skipif(not CORPORA.is_dir(), reason="../shared/corpora is not here")
def test_the_handbook_s_configuration_loads(tmp_path: Path) -> None:
    """A user's own file, with its state wherever SLUICE_STATE_DIR says."""
    settings = load(CORPORA / "handbook.yaml", {"SLUICE_STATE_DIR": str(tmp_path)})
    assert settings.state_dir == tmp_path / "handbook"
    assert len(settings.access.rules) == 13


def test_little_is_needed(write: Write, tmp_path: Path) -> None:
    """An index, a source, gates; the rest has defaults, embedded and beside the file."""
    settings = load(write(), {})
    assert settings.state_dir == tmp_path / ".sluice/ix"
    assert (settings.stores.mongodb.uri, settings.stores.qdrant.url) == ("embedded", "embedded")
    assert settings.database == "sluice_ix"
    assert settings.access.compiled().ceiling("s", "a") == NOBODY


def test_paths_are_relative_to_the_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to where the command was started: also when the file was named relatively."""
    write(state_dir="../state")
    monkeypatch.chdir(tmp_path)
    settings = load("sluice.yaml", {})
    assert settings.state_dir == tmp_path.parent / "state"
    assert (settings.base, settings.path) == (tmp_path, tmp_path / "sluice.yaml")
    monkeypatch.chdir("/")
    assert options(_Member, settings.sources[0], where="sources.s", settings=settings).root == tmp_path / "docs"


def test_absolute_and_home_paths_stay(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """`/` and `~` mean what they mean in a shell."""
    monkeypatch.setenv("HOME", "/home/ada")
    assert load(write(state_dir="/var/lib/sluice"), {}).state_dir == Path("/var/lib/sluice")
    assert load(write(state_dir="~/sluice"), {}).state_dir == Path("/home/ada/sluice")


def test_variables_are_taken_from_the_environment(write: Write) -> None:
    """In every string, in the middle of it too, and once: a value is not looked at again."""
    file = write(stores={"qdrant": {"url": "http://${HOST}:6333", "api_key": "${KEY}", "timeout_s": "${T}"}})
    settings = load(file, {"HOST": "db", "KEY": "${HOST}", "T": "2.5"})
    assert (settings.stores.qdrant.url, settings.stores.qdrant.api_key) == ("http://db:6333", "${HOST}")
    assert settings.stores.qdrant.timeout_s == 2.5


def test_settings_are_frozen(write: Write) -> None:
    """What was loaded is what runs."""
    settings = load(write(), {})
    for section, key, value in (
        (settings, "index", "other"),
        (settings.search, "mode", "hybrid"),
        (settings.sources[0], "name", "t"),
    ):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(section, key, value)


# ── what does not ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"colour": 1}, "colour"),
        ({"base": "/"}, "base"),
        ({"path": "/"}, "path"),
        ({"stores": {"redis": {}}}, "stores.redis"),
        ({"stores": {"mongodb": {"url": "x"}}}, "stores.mongodb.url"),
        ({"stores": {"qdrant": {"uri": "x"}}}, "stores.qdrant.uri"),
        ({"access": {"rule": []}}, "access.rule"),
        ({"access": {"rules": [{"match": "**", "tags": ["a"]}, {"match": "**", "tags": [], "tag": "b"}]}}, "access.rules.2.tag"),
        ({"embedding": {"modle": "x"}}, "embedding.modle"),
        ({"search": {"k": 5}}, "search.k"),
        ({"retention": {"kept": 5}}, "retention.kept"),
        ({"schedule": {"at": "2:00"}}, "schedule.at"),
    ],
)
def test_an_unknown_key_fails_with_its_path(write: Write, changes: dict[str, Any], path: str) -> None:
    """At every level; nothing that a user wrote is ignored."""
    error = refused(write(**changes))
    assert f"unknown key '{path}'" in error.message
    assert error.hint


class _Member(Section):
    root: ConfigPath
    depth: int = 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rot": 1, "root": "x"}, "unknown key 'sources.s.rot'"),
        ({}, "the key 'sources.s.root' is missing"),
        ({"root": "x", "depth": "deep"}, "sources.s.depth: Input should be a valid integer"),
        ({"root": "x", "options": {"depth": 2}}, "unknown key 'sources.s.options'"),
    ],
)
def test_a_member_checks_its_own_keys_in_the_same_words(write: Write, changes: dict[str, Any], said: str) -> None:
    """What the family does not know, the member does, or it fails with its path below the section."""
    file = write(sources=[{"name": "s", "type": "own", **changes}])
    settings = load(file, {})
    with pytest.raises(ConfigurationError) as error:
        options(_Member, settings.sources[0], where="sources.s", settings=settings)
    assert error.value.message.startswith(f"{file}: {said}")


def test_members_of_each_open_family_are_left_their_keys(write: Write) -> None:
    """Sources, strategies and gates keep what only they understand."""
    settings = load(write(chunking={"strategy": "own", "depth": 3}, gates=[{"type": "own", "limit": 0.5}]), {})
    assert settings.chunking.options == {"depth": 3}
    assert settings.gates[0].options == {"limit": 0.5}


def test_missing_gates_are_not_no_gates(write: Write) -> None:
    """No evidence is not a pass: who wants none writes so."""
    error = refused(write(gates=None))
    assert "'gates' is missing" in error.message
    assert "gates: []" in error.hint
    assert load(write(gates=[]), {}).gates == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"index": None}, "the key 'index' is missing"),
        ({"index": "a__b"}, "index: an index is named with"),
        ({"index": "../up"}, "index: an index is named with"),
        ({"index": "_a"}, "index: an index is named with"),
        ({"sources": None}, "the key 'sources' is missing"),
        ({"sources": []}, "sources: must hold at least 1"),
        ({"sources": [{"name": "s", "type": "files"}, {"name": "s", "type": "web"}]}, "two sources are named 's'"),
        ({"sources": [{"name": "a/b", "type": "files"}]}, "sources.1.name"),
        ({"sources": [{"type": "files"}]}, "the key 'sources.1.name' is missing"),
        (
            {"sources": [{"name": "s", "type": "files", "max_deletions": 2}]},
            "sources.s.max_deletions: 2 is not a share between 0 and 1; 2 % is 0.02",
        ),
        ({"search": {"dense_weight": "50%"}}, "search.dense_weight: 50% is not a share between 0 and 1; 50 % is 0.50"),
        (
            {"sources": [{"name": "s", "type": "files", "parse": "raw"}]},
            "sources.s.parse: Input should be 'elements' or 'verbatim'",
        ),
        ({"access": {"rules": [{"match": "**", "tags": ["a"], "source": "t"}]}}, "access.rules.'**'.source: no source is"),
        ({"access": {"rules": [{"match": "**", "tags": "public"}]}}, "access.rules.'**'.tags"),
        ({"access": {"rules": [{"match": "**", "tags": ["hr, legal"]}]}}, "access.rules.'**'.tags.1: a tag is a word"),
        ({"access": {"rules": [{"match": "**", "tags": ["hr", ""]}]}}, "access.rules.'**'.tags.2: a tag is a word"),
        ({"access": {"rules": [{"match": "**", "tags": ["a\u200bb"]}]}}, "access.rules.'**'.tags.1: a tag is a word"),
        (
            {"access": {"rules": [{"match": "**", "tags": [False]}]}},
            "tags.1: must be text, and is read as true or false: write it in",
        ),
        ({"access": {"rules": [{"match": "**", "tags": [2026]}]}}, "tags.1: must be text, and is read as a number"),
        ({"access": {"rules": [{"match": "**", "tags": [None]}]}}, "tags.1: must be text, and there is none"),
        ({"access": {"rules": [{"match": "**"}]}}, "the key 'access.rules.'**'.tags' is missing"),
        ({"access": {"rules": [{"match": "", "tags": ["a"]}]}}, "access.rules.1.match: must not be empty"),
        ({"access": {"rules": [{"match": "{1..9999}/*", "tags": ["a"]}]}}, "access.rules.1.match: the glob '{1..9999}/*' cannot"),
        ({"access": "staff"}, "access: must hold keys and values"),
        (
            {"sources": [{"name": "s", "type": "files", "max_deletions": True}]},
            "sources.s.max_deletions: must be a number, and is read",
        ),
        ({"retention": {"keep": True}}, "retention.keep: must be a number, and is read as true or false"),
        ({"budget": {"tokens": True}}, "budget.tokens: must be a number, and is read as true or false"),
        ({"stores": {"qdrant": {"timeout_s": True}}}, "stores.qdrant.timeout_s: must be a number"),
        (
            {"sources": [{"name": "s", "type": "files", "ttl": 10**10}]},
            "sources.s.ttl: 1e+10 days are more than any calendar has",
        ),
        ({"sources": [{"name": "s", "type": "files", "ttl": 0}]}, "sources.s.ttl: must be longer than no time at all"),
        (
            {"chunking": {"max_tokens": 20, "overlap_tokens": 20}},
            "chunking: overlap_tokens (20) must be smaller than max_tokens (20)",
        ),
        ({"chunking": {"max_tokens": 7}}, "chunking.max_tokens"),
        ({"chunking": {"overlap_tokens": -1}}, "chunking.overlap_tokens"),
        ({"chunking": {"context": "all"}}, "chunking.context"),
        ({"embedding": {"precision": "int8"}}, "embedding.precision"),
        ({"search": {"mode": "fuzzy"}}, "search.mode"),
        ({"retention": {"keep": 0}}, "retention.keep"),
        ({"gates": [{"golden": "x"}]}, "the key 'gates.1.type' is missing"),
        ({"gates": {"type": "leaks"}}, "gates: must be a list"),
        ({"schedule": {"cron": "0 25 * * *"}}, "schedule.cron: '0 25 * * *' is no cron expression: its hour is '25'"),
        ({"schedule": {"access_cron": "nightly"}}, "schedule.access_cron: 'nightly' is no cron expression: it has 1 field, and"),
        (
            {"schedule": {"gc_cron": "0 4 * * sunday"}},
            "schedule.gc_cron: '0 4 * * sunday' is no cron expression: its day of the",
        ),
        ({"schedule": {"cron": "0 0 30 2 *"}}, "schedule.cron: '0 0 30 2 *' never comes: no month '2' has a day '30'"),
        ({"schedule": {"golden_cron": ""}}, "schedule.golden_cron: '' is no cron expression: it has 0 fields"),
        ({"schedule": {"timezone": "Mars/Olympus"}}, "schedule.timezone: 'Mars/Olympus' is not a time zone; e.g. Europe/Berlin"),
        ({"schedule": {"until": "25:00"}}, "schedule.until: '25:00' is not a time; write '06:00'"),
        ({"schedule": {"until": 1320}}, "schedule.until: YAML reads 22:00 as a number; write it in quotes"),
        ({"stores": {"qdrant": {"timeout_s": 0}}}, "stores.qdrant.timeout_s"),
        ({"stores": {"qdrant": {"wait_s": float("inf")}}}, "stores.qdrant.wait_s"),
    ],
)
def test_a_wrong_value_fails_with_its_path(write: Write, changes: dict[str, Any], said: str) -> None:
    """The key, and what would be right."""
    assert said in refused(write(**changes)).message


@pytest.mark.parametrize(
    ("state_dir", "source", "said"),
    [
        ("docs", {"root": "docs"}, "holds sources.s.root (docs)"),
        (".", {"root": "docs"}, "holds sources.s.root (docs)"),
        ("x", {"root": "./y/../x/docs"}, "holds sources.s.root"),
        ("x", {"type": "changes", "of": {"type": "records", "path": "x/export"}}, "holds sources.s.of.path (x/export)"),
        ("", {"root": "docs"}, "state_dir: is empty; the folder of this file is '.'"),
    ],
)
def test_the_state_folder_is_sluice_s_own(write: Write, state_dir: str, source: dict[str, Any], said: str) -> None:
    """Documents in it would be closed to everybody else, or Sluice's own files be documents; below a source it may lie."""
    given = {"name": "s", "type": "files", **source}
    assert said in refused(write(state_dir=state_dir, sources=[given])).message
    assert load(write(state_dir="docs/.sluice"), {}).state_dir.name == ".sluice"


def test_five_problems_are_named_and_the_rest_counted(write: Write) -> None:
    """A message that a person reads, whatever the file."""
    error = refused(write(**{f"wrong{i}": 1 for i in range(8)}))
    assert error.message.count("unknown key") == 5
    assert error.message.endswith("(and 3 more)")


def test_a_variable_that_is_not_set_is_named_with_its_key(write: Write) -> None:
    """The file, the key, the variable, and the command that sets it."""
    error = refused(write(stores={"qdrant": {"api_key": "${QDRANT_KEY}"}}), {"OTHER": "x"})
    assert "stores.qdrant.api_key: the environment variable 'QDRANT_KEY' is not set" in error.message
    assert "export QDRANT_KEY=" in error.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("index: [", "line 1, column 9"),
        ("index: a\nindex: b\n", "line 2, column 1: the key 'index' is given twice"),
        ("index: a\nstores:\n  qdrant: {url: a, url: b}\n", "line 3, column 20: the key 'url' is given twice"),
        ("index: 2026-13-45\n", "month must be in 1..12"),
        ("index: *nothing\n", "undefined alias"),
        ("index: &a [*a]\n", "an anchor (&name) holds itself"),
        ("index: &a {b: *a}\n", "an anchor (&name) holds itself"),
        ("index: !!python/object:os.system x\n", "could not determine a constructor"),
        ("- a\n- b\n", "this is a list"),
        ("", "this is empty"),
        ("index: a\x00b", "special characters are not allowed"),
    ],
)
def test_a_file_that_is_no_configuration_is_said_to_be_none(write: Write, text: str, said: str) -> None:
    """Where it breaks, in one line."""
    message = refused(write(text)).message
    assert said in message
    assert "\n" not in message


def test_a_message_never_shows_a_secret(write: Write) -> None:
    """Neither the faulty line nor a value is repeated: it may be a password."""
    for text in ('stores: {qdrant: {api_key: "hunter2}}\n', "stores: {qdrant: {api_key: [hunter2]}}\n", "gates: hunter2\n"):
        error = refused(write(text + "index: ix\n" * 2 if "gates" not in text else text))
        assert "hunter2" not in error.message + error.hint
    error = refused(write(stores={"mongodb": {"uri": "${URI}", "database": 5}}), {"URI": "mongodb://ada:hunter2@db"})
    assert "hunter2" not in error.message + error.hint


def test_yaml_s_own_shorthands_work(write: Write) -> None:
    """Anchors and merge keys are YAML; a key beside a merge overrides it and is not given twice."""
    file = write("index: ix\ngates: []\nsources:\n  - &docs {name: a, type: files, root: x}\n  - {<<: *docs, name: b}\n")
    assert [source.name for source in load(file, {}).sources] == ["a", "b"]


def test_a_file_that_cannot_be_read_is_a_configuration_error(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8: exit code 2, and what to do."""
    assert "no such configuration file" in refused(tmp_path / "none.yaml").message
    (tmp_path / "none.yml").touch()
    assert "but none.yml is there" in refused(tmp_path / "none.yaml").message
    assert "cannot be read" in refused(tmp_path).message
    (tmp_path / "latin.yaml").write_bytes("index: é".encode("latin-1"))
    assert "cannot be read" in refused(tmp_path / "latin.yaml").message


def test_an_unknown_source_is_answered_with_the_known_ones(write: Write) -> None:
    """`--source` with a typo."""
    settings: Settings = load(write(), {})
    with pytest.raises(ConfigurationError, match="no source is named 't'") as error:
        settings.source("t")
    assert "s" in error.value.hint


def test_a_folder_of_a_user_that_there_is_not_is_said_to_be_none(write: Write) -> None:
    """`~nobody-here/docs` is no path."""
    assert "state_dir: '~nobody-here/x': there is no user of that name" in refused(write(state_dir="~nobody-here/x")).message


def test_sections_made_in_code_take_their_options_directly() -> None:
    """An experiment's variant is not a file."""
    assert ChunkingSettings(strategy="own", options={"depth": 3}).options == {"depth": 3}


def test_a_list_is_not_too_short_beside_what_is_wrong_in_it(write: Write) -> None:
    """One mistake is one message."""
    message = refused(write(sources=[{"name": "s", "type": "files", "ttl": "soon"}])).message
    assert message.endswith("sources.s.ttl: write a number of days, 30d, 2w, 12h, or P30D")


def test_what_is_no_list_or_an_empty_one_is_told_in_words(tmp_path: Path) -> None:
    """Nobody needs to know what a tuple is."""
    file = tmp_path / "sluice.yaml"
    for sources, said in (("docs", "sources: must be a list"), ([], "sources: must hold at least 1, and holds 0")):
        file.write_text(json.dumps({"index": "i", "sources": sources, "gates": []}), encoding="utf-8")
        with pytest.raises(ConfigurationError) as raised:
            load(file)
        assert said in raised.value.message
        assert "uple" not in raised.value.message
