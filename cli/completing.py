"""What the shell offers: ids of releases. `eval "$(_SLUICE_COMPLETE=bash_source sluice)"` switches it on (docs/guide.md)."""

from __future__ import annotations

from pathlib import Path

import click


def release_ids(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """The releases of the configuration that is named on the line, newest first; nothing where it cannot be read."""
    from pipeline.resources import Resources  # only when somebody asks
    from sluice.settings import load

    try:
        with Resources(load(Path(ctx.find_root().params.get("config") or "sluice.yaml"))) as r:
            ids = [release.id for release in reversed(r.releases.all())]
    except Exception:  # whoever presses a key wants no traceback
        return []
    return [id for id in ids if id.startswith(incomplete)]
