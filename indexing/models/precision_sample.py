"""The texts on which `precision: auto` is decided: what companies write, 20 to 200 tokens, in the open.

Fixed, so that two machines measure the same thing. The long ones are made of neighbours: texts that share sentences are
close to each other, and an order of neighbours that survives rounding among them survives it elsewhere.
"""

from __future__ import annotations

_PARTS = (
    "Annual leave is twenty-eight days in each calendar year. Up to five days may be carried over to the end of March; "
    "anything beyond that lapses unless your manager agreed to it in writing.",
    "If you are ill for more than three days, send a doctor's note to the people team. The first three days need a message "
    "to your manager before ten in the morning, and nothing else.",
    "Parental leave can be taken by either parent, in one block or in three. Tell us eight weeks before the first day, so "
    "that we can plan the handover with your team.",
    "Expenses are paid with the next salary when the receipt is in the system by the fifteenth. Trains are second class; "
    "flights under four hours are economy.",
    "New colleagues get a laptop, a badge and a buddy on their first day. In the first week nobody expects a commit; in the "
    "second you ship something small.",
    "Performance reviews happen in May and November. You write half a page about yourself, two peers do the same, and the "
    "conversation takes an hour.",
    "We interview in three steps: a call with the recruiter, a practical exercise of two hours, and a day with the team. "
    "Candidates hear from us within five working days after each.",
    "The office in Lisbon closes at eight. After that the alarm is armed, and the guard at the desk has the only key to the "
    "second floor.",
    "Access to production is granted for four hours at a time, with a ticket number and a reason. Every command is recorded, "
    "and the record is read on Mondays.",
    "Rotate signing keys every ninety days. The old key stays valid for seven more days, so that clients with a stale cache "
    "are not locked out.",
    "A phishing message usually asks for something urgent: a gift card, a changed bank account, a password that is about to "
    "expire. Forward it to the security desk and delete it.",
    "Backups run at two in the night and are kept for thirty-five days. Once a quarter we restore one of them to an empty "
    "cluster, and time how long it takes until the checks are green.",
    "Severity one means that customers cannot work. The engineer on call acknowledges within five minutes, opens a channel, "
    "and names an incident commander who is not the one typing.",
    "After an incident we write down what happened, minute by minute, without names. The review looks for the conditions "
    "that made the mistake easy, not for the person who made it.",
    "The service returned HTTP 503 for eleven minutes because the connection pool was exhausted: each retry held a "
    "connection while it slept. Retries now give their connection back first.",
    "def retry(call, attempts=3, wait_s=0.5):\n    for n in range(attempts):\n        try:\n            return call()\n"
    "        except TimeoutError:\n            time.sleep(wait_s * 2 ** n)\n    raise GiveUp(attempts)",
    "SELECT customer_id, SUM(amount) AS total FROM invoices WHERE paid_at IS NULL AND due_at < CURRENT_DATE GROUP BY "
    "customer_id HAVING SUM(amount) > 10000 ORDER BY total DESC;",
    "kubectl rollout undo deployment/search --to-revision=41 && kubectl rollout status deployment/search --timeout=120s "
    "puts the previous version back; the migration is compatible with both.",
    "Feature flags live for at most two releases. A flag that is on for everybody is dead code with a name, and the nightly "
    "build lists those that are older than sixty days.",
    "We merge to the main branch every day. A change is small enough when a colleague can review it between two meetings, "
    "and large changes arrive in steps that each leave the tests green.",
    "The search index is rebuilt at night. Only documents whose bytes changed are parsed again, and a new version replaces "
    "the old one when its measures are at least as good.",
    "Revenue in the third quarter was 14.2 million, up 9% on the year before; gross margin fell by 1.3 points to 71.4% "
    "because hosting grew faster than subscriptions.",
    "Purchase orders above 5,000 need two signatures, above 50,000 the signature of the finance director. Splitting an order "
    "to stay below a limit is a breach of this policy.",
    "Invoices are due thirty days after receipt. A first reminder goes out on day thirty-five, a second on day fifty, and on "
    "day sixty-five the account is put on hold.",
    "Region | Customers | Churn | Net revenue retention\nNorth | 412 | 1.8% | 108%\nSouth | 297 | 2.6% | 101%\nOverseas | 88 | "
    "4.1% | 94%",
    "The auditor samples forty journal entries. For each one we keep the contract, the delivery note and the approval in one "
    "folder, named by the entry's number.",
    "This agreement is governed by the laws of Ireland. Either party may terminate it with ninety days' notice; sections 4, 7 "
    "and 11 survive termination.",
    "Personal data of applicants is erased six months after the decision, unless the applicant agreed to stay in our pool. "
    "The erasure covers mailboxes and backups as they expire.",
    "The licensee shall not sublicense, rent or lend the software, nor remove any notice of copyright, except where mandatory "
    "law permits it regardless of this clause.",
    "To return an item, print the label from your account and bring the parcel to any drop-off point within thirty days. We "
    "refund the price and the cheapest way of shipping.",
    "Hi team, the export has been stuck at 99% since this morning. I tried Firefox and Chrome, cleared the cache, and my "
    "colleague sees the same thing. We need the file for a board meeting at four.",
    "Thank you for waiting! The export works again. A report with more than a million rows ran into a limit that we had set "
    "too low, and your file is in the downloads folder now.",
    "The battery lasts nine hours with the screen at half brightness. Charging from empty to 80% takes 45 minutes with the "
    "supplied adapter and about two hours from a laptop's port.",
    "Mount the bracket 160 cm above the floor, level it, and drive the four M6 bolts to 12 Nm. Do not use the bracket on "
    "plasterboard without the anchors from kit B.",
    "In the double-blind trial 214 patients received the drug and 209 the placebo; after twelve weeks the difference in the "
    "primary endpoint was 3.1 points (95% CI 1.2 to 5.0, p = 0.002).",
    "Mitochondria are organelles with two membranes. The inner one is folded into cristae, where the proteins of the "
    "respiratory chain build the gradient that drives the synthesis of ATP.",
    "The glacier retreated by forty metres in the hot summer of 2003, and by nineteen on average in each year since. Where it "
    "ended in 1950 there is a lake now.",
    "She closed the door, counted to ten, and opened it again. The corridor was empty but for the smell of oranges and a "
    "single wet footprint that pointed the wrong way.",
    "Stir the yeast into lukewarm milk with a spoon of sugar. When it foams, add flour, butter and salt, knead for ten "
    "minutes, and leave the dough to rise until it has doubled.",
    "The home side equalised in stoppage time after a corner that should never have been given; the visitors' coach was still "
    "arguing with the fourth official when the teams had left the pitch.",
    "Reisekosten werden mit dem nächsten Gehalt erstattet, wenn der Beleg bis zum Fünfzehnten eingereicht ist. Über 5.000 € "
    "brauchen Bestellungen zwei Unterschriften.",
    "Les congés non pris sont perdus au 31 mars, sauf accord écrit du responsable. Les demandes se font dans l'outil, au moins "
    "deux semaines à l'avance.",
    "La copia de seguridad se ejecuta cada noche a las dos y se conserva treinta y cinco días; cada trimestre se prueba una "
    "restauración completa.",
    "東京オフィスは午後八時に閉まります。入館証をなくした場合は、すぐに総務部へ連絡してください。",
)


def _sample() -> tuple[str, ...]:
    joined = [" ".join(_PARTS[start : start + 5]) for start in range(0, 20, 5)]
    return (*_PARTS, *joined)


SAMPLE = _sample()
