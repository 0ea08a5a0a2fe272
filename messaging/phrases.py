"""The whole texts that are read automatically, folded; `@` stands for a time, `#` for minutes.

A text that is not here, to its last word, is for a person. Add real texts only, never parts of texts: a
wrong reading costs more than none.
"""

import re
from itertools import product

# The carrier's opt-out words (47 CFR 64.1200(a)(10) names most of them). It answers these itself.
CARRIER_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
CARRIER_START = frozenset({"start", "unstop"})
STOP = CARRIER_STOP | {
    "parar", "pare", "parartodo", "alto", "baja", "darmedebaja", "salir", "detener", "basta",
}  # fmt: skip
START = CARRIER_START | {"empezar", "comenzar", "iniciar"}
HELP = frozenset({"help", "info", "ayuda"})

YES = """
    y|yes|yes yes|yea|yeah|yep|yup|ya yes|yse|ys|yed|yas|yess|yes ok|ok yes|yes sir|yes maam
    yes of course|of course|yes i confirm|i confirm|confirm|confirmed|confirming|comfirm|comfirmed
    confrim|confrimed|conferm|confirm yes|yes confirm|yes confirmed|c|ok|okay|okey|okie|okay yes|k|kk
    sure|sure thing|yes sure|absolutely|definitely|yes i will|i will|yes ill be there|ill be there
    i will be there|yes i will be there|we will be there|well be there|yes we will be there|ill come
    i will come|yes i will come|yes ill come|im coming|i am coming|yes im coming|see you then|see you
    see you there|yes see you then|yes see you there|yes see you|coming|si|sip|sii|si ok|ok si|si claro
    claro|claro que si|si confirmo|confirmo|confirmado|confirmada|confirmar|si confirmado
    confirmo mi cita|si confirmo mi cita|si voy|voy|si ire|ire|si alli estare|alli estare|ahi estare
    si ahi estare|alla estare|si alla estare|ahi estaremos|alli estaremos|vale|si vale|de acuerdo
    si de acuerdo|esta bien|si esta bien|por supuesto|si por supuesto|perfecto si|si asistire|asistire
    si puedo
    """
NO = """
    n|no|nop|nope|nah|no no|noo|i cant|i cannot|no i cant|no i cannot|cant|cannot|cant come|i cant come
    no i cant come|i cant make it|cant make it|no i cant make it|i cannot make it|no cant make it
    i cannot come|i wont be there|i will not be there|i wont come|wont make it|i wont make it|not coming
    im not coming|i am not coming|no im not coming|unable to come|i am unable to come
    i wont be able to make it|wont be able to make it|i wont be able to come|not going to make it
    im not going to make it|not gonna make it|im not gonna make it|cant go|i cant go|we cant make it
    we cant come|no puedo|no voy|no ire|no podre|no podre ir|no puedo ir|no no puedo|no asistire
    no voy a ir|no voy a poder|no voy a poder ir|no podre asistir|no puedo asistir|no podemos ir
    no vamos a poder ir|no voy a asistir|no puedo llegar
    """
CANCEL_THING = [
    "", " it", " my appt", " my apt", " my appointment", " my apointment", " my appoinment", " my visit",
    " the appointment", " the appt", " appt", " appointment", " apt", " @", " my appointment @",
    " my appt @", " my appointment for @", " our appointment",
]  # fmt: skip
CANCEL_WISH = [
    "i need to cancel", "need to cancel", "i want to cancel", "want to cancel", "i have to cancel",
    "have to cancel", "i would like to cancel", "id like to cancel", "can i cancel", "can you cancel",
    "could you cancel", "i must cancel", "we need to cancel", "we have to cancel", "gotta cancel",
    "i gotta cancel", "im going to cancel", "wanna cancel", "could i cancel",
]  # fmt: skip
CANCELAR_THING = [
    "", " mi cita", " la cita", " mi cita @", " la cita @", " cita", " @", " mi cita de @", " la cita de @",
]  # fmt: skip
CANCELAR_WISH = [
    "quiero cancelar", "necesito cancelar", "deseo cancelar", "tengo que cancelar", "quisiera cancelar",
    "puedo cancelar", "puede cancelar", "favor de cancelar", "voy a cancelar", "cancelar", "cancelo",
    "quiero anular", "necesito anular", "anular", "me puede cancelar",
]  # fmt: skip
CANCEL = [
    *(wish + thing for wish, thing in product(CANCEL_WISH, CANCEL_THING)),
    *("cancel" + thing for thing in CANCEL_THING if thing),
    *(wish + thing for wish, thing in product(CANCELAR_WISH, CANCELAR_THING)),
    "cancele mi cita", "cancela mi cita", "cancelen mi cita", "cancele la cita", "cancela la cita",
]  # fmt: skip

