"""What a patient's text says, when it says one plain thing in English or Spanish; else it is for a person.

A wrong reading costs more than none: only whole texts that are known are read, and everything with a
question, a condition or a second thought goes to a person.
"""

import re

from messaging.models import Message
from patients.names import fold

Reading = Message.Reading

# The carrier's opt-out words (47 CFR 64.1200(a)(10) names most of them). It answers these itself.
CARRIER_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
CARRIER_START = frozenset({"start", "unstop"})
STOP = CARRIER_STOP | {
    "parar",
    "pare",
    "parartodo",
    "alto",
    "baja",
    "darmedebaja",
    "salir",
    "detener",
    "basta",
}
START = CARRIER_START | {"empezar", "comenzar", "iniciar"}
HELP = frozenset({"help", "info", "ayuda"})

YES = """
    y|yes|yes yes|yea|yeah|yep|yup|ya yes|yse|ys|yed|yas|yess|yes ok|ok yes|yes sir|yes maam
    yes of course|of course|yes i confirm|i confirm|confirm|confirmed|confirming|comfirm|comfirmed
    confrim|confrimed|conferm|confirm yes|yes confirm|yes confirmed|c|ok|okay|okey|okie|okay yes|k|kk
    sure|sure thing|yes sure|absolutely|definitely|yes i will|i will|yes ill be there|ill be there
    i will be there|yes i will be there|we will be there|well be there|yes we will be there|ill come
    i will come|yes i will come|yes ill come|im coming|i am coming|yes im coming|see you then|see you
    see you there|yes see you then|yes see you there|yes see you|coming|si|si si|sip|sii|sí|si ok
    ok si|si claro|claro|claro que si|si confirmo|confirmo|confirmado|confirmada|confirmar
    si confirmado|confirmo mi cita|si confirmo mi cita|si voy|voy|si ire|ire|si alli estare
    alli estare|ahi estare|si ahi estare|alla estare|si alla estare|ahi estaremos|alli estaremos|vale
    si vale|de acuerdo|si de acuerdo|esta bien|si esta bien|por supuesto|si por supuesto|perfecto si
    si asistire|asistire|si puedo
    """.replace("\n", "|").split("|")
NO = """
    n|no|nop|nope|nah|no no|noo|i cant|i cannot|no i cant|no i cannot|cant|cannot|cant come
    i cant come|no i cant come|i cant make it|cant make it|no i cant make it|i cannot make it
    no cant make it|i cannot come|i wont be there|i will not be there|i wont come|wont make it
    i wont make it|not coming|im not coming|i am not coming|no im not coming|unable to come
    i am unable to come|no puedo|no voy|no ire|no podre|no podre ir|no puedo ir|no no puedo
    no asistire|no voy a ir|no voy a poder|no voy a poder ir|no podre asistir|no puedo asistir
    """.replace("\n", "|").split("|")
# Politeness says nothing about coming.
COURTESY = frozenset(
    fold(
        """
        please pls plz thanks thank you thankyou thx ty hi hello good morning afternoon doctor dr
        gracias muchas mil por favor porfavor hola buenos buenas dias tardes
        """
    ).split()
)
YES_SIGNS = "👍👌✅☑✔🆗🙋💯"
NO_SIGNS = "👎❌✖🚫🙅"
SKIN_AND_SHAPE = re.compile("[\U0001f3fb-\U0001f3ff\ufe0e\ufe0f\u200d♀♂]")

POSSIBLE_OPT_OUT = re.compile(
    r"\b(stop|quit|no more|dont|do not|never)\b.{0,20}\b(text\w*|messag\w*|sms|contact\w*|writ\w*)\b"
    r"|\b(unsubscribe|opt ?out|take me off|remove me|wrong number|leave me alone)\b"
    r"|\b(no|dejen?|deje|paren?|basta)\b.{0,20}\b(mensaj\w*|textos?|escrib\w*|sms|molest\w*)\b"
    r"|\b(numero equivocado|borren? mi numero)\b"
)
POSSIBLE_EMERGENCY = re.compile(
    r"\b(chest pain|chest hurts?|cant breathe|cannot breathe|trouble breathing|short of breath|heart attack"
    r"|stroke|suicid\w*|kill myself|overdose\w*|unconscious|passed out|bleeding (a lot|badly|heavily)|911"
    r"|dolor (de|en el) pecho|no puedo respirar|me cuesta respirar|infarto|derrame|matarme|sobredosis"
    r"|emergency|emergencia|sangrando mucho|desmay\w*)\b"
)
WANTS_TO_CANCEL = re.compile(r"\b(cancel\w*|anular?)\b")


def _squeeze(phrase: str) -> str:
    """“yesss” and “sii” as “yes” and “si”: a letter that repeats counts once."""
    return re.sub(r"(.)\1+", r"\1", phrase)


def _without_courtesy(text: str) -> str:
    return " ".join(word for word in fold(text).split() if word not in COURTESY)


_YES = frozenset(_squeeze(_without_courtesy(phrase)) for phrase in YES) - {""}
_NO = frozenset(_squeeze(_without_courtesy(phrase)) for phrase in NO) - {""}


def keyword(text: str) -> str:
    """The text as one word without case, spaces, punctuation, accents or emoji: “Opt out!” is `optout`."""
    return fold(text).replace(" ", "")


def read_reply(text: str) -> Message.Reading:
    """The one plain thing a text says, or UNCLEAR.

    Opt-out words are those of SECURITY.md D9; they win over everything, and politeness does not hide them.
    """
    bare = _without_courtesy(text)
    for word in {keyword(text), bare.replace(" ", "")}:
        for reading, known in ((Reading.STOP, STOP), (Reading.START, START), (Reading.HELP, HELP)):
            if word in known or _squeeze(word) in {"stop", "alto", "help"} & known:
                return reading
    if "?" in text or "¿" in text:
        return Reading.UNCLEAR
    said = {reading for reading in (_by_words(bare), *_by_signs(text)) if reading}
    return said.pop() if len(said) == 1 else Reading.UNCLEAR


def _by_words(bare: str) -> Message.Reading | None:
    phrase = _squeeze(bare)
    if phrase in _YES:
        return Reading.YES
    if phrase in _NO:
        return Reading.NO
    return Reading.UNCLEAR if phrase else None


def _by_signs(text: str) -> list[Message.Reading]:
    signs = SKIN_AND_SHAPE.sub("", text)
    yes, no = any(sign in signs for sign in YES_SIGNS), any(sign in signs for sign in NO_SIGNS)
    return [Reading.YES] * yes + [Reading.NO] * no


def may_opt_out(text: str) -> bool:
    """Whether free text may ask for silence (“please stop texting me”): a person decides, texts wait."""
    return bool(POSSIBLE_OPT_OUT.search(fold(text)))


def may_be_emergency(text: str) -> bool:
    """Whether a text speaks of something that cannot wait; errs on the side of a person's look."""
    return bool(POSSIBLE_EMERGENCY.search(fold(text)))


def may_cancel(text: str) -> bool:
    """Whether a text may ask to cancel the visit."""
    return bool(WANTS_TO_CANCEL.search(fold(text)))


def carrier_answers(text: str) -> bool:
    """Whether the carrier itself confirms this opt-out or opt-in word, so that we must not."""
    return keyword(text) in CARRIER_STOP | CARRIER_START
