"""Sources: one file each, named in one literal table."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel

from ingest.protocols import Source
from ingest.sources.checked import Checked
from sluice import plugins
from sluice.errors import ConfigurationError, SluiceError, together
from sluice.settings import Settings, SourceSettings, options

SOURCES: dict[str, str] = {
    "changes": "ingest.sources.changes:ChangesSource",
    "feed": "ingest.sources.feed:FeedSource",
    "files": "ingest.sources.files:FilesSource",
    "git": "ingest.sources.git:GitSource",
    "mail": "ingest.sources.mail:MailSource",
    "objects": "ingest.sources.objects:ObjectsSource",
    "records": "ingest.sources.records:RecordsSource",
    "rest": "ingest.sources.rest:RestSource",
    "sql": "ingest.sources.sql:SqlSource",
    "web": "ingest.sources.web:WebSource",
}
"""The value of a source's `type`, and its class. A class of one's own is named `module:Class` in the configuration.

A source's class has `Options`, the pydantic model of its own keys, and is constructed with (name, options). Where that
model has a field `cache`, it is a folder that the source may keep what it likes in, `sources/<name>` in the index's
`state_dir` unless the configuration names another. Where it has a field `limits`, it is the `limits` of the source's section:
what reading one page, feed or message may cost. A source that is described within another (`of`) is handed the same.
"""


def kind_of(name: str) -> Any:
    """The class that a `type` names, with its `Options` model; raises ConfigurationError."""
    kind = plugins.resolve(name, SOURCES, kind="source type")
    model = getattr(kind, "Options", None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        raise ConfigurationError(f"'{name}' has no 'Options' model", hint="see ingest/sources/files.py for the shape")
    return kind


def build_all(whole: Settings) -> dict[str, Source]:
    """Every source that the configuration names, by name; raises one ConfigurationError for all that is wrong with them."""
    made, wrong = dict[str, Source](), list[SluiceError]()
    for section in whole.sources:
        try:
            made[section.name] = build(section, whole)
        except SluiceError as error:
            wrong.append(error)
    if wrong:
        raise together(*wrong)
    return made


def _handed(model: type[BaseModel], given: Mapping[str, Any], settings: SourceSettings, whole: Settings) -> dict[str, Any]:
    """A source's own keys with what it is handed of the configuration around it; so also those of a source within it (`of`)."""
    handed = dict(given)
    if "cache" in model.model_fields:
        handed.setdefault("cache", str(whole.state_dir / "sources" / settings.name))
    if "own" in model.model_fields:
        handed["own"] = [str(whole.state_dir), str(whole.path), *handed.get("own", ())]
    if "limits" in model.model_fields:
        handed.setdefault("limits", settings.limits)
    inner = handed.get("of")
    if "of" in model.model_fields and isinstance(inner, Mapping) and isinstance(inner.get("type"), str):
        with suppress(ConfigurationError):  # who checks the options says what is wrong with the type
            within = {key: value for key, value in inner.items() if key != "type"}
            handed["of"] = {"type": inner["type"], **_handed(kind_of(inner["type"]).Options, within, settings, whole)}
    return handed


def build(settings: SourceSettings, whole: Settings) -> Source:
    """The source that a section of the configuration names, its options checked, behind the boundary that keeps one bad
    item to one entry (`ingest.sources.checked`); raises ConfigurationError."""
    where = f"sources.{settings.name}"
    try:
        kind = kind_of(settings.type)
    except ConfigurationError as error:
        raise ConfigurationError(f"{whole.path}: {where}.type: {error.message}", hint=error.hint) from error.__cause__
    model: type[BaseModel] = kind.Options
    settings = settings.model_copy(update={"options": _handed(model, settings.options, settings, whole)})
    checked = options(model, settings, where=where, settings=whole)
    try:
        return Checked(kind(settings.name, checked))
    except SluiceError:
        raise
    except Exception as error:  # a class of the user's own may raise anything
        raise ConfigurationError(
            f"{whole.path}: {where}: {settings.type} cannot be made: {type(error).__name__}: {error}",
            hint="its constructor takes (name, options) and opens nothing; see docs/sources.md",
        ) from error
