"""For tests of a gate of one's own: a release in memory, and the suite that every gate passes. Nothing of Sluice imports it."""

from evaluation.testing.release import Doc, Release, context, write_lines
from evaluation.testing.suite import DOCS, GateSuite, plain

__all__ = ["DOCS", "Doc", "GateSuite", "Release", "context", "plain", "write_lines"]
