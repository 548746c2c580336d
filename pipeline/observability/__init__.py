"""A run as others watch it: logs, traces, metrics, events. None of it ever fails a run."""
