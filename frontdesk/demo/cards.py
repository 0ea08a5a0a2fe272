"""What the demo's practices have written down for their desks: cards, saved replies, routes."""

from typing import Any

from frontdesk.demo.houses import CEDAR, HARBOR, NORTHSIDE


def answer(topic: str, question: str, english: str, spanish: str = "") -> dict[str, str]:
    return {"topic": topic, "question": question, "answer": english, "answer_es": spanish}


EMERGENCY = (
    "If this is a medical emergency, hang up and dial 911 now.\n"
    "Chest pain, trouble breathing, a face that droops, heavy bleeding: 911, not an appointment.\n"
    "Thoughts of self-harm: stay on the line, dial 988 on another phone, call the clinician on duty.\n"
    "Say no more than this. Write down the time and the number."
)
BILLING = answer(
    "Billing",
    "I do not understand my bill",
    "I can take the number on the statement and have our billing colleague call you by tomorrow evening.",
    "Puedo anotar el número de la factura; nuestra colega le llamará a más tardar mañana por la tarde.",
)
RESULTS = answer(
    "Results",
    "Are my results there?",
    "I cannot read results to you. The clinician reviews them first; I will leave a message today.",
    "No puedo leerle los resultados. La doctora los revisa primero; le dejo un mensaje hoy mismo.",
)
CARDS: dict[str, dict[str, Any]] = {
    HARBOR.slug: {
        "greeting": "Thank you for calling Harbor Street Family Medicine, this is {your name}. May I have "
        "the patient's name and birth date?",
        "greeting_es": "Gracias por llamar a Harbor Street Family Medicine, le atiende {su nombre}.",
        "emergency": EMERGENCY,
        "never_say": [
            "That the doctor is out sick: say “not in the office today”",
            "What a result means",
            "That somebody is our patient, to anybody who is not verified",
            "That we will certainly fit them in today",
        ],
        "plans": ["Harbor Health HMO", "Northeast Blue PPO", "Medicare", "MaineCare", "Self-pay"],
        "answers": [
            answer(
                "Hours",
                "When are you open?",
                "Our phones are open from 8 to 5:30. Visits are from 8 to 12 and from 1 to 5.",
                "Atendemos el teléfono de 8 a 5:30. Las consultas son de 8 a 12 y de 1 a 5.",
            ),
            answer(
                "Directions",
                "How do I find you?",
                "410 Harbor Street, second floor; the lift is behind the pharmacy. Parking in the yard.",
                "410 Harbor Street, segundo piso; el ascensor está detrás de la farmacia.",
            ),
            BILLING,
            RESULTS,
            answer(
                "Refills",
                "I need a refill",
                "Please ask your pharmacy to send us the request; it takes two working days. If you run out "
                "sooner I will take a message for the clinician.",
                "Pida a su farmacia que nos envíe la solicitud; tarda dos días hábiles.",
            ),
        ],
        "notes": "The lab courier comes at 11:30. Flu vaccines without a visit on Fridays.",
    },
    CEDAR.slug: {
        "greeting": "Cedar Park Pediatrics, this is {your name}. What is your child's name?",
        "greeting_es": "Cedar Park Pediatrics, le atiende {su nombre}. ¿Cómo se llama su hijo o hija?",
        "emergency": EMERGENCY
        + "\nA baby under three months with a fever: put through to the nurse at once.",
        "never_say": [
            "Which medicine or dose to give",
            "Anything about the other parent",
            "That the child is due a vaccine, to a caller who is not on the list",
        ],
        "plans": ["Lakeside Kids", "Prairie PPO", "Medicaid (All Kids)", "Self-pay"],
        "answers": [
            answer(
                "Hours",
                "Are you open on Saturday?",
                "Yes, every day from 8 to 5; the phones until 5:30.",
                "Sí, todos los días de 8 a 5; el teléfono hasta las 5:30.",
            ),
            answer(
                "Directions",
                "Where are you?",
                "77 Cedar Avenue in Oak Park: the door with the bear. Prams can be left inside.",
                "77 Cedar Avenue, Oak Park: la puerta con el oso. Los cochecitos pueden quedarse dentro.",
            ),
            answer(
                "Forms",
                "I need a school form",
                "School forms take three working days. You may send a picture of the page to this number.",
                "Los formularios escolares tardan tres días hábiles. Puede enviar una foto a este número.",
            ),
            BILLING,
            RESULTS,
        ],
        "notes": "Siblings share a phone: ask which child the call is about.",
    },
    NORTHSIDE.slug: {
        "greeting": "Northside Dental, this is {your name}. How can I help?",
        "greeting_es": "Northside Dental, le atiende {su nombre}. ¿En qué puedo ayudarle?",
        "emergency": "Swelling that makes it hard to breathe or swallow, bleeding that does not stop: 911.\n"
        "A tooth knocked out: keep it in milk, do not touch the root, come within 30 minutes.",
        "never_say": ["What a treatment will cost in the end", "That it will not hurt"],
        "plans": ["Cascade Dental", "Evergreen PPO", "Self-pay, 5% off on the day"],
        "answers": [
            answer("Hours", "When are you open?", "Every day from 8 to 5.", "Todos los días de 8 a 5."),
            answer(
                "Directions",
                "Where do I ring?",
                "2200 Aurora Way, ground floor, the bell at the blue door.",
                "2200 Aurora Way, planta baja, el timbre de la puerta azul.",
            ),
            answer(
                "Cancelling",
                "Is there a fee if I cancel?",
                "Not if you tell us a day before. I can offer you another time now.",
                "No, si nos avisa un día antes. Puedo ofrecerle otra hora ahora mismo.",
            ),
            BILLING,
        ],
        "notes": "Chair 3 is upstairs and has steps.",
    },
}
SAVED_REPLIES = (
    (
        "Address",
        "Hello $name, this is $practice. You find us at the address on your reminder; call $phone if you are "
        "lost.",
        "Hola $name, le escribe $practice. La dirección está en su recordatorio; si se pierde, llame al "
        "$phone.",
    ),
    (
        "Bring along",
        "Hello $name, please bring your insurance card and a list of what you take. $practice",
        "Hola $name, por favor traiga su tarjeta del seguro y la lista de lo que toma. $practice",
    ),
    (
        "We will call",
        "Hello $name, we will call you about this today. $practice, $phone",
        "Hola $name, le llamaremos hoy por este asunto. $practice, $phone",
    ),
    (
        "Received",
        "Hello $name, thank you, we have it. $practice",
        "Hola $name, gracias, lo hemos recibido. $practice",
    ),
)
