"""The pages of mails: what the practices sent, and what patients write back."""

from __future__ import annotations

from urllib.parse import quote

from .ledger import Ledger, Mail
from .mail_out import MailOut
from .markup import day_words, enclosing, escape, linked, page, time_tag
from .wire import Request, Response, see_other

SHOWN = 200


class MailPages:
    """Answers browsers below /mails."""

    def __init__(self, ledger: Ledger, out: MailOut) -> None:
        self.ledger, self.out = ledger, out

    def mails(self, request: Request, found: dict[str, str]) -> Response:
        """List the mails, newest first, with a form for a new one."""
        with self.ledger.changed:
            newest = list(reversed(self.ledger.mails.values()))[:SHOWN]
        rows = "".join(self._row(mail) for mail in newest)
        if not rows:
            rows = '<li class="none" data-key="none"><p>No mails yet.</p></li>'
        known = sorted({mail.reply_to or mail.sender for mail in newest if not mail.written})
        offered = "".join(f"<option>{escape(one)}</option>" for one in known)
        body = f"""<main class="one"><h1>Mails</h1><details class="new"><summary>Write a mail</summary>
<form method="post" action="/mails"><label>From (a patient) <input name="from" type="email" required></label>
<label>To (a practice) <input name="to" list="practices" required></label>
<datalist id="practices">{offered}</datalist>
<label>Subject <input name="subject" maxlength="200"></label>{writing()}</form></details>
<ul class="mails" id="mails" data-keep>{rows}</ul></main>"""
        return page("Mails", "/mails", body)

    def _row(self, mail: Mail) -> str:
        side = f"From {mail.sender} · " if mail.written else ""
        preview = f"{side}To {', '.join(mail.recipients)} · {mail.text[:140]}"
        return f"""<li data-key="{escape(mail.id)}"><a href="/mails/{escape(mail.id)}">
<span class="who"><b>{escape(mail.subject or "No subject")}</b></span>{time_tag(mail.received, with_day=True)}
<span class="preview">{escape(preview)}</span></a></li>"""

    def mail(self, request: Request, found: dict[str, str]) -> Response:
        """Show one mail with its links and a form to answer it."""
        mail = self.ledger.mails.get(found["id"])
        if mail is None:
            gone = '<h1>This mail is gone</h1><p><a href="/mails">All mails</a></p>'
            return page("Mail", "/mails", f'<main class="one">{gone}</main>', status=404)
        note = f'<p class="note" role="alert">{escape(mail.note)}</p>' if mail.note else ""
        answer = ""
        if not mail.written:
            answer = f"""<form class="letter" method="post" action="/mails/{quote(mail.id)}">
<h2>Answer as {escape(", ".join(mail.recipients))}</h2>{writing()}</form>"""
        body = f"""<main class="one"><p><a href="/mails">‹ All mails</a></p>
<article class="letter"><h1>{escape(mail.subject or "No subject")}</h1>
<dl><dt>From</dt><dd>{escape(mail.sender)}</dd><dt>To</dt><dd>{escape(", ".join(mail.recipients))}</dd>
<dt>Came</dt><dd>{escape(day_words(mail.received))}, {time_tag(mail.received)}</dd></dl>{note}
<div class="words">{linked(mail.text)}</div></article>{answer}</main>"""
        return page(mail.subject or "Mail", "/mails", body)

    def answer(self, request: Request, found: dict[str, str]) -> Response:
        """Send an answer to one mail."""
        mail = self.ledger.mails.get(found["id"])
        if mail is None:
            return see_other("/mails")
        sent = self.out.answer(mail, request.form().get("body", ""), request.values("enclosed"))
        return see_other(f"/mails/{quote(sent.id)}")

    def write(self, request: Request, found: dict[str, str]) -> Response:
        """Send a new mail."""
        form = request.form()
        from_, to, subject, body = (form.get(name, "") for name in ("from", "to", "subject", "body"))
        sent = self.out.write(from_, to, subject, body, request.values("enclosed"))
        return see_other(f"/mails/{quote(sent.id)}")


def writing() -> str:
    """Return the fields in which a mail is written."""
    return f"""<label>Words
<textarea name="body" rows="5" required maxlength="10000"></textarea></label>{enclosing()}
<button class="strong">Send</button>"""
