"""What is written by a program and kept in the repository: docs/settings.md and docs/commands.md (`make reference`)."""
