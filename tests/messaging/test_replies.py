"""What texts say, and above all what they do not."""

import pytest

from messaging.replies import may_be_emergency, may_opt_out, read_reply

SAYS = {
    "yes": [
        "YES",
        "yes",
        " Yes. ",
        "yes!",
        "yess",
        "YESSS",
        "y",
        "Y.",
        "yep",
        "yeah",
        "Yes please",
        "yes, thank you!",
        "ok",
        "OK",
        "Okay",
        "ok thanks",
        "C",
        "c",
        "Confirm",
        "confirmed",
        "I confirm",
        "comfirm",
        "I'll be there",
        "I’ll be there",
        "see you then",
        "👍",
        "👍🏽",
        "👍👍",
        "Yes 👍",
        "✅",
        "👌",
        "si",
        "Sí",
        "SÍ",
        "sii",
        "si!",
        "sí confirmo",
        "Si, confirmo",
        "confirmo",
        "Sí, gracias",
        "claro",
        "de acuerdo",
        "Sí, allí estaré",
        "vale",
        "Hola, si",
        "Yes Dr.",
    ],
    "no": [
        "no",
        "NO",
        "No.",
        "nope",
        "n",
        "no thanks",
        "I can't",
        "I can’t come",
        "can't make it",
        "cannot",
        "👎",
        "❌",
        "No 👎",
        "no puedo",
        "No puedo ir",
        "no gracias",
        "no voy",
        "No podré ir",
    ],
    "stop": [
        "STOP",
        "stop",
        "Stop.",
        " stop ",
        "STOP!!!",
        "s t o p",
        "stopp",
        "STOPALL",
        "stop all",
        "Unsubscribe",
        "CANCEL",
        "cancel",
        "END",
        "quit",
        "REVOKE",
        "OPTOUT",
        "opt out",
        "Opt-Out",
        "STOP 🛑",
        "please stop",
        "Stop please",
        "PARAR",
        "parar",
        "Alto",
        "ALTO.",
        "pare",
    ],
    "start": ["START", "start", "Unstop", "start please", "Empezar"],
    "help": ["HELP", "help", "Help!", "help?", "INFO", "info", "ayuda", "AYUDA"],
    "unclear": [
        "",
        "   ",
        "?",
        "yes?",
        "yes but can I come at 3",
        "no yes",
        "yes no",
        "No 👍",
        "yes 👎",
        "👍👎",
        "maybe",
        "thanks",
        "gracias",
        "who is this",
        "can I reschedule",
        "what time",
        "call me",
        "please stop texting me",
        "I need to cancel my appointment",
        "cancelar",
        "stop by at 3 ok",
        "end of the month",
        "ok but late",
        "si pero tarde",
        "no se",
        "I said yes yesterday",
        "yesterday",
        "nothing",
        "🤷",
        "1",
        "okra",
        "❤️",
        "not sure",
        "yes, and bring my son",
        "no problem",
        "ya no puedo creerlo",
        "😀",
        "x" * 4000,
        "\x00",
    ],
}


@pytest.mark.parametrize(
    ("text", "reading"), [(text, reading) for reading, texts in SAYS.items() for text in texts], ids=repr
)
def test_what_a_text_says(text, reading):
    assert read_reply(text) == reading


@pytest.mark.parametrize(
    "text",
    [
        "please stop texting me",
        "Don't text me again",
        "no more messages",
        "take me off your list",
        "wrong number",
        "no me escriban más",
        "No quiero mensajes",
        "dejen de mandar mensajes",
    ],
)
def test_free_words_that_may_ask_for_silence(text):
    assert may_opt_out(text)


@pytest.mark.parametrize("text", ["yes", "stop by at 3", "I will stop at the desk", "no puedo ir", "call me"])
def test_words_that_do_not(text):
    assert not may_opt_out(text)


@pytest.mark.parametrize(
    "text", ["I have chest pain", "can’t breathe", "Dolor en el pecho!", "no puedo respirar", "911"]
)
def test_what_cannot_wait(text):
    assert may_be_emergency(text)


def test_everyday_words_are_no_emergency():
    assert not may_be_emergency("My back hurts a little, can I come earlier?")
