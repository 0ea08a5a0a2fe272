"""`manage.py import_appointments FILE --practice SLUG`: visits from the CSV of an outpatient clinic."""

import csv
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from patients.importfiles import UnreadableFile
from patients.importing import Report
from practices.models import Practice
from scheduling.importing import CLINIC, import_appointments, reasons


class Command(BaseCommand):
    """Reports each line by its number, never by a name: what it prints may end up in a log."""

    help = (
        "Imports visits from a CSV file into a practice, after its patients. Safe to run twice. "
        "Visits that overlap are reported, not forced; nobody is texted. "
        "Exit status 1 if the file cannot be read or not one row was usable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--practice", required=True, metavar="SLUG")
        parser.add_argument("--practitioner", default=CLINIC, metavar="NAME", help=f"Default: {CLINIC}.")
        parser.add_argument("--minutes", type=int, default=15, help="Length of a visit. Default: 15.")
        parser.add_argument("--report", type=Path, metavar="FILE", help="Write each line's outcome as CSV.")

    def handle(self, *args: Any, **options: Any) -> None:
        practice = Practice.objects.filter(slug=options["practice"]).first()
        if practice is None:
            raise CommandError(f"There is no practice {options['practice']}.")
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        name = " ".join(options["practitioner"].split())
        if not 0 < len(name) <= 80:
            raise CommandError("The practitioner needs a name of at most 80 letters.")
        if not 5 <= options["minutes"] <= 480:
            raise CommandError("A visit takes 5 to 480 minutes.")
        self.write_report(options["report"], Report())  # a place that cannot be written to is told first
        report = self.imported(path, practice, practitioner=name, minutes=options["minutes"])
        self.write_report(options["report"], report)
        self.tell(report, lines=bool(options["verbosity"]))
        if not report.usable:
            raise CommandError("Nothing was imported: the file holds no usable row.")

    def imported(self, path: Path, practice: Practice, **how: Any) -> Report:
        try:
            return import_appointments(path, practice, progress=self.progress, **how)
        except UnreadableFile as error:
            raise CommandError(f"Nothing was imported. {error}") from error
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error.strerror}.") from error

    def tell(self, report: Report, *, lines: bool) -> None:
        for row in report.rows if lines else []:
            self.stdout.write(f"line {row.line}: {row.outcome}{f' ({row.why})' if row.why else ''}")
        for why, count in reasons(report):
            self.stdout.write(f"{count} × {why}")
        self.stdout.write(
            f"{len(report.rows)} rows: {report.count('created')} created, {report.count('updated')} updated, "
            f"{report.count('unchanged')} unchanged, {report.count('refused')} refused."
        )

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