HERE_WAY = [
    "here", "outside", "outside now", "here now", "here outside", "in the parking lot", "in the lobby",
    "in the waiting room", "downstairs", "at the door", "in the parking lot now",
    "at the office", "at the clinic", "here for my appointment", "here for my appt", "parked",
    "here in the parking lot", "at the front desk", "checking in",
]  # fmt: skip
HERE = [
    *(who + way for who, way in product(["", "im ", "i am ", "we are ", "were "], HERE_WAY)),
    *"""
    arrived|i arrived|ive arrived|i have arrived|just arrived|i just arrived|we arrived|we just arrived
    weve arrived|i just got here|just got here|got here|i got here|we got here|just parked|i just parked
    waiting outside|im waiting outside|ready to check in|heere|hre|here i am|llegue|ya llegue
    acabo de llegar|llegamos|ya llegamos|hemos llegado|he llegado|ya he llegado|estoy aqui|ya estoy aqui
    aqui estoy|estamos aqui|ya estamos aqui|aqui|aqui estamos|estoy afuera|ya estoy afuera|estamos afuera
    afuera|estoy en el estacionamiento|estoy en la sala de espera|estoy en la puerta|estoy en la clinica
    ya estoy en la clinica|estoy en el consultorio|estoy abajo|estoy en el lobby
    """.replace("\n", "|").split("|"),
]

LATE_WHO = [
    "", "im ", "i am ", "ill be ", "i will be ", "we are ", "were ", "we will be ", "im gonna be ",
    "im going to be ", "i might be ", "might be ", "gonna be ", "going to be ", "will be ", "i may be ",
    "we might be ", "may be ", "my bus is ", "we are going to be ",
]  # fmt: skip
LATE_HOW = [
    "late", "running late", "a bit late", "a little late", "a few minutes late", "# late", "running # late",
    "runing late", "runing # late", "late #", "running late #", "late by #", "running behind", "a few late",
    "running # behind", "running late by #", "running a bit late", "running a little late",
    "a little bit late", "running a few minutes late",
]  # fmt: skip
TARDE_QUE = [
    "voy tarde", "llego tarde", "voy a llegar tarde", "llegare tarde", "vamos tarde", "voy a tardar",
    "vamos a llegar tarde", "voy retrasado", "voy retrasada", "estoy tarde", "se me hizo tarde",
    "voy un poco tarde", "llego un poco tarde", "voy a llegar un poco tarde", "llegaremos tarde",
    "ando tarde", "voy atrasado", "voy atrasada",
]  # fmt: skip
LATE = [
    *(who + how for who, how in product(LATE_WHO, LATE_HOW)),
    *(que + how for que, how in product(TARDE_QUE, ["", " #"])),
    *"""
    stuck in traffic|im stuck in traffic|in traffic|stuck in traffic # late|traffic # late
    in traffic # late|stuck in traffic running late|stuck in traffic will be late
    running late stuck in traffic|running late traffic|traffic running late|running late bad traffic
    voy # tarde|llego # tarde|voy a llegar # tarde|llegare # tarde|# tarde|llego con # de retraso
    voy con # de retraso|estoy en el trafico|hay mucho trafico voy tarde|hay trafico voy tarde
    voy a tardar #|llego # mas tarde|voy a llegar # mas tarde|estoy en trafico|# de retraso
    me voy a tardar #
    """.replace("\n", "|").split("|"),
]

