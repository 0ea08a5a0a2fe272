"""The views of the diary under /p/<practice>/: day, week, month, list, and what is printed of them."""

from django.urls import path

from frontdesk.views import board, board_spans, columns, printing

urlpatterns = [
    path("today/", board.today, name="today"),
    path("list/", board.day_list, name="list"),
    path("week/", board_spans.week, name="week"),
    path("month/", board_spans.month, name="month"),
    path("columns/", columns.columns, name="columns"),
    path("day-sheet/", printing.day_sheet, name="day-sheet"),
    path("appointments/<uuid:appointment_id>/slip/", printing.route_slip, name="route-slip"),
]
