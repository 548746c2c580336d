"""What may be set of the retrieval gate: floors, limits of drops, and what it looks back at."""

from __future__ import annotations

from pydantic import Field, model_validator

from sluice.settings import ConfigPath, Section, Share

MEND = "mend the labels in {}: sluice golden check says which and why, golden repair proposes others"
BEGIN = "add questions to {}, in this release: sluice golden add --log FILE (one a line), or golden import"
"""What is done about a golden set that is no evidence, and about one that asks nothing yet."""


class SliceFloors(Section):
    """The least that a slice's measures may be."""

    min_recall: Share | None = None
    min_success: Share | None = None
    min_ndcg: Share | None = None

    def by_measure(self, k: int) -> dict[str, float]:
        """The floors that are stated, by the measure's name."""
        named = {f"Recall@{k}": self.min_recall, f"Success@{k}": self.min_success, "nDCG@10": self.min_ndcg}
        return {name: floor for name, floor in named.items() if floor is not None}


class RetrievalOptions(SliceFloors):
    """Floors and limits are shares between 0 and 1; at least one floor is required, for the release that has no other.

    `slices` names floors of single slices; `min_slice_recall` is one for every slice of at least `slice_queries`.
    `max_drop` is of Recall@k; the other limits are asked only where stated. All hold against the live release and against
    an anchor: the best that was live within `anchor_days` (0: none), or the release that `anchor` names. Without
    `min_queries`, at least half as many must be scored as when any of these was judged. With `synthetic` the gate is about
    drafted questions, which count in no other.
    """

    golden: ConfigPath
    k: int = Field(default=5, ge=1)
    slices: dict[str, SliceFloors] = Field(default_factory=dict)
    min_slice_recall: Share | None = None
    slice_queries: int = Field(default=20, ge=2)
    max_drop: Share = 0.03
    max_drop_success: Share | None = None
    max_drop_ndcg: Share | None = None
    max_drop_token_recall: Share | None = None
    max_drop_token_precision: Share | None = None
    max_drop_token_iou: Share | None = None
    max_stale: Share = 0.05
    min_queries: int | None = Field(default=None, ge=1)
    anchor_days: int = Field(default=90, ge=0)
    anchor: str | None = None
    synthetic: bool = False

    @model_validator(mode="after")
    def _has_a_floor(self) -> RetrievalOptions:
        if not self.floors:
            raise ValueError("state at least one floor: min_recall, min_success or min_ndcg")
        return self

    @property
    def floors(self) -> dict[str, float]:
        """The least that each measure may be, by the measure's name."""
        return self.by_measure(self.k)

    @property
    def limits(self) -> dict[str, float]:
        """The greatest drop against live, by the measure's name; Recall@k first."""
        k = self.k
        named = {
            f"Recall@{k}": self.max_drop,
            f"Success@{k}": self.max_drop_success,
            "nDCG@10": self.max_drop_ndcg,
            f"TokenRecall@{k}": self.max_drop_token_recall,
            f"TokenPrecision@{k}": self.max_drop_token_precision,
            f"TokenIoU@{k}": self.max_drop_token_iou,
        }
        return {name: limit for name, limit in named.items() if limit is not None}
