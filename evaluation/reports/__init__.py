"""Reports: blocks of evidence as HTML, Markdown and terminal lines; text is escaped in one place for each."""

from evaluation.reports.blocks import plain_cell
from evaluation.reports.markdown import cell
from evaluation.reports.pages import page_html, quoted, report, report_html
from evaluation.reports.release import next_steps, verdict_json

__all__ = ["cell", "next_steps", "page_html", "plain_cell", "quoted", "report", "report_html", "verdict_json"]
