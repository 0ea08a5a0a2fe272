"""A draft that is being saved while its form is sent."""

from playwright.sync_api import Page, Route, expect

from messaging.models import Draft
from practices.tenancy import inside
from scheduling.models import Appointment
from tests.browser.test_calls import House, chip, dana, half_book, house

__all__ = ["dana", "house"]  # fixtures


def test_a_save_on_its_way_does_not_bring_back_what_was_booked(house: House, dana: Page) -> None:
    call = house.rings("+15035550142")
    expect(chip(dana, "ring")).to_be_visible()
    dana.keyboard.press("a")
    dana.wait_for_url(f"**/calls/{call.pk}/")
    half_book(dana)
    slow: list[Route] = []
    dana.route("**/drafts/", lambda route: slow.append(route))
    dana.locator("#id_reason").fill("A cough since Sunday")
    dana.wait_for_timeout(900)
    assert slow, "the save is on its way"
    dana.locator("#book-go").click()
    dana.wait_for_timeout(700)
    slow[0].continue_()  # only now it comes to the server
    expect(dana.locator("#dialog")).not_to_be_visible()
    dana.wait_for_timeout(500)
    with inside(house.harbor):
        assert Appointment.objects.get().reason == "A cough since Sunday"
        assert not Draft.objects.filter(key__endswith=":booking").exists()