ASK = [
    "can i", "could i", "can we", "could we", "may i", "is it possible to", "would it be possible to",
    "i need to", "we need to", "i want to", "i would like to", "id like to", "need to", "want to",
    "i have to", "i gotta", "have to", "would like to", "can you", "could you", "please",
]  # fmt: skip
MOVE = [
    "reschedule", "rescedule", "reshedule", "re schedule", "change my appointment", "change my appt",
    "change it", "change the time", "change the day", "change the date", "move my appointment",
    "move my appt", "move it", "switch my appointment", "reschedule my appointment", "reschedule my appt",
    "reschedule it", "change the appointment", "change my time", "change my appointment time",
    "push it back", "push my appointment back", "reschedule the appointment", "change appointment",
    "change times",
]  # fmt: skip
MOVE_TO = [
    "", " to @", " for @", " @", " to another day", " for another day", " to a later time",
    " to an earlier time", " to another time", " to a different day", " to a different time",
    " to next week", " for another time", " to later", " later", " instead",
]  # fmt: skip
COME_ASK = [
    "can i", "could i", "can we", "could we", "may i", "would it be possible to", "is it possible to",
]  # fmt: skip
COME = [
    "come", "come in", "be seen", "do", "come by", "make it", "get in",
]  # fmt: skip
COME_WHEN = [
    "@ instead", "on @ instead", "at @ instead", "@", "later", "earlier", "later in the day",
    "a little later", "a bit later", "a little earlier", "another day", "a different day", "another time",
    "some other day", "@ or @",
]  # fmt: skip
CAMBIO = [
    "mi cita", "la cita", "la hora", "el dia", "la fecha", "de hora", "de dia", "mi hora", "la",
]  # fmt: skip
PIDE = [
    "puedo cambiar", "podria cambiar", "quiero cambiar", "necesito cambiar", "quisiera cambiar",
    "me puede cambiar", "se puede cambiar", "puede cambiar", "tengo que cambiar", "me pueden cambiar",
    "podemos cambiar", "me gustaria cambiar",
]  # fmt: skip
NEW_TIME = [
    *(ask + " " + move + to for ask, move, to in product(ASK, MOVE, MOVE_TO)),
    *(move + to for move, to in product(MOVE, MOVE_TO)),
    *(ask + " " + come + " " + when for ask, come, when in product(COME_ASK, COME, COME_WHEN)),
    *(
        pide + " " + que + to
        for pide, que, to in product(PIDE, CAMBIO, ["", " para @", " a @", " @", " para otro dia"])
    ),
    *(
        ask + " " + ir + " " + when
        for ask, ir, when in product(
            ["puedo", "podria", "podemos", "podriamos"],
            ["ir", "venir", "llegar", "pasar"],
            [
                "@",
                "mejor @",
                "@ mejor",
                "otro dia",
                "a otra hora",
                "mas tarde",
                "mas temprano",
                "@ en vez",
                "@ en su lugar",
                "en otro horario",
            ],
        )
    ),
    *"""
    any time @|anytime @|any day @|anything @|any openings @|any openings|any other times|any other time
    do you have anything @|do you have any openings @|anything available @|anything open @|do you have @
    another time|another day|different time|different day|a different time|a different day|other times
    i need another time|need another time|need a different time|need a different day|need another day
    i need a different time|i need a different day|i need another day|need a new time
    i need a new time|new time|later time|what other times do you have|what other times are available
    can we do @|can we do @ instead|how about @|how about @ instead|how @|how @ instead
    what @|what about @|what about @ instead
    @ instead|is @ available|would @ work|does @ work|@ works better|@ is better|@ would be better
    @ would work better|anything earlier|anything later|do you have anything earlier
    do you have anything later|something later|something earlier|can it be @|could it be @
    can it be later|can it be earlier|not @ how about @|cualquier hora @|cualquier dia @|tiene algo @
    hay algo @|tienen algo @|puede ser @|podria ser @|mejor @|otra hora|otro dia|otra fecha
    necesito otra hora|necesito otro dia|quiero otra hora|quiero otro dia|necesito otra fecha|reprogramar
    quiero reprogramar|necesito reprogramar|reprogramar mi cita|reagendar|quiero reprogramar mi cita
    necesito reprogramar mi cita|quiero reagendar|necesito reagendar|hay otra hora
    necesito reagendar mi cita|puedo reprogramar|puedo reagendar|cambiar mi cita|cambiar la cita
    cambio de cita|que tal @|tiene otra hora|tienen otra hora|tiene algo mas tarde
    tiene algo mas temprano|mas tarde se puede|cambiar cita|cambiar mi cita para @|cambiar la cita para @
    se puede otro dia|puede ser otro dia
    """.replace("\n", "|").split("|"),
]

