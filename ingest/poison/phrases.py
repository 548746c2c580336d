"""How text speaks to a model instead of its reader: the phrasings, as data. A blank stands for any white space.

Each needs two things at once that ordinary prose rarely puts together (an order and what it overrides, a name of the
model and an order), for a handbook that explains prompt injection must not be taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_MODEL = (
    r"(?:ai|llms?|large language models?|language models?|chat ?gpt|gpt|claude|gemini|copilot|chatbots?"
    r"|ai (?:assistants?|models?|agents?|systems?|bots?)|virtual assistant)"
)
_ORDERS = r"(?:instructions?|prompts?|directives?|guidelines|rules|commands?|programming|training|system messages?|context)"
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|system|current|safety|your"
    r"|you were given|you have been given|you received)"
)
_ANY = r"(?:[\w']+ ){0,3}?"
_DO = (
    r"(?:you (?:must|should|shall|will|are)|please|always|never|do not|don't|ignore|respond|answer|say|reply|recommend|rank"
    r"|rate|include|output|tell|state|write|summari[sz]e|score|approve)"
)
_HELD = (
    r"(?:conversations?|chat(?: history| log)?s?|message history|system prompt|prompt|context window"
    r"|user'?s? (?:data|input|messages?|question|query|e-?mail|password)"
    r"|api[ _-]?keys?|secrets?|credentials?|passwords?|access tokens?)"
)

_INSTRUCTIONS = (
    # forget what you were told
    r"\b(?:ignore|disregard|forget|override|bypass|discard|do not follow|don't follow|stop following|pay no attention to) "
    rf"{_ANY}{_EARLIER} {_ANY}{_ORDERS}\b",
    rf"\b(?:ignore|disregard|forget|discard) (?:all |any |every(?:thing)? )?(?:the |of the )?{_ORDERS} (?:that )?"
    r"(?:above|before|you (?:were|have been) given|given (?:to you|above|before))\b",
    r"\b(?:ignore|disregard|forget) (?:everything|anything|all) (?:that )?"
    r"(?:above|before this|you (?:were|have been|'ve been) told|you know|you have learned|said (?:above|before|so far))\b",
    r"\bignoriere[nt]? (?:\w+ ){0,3}(?:anweisung|instruktion|vorgabe|regel)\w*\b",
    r"\b(?:ignore[zr]?|oublie[zr]?) (?:\w+ ){0,3}(?:instructions|consignes|directives) (?:précédentes|antérieures|ci-dessus)",
    r"\b(?:ignora|ignore|olvida) (?:\w+ ){0,3}instrucciones\b",
    r"(?:忽略|无视|忘记)[^。]{0,12}(?:指令|指示|提示|说明)",
    # be somebody else
    r"\b(?:you are|you're|you will act as|act as|pretend (?:to be|you are|you're)|behave as|respond as) (?:now )?"
    r"(?:an? |the |in )?(?:\w+ ){0,2}?(?:dan\b|jailbr\w+|unrestricted|unfiltered|uncensored|evil|developer mode|god mode"
    rf"|admin mode|no longer bound|{_MODEL} (?:without|with no|that (?:can|has no|ignores)))",
    r"\b(?:you are|you're) no longer (?:bound|restricted|limited|an? \w+ assistant)\b",
    r"\b(?:enter|enable|activate|switch to) (?:developer|jailbreak|god|dan|debug|unrestricted) mode\b"
    r".{0,60}\b(?:you|respond|answer|ignore|restrictions?)\b",
    # new orders
    r"\b(?:new|updated|revised|real|actual|secret|hidden) (?:system )?(?:instructions?|prompt|directives?)"
    r" ?(?:for (?:the )?\w+ ?)?:",
    r"\b(?:new|updated|revised|real|actual) (?:system prompt|system instructions?)\b",
    # spoken to by name
    r"\b(?:attention|dear|hey|note (?:to|for)|notice (?:to|for)|messages? (?:to|for)|instructions? (?:to|for)),? ?"
    rf"(?:all |any |the |an? )?{_MODEL}\b[^.\n]{{0,60}}?[:,;.!-] ?(?:\w+ ){{0,6}}?{_DO}\b",
    rf"\bif you(?:'re| are) (?:reading this (?:and you are )?)?(?:as )?(?:an? |the )?{_MODEL}\b",
    r"\bas an? (?:ai|large|language) (?:language )?(?:model|assistant)[^.\n]{0,40}"
    r"\byou (?:must|should|are required|need to|have to)\b",
    # keep it from the user, or steer what the user is told
    r"\b(?:do not|don't|never|without) (?:tell|telling|inform|informing|mention|mentioning|reveal|revealing|alert|alerting"
    r"|disclos\w+|notify|notifying|warn|warning)\b[^.\n]{0,40}?\b(?:to )?the (?:user|human|reader)\b",
    r"\b(?:when|if|whenever) (?:the user|a user|users?|anyone|someone|you are|you're|the human) "
    r"(?:asks?|asked|is asking|quer\w+|summari[sz]\w+)\b[^.\n]{0,120}?\b(?:you must|always|only) "
    r"(?:answer|say|respond|reply|recommend|state|tell|claim|output|cite)\b",
    r"\b(?:in your (?:answer|response|reply|summary|output)),? ?(?:you must|always|only|do not|never|be sure to|please) \w+",
    # give the prompt away
    r"\b(?:reveal|print|show|repeat|output|disclose|leak|display|reproduce|tell me|write out) (?:\w+ ){0,3}?"
    r"(?:your (?:\w+ ){0,2}?(?:instructions|prompt|rules|guidelines)"
    r"|(?:the )?(?:system|hidden|initial|developer) (?:prompt|message|instructions))\b",
)

_ROLES = (
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id|end_of_turn)\|>",
    r"<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\bBEGIN SYSTEM PROMPT\b|\[(?:system|assistant)\]\(#",
    r"^\s*#{2,3}\s*(?:System|Instruction|Assistant)\s*:",
    r"</?system(?:[_-]?prompt)?>|\[system (?:message|prompt|note|override)\]",
    r"^\s*(?:SYSTEM|ASSISTANT)\s*:\s*(?:you (?:are|must|will)|ignore|from now on|the (?:user|assistant)|override)",
)

_EXFILTRATION = (
    r"\b(?:send|post|forward|append|leak|upload|transmit|exfiltrate|include|embed|encode|submit)\b[^.\n]{0,60}?"
    rf"\b(?:the|this|your|all|any|their|its) (?:\w+ ){{0,4}}?{_HELD}\b[^\n]{{0,60}}?"
    r"(?:https?://|\bto (?:the )?(?:following )?(?:url|address|server|webhook|endpoint)\b|[\w.]+@[\w.]+)",
    r"https?://[^\s)\"'<>]*[?&=](?:\{\{?|\[|<|%7B|\$\{?)\s*(?:conversation|chat|history|prompt|context|secret|data|user"
    r"|summary|answer|response|base64|message|query|api)[^\s)\"']{0,40}",
)


@dataclass(frozen=True, slots=True)
class Phrases:
    """Patterns, each tried only on text in which one of its words occurs: most pages have none of most words."""

    patterns: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Matches, in order of pattern."""
        small = text.lower()
        for words, pattern in self.patterns:
            if not words or any(word in small for word in words):
                yield from pattern.finditer(text)


