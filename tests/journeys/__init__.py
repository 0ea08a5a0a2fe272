"""Whole journeys over HTTP: the desk, a worker and the timetable as processes, and the pretend supplier."""
