"""What an admin's pages ask for. Whether it may be is for the service to say."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ownership_core.commands import Command, Offboard, Selection, Transfer, Unplaced
from ownership_core.distribute import ByScope, Distribution, LeastBusy, Rotation, ToStaff, Weighted
from ownership_core.errors import InvalidInput, OwnershipError
from ownership_core.model import StaffId
from ownership_django import conf
from ownership_django.admin.splits import read_cases, split_fields
from ownership_django.admin.verbs import HAND_OVER, Verb
from ownership_django.admin.words import said_of
from ownership_django.models import Staff

ROTATION = "admin"
"""Whoever was last to be given a customer in turn, by any of these pages."""

MOST = 1_000
"""The largest weight."""


def _called(staff: Staff) -> str:
    name = str(staff) if str(staff) == str(staff.key) else f"{staff} ({staff.key})"
    return name if staff.active and not staff.deleted else _("%(name)s (inactive)") % {"name": name}


class StaffField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One of the staff, called by name; who is not active is said to be so."""

    def label_from_instance(self, obj: Staff) -> str:
        """The name, and the key where names repeat."""
        return _called(obj)


class SeveralStaffField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several of the staff, called by name."""

    def label_from_instance(self, obj: Staff) -> str:
        """As where one is chosen."""
        return _called(obj)


class How(TextChoices):
    """How customers are dealt to several."""

    ROTATION = "rotation", gettext_lazy("In turn")
    LEAST_BUSY = "least_busy", gettext_lazy("Each to whoever has the fewest")
    WEIGHTED = "weighted", gettext_lazy("In shares by weight")


class Rest(TextChoices):
    """What becomes of those that nobody gets."""

    REFUSE = Unplaced.REFUSE.value, gettext_lazy("Stays where it is, as refused")
    RELEASE = Unplaced.RELEASE.value, gettext_lazy("Is left to nobody")


def staff_rows(active: bool) -> QuerySet[Staff]:
    """All staff by name, or those who can be given customers."""
    rows: QuerySet[Staff] = Staff.objects.using(conf.configuration().database).order_by("label", "key")
    return rows.filter(active=True, deleted=False) if active else rows


def _reason() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=conf.configuration().settings.limits.text,
        help_text=_("Stays in the history for ever: write no names and no addresses."),
    )


class AskedForm(forms.Form):
    """What has to be said of a change before there is a command, and why it is made."""

    def command(self, customers: Selection) -> Command:
        """The command of what was said."""
        raise NotImplementedError

    @property
    def reason(self) -> str | None:
        """The reason, if one was given."""
        return self.cleaned_data["reason"] or None

    def refuse(self, refused: OwnershipError) -> None:
        """Show a refusal of the whole command, with everything that is wrong."""
        for problem in refused.problems:
            self.add_error(None, said_of(problem))


class ChangeForm(AskedForm):
    """Whom a change is about, and why."""

    def __init__(self, verb: Verb, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.verb = verb
        if verb.names_staff:
            self.fields["staff"] = StaffField(staff_rows(active=verb.gains), label=_("Staff"))
        self.fields["reason"] = _reason()

    def command(self, customers: Selection) -> Command:
        """The verb's."""
        chosen, build = self.cleaned_data.get("staff"), self.verb.build
        assert build is not None  # noqa: S101 - such a verb has a form of its own
        return build(customers, StaffId("" if chosen is None else chosen.key), self.reason)


