"""Sources: one file each, named in one literal table."""

from __future__ import annotations

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
what reading one page, feed or message may cost.
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


def build(settings: SourceSettings, whole: Settings) -> Source:
    """The source that a section of the configuration names, its options checked, behind the boundary that keeps one bad
    item to one entry (`ingest.sources.checked`); raises ConfigurationError."""
    where = f"sources.{settings.name}"
    try:
        kind = kind_of(settings.type)
    except ConfigurationError as error:
        raise ConfigurationError(f"{whole.path}: {where}.type: {error.message}", hint=error.hint) from error.__cause__
    model: type[BaseModel] = kind.Options
    if "cache" in model.model_fields:
        cache = {"cache": str(whole.state_dir / "sources" / settings.name)}
        settings = settings.model_copy(update={"options": cache | settings.options})
    if "own" in model.model_fields:
        own = [str(whole.state_dir), str(whole.path), *settings.options.get("own", ())]
        settings = settings.model_copy(update={"options": {**settings.options, "own": own}})
    if "limits" in model.model_fields:
        settings = settings.model_copy(update={"options": {"limits": settings.limits} | settings.options})
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
