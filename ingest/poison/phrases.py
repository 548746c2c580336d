"""How text speaks to a model instead of its reader: the phrasings, as data. A blank stands for any white space.

Each needs two things at once that ordinary prose rarely puts together (an order and what it overrides, a name of the
model and an order), for a handbook that explains prompt injection must not be taken for one. Beside each pattern stand
the words without one of which it cannot match: most pages have none of most words.

Over 300 lines: a table.
"""

from __future__ import annotations

from ingest.poison.languages import OVERRIDES
from ingest.poison.matching import compiled

_MODEL = (
    r"(?:ai|llms?|large language models?|language models?|chat ?gpt|gpt(?:-?\d\w*)?|claude|gemini|copilot|llama|mistral"
    r"|chatbots?"
    r"|(?:ai|automated|virtual|digital) (?:assistants?|models?|agents?|systems?|bots?|readers?|reviewers?|summari[sz]ers?))"
)
_MACHINE = rf"(?:{_MODEL}|(?:assistant|model|agent|bot|summari[sz]er|crawler|parser|system)s?)"
_MODEL_WORDS = ("ai", "llm", "language model", "gpt", "claude", "gemini", "copilot", "llama", "mistral", "chatbot", "virtual",
                "automated", "digital")  # fmt: skip
_ORDERS = (
    r"(?:instructions?|prompts?|directives?|directions?|guidelines?|guardrails?|rules|commands?|orders|programming"
    r"|safeguards?|safety (?:measures|protocols?|filters?|polic(?:y|ies))|system messages?)"
)
_YOURS = rf"(?:{_ORDERS}|training|constraints?|restrictions?|polic(?:y|ies)|configuration|persona|context)"
_EARLIER = (
    r"(?:previous|prior|above|earlier|preceding|foregoing|existing|original|initial|former|past|system|current|safety"
    r"|built-in|default"
    r"|your|you were given|you have been given|you received)"
)
_RECEIVED = r"(?:you (?:were|have been|got|received|had|have|'ve)(?: been)?(?: given| told| received| taught)?|given to you)"
_ANY = r"(?:[\w'’]+ ){0,3}?"
_FORGET = (
    r"(?:ignore|disregard|forget|override|overrule|bypass|circumvent|discard|dismiss|neglect|abandon|drop|erase|wipe|void"
    r"|nullify|cancel"
    r"|set aside|put aside|leave aside|throw (?:away|out)|let go of|do away with|do not (?:follow|obey|adhere to|comply with)"
    r"|don'?t (?:follow|obey|adhere to|comply with)|stop (?:following|obeying|adhering to)|no longer (?:follow|obey)"
    r"|pay no (?:attention|heed|mind) to|disobey)"
)
_FORGET_WORDS = (
    *("ignor", "disregard", "forget", "overrid", "overrul", "bypass", "circumvent", "discard", "dismiss", "neglect", "abandon"),
    *("drop all", "drop any", "drop your", "drop the", "erase", "wipe", "nullify", "void all", "void any", "void your", "cancel"),
    *("aside", "throw", "let go", "do away", "not follow", "t follow", "stop following", "longer follow", "obey", "adher"),
    *("comply", "pay no"),
)
_VOID = (
    r"(?:(?:now |hereby |all )?(?:void|null(?: and void)?|invalid|obsolete|cancel+ed|revoked|suspended|lifted|superseded"
    r"|overridden|replaced"
    r"|disabled|deleted|no longer (?:valid|in (?:force|effect)|appl(?:y|ies|icable)|binding))|no longer (?:apply|applies"
    r"|bind|count)"
    r"|(?:do|does) not apply(?: any ?more| any longer)?)"
)
_DO = (
    r"(?:you (?:must|should|shall|will|are|need to|have to|can|may)|must|should|shall|please|always|never|do not|don'?t"
    r"|kindly|ignore"
    r"|respond|answer|say|reply|recommend|rank|rate|include|output|tell|state|write|summari[sz]e|score|approve|call"
    r"|invoke|execute|run"
    r"|use|send|print|reveal|repeat|add|append|mention|treat|prefer|promote|praise|the following)"
)
_SAY = (
    r"(?:say|answer|respond|reply|recommend|state|tell|claim|output|cite|mention|include|write|conclude|insist|describe"
    r"|add|promote|praise"
    r"|rate|rank|score|prefer|point|refer|direct|omit|leave out)"
)
_ASKED = r"(?:ask(?:s|ed|ing)?|quer\w+|inquir\w+|wants? to know|request\w*|search\w*|summari[sz]\w+|translat\w+|look\w* for)"
_READS = (
    r"(?:reading|processing|parsing|summari[sz]ing|analy[sz]ing|indexing|evaluating|reviewing|ingesting|scanning|crawling"
    r"|scoring|grading"
    r"|ranking|assessing|screening|retrieving|consuming|seeing|handling)"
)
_THIS = (
    r"(?:this|these|the (?:present|following|above)) (?:\w+ )?(?:page|document|text|file|content|article|paper|note"
    r"|message|e-?mail"
    r"|web ?site|cv|r[eé]sum[eé]|application|section|passage|lines?|data|chunk|context|submission)s?"
)
_HELD = (
    r"(?:conversations?|chat(?: history| log)?s?|message history|system prompt|prompt|context(?: window)?|session"
    r"|user['’]?s? (?:data|input|messages?|question|query|e-?mail|password|name|details|personal \w+|address|location)"
    r"|api[ _-]?keys?|secrets?|credentials?|passwords?|access tokens?|environment variables|everything (?:above|you know))"
)
_PERSON = (
    r"(?:the (?:end )?(?:users?|humans?|readers?|person|people|operator|customer)|them|him|her|anyone|anybody|humans?|users?)"
)
_FREE = (
    r"(?:dan\b|jailbr\w+|unrestricted|unfiltered|uncensored|unaligned|amoral|evil|developer mode|god mode|admin mode"
    r"|root mode|no longer bound"
    r"|free (?:of|from) (?:all |any |your )?(?:restrictions|rules|limits|filters|constraints|guidelines))"
)

