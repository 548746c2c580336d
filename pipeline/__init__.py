"""What Sluice does, without Prefect and without a terminal.

An operation is a function in a module of its own: it takes `Resources` (what is opened), a `Run` (id, actor, lease,
executor, account; see `runs.holding`) and its arguments, goes through `runs.recorded` when it changes something, and
returns a frozen record of `outcomes`. What several operations are made of is in `steps/`; who does the heavy part is an
`executors.Executor`.
"""
