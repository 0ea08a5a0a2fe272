"""What callers hear from us, in English and Spanish: a known patient in her language, others in both."""

import datetime as dt

from messaging.models import Call, DeskRules, Message
from messaging.voice import Words
from patients.contacts import show_phone
from practices.card import current_card
from practices.models import Practice
from practices.tenancy import current_practice

SPOKEN: dict[str, dict[str, str]] = {
    "greeting": {
        "en": "Thank you for calling {name}.",
        "es": "Gracias por llamar a {name}.",
    },
    "emergency": {
        "en": "If this is an emergency, hang up and dial 9 1 1.",
        "es": "Si es una emergencia, cuelgue y marque el 9 1 1.",
    },
    "recorded": {
        "en": "This call may be recorded.",
        "es": "Esta llamada puede ser grabada.",
    },
    "soon": {
        "en": "Please stay on the line. Somebody will be with you shortly.",
        "es": "Por favor, espere en la línea. Le atenderemos en un momento.",
    },
    "next": {
        "en": "Thank you for waiting. You are next.",
        "es": "Gracias por esperar. Usted es la siguiente persona.",
    },
    "place": {
        "en": "Thank you for waiting. You are number {place} in line.",
        "es": "Gracias por esperar. Usted es el número {place} en la fila.",
    },
    "voicemail": {
        "en": "We cannot answer right now. Please leave your name, your number and a message after the tone.",
        "es": "No podemos contestar ahora. Después del tono, deje su nombre, su número y un mensaje.",
    },
    "kept": {
        "en": "Thank you. We will call you back. Goodbye.",
        "es": "Gracias. Le devolveremos la llamada. Adiós.",
    },
    "call-back": {
        "en": "You keep your place. We will call you back at {time}. Goodbye.",
        "es": "Usted conserva su lugar. Le llamaremos a las {time}. Adiós.",
    },
    "keys": {
        "en": "To confirm, press 1. To ask for another time, press 2. To talk to a person, press 9.",
        "es": "Para confirmar, oprima 1. Para pedir otra hora, oprima 2. "
        "Para hablar con una persona, oprima 9.",
    },
    "opening": {
        "en": "Hello, this is {name} with a message. To hear it, press 1. To talk to a person, press 9.",
        "es": "Hola, llamamos de {name} con un mensaje. Para oírlo, oprima 1. "
        "Para hablar con una persona, oprima 9.",
    },
    "call-us": {
        "en": "This is {name}. Please call us at {phone}. Goodbye.",
        "es": "Le llamamos de {name}. Por favor, llámenos al {phone}. Adiós.",
    },
    "confirmed": {
        "en": "Thank you. Your answer is noted. Goodbye.",
        "es": "Gracias. Anotamos su respuesta. Adiós.",
    },
    "another-time": {
        "en": "Thank you. We will be in touch with you about another time. Goodbye.",
        "es": "Gracias. Nos comunicaremos con usted para buscar otra hora. Adiós.",
    },
}


def greeting(call: Call) -> Words:
    """The practice's own greeting or the usual one, where to turn in an emergency, whether it is recorded."""
    card, practice = current_card(), current_practice()
    keys = ["emergency", *(["recorded"] if DeskRules.of_practice().record_calls else []), "soon"]
    return [
        (language, f"{card.greeting_by_machine(language) or usual} {rest}")
        for language in languages(call)
        for usual in [sentence("greeting", language, name=practice.public_name)]
        for rest in [" ".join(sentence(key, language) for key in keys)]
    ]


def while_waiting(call: Call, place: int) -> Words:
    """How many are before the caller."""
    key = "next" if place <= 1 else "place"
    return [(language, sentence(key, language, place=place)) for language in languages(call)]


def said(key: str, call: Call) -> Words:
    """A sentence without variables, in the caller's languages."""
    return [(language, sentence(key, language)) for language in languages(call)]


def promised(call: Call, at: dt.datetime) -> Words:
    """When the practice will call back, on its wall clock."""
    local = at.astimezone(current_practice().zone)
    return [
        (language, sentence("call-back", language, time=clock(local, language)))
        for language in languages(call)
    ]


def clock(local: dt.datetime, language: str) -> str:
    """A time as it is read out."""
    if language == "es":
        part = "de la mañana" if local.hour < 12 else "de la tarde" if local.hour < 20 else "de la noche"
        return f"{local.hour % 12 or 12}:{local:%M} {part}"
    return f"{local.hour % 12 or 12}:{local:%M} {'a.m.' if local.hour < 12 else 'p.m.'}"


def languages(call: Call) -> list[str]:
    """The known caller's language; of a stranger, all the practice speaks."""
    if call.patient:
        return [call.patient.language]
    return [code for code in ("en", "es") if code in current_practice().languages] or ["en"]


def sentence(key: str, language: str, **values: object) -> str:
    words = SPOKEN[key].get(language, SPOKEN[key]["en"]).format(**values)
    return words.replace("..", ".")  # “3:30 p.m.” at the end of a sentence


# Automatic calls.


def to_a_person(message: Message) -> Words:
    """The whole message and what the keys do; only where a person is on the line, and nameless."""
    return [(message.language, f"{message.body} {sentence('keys', message.language)}")]


def opening(message: Message) -> Words:
    """Who calls, and a key to hear why: no more where it is not sure who listens."""
    return [(message.language, sentence("opening", message.language, name=caller_name(message)))]


def call_us(message: Message) -> Words:
    """Practice and number, all that a voicemail hears."""
    phone = show_phone(str(current_practice().line_number))
    return [(message.language, sentence("call-us", message.language, name=caller_name(message), phone=phone))]


def thanks(message: Message, digit: str) -> Words:
    key = "another-time" if digit == "2" else "confirmed"
    return [(message.language, sentence(key, message.language))]


def caller_name(message: Message) -> str:
    """The practice's name, or a neutral one for a patient who asked for it."""
    practice: Practice = current_practice()
    patient = message.patient
    return practice.name_in(message.language, neutral=bool(patient and patient.neutral_name))


def names_somebody(message: Message) -> bool:
    """Whether the words name the patient: then they are kept back until a key is pressed."""
    patient = message.patient
    if patient is None:
        return False
    body = message.body.casefold()
    names = [*patient.given.split(), *patient.family.split(), *patient.preferred.split()]
    return any(len(name) > 1 and name.casefold() in body for name in names)
