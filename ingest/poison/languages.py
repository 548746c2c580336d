"""How a model is told to forget what it was told, in languages other than English: a verb, and what is to be forgotten.

A row gives words without one of which it cannot match, then the stems of both in the order of the language (Turkish,
Japanese, Korean, Persian and Hindi put the object first). A table of stems knows no grammar: it is enough that both stand in one
sentence, close together.
"""

from __future__ import annotations

_ROWS: tuple[tuple[str, str, str], ...] = (
    (  # German
        "ignorier vergiss vergess missacht übergeh verwirf verwerft befolg beacht",
        r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missachte\w*|übergeh\w*|verwirf|verwerft|befolge\w* nicht"
        r"|beachte\w* nicht)",
        r"(?:anweisung|instruktion|vorgabe|regel|befehl|richtlinie|aufforderung|anordnung|prompt)\w*",
    ),
    (  # French
        "ignore oublie néglige respecte suis suivez compte abstraction",
        r"\b(?:ignore[zr]?|oublie[zr]?|néglige[zr]?|ne (?:suis|suivez|respecte[zr]?) (?:pas|plus)|ne ten(?:ez"
        r"|ir) pas compte|fai(?:s|tes) abstraction)",
        r"(?:instructions|consignes|directives|règles|ordres|indications) (?:\w+ ){0,2}?(?:précédent\w*|antérieur\w*"
        r"|ci-dessus|initial\w*|reçu\w*|donné\w*|système)|(?:toutes (?:les|tes|vos)|tes|vos) (?:instructions|consignes"
        r"|directives|règles)",
    ),
    (  # Spanish, Portuguese
        "ignor olvid descart omit desobede caso sigas obede esqueça desconsidere siga",
        r"\b(?:ignor[ae]n?|olvid[ae]n?|descart[ae]n?|omit[ae]n?|desobedec\w+|haz caso omiso|no (?:sigas|obedezcas)"
        r"|esqueça|desconsidere|não (?:siga|obedeça))",
        r"(?:instrucciones|indicaciones|directrices|órdenes|instruções|diretrizes|orientações|ordens)|(?:las|todas|sus"
        r"|tus|as|todas as|suas) (?:\w+ )?(?:reglas|regras) (?:anteriores|previas|prévias|acima)",
    ),
    (  # Italian
        "ignora dimentica trascura seguire seguite rispettare scarta",
        r"\b(?:ignora(?:te|re)?|dimentica(?:te|re)?|trascura(?:te)?|non (?:seguire|seguite|rispettare)|scarta(?:te)?)",
        r"(?:istruzioni|direttive|indicazioni|disposizioni)|regole (?:\w+ )?(?:precedenti|iniziali)",
    ),
    (  # Dutch
        "negeer vergeet sla",
        r"\b(?:negeer|vergeet|sla)",
        r"(?:instructies|aanwijzingen|richtlijnen|opdrachten|voorschriften)",
    ),
    (  # Danish, Norwegian, Swedish
        "ignorer glem glöm bortse bort strunta",
        r"\b(?:ignorer\w*|glem|glöm|bortse från|se bort fra|strunta i)",
        r"(?:instruktion\w*|instruks\w*|anvisning\w*|retningslinje\w*|riktlinje\w*|regler\w*)",
    ),
    (  # Polish, Czech
        "ignoruj zapom pomiń",
        r"\b(?:z?ignoruj\w*|zapomnij\w*|pomiń\w*|zapomeň\w*)",
        r"(?:instrukcj\w+|polece\w+|wytyczn\w+|pokyn\w*|instrukc\w+|příkaz\w*)",
    ),
    (  # Russian, Ukrainian
        "игнор забудь обращай ігнор отбрось",
        r"\b(?:про?игнориру\w+|игнориру\w+|забудь\w*|не обращай\w* внимания|ігнору\w+|забудь\w*|отбрось\w*)",
        r"(?:инструкци\w+|указани\w+|команд\w+|распоряжени\w+|інструкці\w+|вказівк\w+|правил\w* выше)",
    ),
    (  # Turkish
        "say gelme alma unut göz",
        r"\b(?:talimat|yönerge|komut|kural)\w*",
        r"(?:yok ?say|görmezden gel|dikkate alma|unut|göz ardı)\w*",
    ),
    (  # Chinese
        "忽 视 視 忘 理 抛 用",
        r"(?:忽略|无视|無視|忽视|忽視|忘记|忘記|忘掉|不要理会|不要理會|不理会|抛开|不用管)",
        r"(?:指令|指示|提示|说明|說明|规则|規則|要求|命令|设定|設定)",
    ),
    (  # Japanese
        "無視 忘れ 従わない 破棄",
        r"(?:指示|命令|ルール|プロンプト|指令|設定)",
        r"(?:無視|忘れ|従わない|破棄)",
    ),
    (  # Korean
        "무시 잊 따르지",
        r"(?:지시|명령|규칙|지침|프롬프트)",
        r"(?:무시|잊|따르지)",
    ),
    (  # Arabic
        "تجاهل انس تتبع نادیده",
        r"(?:تجاهل|انس|لا تتبع|نادیده)",
        r"(?:التعليمات|تعليمات|الأوامر|القواعد|دستور)",
    ),
    (  # Persian
        "نادیده فراموش",
        r"(?:دستورالعمل|دستورات)",
        r"(?:نادیده|فراموش)",
    ),
    (  # Hebrew
        "התעל תתעלמ שכח",
        r"(?:התעלמ|תתעלמ|התעלם|שכח)",
        r"(?:הוראות|ההוראות|הנחיות|כללים)",
    ),
    (  # Hindi
        "अनदेखा अंदाज भूल",
        r"(?:निर्देश|आदेश|नियम)",
        r"(?:अनदेखा|नज़रअंदाज़|नज़रअंदाज़|नजरअंदाज|भूल)",
    ),
    (  # Vietnamese
        "qua lờ quên",
        r"(?:bỏ qua|phớt lờ|quên)",
        r"(?:hướng dẫn|chỉ dẫn|chỉ thị|lệnh)",
    ),
    (  # Indonesian
        "abaikan lupakan",
        r"\b(?:abaikan|lupakan)",
        r"(?:instruksi|perintah|petunjuk|arahan)",
    ),
)

OVERRIDES = tuple((tuple(words.split()), rf"(?:{first})[^.。！!?\n]{{0,40}}?(?:{second})") for words, first, second in _ROWS)
"""Words without one of which a pattern cannot match, and the pattern."""