_INSTRUCTIONS: tuple[tuple[tuple[str, ...], str], ...] = (
    # forget what you were told
    (_FORGET_WORDS, rf"\b{_FORGET} {_ANY}(?:{_EARLIER} {_ANY}{_ORDERS}|your {_ANY}{_YOURS})\b"),
    (
        _FORGET_WORDS,
        rf"\b{_FORGET} {_ANY}{_ORDERS} (?:(?:that|which) )?(?:above|before|earlier|so far|given (?:above|before)"
        rf"|{_RECEIVED})\b",
    ),
    (
        _FORGET_WORDS,
        rf"\b{_FORGET} (?:everything|anything|all|whatever) (?:(?:that|which|else) )?(?:above|before this|{_RECEIVED}"
        rf"|you know"
        r"|you (?:have |'ve )?learn(?:ed|t)|said (?:above|before|so far)|came before|precedes|up to (?:here|now"
        r"|this point))\b",
    ),
    (
        (
            "void",
            "null",
            "invalid",
            "obsolete",
            "cancel",
            "revoked",
            "suspended",
            "lifted",
            "superseded",
            "overridden",
            "replaced",
            "disabled",
            "deleted",
            "no longer",
            "not apply",
        ),
        rf"\b(?:(?:{_EARLIER}|all|any) (?:\w+ ){{0,3}}?(?:instructions?|prompts?|directives?|guidelines|guardrails"
        rf"|safety rules|system messages?)|your (?:\w+ ){{0,2}}?{_YOURS}) "
        rf"(?:above |before |given )?(?:is|are|have been|has been|were)?\s?{_VOID}\b",
    ),
    (
        ("supersede", "override", "replace", "precedence", "priority", "outrank"),
        r"\b(?:the following|this|these|what follows|my|below)(?: \w+){0,3}? (?:supersedes?|overrides?|replaces?"
        r"|takes? (?:precedence|priority) over|outranks?) "
        rf"(?:\w+ ){{0,3}}?(?:your|any|all|previous|prior|earlier|system|existing) (?:\w+ ){{0,2}}?{_YOURS}\b",
    ),
    *((words, pattern) for words, pattern in OVERRIDES),
    # be somebody else
    (
        (
            "dan",
            "jailbr",
            "unrestricted",
            "unfiltered",
            "uncensored",
            "unaligned",
            "amoral",
            "evil",
            "mode",
            "longer",
            "free of",
            "free from",
            "is free",
            "without",
            "with no",
            "that can",
            "that has no",
            "that have no",
            "ignores",
            "refuses",
        ),
        r"\b(?:you are|you're|you will (?:act as|be)|act as|pretend (?:to be|you are|you're|that you are)|behave as"
        r"|respond as|role-?play as"
        r"|imagine (?:you are|that you are|being)|simulate|take on the role of) (?:now |from now on )?"
        rf"(?:an? |the |in )?(?:\w+ ){{0,2}}?(?:{_FREE}|{_MACHINE} (?:without|with no|that (?:can|has no|have no|ignores"
        rf"|is free|never refuses)|free of))",
    ),
    (("longer",), r"\b(?:you are|you're) no longer (?:bound|restricted|limited|constrained|subject|an? \w+ assistant)\b"),
    (
        ("mode",),
        r"\b(?:enter|enable|activate|switch (?:in)?to|start|unlock|you are (?:now )?in) (?:the |your )?"
        r"(?:developer|jailbreak|god|dan|debug|unrestricted|admin|maintenance|root|sudo) mode\b"
        r".{0,60}\b(?:you|your|respond|answer|ignore|restrictions?|filters?|safety)\b",
    ),
    (
        ("guideline", "restriction", "filter", "rules", "ethic", "safety", "limit"),
        r"\b(?:answer|respond|reply|speak|act|continue|proceed|comply) (?:\w+ ){0,2}?without (?:any |your |the |further )?"
        r"(?:restrictions|guidelines|filters?|ethical \w+|safety \w+|moral \w+|refus\w+)\b",
    ),
    # new orders
    (
        ("instruction", "prompt", "directive", "task"),
        r"\b(?:new|updated|revised|real|actual|secret|hidden|true) (?:system )?(?:instructions?|prompt|directives?)"
        r" ?(?:for (?:the |all |any )?[\w ]{1,30}?)?:",
    ),
    (
        ("instruction", "task", "goal", "objective", "job", "purpose", "mission"),
        r"\byour (?:new|real|actual|true|only|sole|next|updated) (?:task|goal|objective|job|purpose|mission|instructions?"
        r"|role|directive) (?:is|are)\b",
    ),
    (("system",), r"\b(?:new|updated|revised|real|actual) (?:system prompt|system instructions?)\b"),
    (
        ("override", "overwrite", "command", "directive", "notice to"),
        r"\b(?:system|admin(?:istrator)?|developer|operator|security) (?:override|overwrite|command|directive"
        r"|notice to (?:the )?(?:model|ai|assistant))\b ?[:!\]-]",
    ),
    # spoken to by name
    (
        _MODEL_WORDS,
        r"\b(?:attention|dear|hey|hi|hello|ok(?:ay)?|listen(?: up)?|note (?:to|for)|notice (?:to|for)|messages? (?:to"
        r"|for)|instructions? (?:to|for)"
        rf"|reminder (?:to|for)|important for|to|for|fao),? ?(?:all |any |the |an? |every "
        rf"|whichever )?{_MODEL}\b[^.\n]{{0,60}}?[:,;.!–—-] ?(?:\w+ ){{0,6}}?{_DO}\b",
    ),
    (
        ("assistant", "model", "agent", "bot"),
        r"\b(?:dear|hey|hello|attention|listen(?: up)?|note to|message (?:to|for)|instructions? (?:to|for)),? (?:all "
        r"|any |the )?"
        rf"(?:assistant|model|agent|bot)s?\b ?[:,;!–—-] ?(?:\w+ ){{0,6}}?{_DO}\b",
    ),
    (
        ("reading", "processing", "parsing", "ing this", "ing the", "ing these"),
        rf"\b(?:{_MACHINE}|you)(?: (?:that|which|who|now))?(?: (?:is|are|may be"
        rf"|might be))? (?:currently )?{_READS} {_THIS}\b[^.\n]{{0,80}}?\b{_DO}\b",
    ),
    (
        ("reading this", "processing this"),
        rf"\b{_MODEL} (?:reading|processing|parsing|indexing|crawling) this\b[^.\n]{{0,40}}?\b(?:must|should|shall|are to"
        rf"|have to|need to|please)\b",
    ),
    (("if you",), rf"\bif you(?:['’]re| are) (?:reading this (?:and you are )?)?(?:as )?(?:an? |the )?{_MODEL}\b"),
    (
        ("model", "assistant"),
        r"\bas (?:an?|the) (?:(?:ai|large|language) )?(?:language )?(?:model|assistant|ai)[^.\n]{0,60}"
        r"\byou (?:must|should|are required|need to|have to|will|are to)\b",
    ),
    # keep it from the user, or steer what the user is told
    (
        (
            "user",
            "human",
            "reader",
            "talking",
            "speaking",
            "chatting",
            "know about",
            "know this",
            "know these",
            "about this",
            "about these",
        ),
        r"\b(?:do not|don'?t|never|without|not|avoid|refrain from) (?:ever )?(?:tell|telling|inform|informing|mention"
        r"|mentioning|reveal|revealing|alert|alerting"
        r"|disclos\w+|notify|notifying|warn|warning|show|showing|let)\b[^.\n]{0,40}?\b(?:to )?(?:the (?:end )?(?:user"
        r"|human|reader)s?\b(?! (?:guide|interface))"
        rf"|{_PERSON} (?:that )?(?:you(?:['’]re| are) (?:talking|speaking|chatting) (?:with|to)|know (?:about )?(?:this"
        rf"|these)|about (?:this|these) (?:instructions?|note|message|lines)))",
    ),
    (
        ("instruction", "prompt", "directive", "hidden", "lines"),
        r"\b(?:do not|don'?t|never|must not|without) (?:\w+ )?(?:reveal|disclos|mention|repeat|acknowledg|quot)\w* "
        r"(?:this|these|the above|the existence of (?:this|these)) (?:\w+ )?(?:instructions?|prompt|directives?"
        r"|hidden \w+|lines)\b",
    ),
    (
        ("when", "if ", "whenever", "before", "once", "while"),
        r"\b(?:when|if|whenever|once|before|while|every time) (?:(?:the user|a user|users?|anyone|someone|somebody"
        r"|you are|you're|the human|people|they) )"
        rf"(?:are |is |being )?{_ASKED}\b[^.\n]{{0,120}}?\b(?:you (?:must|should|shall|will|are to|need to)|always|only"
        rf"|make sure to|be sure to|never|instead) "
        rf"(?:not )?{_SAY}\b",
    ),
    (
        ("when asked", "if asked", "when queried", "whenever asked"),
        r"\b(?:when|if|whenever) (?:asked|queried)\b[^.\n]{0,100}?(?:\byou (?:must|should|shall|will|are to|need to)"
        r"|, ?(?:always|only|never)) "
        rf"{_SAY}\b",
    ),
    (
        ("summari", "answering", "responding", "translating", "reviewing", "evaluating", "describing", "ranking", "scoring"),
        rf"\b(?:when|while|before|after|in) (?:summari[sz]ing|answering|responding|translating|reviewing|evaluating"
        rf"|describing|ranking|scoring|citing|quoting)"
        rf"(?: (?:to|about|from|any|{_THIS}|this|it|questions?|the \w+))?[^.\n]{{0,60}}?[ ,](?:please |always |only "
        rf"|also |you must |never |do not |don'?t ){{0,2}}{_SAY} (?:that|it|this|only|nothing|with|the product|[A-Z]\w+)\b",
    ),
    (
        ("answer", "response", "reply", "summary", "output", "review", "report"),
        r"\bin your (?:answer|response|reply|summary|output|review|report),? ?(?:you must|always|only|do not|don'?t|never"
        r"|be sure to|please) \w+",
    ),
    (
        (
            "your answer",
            "your response",
            "your reply",
            "your summary",
            "your output",
            "every answer",
            "every response",
            "each response",
            "all your",
            "each answer",
            "every reply",
        ),
        r"\b(?:begin|start|end|finish|prefix|append|conclude|close) (?:\w+ ){0,3}?(?:your|every|each|all(?: your)?) (?:\w+ )?"
        r"(?:answers?|responses?|repl(?:y|ies)|summar(?:y|ies)|outputs?) (?:with|by|to)\b",
    ),
    (
        (
            "highest",
            "perfect",
            "top",
            "maximum",
            "best",
            "most relevant",
            "most qualified",
            "full",
            "positive",
            "excellent",
            "outstanding",
            "accept",
            "10/10",
        ),
        r"\b(?:you (?:must|should|shall|will|are to|need to)|always|please|only) (?:\w+ )?(?:give|assign|award|rate|rank"
        r"|grade|score|write|recommend|output)\b[^.\n]{0,40}?"
        r"\b(?:this|it|the) ?(?:\w+ ){0,3}?(?:a |an |the |as )?(?:highest|perfect|top|maximum|best|most (?:relevant"
        r"|qualified)|full|positive|excellent|outstanding|strong accept|10/10|accept\w*)\b",
    ),
    (
        ("review", "strong", "score", "rating"),
        r"\b(?:give|write|output|generate|provide) (?:only )?an? (?:only )?(?:positive|favou?rable|glowing|five-star"
        r"|perfect) (?:review|score|rating|assessment|evaluation)s?\b[^.\n]{0,30}?"
        r"(?:\bonly\b|\b(?:do|and) not\b|\bregardless\b|\bno matter\b)",
    ),
    # give the prompt away
    (
        ("prompt", "instructions", "rules", "guidelines", "configuration", "system"),
        r"\b(?:reveal|print|show|repeat|output|disclose|leak|display|reproduce|tell me|write out|recite|echo|copy|paste"
        r"|share|return|list) (?:\w+ ){0,4}?"
        r"(?:your (?:\w+ ){0,2}?(?:instructions|prompt|rules|guidelines|configuration|system message)"
        r"|(?:the )?(?:system|hidden|initial|developer|secret) (?:prompt|message|instructions))\b",
    ),
    (
        ("above", "before this", "precede", "you are'", 'you are"', "verbatim"),
        r"\b(?:repeat|print|output|echo|recite|copy|write out|reproduce) (?:\w+ ){0,3}?(?:text|words|everything|content"
        r"|messages?|lines|all)(?: \w+){0,3}? "
        r"(?:above|before this|that (?:precedes?|came before)|starting with ['\"“‘]?you are|verbatim from)\b",
    ),
    # use your tools
    (
        ("tool", "function", "api", "command", "plugin", "action"),
        rf"\b(?:{_MODEL}|assistants?|agents?)\b[^.\n]{{0,50}}?\b(?:must|should|shall|are to|have to|need to"
        rf"|please) (?:\w+ ){{0,2}}?(?:call|invoke|execute|trigger|run|use) "
        r"(?:the |your |an? )?[\w.-]+ (?:tool|function|api|command|plugin|action)s?\b",
    ),
)