CALL_ME = [
    "call me", "call me back", "give me a call", "call me @", "call me back @", "phone me", "call",
    "give me a call back", "call us", "ring me", "give me a ring", "have someone call me",
]  # fmt: skip
TALK = [
    "talk to", "speak to", "speak with", "talk with",
]  # fmt: skip
SOMEONE = [
    "someone", "somebody", "a person", "a human", "a real person", "a nurse", "the nurse", "the doctor",
    "the office", "the receptionist", "the front desk", "reception", "a representative",
]  # fmt: skip
HABLAR = [
    "quiero hablar con", "necesito hablar con", "puedo hablar con", "quisiera hablar con", "hablar con",
]  # fmt: skip
ALGUIEN = [
    "alguien", "una persona", "la recepcion", "el doctor", "la doctora", "la enfermera", "recepcion",
]  # fmt: skip
PERSON = [
    *(ask + call for ask, call in product(
        ["", "can you ", "could you ", "can someone ", "could someone ", "can somebody ", "would you ",
         "someone ", "i need you to ", "can the office ", "can the doctor ", "can the nurse "], CALL_ME)),
    *(ask + talk + " " + who for ask, talk, who in product(
        ["", "i need to ", "i want to ", "can i ", "could i ", "id like to ", "i would like to ", "need to ",
         "let me ", "want to "], TALK, SOMEONE)),
    *(quiero + " " + quien for quiero, quien in product(HABLAR, ALGUIEN)),
    *"""
    agent|operator|representative|human|person|real person|receptionist|front desk|live person|live agent
    llamame|llameme|llamenme|me puede llamar|me pueden llamar|me podria llamar|me podrian llamar
    llameme @|puede llamarme|pueden llamarme|podria llamarme|llamenme @|que me llamen|me llama
    me puede llamar @|persona|operador|operadora|una persona|recepcion|alguien me puede llamar|me llaman
    """.replace("\n", "|").split("|"),
]  # fmt: skip

# Politeness says nothing about coming.
COURTESY = """
    please pls plz thanks thank you thankyou thx ty hi hey hello good morning afternoon doctor dr sorry sory
    gracias muchas mil por favor porfavor hola buenos buenas dias tardes perdon disculpe disculpen
    """
YES_SIGNS = "👍👌✅☑✔🆗🙋💯"
NO_SIGNS = "👎❌✖🚫🙅"

POSSIBLE_OPT_OUT = re.compile(
    r"\b(stop|quit|no more|dont|do not|never|cancel)\b.{0,20}\b(text\w*|messag\w*|sms|contact\w*|writ\w*"
    r"|email\w*|mail\w*|call(ing|s)?|phoning)\b"
    r"|\b(unsubscribe|opt ?out|opt me out|take me off|remove me|wrong (number|person)|leave me alone)\b"
    r"|\blose my number\b"
    r"|\bstop bothering\b|\bno longer wish to\b|\bdo not disturb\b"
    r"|\b(no|dejen?|deje|paren?|basta)\b.{0,20}\b(mensaj\w*|textos?|escrib\w*|sms|molest\w*|correos?"
    r"|llam(en|ar)\w*)\b"
    r"|\b(numero equivocado|persona equivocada|borren? mi numero|quiten? mi numero)\b"
)
# “Don't call me, text me” and “do not call before noon” are read by the person who decides.
POSSIBLE_EMERGENCY = re.compile(
    r"\b(chest pain|chest hurts?|cant breathe|cannot breathe|trouble breathing|short of breath|heart attack"
    r"|stroke|suicid\w*|kill myself|overdose\w*|unconscious|passed out|bleeding (a lot|badly|heavily)|911"
    r"|dolor (de|en el) pecho|no puedo respirar|me cuesta respirar|infarto|derrame|matarme|sobredosis"
    r"|emergency|emergencia|sangrando mucho|desmay\w*)\b"
)
WANTS_TO_CANCEL = re.compile(r"\b(cancel\w*|anular?)\b")


def listed(block: str) -> list[str]:
    """The phrases of a block."""
    return block.replace("\n", "|").split("|")