class ReceiversForm(AskedForm):
    """One receiver, or several and how they are dealt to; or by what a field holds, and these for the rest."""

    required_receivers = True

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["receivers"] = SeveralStaffField(
            staff_rows(active=True),
            label=_("To"),
            required=False,
            help_text=_("One or several."),
        )
        self.fields["how"] = forms.TypedChoiceField(
            label=_("Dealt to several"),
            choices=How.choices,
            coerce=How,
            required=False,
            empty_value=How.ROTATION,
        )
        self.fields["weights"] = forms.CharField(
            label=_("Weights"),
            required=False,
            max_length=2_000,
            help_text=_("For shares by weight, such as tom=2, zoe=1; who is not listed has 1."),
        )
        self.fields["by_field"] = forms.ChoiceField(
            label=_("Split by"),
            choices=[("", _("nothing")), *((one.name, one.name.replace("_", " ")) for one in split_fields())],
            required=False,
        )
        self.fields["cases"] = forms.CharField(
            label=_("Values"),
            required=False,
            max_length=10_000,
            widget=forms.Textarea({"rows": 3}),
            help_text=_(
                "A line for each value and the key of who gets it: north=tom. Those chosen above get the rest."
            ),
        )
        self.fields["unplaced"] = forms.TypedChoiceField(
            label=_("Whoever nobody gets"),
            choices=Rest.choices,
            coerce=Unplaced,
            required=False,
            empty_value=Unplaced.REFUSE,
        )
        self.fields["reason"] = _reason()

    def clean(self) -> dict[str, Any]:
        """Weights are whole numbers of those who were chosen, cases are values of the field; somebody is named."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "by_field" in cleaned and "cases" in cleaned:
            self._read_cases(cleaned)
        if self.required_receivers and "receivers" in cleaned and not (cleaned["receivers"] or cleaned.get("cases")):
            self.add_error("receivers", self.fields["receivers"].error_messages["required"])
        several = [str(one.key) for one in cleaned.get("receivers") or ()]
        if cleaned.get("how") == How.WEIGHTED and "weights" in cleaned:
            try:
                cleaned["weights"] = _weights(cleaned["weights"], several)
            except ValueError:
                self.add_error("weights", _("Write key=number for those who are chosen, with commas between."))
        return cleaned

    def _read_cases(self, cleaned: dict[str, Any]) -> None:
        if not cleaned["by_field"]:
            if cleaned["cases"].strip():
                self.add_error("by_field", _("Choose the field whose values these are."))
            cleaned["cases"] = []
            return
        try:
            cleaned["cases"] = read_cases(cleaned["cases"], cleaned["by_field"])
        except InvalidInput as wrong:
            for problem in wrong.problems:
                self.add_error("cases", said_of(problem))
        except ValueError:
            self.add_error("cases", _("Write value=key, a line for each value."))

    @property
    def distribution(self) -> Distribution:
        """To whom, and how."""
        cases, several = self.cleaned_data["cases"], self.cleaned_data["receivers"]
        rest = self._pool(frozenset(StaffId(str(one.key)) for one in several)) if several else None
        return ByScope(cases, rest) if cases or rest is None else rest

    def _pool(self, several: frozenset[StaffId]) -> Distribution:
        if len(several) == 1:
            return ToStaff(*several)
        how: How = self.cleaned_data["how"]
        if how is How.WEIGHTED:
            return Weighted(self.cleaned_data["weights"])
        return LeastBusy(several) if how is How.LEAST_BUSY else Rotation(ROTATION, several)


class HandOverForm(ReceiversForm):
    """From whom to whom."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        giver = StaffField(staff_rows(active=False), label=_("From"))
        self.fields = {"giver": giver, **self.fields}

    def command(self, customers: Selection) -> Command:
        """A transfer of these."""
        giver = StaffId(str(self.cleaned_data["giver"].key))
        return Transfer(giver, self.distribution, customers, self.cleaned_data["unplaced"], self.reason)


class OffboardForm(ReceiversForm):
    """To whom everything of somebody goes, or that it is released."""

    required_receivers = False

    def __init__(self, staff: StaffId, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.staff = staff
        release = forms.BooleanField(label=_("Release: leave the customers to nobody"), required=False)
        self.fields = {"release": release, **self.fields}
        others = staff_rows(active=True).exclude(key=staff)
        self.fields["receivers"].queryset = others  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Either released or given to somebody."""
        cleaned = super().clean()
        named = bool(cleaned.get("receivers") or cleaned.get("by_field"))
        if bool(cleaned.get("release")) == named:
            self.add_error(None, _("Choose who gets the customers, or that they are released: one of both."))
        return cleaned

    def command(self, customers: Selection) -> Command:  # noqa: ARG002 - everything is meant
        """An offboarding."""
        to = None if self.cleaned_data["release"] else self.distribution
        return Offboard(self.staff, to, self.cleaned_data["unplaced"], self.reason)


def form_for(verb: Verb, *args: Any, **options: Any) -> AskedForm:
    """The form a verb asks with."""
    return HandOverForm(*args, **options) if verb is HAND_OVER else ChangeForm(verb, *args, **options)


def _weights(text: str, several: list[str]) -> dict[StaffId, int]:
    """Weights by staff; ValueError for what is none."""
    found = {StaffId(one): 1 for one in several}
    for part in filter(None, map(str.strip, text.split(","))):
        key, _equals, number = (piece.strip() for piece in part.rpartition("="))
        if key not in found or not number.isascii() or not number.isdigit() or not 0 < int(number) <= MOST:
            raise ValueError(part)
        found[StaffId(key)] = int(number)
    return found


class WhyForm(forms.Form):
    """Which staff and which action a why is about."""

    staff = StaffField(None, label=gettext_lazy("Staff"))
    action = forms.ChoiceField(label=gettext_lazy("Action"))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["staff"].queryset = staff_rows(active=False)  # type: ignore[attr-defined]
        actions = sorted(conf.configuration().settings.known_actions())
        self.fields["action"].choices = [(one, one.replace("_", " ")) for one in actions]  # type: ignore[attr-defined]
