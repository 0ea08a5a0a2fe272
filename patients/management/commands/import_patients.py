"""`manage.py import_patients FILE --practice SLUG`: patients from FHIR NDJSON or CSV."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from patients.importfiles import UnreadableFile
from patients.importing import Report, import_patients
from practices.models import Practice


class Command(BaseCommand):
    """Reports each line by its number, never by a name: what it prints may end up in a log."""

    help = (
        "Imports patients from a FHIR R4 Patient NDJSON file or a CSV file into a practice. "
        "Safe to run twice: patients are known again by their numbers. "
        "For the fields a file carries, the file wins. "
        "Exit status 1 if the file cannot be read or not one row was usable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--report", type=Path, metavar="FILE", help="Write each line's outcome as CSV.")

    def handle(self, *args: Any, **options: Any) -> None:
        practice = Practice.objects.filter(slug=options["practice"]).first()
        if practice is None:
            raise CommandError(f"There is no practice {options['practice']}.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        self.write_report(options["report"], Report())  # a place that cannot be written to is told first
        try:
            report = import_patients(path, practice, progress=self.progress)
        except UnreadableFile as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error
        self.write_report(options["report"], report)
        if options["verbosity"]:
            for row in report.rows:
                self.stdout.write(f"line {row.line}: {row.outcome}{f' ({row.why})' if row.why else ''}")
        self.stdout.write(
            f"{len(report.rows)} rows: {report.count('created')} created, {report.count('updated')} updated, "
            f"{report.count('unchanged')} unchanged, {report.count('refused')} refused."
        )
        if not report.usable:
            raise CommandError("Nothing was imported: the file holds no usable row.")

    def progress(self, done: int) -> None:
        self.stderr.write(f"… {done} rows")

    def write_report(self, path: Path | None, report: Report) -> None:
        if path is None:
            return
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                table = csv.writer(file)
                table.writerow(["line", "outcome", "reason"])
                table.writerows([row.line, row.outcome, row.why] for row in report.rows)
        except OSError as error:
            raise CommandError(f"The report cannot be written: {error.strerror}.") from error