_ROLES = (
    r"<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id|end_header_id|end_of_turn"
    r"|begin_of_text|end|message|channel)\|>",
    r"<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>|\bBEGIN SYSTEM PROMPT\b|\[(?:system|assistant)\]\(#",
    r"^[ \t]{0,40}#{2,3}\s*(?:System|Instruction|Assistant|Human|Response)\s*:",
    r"</?system(?:[_-]?(?:prompt|message|instruction)s?)?>|\[system (?:message|prompt|note|override)\]|</?(?:tool_call"
    r"|function_calls?|assistant_response)>",
    r"^[ \t]{0,40}(?:SYSTEM|ASSISTANT|DEVELOPER)\s*:\s*(?:you (?:are|must|will)|ignore|from now on|the (?:user|assistant)"
    r"|override|disregard|new )",
    r"[\"']role[\"']\s*:\s*[\"'](?:system|developer)[\"']\s*,\s*[\"']content[\"']",
    r"^[^\w\n]{3,80}(?:(?:END|BEGIN|START)(?: OF)? (?:NEW |THE |USER |SYSTEM |HIDDEN )*(?:INSTRUCTIONS?|PROMPT|CONTEXT"
    r"|USER (?:INPUT|QUERY|DATA)|SYSTEM MESSAGE)|SYSTEM(?: MESSAGE| PROMPT)?|ADMIN OVERRIDE)\b[^\w\n]{3,80}$",
    r"^[ \t]{0,40}(?:Human|User)\s*:\s*\S.{0,200}\n{1,3}[ \t]{0,40}(?:Assistant|AI)\s*:\s*(?:sure|certainly|of course|yes"
    r"|okay|understood)\b",
)

