"""What operations are made of, in the order in which data flows; each takes opened Resources and the Run.

looking ─▶ settling (tombstones, expiry, access) ─▶ fetching ─▶ settling ─▶ assessing ─▶ building ─▶ judgement
"""
