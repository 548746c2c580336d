"""The experiment flow: variants as mapped tasks, each recorded when it is done, a summary as an artifact.

A variant at a time: a model uses every core, and seconds measured side by side would be nobody's.
"""

from __future__ import annotations

from typing import Any

from prefect import flow, task, unmapped
from prefect.artifacts import create_markdown_artifact
from prefect.task_runners import ThreadPoolTaskRunner

from flows import deployed
from pipeline import comparing
from pipeline.variants import laboratory


@task(name="run variant", retries=2, retry_delay_seconds=[1, 5], retry_condition_fn=deployed.may_succeed_later)
def run_variant(experiment: str, name: str) -> str:
    """Cut, embed, search and score one variant; its result is recorded, and its fingerprint given."""
    with laboratory(experiment) as lab:
        return lab.run(name).fingerprint


def _one_at_a_time() -> Any:  # TaskRunner is invariant in its future: the pool is not one of PrefectFuture[Any]
    return ThreadPoolTaskRunner(max_workers=1)


@flow(name="compare", task_runner=_one_at_a_time(), validate_parameters=False)
def compare(experiment: str) -> dict[str, Any]:
    """Run what no earlier run answers, then decide; a variant that fails leaves the others' results recorded."""
    with laboratory(experiment) as lab:
        if not comparing.ingested(lab):
            deployed.ingest(str(lab.experiment.base))
            lab.look_again()
            lab.check_labels()
        futures = run_variant.map(unmapped(experiment), [variant.name for variant in lab.pending()])
        for future in futures:
            future.wait()
        futures.result()
        result = comparing.conclude(lab)
        create_markdown_artifact(
            key=f"experiment-{lab.experiment.name}".lower().replace("_", "-").replace(".", "-"),
            markdown=comparing.markdown(result),
            description=" ".join(result["conclusion"]),
        )
        return result
