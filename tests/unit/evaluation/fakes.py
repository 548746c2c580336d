"""The release in memory that is installed for everybody's gates."""

from __future__ import annotations

from evaluation.testing.release import PUBLIC, Doc, Release, context, vector, write_lines

__all__ = ["PUBLIC", "Doc", "Release", "context", "vector", "write_lines"]
