"""The gate: stranger 404, member without the right 403, and a membership that ends takes effect at once."""

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django_scopes import ScopeError

from patients.models import Patient
from practices.access import PERMISSIONS, admit
from practices.models import AuditEntry, Membership, Role
from practices.tenancy import inside
from tests.factories import PASSWORD, a_member, a_patient, a_practice, a_user

pytestmark = pytest.mark.django_db


def test_a_member_comes_in_and_sees_her_practice_only():
    harbor, cedar = a_practice("harbor-street"), a_practice("cedar-park")
    a_patient(harbor, "Marisol"), a_patient(cedar, "Tom")
    dana = a_member(harbor).user
    with admit(dana, "harbor-street", "board.view", door="page") as admission:
        assert [p.given for p in Patient.objects.all()] == ["Marisol"]
        assert admission.actor.user == dana
    with pytest.raises(ScopeError):
        Patient.objects.count()


@pytest.mark.parametrize("slug", ["cedar-park", "no-such-practice"])
def test_a_stranger_and_a_practice_that_does_not_exist_look_the_same(slug):
    a_practice("cedar-park")
    dana = a_member(a_practice("harbor-street")).user
    with pytest.raises(Http404), admit(dana, slug, "board.view", door="page"):
        pass


def test_a_member_without_the_right_is_refused():
    practice = a_practice()
    dana = a_member(practice).user
    with pytest.raises(PermissionDenied), admit(dana, practice.slug, "practice.change", door="page"):
        pass


def test_a_membership_taken_away_ends_with_the_next_request():
    practice = a_practice()
    membership = a_member(practice)
    with inside(practice):
        Membership.objects.filter(pk=membership.pk).update(active=False)
    with pytest.raises(Http404), admit(membership.user, practice.slug, "board.view", door="page"):
        pass


def test_a_disabled_person_is_a_stranger():
    practice = a_practice()
    membership = a_member(practice)
    membership.user.is_active = False
    membership.user.save()
    with pytest.raises(Http404), admit(membership.user, practice.slug, "board.view", door="page"):
        pass


@pytest.mark.parametrize("role", Role)
def test_each_role_may_something_and_only_managers_configure(role):
    assert any(role in roles for roles in PERMISSIONS.values())
    assert (role in PERMISSIONS["practice.change"]) == (role == Role.MANAGER)


def test_signing_in_by_e_mail_leads_to_the_practice(client):
    practice = a_practice()
    a_member(practice, a_user("dana@frontdesk.example"))
    response = client.post("/account/login/", {"login": "dana@frontdesk.example", "password": PASSWORD})
    assert response.status_code == 302
    assert response.url == "/"
    assert client.get("/").url == f"/p/{practice.slug}/"
    client.post("/lock/")
    with inside(practice):
        verbs = list(AuditEntry.objects.order_by("at").values_list("verb", flat=True))
    assert verbs == ["person.signed_in", "person.signed_out"]


def test_a_wrong_password_leaves_a_trace_and_tells_nothing(client):
    practice = a_practice()
    a_member(practice, a_user("dana@frontdesk.example"))
    answers = [
        client.post("/account/login/", {"login": who, "password": "not-her-password"}).content.decode()
        for who in ("dana@frontdesk.example", "nobody@frontdesk.example")
    ]
    assert all("do not belong together" in answer for answer in answers)
    with inside(practice):
        assert AuditEntry.objects.get().verb == "person.sign_in_failed"


def test_nobody_registers_alone(client):
    response = client.get("/account/signup/")
    assert b"password1" not in response.content


def test_a_person_of_two_practices_chooses(client):
    dana = a_user()
    for slug in ("harbor-street", "cedar-park"):
        a_member(a_practice(slug), dana)
    a_practice("northside-dental")
    client.force_login(dana)
    page = client.get("/").content.decode()
    assert "Harbor Street" in page
    assert "Cedar Park" in page
    assert "Northside" not in page


def test_without_signing_in_every_page_asks_for_it(client):
    a_practice()
    response = client.get("/p/harbor-street/today/")
    assert response.status_code == 302
    assert response.url.startswith("/account/login/?next=/p/harbor-street/today/")


@pytest.mark.parametrize("path", ["/account/login/", "/no-such-page/", "/healthz", "/v/unknown-token/"])
def test_every_answer_carries_the_headers(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "no-store" in headers["Cache-Control"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    # Our own forms are checked by their origin, which a stricter word would take away from them.
    assert headers["Referrer-Policy"] == ("no-referrer" if path.startswith("/v/") else "same-origin")
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"


def test_idle_time_signs_out_and_background_requests_do_not_count(client, settings):
    practice = a_practice()
    a_member(practice)
    from practices.models import User

    client.force_login(User.objects.get())
    with time_machine.travel("2026-06-09 10:00", tick=False) as clock:
        client.get("/")
        clock.shift(settings.IDLE_SIGN_OUT_SECONDS - 1)
        assert client.get("/").url == "/p/harbor-street/"
        clock.shift(settings.IDLE_SIGN_OUT_SECONDS - 1)
        client.get("/", headers={"X-Live": "1"})
        clock.shift(2)
        assert client.get("/").url.startswith("/account/login/")


def test_who_signs_in_over_a_session_of_before_begins_anew(client, settings):
    """A way of signing in that is gone leaves a session behind, with its old hours."""
    from practices.models import User

    practice = a_practice()
    a_member(practice)
    user = User.objects.get()
    with time_machine.travel("2026-06-09 10:00", tick=False) as clock:
        client.force_login(user)
        client.get("/")
        session = client.session
        session["_auth_user_backend"] = "a.way.that.is.Gone"
        session.save()
        clock.shift(settings.IDLE_SIGN_OUT_SECONDS + 60)
        assert client.get("/").url.startswith("/account/login/")
        before = client.session.session_key
        client.force_login(user)
        assert client.session.session_key != before
        assert client.get("/").url == "/p/harbor-street/"


def test_after_the_lock_the_desk_waits_for_the_password_only(client):
    practice = a_practice()
    client.force_login(a_member(practice, a_user("dana@frontdesk.example")).user)
    response = client.post("/lock/", {"next": "/p/harbor-street/today/"})
    page = client.get(response.url).content.decode()
    assert 'value="dana@frontdesk.example"' in page
    typed = {"login": "dana@frontdesk.example", "password": PASSWORD, "next": "/p/harbor-street/today/"}
    assert client.post(response.url, typed).url == "/p/harbor-street/today/"


def test_a_touched_page_keeps_the_session(client, settings):
    import time_machine

    client.force_login(a_member(a_practice()).user)
    with time_machine.travel("2026-06-09 10:00", tick=False) as clock:
        client.get("/")
        for _ in range(3):
            clock.shift(settings.IDLE_SIGN_OUT_SECONDS - 1)
            assert client.get("/still-here/").status_code == 204
        clock.shift(settings.IDLE_SIGN_OUT_SECONDS + 1)
        assert client.get("/still-here/").status_code == 401


def test_preferences_are_kept_and_lead_back_only_to_our_own_pages(client):
    dana = a_member(a_practice()).user
    client.force_login(dana)
    response = client.post("/preferences/", {"theme": "dark", "next": "https://elsewhere.example/"})
    dana.refresh_from_db()
    assert dana.theme == "dark"
    assert response.url == "/"
    client.post("/preferences/", {"theme": "plaid"})
    dana.refresh_from_db()
    assert dana.theme == "dark"
