"""What the page to choose a time for a due visit says, in both languages; the rest it shares."""

from collections.abc import Mapping

from scheduling.visit_words import ES, words_in

# word → (English, Spanish)
WORDS: dict[str, tuple[str, str]] = {
    "due_title": ("When would you like to come?", "¿Cuándo desea venir?"),
    "due_why": (
        "Choose a time. It is booked at once.",
        "Elija una hora. Queda reservada al momento.",
    ),
    "due_take": ("Take this time", "Tomar esta hora"),
    "due_none": (
        "No time is open here just now. Please call us and we will find one.",
        "Ahora no hay horas abiertas aquí. Llámenos y buscaremos una.",
    ),
    "due_gone": (
        "That time was just taken. Please choose another one.",
        "Esa hora acaba de ocuparse. Por favor, elija otra.",
    ),
    "due_choose": ("Please choose a time.", "Por favor, elija una hora."),
    "due_booked": ("Thank you. Your appointment is booked.", "Gracias. Su cita está reservada."),
    "due_until": (
        "This private link works until you have chosen.",
        "Este enlace privado sirve hasta que elija.",
    ),
}


def due_words(language: str) -> Mapping[str, str]:
    """All words of the page in a language."""
    at = 1 if language == ES else 0
    return {**words_in(language), **{key: pair[at] for key, pair in WORDS.items()}}
