"""Wall two around the diary’s tables, and the trigger that writes down what every visit takes, however saved."""

from django.db import migrations

from practices.tenancy import ProtectReference, ProtectTables

# What a visit takes: its clinician, its room, whoever else takes part; in the order of their keys, so that two
# writers who were not kept apart by the lock wait for each other in one order.
TAKES = """
    INSERT INTO scheduling_busyslot
        (id, practice_id, resource_id, appointment_id, party, starts_at, ends_at, binding)
    SELECT gen_random_uuid(), visit.practice_id, taken.resource, visit.id, COALESCE(visit.session, visit.id),
           visit.starts_at - make_interval(mins => visit.buffer_before),
           visit.ends_at + make_interval(mins => visit.buffer_after),
           visit.overbook_reason = ''
    FROM (
        SELECT visit.practitioner_id AS resource
        UNION SELECT visit.room_id WHERE visit.room_id IS NOT NULL
        UNION SELECT COALESCE(p.practitioner_id, p.resource_id)
              FROM scheduling_participant p
              WHERE p.practice_id = visit.practice_id AND p.appointment_id = visit.id
    ) taken
    WHERE visit.status IN ('booked', 'arrived', 'fulfilled') AND taken.resource IS NOT NULL
    ORDER BY taken.resource
"""

FUNCTIONS = """
CREATE FUNCTION visit_takes_time(visit scheduling_appointment) RETURNS void LANGUAGE sql AS $$ %s $$;

CREATE FUNCTION keep_busy_slots() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (OLD.practitioner_id, OLD.room_id, OLD.starts_at, OLD.ends_at, OLD.buffer_before, OLD.buffer_after,
            OLD.session, OLD.overbook_reason, OLD.status IN ('booked', 'arrived', 'fulfilled'))
           IS NOT DISTINCT FROM
           (NEW.practitioner_id, NEW.room_id, NEW.starts_at, NEW.ends_at, NEW.buffer_before, NEW.buffer_after,
            NEW.session, NEW.overbook_reason, NEW.status IN ('booked', 'arrived', 'fulfilled'))
        THEN
            RETURN NULL;
        END IF;
        DELETE FROM scheduling_busyslot WHERE practice_id = NEW.practice_id AND appointment_id = NEW.id;
    END IF;
    PERFORM visit_takes_time(NEW);
    RETURN NULL;
END $$;

CREATE TRIGGER keep_busy_slots AFTER INSERT OR UPDATE ON scheduling_appointment
    FOR EACH ROW EXECUTE FUNCTION keep_busy_slots();

CREATE FUNCTION keep_participants_busy() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE visit scheduling_appointment;
BEGIN
    SELECT * INTO visit FROM scheduling_appointment
        WHERE practice_id = COALESCE(NEW.practice_id, OLD.practice_id)
          AND id = COALESCE(NEW.appointment_id, OLD.appointment_id);
    IF visit.id IS NOT NULL THEN
        DELETE FROM scheduling_busyslot WHERE practice_id = visit.practice_id AND appointment_id = visit.id;
        PERFORM visit_takes_time(visit);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER keep_participants_busy AFTER INSERT OR UPDATE OR DELETE ON scheduling_participant
    FOR EACH ROW EXECUTE FUNCTION keep_participants_busy();
""".replace("%s", TAKES)

DROP = """
DROP TRIGGER keep_participants_busy ON scheduling_participant;
DROP TRIGGER keep_busy_slots ON scheduling_appointment;
DROP FUNCTION keep_participants_busy();
DROP FUNCTION keep_busy_slots();
DROP FUNCTION visit_takes_time(scheduling_appointment);
"""

# Rooms were not exclusive before: what stands in one room twice keeps standing, and binds nobody.
FILL = """
    INSERT INTO scheduling_busyslot
        (id, practice_id, resource_id, appointment_id, party, starts_at, ends_at, binding)
    SELECT gen_random_uuid(), practice_id, resource, id, id, starts_at, ends_at, binding
    FROM (
        SELECT practice_id, id, starts_at, ends_at, practitioner_id AS resource,
               overbook_reason = '' AS binding, status
        FROM scheduling_appointment
        UNION ALL
        SELECT practice_id, id, starts_at, ends_at, room_id, false, status
        FROM scheduling_appointment WHERE room_id IS NOT NULL
    ) visits
    WHERE status IN ('booked', 'arrived', 'fulfilled')
"""


def fill(apps, schema_editor):
    """Row security is forced on the owner too, so each practice is opened before its rows are read."""
    with schema_editor.connection.cursor() as cursor:
        for key in apps.get_model("practices", "Practice").objects.values_list("pk", flat=True):
            cursor.execute("SELECT set_config('app.practice_id', %s, true)", [str(key)])
            cursor.execute(FILL)
        cursor.execute("SELECT set_config('app.practice_id', '', true)")
        # Checks of references wait for the commit, and no table may be changed while they do.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


class Migration(migrations.Migration):
    dependencies = [("patients", "0006_diary_walls"), ("scheduling", "0007_the_diary")]

    operations = [
        ProtectTables(["Resource", "ResourceHours", "ResourceTimeOff", "ReservedBlock", "ReservedBlockType"]),
        ProtectTables(["Hold", "Participant", "BusySlot"]),
        ProtectTables(["Series", "LinkedVisits", "FollowUp", "FollowUpLink", "MeetingAddress", "RecallRule"]),
        ProtectTables(["BoardChoice", "ClinicianNews", "LastLook", "NewsRule"]),
        ProtectTables(["Delay", "DelayStep", "DelayNotice", "CalendarFeed"]),
        ProtectTables(["OutCase", "TimeRequest"]),
        ProtectTables(["WaitlistRule", "WaitlistEntry", "Opening", "Offer", "PassedOver"]),
        ProtectTables(["SettledFinding"]),
        ProtectReference("Appointment", "series"),
        ProtectReference("Appointment", "linked"),
        ProtectReference("Appointment", "follow_up"),
        ProtectReference("WeeklyHours", "location"),
        ProtectReference("WeeklyHours", "room"),
        migrations.RunSQL(FUNCTIONS, DROP),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
