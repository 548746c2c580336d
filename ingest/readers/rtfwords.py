"""RTF's words by what they mean: code pages, characters, destinations that are read or passed over."""

from __future__ import annotations

CHARSETS = {
    0: "cp1252", 77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gbk", 136: "cp950", 161: "cp1253",
    162: "cp1254", 163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437", 255: "cp850",
}  # fmt: skip
SYMBOL_CHARSET = 2
WORDS = {
    "tab": "\t", "line": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’", "ldblquote": "“",
    "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ", "zwj": "\u200d", "zwnj": "\u200c",
}  # fmt: skip
SIGNS = {"~": " ", "_": "-", "-": "", "{": "{", "}": "}", "\\": "\\", "\n": "\r", "\r": "\r", "\t": "\t"}
SKIPPED = frozenset({
    "colortbl", "filetbl", "fldinst", "nonshppict", "xe", "tc", "tcn", "rxe", "txe", "objdata", "objclass", "objname",
    "objalias", "private", "template", "pgptbl", "nextfile", "pnseclvl", "pntxta", "pntxtb", "mchr", "mbegChr",
    "mendChr", "msepChr", "mtype", "atnid", "atnauthor", "atntime", "atndate", "atnref", "atnicn", "atnparent", "sp",
    "mctrlPr", "mmathPict", "revtbl",
})  # fmt: skip
INFO = frozenset({"title", "author", "subject", "keywords", "category", "comment", "doccomm"})
READ_WITH_STAR = frozenset({
    "docvar",
    "footnote", "shptxt", "shpinst", "ud", "do", "moMath", "moMathPara", "shpgrp", "dptxbxtext", "pntext", "listtext",
    "result",
})  # fmt: skip
