"""The words of the offer's page in both languages."""

from collections.abc import Mapping

from scheduling.visit_words import ES

# word → (English, Spanish)
WORDS: dict[str, tuple[str, str]] = {
    "offer": ("An appointment is free", "Hay una cita libre"),
    "offer_earlier": ("An earlier appointment is free", "Hay una cita antes"),
    "take": ("Yes, I’ll take it", "Sí, la tomo"),
    "first": (
        "The first to answer gets it. Your place on the list stays if you do not.",
        "Es de quien responda primero. Si no responde, sigue en la lista.",
    ),
    "decline": ("Not this one", "Esta no"),
    "stop": ("Don’t ask me any more", "No me avisen más"),
    "details": ("With whom and where", "Con quién y dónde"),
    "gives_up": ("In place of yours on {day} {clock}", "En lugar de la suya el {day} {clock}"),
    "needs_proof": (
        "It takes the place of the one you have, so we ask for your birth date first.",
        "Sustituye a la que ya tiene; por eso pedimos antes su fecha de nacimiento.",
    ),
    "go_on": ("Go on", "Seguir"),
    "yours": ("The appointment is yours. We expect you.", "La cita es suya. Le esperamos."),
    "gone_title": ("That time is taken", "Esa hora ya está tomada"),
    "gone_why": (
        "Somebody was a little faster. You are still on our list, and we ask you again.",
        "Alguien respondió un poco antes. Sigue en nuestra lista y le avisaremos de nuevo.",
    ),
    "ended_title": ("This appointment has changed", "Esta cita ha cambiado"),
    "ended_why": (
        "It was moved or cancelled, or has been. If you are not sure when we see you next, please call us.",
        "Se cambió, se canceló o ya pasó. Si no sabe cuándo le vemos, llámenos, por favor.",
    ),
    "held_title": ("One moment, please", "Un momento, por favor"),
    "held_why": (
        "Somebody is choosing this time just now. Try again in a few minutes; it may still be yours.",
        "Alguien está eligiendo esta hora ahora. Inténtelo en unos minutos; puede que siga libre.",
    ),
    "declined": (
        "Thank you. We ask you again when another time opens.",
        "Gracias. Le avisaremos cuando haya otra hora.",
    ),
    "stopped": (
        "Done. You are off the list and we do not ask any more.",
        "Listo. Ya no está en la lista y no le avisaremos más.",
    ),
    "again": ("I’ll take it after all", "La tomo, después de todo"),
    "small": ("This private link is for you alone.", "Este enlace privado es solo para usted."),
}


def offer_words(language: str) -> Mapping[str, str]:
    """All words of the offer's page in a language; English where the language is not ours."""
    at = 1 if language == ES else 0
    return {key: pair[at] for key, pair in WORDS.items()}
