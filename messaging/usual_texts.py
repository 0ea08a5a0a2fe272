"""Texts to patients where a practice wrote none of its own; `templates.py` says what they may hold."""

from collections.abc import Mapping

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
