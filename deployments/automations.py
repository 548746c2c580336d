"""Automations as code: who is told of what a person must look at. Run again, it replaces what it made.

    python deployments/automations.py --webhook https://chat.example.org/hooks/… [--quiet-hours 26]

On the Prefect server of PREFECT_API_URL. The webhook gets JSON with what happened, in words, and the link to the flow run, on
which the evidence lies as an artifact.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import timedelta
from typing import Any

from prefect.automations import EventTrigger, Posture
from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import get_client
from prefect.events.actions import CallWebhook
from prefect.events.schemas.automations import AutomationCore
from prefect.events.schemas.events import ResourceSpecification
from pydantic import SecretStr

BLOCK = "sluice-alerts"

FAILURES = {
    "a release was rejected": ["prefect.flow-run.Rejected"],
    "a source failed": ["prefect.flow-run.Source failed", "prefect.flow-run.Refused"],
    "a run failed": ["prefect.flow-run.Failed", "prefect.flow-run.Crashed"],
    "a budget or a window ended a run": ["prefect.flow-run.Stopped"],
    "golden labels are stale": ["prefect.flow-run.Stale"],
}
"""What is told, and the events (a flow run's state by its name) that say so."""

PAYLOAD = """{
  "what": "%s",
  "flow": "{{ flow.name }}",
  "run": "{{ flow_run.name }}",
  "state": "{{ flow_run.state.name }}",
  "message": {{ flow_run.state.message | default("", true) | tojson }},
  "link": "{{ flow_run | ui_url }}"
}"""

SILENCE = """{"what": "no nightly run has completed for %s hours: what is searched grows stale",
  "link": "{{ automation | ui_url }}"}"""


def automations(webhook: Any, quiet_hours: float) -> list[AutomationCore]:
    """Those of all deployments with the tag `sluice`."""
    tag = {"prefect.resource.role": "tag", "prefect.resource.id": "prefect.tag.sluice"}
    runs, of_sluice = ResourceSpecification({"prefect.resource.id": "prefect.flow-run.*"}), ResourceSpecification(tag)
    found = [
        AutomationCore(
            name=f"sluice: {what}",
            trigger=EventTrigger(
                posture=Posture.Reactive,
                match=runs,
                match_related=of_sluice,
                expect=set(events),
                threshold=1,
                within=timedelta(0),
            ),
            actions=[CallWebhook(block_document_id=webhook, payload=PAYLOAD % what)],
        )
        for what, events in FAILURES.items()
    ]
    silence = EventTrigger(
        posture=Posture.Proactive,
        match=runs,
        match_related=ResourceSpecification({"prefect.resource.role": "deployment", "prefect.resource.name": "nightly-reindex*"}),
        expect={"prefect.flow-run.Completed"},
        threshold=1,
        within=timedelta(hours=quiet_hours),
    )
    stale = CallWebhook(block_document_id=webhook, payload=SILENCE % f"{quiet_hours:g}")
    return [*found, AutomationCore(name="sluice: a source is stale", trigger=silence, actions=[stale])]


async def make(url: str, quiet_hours: float) -> list[str]:
    """Make them, in the place of those of the same names; gives the names."""
    block = await Webhook(method="POST", url=SecretStr(url)).save(BLOCK, overwrite=True)  # type: ignore[misc]
    made = automations(block, quiet_hours)
    async with get_client() as client:
        for automation in made:
            for old in await client.read_automations_by_name(automation.name):
                await client.delete_automation(old.id)
            await client.create_automation(automation)
    return [automation.name for automation in made]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--webhook", required=True, help="where JSON is posted to")
    parser.add_argument("--quiet-hours", type=float, default=26, help="a nightly run that completed so long ago is told (26)")
    given = parser.parse_args()
    for name in asyncio.run(make(given.webhook, given.quiet_hours)):
        print(name)  # noqa: T201


if __name__ == "__main__":
    main()
