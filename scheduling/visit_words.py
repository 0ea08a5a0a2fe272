"""The words of the patient's pages in both languages; no build step stands between a word and the page."""

import calendar
import datetime as dt
from collections.abc import Mapping

from practices.models import Language

EN, ES = Language.ENGLISH.value, Language.SPANISH.value

MONTHS = {
    EN: tuple(calendar.month_name)[1:],
    ES: (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio"),
        *("julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
}
DAYS = {
    EN: tuple(calendar.day_name),
    ES: ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
}

# word → (English, Spanish)
WORDS: dict[str, tuple[str, str]] = {
    "appointment": ("Your appointment", "Su cita"),
    "ask": ("Can you make it?", "¿Podrá venir?"),
    "ask_name": ("Hi {name}, can you make it?", "Hola, {name}. ¿Podrá venir?"),
    "at": ("at", "a las"),
    "at_one": ("at", "a la"),
    "yes": ("Yes, I’ll be there", "Sí, allí estaré"),
    "new_time": ("Another time", "Otra hora"),
    "cancel": ("I can’t come", "No puedo ir"),
    "details": ("Details", "Detalles"),
    "confirmed": ("Thank you. We expect you.", "Gracias. Le esperamos."),
    "asked": (
        "We have your wish for another time and will be in touch.",
        "Recibimos su deseo de otra hora. Nos comunicaremos con usted.",
    ),
    "cancelled": (
        "Your appointment is cancelled. Thank you for telling us.",
        "Su cita está cancelada. Gracias por avisarnos.",
    ),
    "late": ("We are running late. Please expect", "Vamos con retraso. Le esperamos"),
    "questions": ("Questions? Call", "¿Preguntas? Llame al"),
    "until": ("This private link works until your visit.", "Este enlace privado funciona hasta su cita."),
    "born_title": ("First, your birth date", "Primero, su fecha de nacimiento"),
    "born_why": (
        "So that nobody else sees or changes your appointment.",
        "Para que nadie más vea ni cambie su cita.",
    ),
    "month": ("Month", "Mes"),
    "day": ("Day", "Día"),
    "year": ("Year", "Año"),
    "year_help": ("Four digits, like 1986", "Cuatro cifras, como 1986"),
    "go_on": ("Continue", "Continuar"),
    "incomplete": ("Please fill in month, day and year.", "Por favor, complete mes, día y año."),
    "wrong": (
        "That does not match what we have. Check it, or call us.",
        "No coincide con nuestros datos. Revísela o llámenos.",
    ),
    "back": ("Back", "Volver"),
    "by_video": ("By video", "Por video"),
    "join_video": ("Join by video", "Entrar al video"),
    "video_later": (
        "The link to join appears here before your visit.",
        "El enlace aparece aquí antes de su cita.",
    ),
    "minutes": ("{who}, about {minutes} minutes", "{who}, unos {minutes} minutos"),
    "directions": ("Directions and parking", "Cómo llegar y estacionamiento"),
    "interpreter": ("An interpreter will join you", "Un intérprete le acompañará"),
    "calendar": ("Add to my calendar", "Agregar a mi calendario"),
    "calendar_title": ("Appointment", "Cita"),
    "wish_title": ("When would suit you?", "¿Cuándo le conviene?"),
    "wish_why": (
        "Choose up to three. We then find a time and tell you; until then your appointment stays.",
        "Elija hasta tres. Buscaremos una hora y le avisaremos; hasta entonces su cita sigue en pie.",
    ),
    "wish_text": ("Anything else we should know?", "¿Algo más que debamos saber?"),
    "wish_none": (
        "Please choose a time, or write what suits you.",
        "Por favor, elija una hora o escriba qué le conviene.",
    ),
    "wish_many": ("Please choose three at most.", "Por favor, elija tres como máximo."),
    "wish_send": ("Ask for another time", "Pedir otra hora"),
    "choose_title": ("Choose another time", "Elija otra hora"),
    "instead": ("Instead of", "En lugar de:"),
    "choose_why": (
        "Your appointment moves at once. It stays as it is until you choose.",
        "Su cita cambia enseguida. Hasta que elija, sigue como está.",
    ),
    "choose_this": ("Take this time", "Tomar esta hora"),
    "choose_none": ("Please choose one of the times.", "Por favor, elija una de las horas."),
    "choose_gone": (
        "That time was just taken. Here are the next ones.",
        "Esa hora acaba de ocuparse. Estas son las siguientes.",
    ),
    "choose_empty": (
        "There is no free time to choose right now. Tell us what suits you and we will call.",
        "Ahora no hay horas libres para elegir. Díganos qué le conviene y le llamaremos.",
    ),
    "none": ("None of these suits me", "Ninguna me conviene"),
    "none_title": ("What would suit you?", "¿Qué le convendría?"),
    "none_why": (
        "We will call you to find a time. Until then your appointment stays.",
        "Le llamaremos para buscar una hora. Hasta entonces su cita sigue en pie.",
    ),
    "none_send": ("Send", "Enviar"),
    "mornings": ("Mornings", "Por la mañana"),
    "afternoons": ("Afternoons", "Por la tarde"),
    "later": ("Another week", "Otra semana"),
    "please_call": ("Please call me", "Llámenme, por favor"),
    "noted_title": ("Thank you. We will call you.", "Gracias. Le llamaremos."),
    "now_at": ("Your appointment is now", "Su cita es ahora"),
    "cancel_title": ("Cancel this appointment?", "¿Cancelar esta cita?"),
    "cancel_why": ("The time is then given to somebody else.", "La hora se dará a otra persona."),
    "cancel_yes": ("Yes, cancel it", "Sí, cancelarla"),
    "cancel_no": ("No, keep it", "No, conservarla"),
    "closed_title": ("This link is not in use any more", "Este enlace ya no está en uso"),
    "closed_why": (
        "The visit was changed, cancelled or is over. Please call us and we will help.",
        "La cita fue cambiada, cancelada o ya pasó. Llámenos y le ayudaremos.",
    ),
    "call_title": ("Please call us", "Por favor, llámenos"),
    "call_why": (
        "This cannot be done here any more. We are glad to help on the phone.",
        "Esto ya no se puede hacer aquí. Con gusto le ayudamos por teléfono.",
    ),
    "unknown_title": ("We do not know this link", "No conocemos este enlace"),
    "unknown_why": (
        "Perhaps a part of it is missing. Open it from the message again, or call the practice.",
        "Tal vez falte una parte. Ábralo de nuevo desde el mensaje o llame al consultorio.",
    ),
    "call": ("Call", "Llamar al"),
    "main": ("Skip to the page", "Ir a la página"),
}


def words_in(language: str) -> Mapping[str, str]:
    """All words of the pages in a language; English where the language is not ours."""
    at = 1 if language == ES else 0
    return {key: pair[at] for key, pair in WORDS.items()}


def say_day(day: dt.date, language: str) -> str:
    """Tuesday, June 9; martes, 9 de junio."""
    name, month = DAYS[language][day.weekday()], MONTHS[language][day.month - 1]
    return f"{name.capitalize()}, {day.day} de {month}" if language == ES else f"{name}, {month} {day.day}"


def say_clock(moment: dt.datetime, language: str) -> str:
    """11:30 AM; 11:30 a. m."""
    half = ("a. m.", "p. m.") if language == ES else ("AM", "PM")
    return f"{moment.hour % 12 or 12}:{moment:%M} {half[moment.hour >= 12]}"


def say_at(moment: dt.datetime, language: str) -> str:
    """at 11:30 AM; a las 11:30 a. m., a la 1:00 p. m."""
    word = words_in(language)["at_one" if moment.hour % 12 == 1 else "at"]
    return f"{word} {say_clock(moment, language)}"
