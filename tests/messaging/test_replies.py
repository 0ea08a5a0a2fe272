"""What texts say, and above all what they do not."""

import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from messaging.mentions import mentions
from messaging.models import Message
from messaging.replies import may_be_emergency, may_opt_out, minutes_late, read_reply

# A machine that is busy with other tests is no fault of a text.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    "cancel": [
        "I need to cancel my appointment",
        "cancel my appt",
        "Cancel my appointment please",
        "Please cancel my appointment",
        "need to cancel",
        "I have to cancel tomorrow",
        "can I cancel?",
        "Can you cancel my appointment for Thursday?",
        "sorry, I need to cancel my appt",
        "Cancelar",
        "cancelar mi cita",
        "Quiero cancelar mi cita",
        "necesito cancelar la cita de mañana",
        "Hola, necesito cancelar mi cita por favor",
        "¿Puedo cancelar mi cita?",
        "tengo que cancelar mi cita",
    ],
    "here": [
        "here",
        "Here!",
        "I'm here",
        "Im here",
        "im outside",
        "I’m outside",
        "We are here",
        "we're here",
        "just arrived",
        "I've arrived",
        "in the parking lot",
        "I'm in the waiting room",
        "here for my appointment",
        "hi, I'm here",
        "Llegué",
        "llegue",
        "ya llegué",
        "Ya estoy aquí",
        "aquí estoy",
        "estoy afuera",
        "Ya llegamos, gracias",
        "acabo de llegar",
    ],
    "late": [
        "running late",
        "running 10 late",
        "Running 10 min late",
        "running 15 minutes late, sorry",
        "I'm running late",
        "im gonna be late",
        "I'll be 10 minutes late",
        "I will be 20 min late",
        "10 min late",
        "late",
        "sorry running a bit late",
        "Stuck in traffic",
        "I might be 5 minutes late",
        "half an hour late",
        "running about 10-15 min late",
        "voy tarde",
        "Voy tarde 15 min",
        "voy 10 minutos tarde",
        "voy a llegar tarde",
        "Voy a llegar 20 minutos tarde, perdón",
        "llego tarde",
        "lo siento, voy a llegar tarde",
        "voy retrasada 10 min",
    ],
    "new-time": [
        "can I come Thursday instead?",
        "Can I come on Thursday?",
        "any time after 2",
        "anytime after 2pm?",
        "can I reschedule",
        "Can I reschedule?",
        "reschedule",
        "I need to reschedule",
        "Please reschedule my appointment to next week",
        "could we move it to Friday at 3?",
        "I'd like to change my appointment",
        "can I come later?",
        "do you have anything tomorrow afternoon?",
        "how about 3pm instead?",
        "another day please",
        "need a different time",
        "would it be possible to come in on Monday?",
        "what other times do you have?",
        "Good morning, can I come Thursday instead?",
        "¿Puedo ir el jueves?",
        "puedo cambiar mi cita para el viernes",
        "Quiero cambiar la cita",
        "necesito reprogramar mi cita",
        "otra hora por favor",
        "¿Tiene algo mañana por la tarde?",
        "cualquier hora después de las 2",
        "podría ser a las 3?",
        "reagendar",
    ],
    "person": [
        "call me",
        "Call me please",
        "please call me back",
        "Can someone call me?",
        "can you call me after 3",
        "I need to talk to someone",
        "speak to a person",
        "operator",
        "I want to speak with the nurse",
        "Llámame",
        "me pueden llamar por favor?",
        "¿Me puede llamar?",
        "quiero hablar con alguien",
        "necesito hablar con una persona",
    ],
    "unclear": [
        "",
        "   ",
        "?",
        "yes?",
        "here?",
        "late?",
        "si?",
        "yes but can I come at 3",
        "yes but can I come later",
        "no problem see you then",
        "No problem, see you then!",
        "yes thats my number, who is this",
        "stop by the office?",
        "can I stop by the office",
        "I can't make it until 3",
        "I cant come in the morning can I come later",
        "yes I need to cancel",
        "no I am not late",
        "no I don't want to cancel",
        "do not cancel my appointment",
        "don't cancel",
        "Not here yet",
        "is the doctor here",
        "he is not here",
        "I was there yesterday and nobody was here",
        "are you running late?",
        "is the doctor running late?",
        "will it be too late",
        "too late",
        "sorry I missed your call",
        "I called, nobody answered",
        "call my wife",
        "don't call me",
        "call 911",
        "ok call you later",
        "yes I'm running late",
        "ok see you Thursday",
        "Yes. Also can you refill my prescription",
        "Yes, I will be there but 10 min late",
        "no, I'll be there",
        "no no I'm coming",
        "ok no",
        "I don't know",
        "who is this",
        "Who's this?",
        "New phone who dis",
        "what is the address",
        "Where do I park?",
        "how much will it cost",
        "do you take Aetna",
        "My son has a fever, can I bring him?",
        "I have covid should I come",
        "can I bring my mom",
        "I already cancelled",
        "I cancelled yesterday",
        "did you cancel my appointment?",
        "was my appointment cancelled?",
        "cancel the cancellation",
        "cancel my subscription to your texts",
        "start at 9?",
        "the end",
        "weekend",
        "si pero tarde",
        "sí, pero ¿puedo ir más tarde?",
        "no se si puedo",
        "no sé",
        "sí no",
        "a qué hora",
        "¿a qué hora es mi cita?",
        "¿quién es?",
        "no cancele mi cita",
        "no quiero cancelar",
        "no voy a llegar tarde",
        "el doctor ya llegó?",
        "mi hijo está enfermo",
        "buenas tardes",
        "Thursday",
        "Thursday at 3",
        "tarde o temprano",
        "tarde",
        "I’m in the car",
        "on my way",
        "otw",
        "en camino",
        "be there in 10",
        "late night?",
        "call the police",
        "is it possible to come with my dog",
        "can I come with my wife",
        "can I come Thursday instead? and bring my son",
        "cancel or reschedule",
        "I am here to ask about my bill",
        "here is my insurance card",
        "aquí está mi tarjeta",
        "llegué tarde a casa, no oí el teléfono",
        "maybe",
        "thanks",
        "gracias",
        "what time",
        "please stop texting me",
        "stop by at 3 ok",
        "end of the month",
        "ok but late",
        "no se",
        "I said yes yesterday",
        "yesterday",
        "nothing",
        "🤷",
        "1",
        "1 and 2",
        "okra",
        "❤️",
        "not sure",
        "yes, and bring my son",
        "no problem",
        "ya no puedo creerlo",
        "😀",
        "x" * 4000,
        "yes " * 2000,
        "\x00",
        "\ud800",
        "\u202eyes\u202c no",
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


def test_the_table_is_long_enough_to_mean_something():
    assert sum(map(len, SAYS.values())) >= 250
    assert len({text for texts in SAYS.values() for text in texts}) == sum(map(len, SAYS.values()))


ANY_LETTERS = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@unhurried
@given(ANY_LETTERS)
def test_no_letters_of_any_script_raise(text):
    assert read_reply(text) in Message.Reading
    minutes_late(text)


@unhurried
@given(ANY_LETTERS.filter(lambda text: any(char.isalpha() for char in text)))
def test_a_known_text_with_a_foreign_word_is_for_a_person(text):
    """Only whole texts are read: a word more and it is somebody's business."""
    reading = read_reply(f"yes I will come xylophonique {text}")
    assert reading == Message.Reading.UNCLEAR


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("running 10 late", 10),
        ("voy tarde 15 min", 15),
        ("Running about 10-15 min late", 15),
        ("half an hour late", 30),
        ("llego media hora tarde", 30),
        ("an hour late", 60),
        ("running late", None),
        ("900 minutes late", None),
    ],
)
def test_how_late(text, minutes):
    assert minutes_late(text) == minutes


def test_good_morning_names_no_time():
    today = dt.date(2026, 6, 9)
    assert not mentions("Good morning, my insurance changed.", today).after
    assert mentions("Good morning, my insurance changed.", today).before is None
    assert mentions("Good morning, can I come in the morning?", today).before == dt.time(12)
