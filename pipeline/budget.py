"""What a run may embed: `budget` in tokens or money, asked before each batch, in whatever process embeds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sluice.display import counted
from sluice.errors import BudgetSpent
from sluice.settings import Settings

if TYPE_CHECKING:
    from pipeline.resources import Resources


def price(settings: Settings) -> float:
    """Of a million tokens, in the currency of the configuration; 0 for a model that runs here."""
    return settings.embedding.endpoint.price_per_million_tokens if settings.embedding.endpoint is not None else 0.0


def money(settings: Settings, tokens: int) -> float:
    return round(tokens * price(settings) / 1_000_000, 6)


def tokens_allowed(settings: Settings) -> int | None:
    """How many tokens one run may embed; None: as many as it needs."""
    budget, limits = settings.budget, []
    if budget.tokens is not None:
        limits.append(budget.tokens)
    if budget.cost is not None:
        limits.append(int(budget.cost / price(settings) * 1_000_000))
    return min(limits, default=None)


def meter(r: Resources) -> Callable[[int, int], None] | None:
    """Asked before each batch, with its tokens and texts; raises BudgetSpent when the run may not. None without a budget.

    The count is kept in MongoDB, for the run's processes on whatever machines; it is raised before the batch is embedded.
    """
    limit = tokens_allowed(r.settings)
    if limit is None:
        return None

    def ask(tokens: int, texts: int) -> None:
        if r.spending is None:
            return  # no run: a search, an estimate
        spent = r.stores.meters.spend(r.spending, tokens, limit, texts)
        if spent is not None:
            key = "budget.cost" if r.settings.budget.tokens is None else "budget.tokens"
            more = f"raise {key} in {r.settings.path}"
            if tokens > limit:  # one text: of several, fewer were asked for before
                raise BudgetSpent(
                    f"the budget of one run is {_said(r.settings, limit)}, and a text has {counted(tokens, 'token')}: no run may "
                    "embed it",
                    hint=more,
                )
            raise BudgetSpent(
                f"the budget of one run is {_said(r.settings, limit)}: {counted(spent, 'token is', 'tokens are')} spent, "
                f"and the next text has {tokens}; what is embedded is kept, and the next run goes on from there",
                hint=f"run again, or {more}",
            )

    return ask


def _said(settings: Settings, limit: int) -> str:
    cost = f" ({money(settings, limit):g} at {price(settings):g} a million)" if price(settings) else ""
    return f"{counted(limit, 'token')}{cost}"