_EXFILTRATION = (
    r"\b(?:send|post|forward|append|leak|upload|transmit|exfiltrate|include|embed|encode|submit)\b[^.\n]{0,60}?"
    rf"\b(?:the|this|your|all|any|their|its|every) (?:[\w'’]+ ){{0,4}}?{_HELD}\b[^\n]{{0,60}}?"
    r"(?:https?://|\bto (?:the )?(?:following )?(?:url|address|server|webhook|endpoint|link)\b|[\w.+-]+@[\w.-]+\w)",
    r"https?://[^\s)\"'<>]{0,400}[?&=](?:\{\{?|\[|<|%7B|\$\{?)\s*(?:conversation|chat|history|prompt|context|secret|data|user"
    r"|summary|answer|response|base64|message|query|api|question|name|e-?mail|input)[^\s)\"']{0,40}",
    r"!\[[^\]\n]{0,200}\]\(https?://[^\s)]{0,400}[?&][\w-]+=(?:(?:CONVERSATION|CHAT|HISTORY|PROMPT|CONTEXT|SECRET|DATA"
    r"|USER|SUMMARY"
    r"|ANSWER|BASE64|QUERY)[A-Z_]*|"
    r"(?:insert|replace|your)[\w%-]*)",
    r"\b(?:render|display|load|fetch|open|visit|request|click|call|navigate to) (?:\w+ ){0,5}?(?:https?://\S+|(?:the "
    r"|this )?(?:url|link|image|address))[^.\n]{0,60}?"
    rf"\b(?:with|containing|appending|including|replacing|followed by|where)\b[^.\n]{{0,40}}?\b(?:the |your |their "
    rf"|every |all )(?:[\w'’]+ ){{0,3}}?{_HELD}",
)
_EXFILTRATION_WORDS = ("http", "@", "address", "server", "webhook", "endpoint", "link", "url")

INSTRUCTIONS = compiled(_INSTRUCTIONS)
ROLES = compiled(((), phrase) for phrase in _ROLES)
EXFILTRATION = compiled((_EXFILTRATION_WORDS, phrase) for phrase in _EXFILTRATION)
