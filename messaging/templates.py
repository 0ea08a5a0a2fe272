"""The words patients read, by kind and language.

Only allow-listed variables may appear, and none of them says why somebody is seen (SECURITY.md D12). No
wording asks for a word of the carrier's opt-out list (D9, D10). Spanish avoids á í ó ú, which are not in
the GSM-7 alphabet and would more than halve what fits into one text; é, ñ, ü, ¿ and ¡ are.
"""

import logging
import string
from collections.abc import Mapping
from dataclasses import dataclass

from django_scopes import get_scope

from messaging.spoken import CALLS
from practices.models import Practice

logger = logging.getLogger(__name__)

ALLOWED = frozenset({"practice", "name", "clinician", "date", "time", "visits", "phone", "link", "count"})

GSM_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_TWICE = frozenset("^{}\\[~]|€\f")
# Typographic letters that people paste, and what says the same within GSM-7.
# Days and hours in a text go without the accents that GSM-7 lacks; a practice's name keeps its own.
BARE = str.maketrans("áíóúÁÍÓÚ", "aiouAIOU")
PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})

# kind → language → words of a text.
TEXTS: Mapping[str, Mapping[str, str]] = {
    "confirmation": {
        "en": "$practice: you have an appointment $date at $time. Reply YES if you will come. Details: $link",
        "es": "$practice: tiene cita el $date a las $time. Responda SI si viene. Detalles: $link",
    },
    "reminder": {
        "en": "$practice: your appointment is $date at $time. Reply YES if you will come. Details: $link",
        "es": "$practice: su cita es el $date a las $time. Responda SI si viene. Detalles: $link",
    },
    "reminder-many": {
        "en": "$practice: appointments $visits. Reply YES if you will come. $link",
        "es": "$practice: citas $visits. Responda SI si viene. $link",
    },
    "expected": {
        "en": "$practice: we expect you $date at $time. Details: $link",
        "es": "$practice: le esperamos el $date a las $time. Detalles: $link",
    },
    "expected-many": {
        "en": "$practice: we expect you $visits. Details: $link",
        "es": "$practice: le esperamos $visits. Detalles: $link",
    },
    "moved": {
        "en": "$practice: your appointment is now $date at $time. Reply YES if you will come. Details: $link",
        "es": "$practice: su cita pasa al $date a las $time. Responda SI si viene. Detalles: $link",
    },
    "cancelled": {
        "en": "$practice: your appointment on $date at $time will not take place. Questions: call $phone.",
        "es": "$practice: su cita del $date a las $time queda cancelada. Preguntas: llame al $phone.",
    },
    "choose": {
        "en": "$practice: your appointment $date at $time needs a new time. Please choose one: $link",
        "es": "$practice: su cita del $date a las $time necesita otra hora. Elija una: $link",
    },
    "chosen": {
        "en": "$practice: thank you, your appointment is now $date at $time. Details: $link",
        "es": "$practice: gracias, su cita es ahora el $date a las $time. Detalles: $link",
    },
    "stays": {
        "en": "$practice: your appointment $date at $time stays as it was. Details: $link",
        "es": "$practice: su cita del $date a las $time sigue en pie. Detalles: $link",
    },
    "confirmation-many": {
        "en": "$practice: you have appointments $visits. Details: $link",
        "es": "$practice: tiene citas $visits. Detalles: $link",
    },
    "moved-many": {
        "en": "$practice: your appointments are now $visits. Details: $link",
        "es": "$practice: sus citas pasan a $visits. Detalles: $link",
    },
    "cancelled-many": {
        "en": "$practice: your appointments $visits will not take place. Questions: call $phone.",
        "es": "$practice: sus citas $visits quedan canceladas. Preguntas: llame al $phone.",
    },
    "delay": {
        "en": "$practice: we are running late today. Please expect $time. Another time or details: $link",
        "es": "$practice: hoy vamos con retraso. Le esperamos a las $time. Otra hora o detalles: $link",
    },
    "delay-over": {
        "en": "$practice: we are on time again. Please come at $time as planned. Questions: call $phone.",
        "es": "$practice: ya vamos a tiempo. Venga a las $time, como previsto. Preguntas: llame al $phone.",
    },
    "thanks": {
        "en": "$practice: thank you, we expect you $date at $time.",
        "es": "$practice: gracias, le esperamos el $date a las $time.",
    },
    "noted": {
        "en": "$practice: thank you, we noted that you cannot come. We will call you to find another time.",
        "es": "$practice: gracias, anotamos que no puede venir. Le llamaremos para buscar otra hora.",
    },
    "offer": {
        "en": "$practice: an appointment is free $date at $time. First to reply YES gets it. $link",
        "es": "$practice: cita libre el $date a las $time. Responda SI; es del primero. $link",
    },
    "offer-earlier": {
        "en": "$practice: free $date at $time instead of $visits? Reply YES. $link",
        "es": "$practice: ¿cita $date $time en vez del $visits? Responda SI. $link",
    },
    "offer-won": {
        "en": "$practice: the appointment $date at $time is yours. Details: $link",
        "es": "$practice: la cita del $date a las $time es suya. Detalles: $link",
    },
    "offer-won-earlier": {
        "en": "$practice: $date at $time is yours. $visits is given up. $link",
        "es": "$practice: el $date a las $time es suyo. Queda libre $visits. $link",
    },
    "offer-gone": {
        "en": "$practice: thank you. $date at $time is taken; we ask you again when a time opens.",
        "es": "$practice: gracias. El $date a las $time ya fue tomado; le avisaremos de otra hora.",
    },
    "offer-no": {
        "en": "$practice: thank you, we noted it. We ask you again when another time opens.",
        "es": "$practice: gracias, lo anotamos. Le avisaremos cuando haya otra hora.",
    },
    "help": {
        "en": "$practice: for help, call $phone. Message and data rates may apply.",
        "es": "$practice: para recibir ayuda, llame al $phone. Pueden aplicarse tarifas de mensajes.",
    },
    "missed-call": {
        "en": "$practice: sorry that we missed your call. We will call you back. You can also reply here.",
        "es": "$practice: disculpe, no pudimos contestar. Le llamaremos. Puede responder por texto.",
    },
    "recall": {
        "en": "$practice: it is time to plan your next appointment. Choose a time: $link Or call $phone.",
        "es": "$practice: ya puede pedir su siguiente cita. Elija la hora: $link O llame al $phone.",
    },
    "stopped": {
        "en": "$practice: you will get no more texts from us. Reply START to get them again.",
        "es": "$practice: no le enviaremos textos. Responda START para recibirlos otra vez.",
    },
}
# kind → language → (subject, words) of an e-mail. A subject is read on locked screens.
MAILS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "confirmation": {
        "en": (
            "Your appointment at $practice",
            "Hello $name,\n\nyou have an appointment at $practice on $date at $time.\n\n"
            "To say that you will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice",
            "Hola, $name:\n\nUsted tiene una cita en $practice el $date a las $time.\n\n"
            "Para confirmar que viene, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "reminder": {
        "en": (
            "Reminder: your appointment at $practice",
            "Hello $name,\n\nthis is a reminder of your appointment at $practice on $date at $time.\n\n"
            "To say that you will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Recordatorio: su cita en $practice",
            "Hola, $name:\n\nLe recordamos su cita en $practice el $date a las $time.\n\n"
            "Para confirmar que viene, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "reminder-many": {
        "en": (
            "Reminder: your appointments at $practice",
            "Hello $name,\n\nthis is a reminder of appointments at $practice: $visits.\n\n"
            "To say who will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Recordatorio: sus citas en $practice",
            "Hola, $name:\n\nLe recordamos las citas en $practice: $visits.\n\n"
            "Para confirmar, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "expected": {
        "en": (
            "See you at $practice",
            "Hello $name,\n\nwe expect you at $practice on $date at $time.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Le esperamos en $practice",
            "Hola, $name:\n\nLe esperamos en $practice el $date a las $time.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "expected-many": {
        "en": (
            "See you at $practice",
            "Hello $name,\n\nwe expect you at $practice: $visits.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Le esperamos en $practice",
            "Hola, $name:\n\nLe esperamos en $practice: $visits.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "moved": {
        "en": (
            "Your appointment at $practice has a new time",
            "Hello $name,\n\nyour appointment at $practice is now on $date at $time.\n\n"
            "To say that you will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice tiene nueva hora",
            "Hola, $name:\n\nSu cita en $practice ahora es el $date a las $time.\n\n"
            "Para confirmar que viene, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "cancelled": {
        "en": (
            "Your appointment at $practice",
            "Hello $name,\n\nyour appointment at $practice on $date at $time will not take place.\n\n"
            "To find another time, call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice",
            "Hola, $name:\n\nSu cita en $practice del $date a las $time no tendrá lugar.\n\n"
            "Para buscar otra hora, llame al $phone.\n\n$practice",
        ),
    },
    "choose": {
        "en": (
            "Please choose another time at $practice",
            "Hello $name,\n\nyour appointment at $practice on $date at $time needs a new time. "
            "We are sorry.\n\n"
            "Choose the one that suits you:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Elija otra hora en $practice",
            "Hola, $name:\n\nSu cita en $practice del $date a las $time necesita otra hora. Lo sentimos.\n\n"
            "Elija la que le convenga:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "chosen": {
        "en": (
            "Your appointment at $practice has a new time",
            "Hello $name,\n\nthank you. Your appointment at $practice is now on $date at $time.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice tiene nueva hora",
            "Hola, $name:\n\nGracias. Su cita en $practice es ahora el $date a las $time.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "stays": {
        "en": (
            "Your appointment at $practice stays as it was",
            "Hello $name,\n\nyour appointment at $practice on $date at $time stays as it was. "
            "You need not choose another time.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice sigue en pie",
            "Hola, $name:\n\nSu cita en $practice del $date a las $time sigue en pie. "
            "No hace falta elegir otra hora.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "offer": {
        "en": (
            "An appointment at $practice",
            "Hello $name,\n\nan appointment at $practice is free on $date at $time.\n\n"
            "To take it, or to say that it does not suit you:\n$link\n\n"
            "The first answer gets it. Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Una cita en $practice",
            "Hola, $name:\n\nHay una cita libre en $practice el $date a las $time.\n\n"
            "Para tomarla, o decir que no le conviene:\n$link\n\n"
            "Es de quien responda primero. ¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "offer-earlier": {
        "en": (
            "An earlier appointment at $practice",
            "Hello $name,\n\nan earlier appointment at $practice is free on $date at $time. "
            "It would take the place of yours of $visits.\n\n"
            "To take it, or to say that it does not suit you:\n$link\n\n"
            "The first answer gets it. Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Una cita antes en $practice",
            "Hola, $name:\n\nHay una cita antes en $practice, el $date a las $time. "
            "Sería en lugar de la suya del $visits.\n\n"
            "Para tomarla, o decir que no le conviene:\n$link\n\n"
            "Es de quien responda primero. ¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "offer-won": {
        "en": (
            "Your appointment at $practice",
            "Hello $name,\n\nthe appointment at $practice on $date at $time is yours.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice",
            "Hola, $name:\n\nLa cita en $practice del $date a las $time es suya.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "offer-won-earlier": {
        "en": (
            "Your appointment at $practice",
            "Hello $name,\n\nthe appointment at $practice on $date at $time is yours. "
            "The one of $visits is given up.\n\n"
            "The details are here:\n$link\n\nQuestions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita en $practice",
            "Hola, $name:\n\nLa cita en $practice del $date a las $time es suya. "
            "La del $visits queda libre.\n\n"
            "Los detalles:\n$link\n\n¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "offer-gone": {
        "en": (
            "An appointment at $practice",
            "Hello $name,\n\nthe time on $date at $time at $practice is gone. "
            "You are still on our list: we ask you again when another one opens.\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Una cita en $practice",
            "Hola, $name:\n\nLa hora del $date a las $time en $practice ya no está libre. "
            "Sigue en nuestra lista: le avisaremos cuando haya otra.\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "confirmation-many": {
        "en": (
            "Your appointments at $practice",
            "Hello $name,\n\nyou have appointments at $practice: $visits.\n\n"
            "To say that you will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Sus citas en $practice",
            "Hola, $name:\n\nUsted tiene citas en $practice: $visits.\n\n"
            "Para confirmar, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "moved-many": {
        "en": (
            "Your appointments at $practice have new times",
            "Hello $name,\n\nyour appointments at $practice are now: $visits.\n\n"
            "To say that you will come, or to ask for another time:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Sus citas en $practice tienen nuevas horas",
            "Hola, $name:\n\nSus citas en $practice ahora son: $visits.\n\n"
            "Para confirmar, o pedir otra hora:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "cancelled-many": {
        "en": (
            "Your appointments at $practice",
            "Hello $name,\n\nthese appointments at $practice will not take place: $visits.\n\n"
            "To find other times, call $phone.\n\n$practice",
        ),
        "es": (
            "Sus citas en $practice",
            "Hola, $name:\n\nEstas citas en $practice no tendrán lugar: $visits.\n\n"
            "Para buscar otras horas, llame al $phone.\n\n$practice",
        ),
    },
    "delay": {
        "en": (
            "Your appointment at $practice today",
            "Hello $name,\n\nwe are running late today. Please expect your appointment at about $time.\n\n"
            "To ask for another time, and for the details:\n$link\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita de hoy en $practice",
            "Hola, $name:\n\nHoy vamos con retraso. Su cita empezará hacia las $time.\n\n"
            "Para pedir otra hora, y los detalles:\n$link\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "delay-over": {
        "en": (
            "Your appointment at $practice today",
            "Hello $name,\n\nwe are on time again. Please come at $time, as planned.\n\n"
            "Questions: call $phone.\n\n$practice",
        ),
        "es": (
            "Su cita de hoy en $practice",
            "Hola, $name:\n\nYa vamos a tiempo. Venga a las $time, como estaba previsto.\n\n"
            "¿Preguntas? Llame al $phone.\n\n$practice",
        ),
    },
    "recall": {
        "en": (
            "Your next appointment at $practice",
            "Hello $name,\n\nit is time to plan your next appointment at $practice.\n\n"
            "Choose a time that suits you:\n$link\n\nOr call $phone.\n\n$practice",
        ),
        "es": (
            "Su próxima cita en $practice",
            "Hola, $name:\n\nYa puede pedir su próxima cita en $practice.\n\n"
            "Elija la hora que le convenga:\n$link\n\nO llame al $phone.\n\n$practice",
        ),
    },
    "note": {
        "en": ("A message from $practice", ""),
        "es": ("Un mensaje de $practice", ""),
    },
    "brief": {
        "en": (
            "Your day at $practice, $date",
            "Good morning,\n\n$count visits are in your diary for $date. "
            "What to know about them is here:\n$link\n\n$practice",
        ),
    },
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What goes out: the body, and for an e-mail its subject."""

    body: str
    subject: str = ""


class UnknownWording(LookupError):
    """No wording of this kind and channel, or a variable that no wording may hold."""


def render(kind: str, language: str, variables: Mapping[str, object], *, channel: str = "sms") -> Wording:
    """The words of a message, the practice's own where it has some; English where a language has none.

    Raises UnknownWording for an unknown kind, a variable outside ALLOWED, or one that is missing.
    """
    if kind not in _table(channel) or not ALLOWED.issuperset(variables):
        raise UnknownWording(f"{kind}: {sorted(set(variables) - ALLOWED)}")
    words = usual(kind, channel, language)
    practice = get_scope().get("practice")
    own = own_wording(practice, kind, channel, language) if practice is not None else None
    if own is not None:
        try:
            return fill(own, variables, channel=channel)
        except (KeyError, ValueError):
            # A hole in a practice's words must not keep a reminder from leaving.
            logger.warning("the own wording %s %s %s cannot be filled", kind, channel, language)
    try:
        return fill(words, variables, channel=channel)
    except KeyError as error:
        raise UnknownWording(f"{kind} needs {error}") from error


def _table(channel: str) -> Mapping[str, Mapping[str, str | tuple[str, str]]]:
    if channel == "email":
        return MAILS
    return CALLS if channel == "call" else TEXTS


def usual(kind: str, channel: str, language: str) -> Wording:
    """The words everybody has; English where the language has none of its own."""
    found = _table(channel)[kind].get(language) or _table(channel)[kind]["en"]
    return Wording(found[1], found[0]) if isinstance(found, tuple) else Wording(found)


def own_wording(practice: Practice, kind: str, channel: str, language: str) -> Wording | None:
    """The practice's own words, read with its row: no query."""
    found = practice.own_words.get(kind, {}).get(channel, {}).get(language)
    return Wording(found["body"], found.get("subject", "")) if found else None


def fill(words: Wording, variables: Mapping[str, object], *, channel: str, strict: bool = True) -> Wording:
    """The words with their variables; raises KeyError for one that is missing, unless not `strict`."""
    values = {name: " ".join(str(value).split()) for name, value in variables.items()}
    if channel != "email":
        values |= {key: values[key].translate(BARE) for key in ("date", "time", "visits") if key in values}

    def put(text: str) -> str:
        template = string.Template(text)
        return template.substitute(values) if strict else template.safe_substitute(values)

    body = put(words.body).replace("..", ".")  # “10:30 a. m.” at the end of a sentence
    return Wording(body if channel == "email" else body.translate(PLAIN), put(words.subject)[:120])


def segments(text: str) -> int:
    """How many texts the carrier counts: 160 letters of GSM-7 fit into one, else 70 of UCS-2."""
    if all(letter in GSM_BASIC or letter in GSM_TWICE for letter in text):
        length, single, part = sum(2 if letter in GSM_TWICE else 1 for letter in text), 160, 153
    else:
        length, single, part = len(text.encode("utf-16-be")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)
