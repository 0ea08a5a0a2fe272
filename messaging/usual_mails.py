"""Mails to patients where a practice wrote none of its own; `templates.py` says what they may hold."""

from collections.abc import Mapping

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