def _compiled(phrases: Iterable[str]) -> Phrases:
    def one(phrase: str) -> tuple[tuple[str, ...], re.Pattern[str]]:
        words = next((words for start, words in _WORDS.items() if phrase.startswith(start)), ())
        return words, re.compile(phrase.replace(" ?", r"\s*").replace(" ", r"\s+"), re.I | re.M)

    return Phrases(tuple(map(one, phrases)))


_FORGET = ("ignor", "disregard", "forget", "discard")
_WORDS = {  # the start of a pattern → words without which it cannot match
    r"\b(?:ignore|disregard|forget|override": (*_FORGET, "overrid", "bypass", "follow", "attention"),
    r"\b(?:ignore|disregard": _FORGET,
    r"\bignoriere": ("ignoriere",),
    r"\b(?:ignore[zr]": ("ignore", "oublie"),
    r"\b(?:ignora|": ("instrucciones",),
    r"\b(?:you are|you're|you will act": ("you are", "you're", "act as", "pretend", "behave as", "respond as", "\n"),
    r"\b(?:you are|you're) no": ("longer",),
    r"\b(?:enter|enable": ("mode",),
    r"\b(?:new|updated|revised|real|actual|": ("instruction", "prompt", "directive"),
    r"\b(?:new|updated|revised|real|actual)": ("system",),
    r"\b(?:attention|dear": ("ai", "llm", "language", "gpt", "claude", "gemini", "copilot", "chatbot", "virtual"),
    r"\bif you": ("if",),
    r"\bas an? (?:ai": ("model", "assistant"),
    r"\b(?:do not|don't|never|without) (?:tell": ("the",),
    r"\b(?:in your": ("answer", "response", "reply", "summary", "output"),
    r"\b(?:reveal|print": ("your", "prompt", "message", "instructions"),
    r"\b(?:send|post": ("http", "@", "url", "address", "server", "webhook", "endpoint"),
    r"https?://": ("http",),
}

INSTRUCTIONS = _compiled(_INSTRUCTIONS)
ROLES = _compiled(_ROLES)
EXFILTRATION = _compiled(_EXFILTRATION)
