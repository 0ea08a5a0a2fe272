"""What an automatic call says, by kind and language: at most a minute, and nothing of why somebody is seen.

The choice of keys is added where the call is answered; a voicemail hears less than this.
"""

from collections.abc import Mapping

CALLS: Mapping[str, Mapping[str, str]] = {
    "reminder": {
        "en": "Hello, this is $practice. You have an appointment on $date at $time.",
        "es": "Hola, le llamamos de $practice. Usted tiene una cita el $date a las $time.",
    },
    "reminder-many": {
        "en": "Hello, this is $practice. You have appointments: $visits.",
        "es": "Hola, le llamamos de $practice. Usted tiene citas: $visits.",
    },
    "expected": {
        "en": "Hello, this is $practice. We expect you on $date at $time.",
        "es": "Hola, le llamamos de $practice. Le esperamos el $date a las $time.",
    },
    "expected-many": {
        "en": "Hello, this is $practice. We expect you: $visits.",
        "es": "Hola, le llamamos de $practice. Le esperamos: $visits.",
    },
}
