"""Locked periods: no figure of theirs is added, changed, moved or deleted any more; a public one can be corrected.

Postgres holds this, whoever asks. Whoever writes a reading and whoever locks a period wait for each other, so that none slips
in between (decision 24).
"""

from collections.abc import Iterable, Iterator

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.periods import Period, Precision, starts_its_period


class PeriodLock(models.Model):
    never_public = True
    effective_on = models.DateField(
        _("period starts"), help_text=_("The first day of the period: 2017-01-01 for the year 2017.")
    )
    precision = models.CharField(
        _("precision"), max_length=7, choices=Precision.choices, help_text=_("A locked year locks its quarters and months.")
    )
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("Why it is locked, for staff."))
    locked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("locked by"),
    )  # fmt: skip
    locked_at = models.DateTimeField(_("locked at"), auto_now_add=True)

    class Meta:
        verbose_name = _("locked period")
        verbose_name_plural = _("locked periods")
        ordering = ["-effective_on", "precision"]
        constraints = [
            models.UniqueConstraint(fields=["effective_on", "precision"], name="regions_periodlock_once"),
            models.CheckConstraint(condition=Q(precision__in=Precision.values), name="regions_periodlock_precision_known"),
            starts_its_period("effective_on", "precision", name="regions_periodlock_starts_period"),
        ]

    def __str__(self) -> str:
        return str(self.period)

    @property
    def period(self) -> Period:
        return Period(self.effective_on, Precision(self.precision))

    @property
    def words(self) -> str:
        """What to do instead, for whoever meets the lock."""
        told = gettext(
            "{period} is locked: nothing of it is added or changed. A public figure can be corrected, with a reason; for "
            "anything else ask an administrator to unlock the period."
        )
        return told.format(period=self.period)


class Locks:
    """All that are locked. They are few: one query answers for any number of periods."""

    def __init__(self, locks: Iterable[PeriodLock] | None = None) -> None:
        self.all = list(PeriodLock.objects.all() if locks is None else locks)

    def on(self, period: Period) -> PeriodLock | None:
        """The lock that holds a period, the widest where there are several."""
        return max(self._on(period), key=lambda lock: lock.period.last_day - lock.effective_on, default=None)

    def _on(self, period: Period) -> Iterator[PeriodLock]:
        return (lock for lock in self.all if lock.period.holds(period))


GUARD = """
CREATE FUNCTION regions_last_day(first_day date, its_precision text) RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT (first_day + CASE its_precision WHEN 'year' THEN interval '1 year' WHEN 'quarter' THEN interval '3 months'
                                           WHEN 'month' THEN interval '1 month' ELSE interval '1 day' END)::date - 1
$$;
CREATE FUNCTION regions_period_is_locked(first_day date, its_precision text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM public.regions_periodlock AS held
        WHERE held.effective_on <= first_day AND public.regions_last_day(first_day, its_precision)
              <= public.regions_last_day(held.effective_on, held.precision))
$$;
CREATE FUNCTION regions_reading_lock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('regions_periodlock'));
    IF TG_OP <> 'INSERT' AND OLD.supersedes_id IS NULL
           AND public.regions_period_is_locked(OLD.effective_on, OLD.precision)
       OR TG_OP <> 'DELETE' AND NEW.supersedes_id IS NULL
           AND public.regions_period_is_locked(NEW.effective_on, NEW.precision) THEN
        RAISE EXCEPTION 'its period is locked: a public figure of it can be corrected, nothing else'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_reading_period_locked';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER regions_reading_lock BEFORE INSERT OR UPDATE OR DELETE ON regions_reading
    FOR EACH ROW EXECUTE FUNCTION regions_reading_lock();
CREATE FUNCTION regions_periodlock_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('regions_periodlock'));
    IF TG_OP = 'UPDATE' AND (OLD.effective_on, OLD.precision) IS DISTINCT FROM (NEW.effective_on, NEW.precision) THEN
        RAISE EXCEPTION 'a lock stays on its period: unlock that, then lock another'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_periodlock_stays';
    ELSIF TG_OP = 'DELETE' AND btrim(coalesce(current_setting('itsci.reason', true), '')) = '' THEN
        RAISE EXCEPTION 'a period is unlocked with a reason'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_periodlock_unlocked_with_reason';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END
$$;
CREATE TRIGGER regions_periodlock_guard BEFORE INSERT OR UPDATE OR DELETE ON regions_periodlock
    FOR EACH ROW EXECUTE FUNCTION regions_periodlock_guard();
"""
NO_GUARD = """
DROP TRIGGER regions_periodlock_guard ON regions_periodlock;
DROP FUNCTION regions_periodlock_guard();
DROP TRIGGER regions_reading_lock ON regions_reading;
DROP FUNCTION regions_reading_lock();
DROP FUNCTION regions_period_is_locked(date, text);
DROP FUNCTION regions_last_day(date, text);
"""
