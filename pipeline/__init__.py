"""What Sluice does, without Prefect and without a terminal.

An operation is a function in a module of its own: it takes `Resources` (what is opened), a `Run` (id, actor, lease,
executor, account; see `runs.holding`) and its arguments, goes through `runs.recorded` when it changes something, and
returns a frozen record of `outcomes`. What is here is what every operation stands on; the rooms are

    operations/     what changes an index: run, its parts, backfill, promote and rollback, access sync, gc, export and import
    steps/          what these are made of, in the order in which data flows
    evidence/       what the gates are handed
    reading/        what is asked of an index and changes nothing: search, why, trace, status, history, evaluate
    golden/         golden sets that grow
    experiments/    compare
    erasure/        forget
    observability/  logs, traces, metrics and events of what is done

Who does the heavy part is an `executors.Executor`.
"""
