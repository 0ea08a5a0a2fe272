"""Words of an upset caller that a person must look at: lawyers, threats, the press, disputed treatment.

They only propose: a person decides whether a complaint goes higher (UX.md, flow 10).
"""

import re

from messaging.models import Complaint
from messaging.replies import may_be_emergency
from patients.names import fold

Ground = Complaint.Ground

GROUNDS = {
    Ground.LEGAL: re.compile(
        r"\b(lawyers?|attorneys?|legal action|lawsuit|sue|suing|sued|subpoena|court|medical board"
        r"|board of medicine|ombudsman|malpractice|file a (complaint|report)|report you|police"
        r"|abogad[oa]s?|demandar\w*|demanda|tribunal|policia|denunci\w*)\b"
    ),
    Ground.THREAT: re.compile(
        r"\b(threat\w*|kill (you|him|her|them|someone|everyone)|hurt (you|him|her|them|someone)|shoot\w*|gun"
        r"|bomb|burn (it|the place|you)|come down there|you will regret|youll regret|watch your back"
        r"|amenaz\w*|matar(te|los|la|lo|las)?|te voy a|se van a arrepentir|pistola)\b"
    ),
    Ground.CLINICAL: re.compile(
        r"\b(wrong (medicine|medication|drug|dose|diagnosis|treatment|leg|arm|side|tooth)|misdiagnos\w*"
        r"|negligen\w*|botched|allergic reaction|almost died|infected after|medical error"
        r"|mala practica|negligencia|diagnostico equivocado|medicina equivocada|dosis equivocada)\b"
    ),
    Ground.PUBLIC: re.compile(
        r"\b(newspapers?|reporters?|journalist\w*|the press|the news|the media|social media|facebook"
        r"|instagram|twitter|tiktok|yelp|google review\w*|bad review|one star|go viral|youtube"
        r"|periodico|prensa|noticias|redes sociales|resena)\b"
    ),
}


def grounds_in(text: str) -> list[str]:
    """Grounds that the words of a text suggest, in the order of the list."""
    folded = fold(text)
    return [ground.value for ground, words in GROUNDS.items() if words.search(folded)]


def speaks_of_emergency(text: str) -> bool:
    """Whether the practice's emergency script belongs beside these words."""
    return may_be_emergency(text)
