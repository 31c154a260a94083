"""The first tables. The customer and staff models are the site's, and so is the migration this one waits for."""

import django.db.models.deletion
from django.db import migrations, models

import ownership_django.deletion
import ownership_django.models.keys
from ownership_django import conf


class Migration(migrations.Migration):
    """All tables of the app."""

    initial = True

    dependencies = [
        conf.migration_dependency(),
        (conf.staff_label().partition(".")[0], conf.FIRST),
    ]

    operations = [
        migrations.CreateModel(
            name="Head",
            fields=[
                (
                    "customer",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to=conf.customer_label(),
                    ),
                ),
                ("version", models.BigIntegerField(default=0)),
                ("no_auto", models.BooleanField(default=False)),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Role",
            fields=[
                ("name", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("version", models.BigIntegerField(default=0)),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Cardinality",
            fields=[
                ("place", models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("name", ownership_django.models.keys.ExactField(max_length=64, unique=True)),
            ],
            options={
                "verbose_name_plural": "cardinality",
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("place", 1)), name="ownership_cardinality_one")
                ],
            },
        ),
        migrations.CreateModel(
            name="Department",
            fields=[
                ("key", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("label", ownership_django.models.keys.ProseField()),
                ("group_mode", ownership_django.models.keys.ExactField(max_length=16, null=True)),
                ("version", models.BigIntegerField(default=0)),
                (
                    "parent",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.department",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("group_mode__isnull", True), ("group_mode__in", ["allow", "deny"]), _connector="OR"
                        ),
                        name="ownership_department_mode",
                    )
                ],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="DepartmentGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_group", ownership_django.models.keys.ExactField(max_length=500)),
                (
                    "department",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.department",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("department", "customer_group"), name="ownership_department_group_once"
                    )
                ],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("subject_kind", ownership_django.models.keys.ExactField(max_length=16)),
                ("subject", ownership_django.models.keys.ExactField(max_length=191)),
                ("version", models.BigIntegerField()),
                ("run", ownership_django.models.keys.ExactField(db_index=True, max_length=191)),
                ("at", models.BigIntegerField()),
                ("actor_kind", ownership_django.models.keys.ExactField(max_length=16)),
                ("actor", ownership_django.models.keys.ExactField(max_length=191)),
                ("rule", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("reason", ownership_django.models.keys.ProseField(null=True)),
                ("body", ownership_django.models.keys.ProseField()),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("subject_kind", "subject", "version"), name="ownership_event_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Expectation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", ownership_django.models.keys.ExactField(max_length=191)),
                ("customer", ownership_django.models.keys.CustomerKey()),
                ("version", models.BigIntegerField()),
                ("primary_after", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("added", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("removed", models.BigIntegerField()),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("run", "customer"), name="ownership_expectation_once")],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("actor_kind", ownership_django.models.keys.ExactField(max_length=16)),
                ("actor", ownership_django.models.keys.ExactField(max_length=191)),
                ("rule", ownership_django.models.keys.ExactField(default="", max_length=191)),
                ("key", ownership_django.models.keys.ExactField(max_length=191)),
                ("payload", ownership_django.models.keys.ExactField(max_length=191)),
                ("receipt", ownership_django.models.keys.ProseField()),
                ("at", models.BigIntegerField()),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("actor_kind", "actor", "rule", "key"), name="ownership_idempotency_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxTask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", ownership_django.models.keys.ExactField(max_length=191)),
                ("receiver", ownership_django.models.keys.ExactField(max_length=191)),
                ("state", ownership_django.models.keys.ExactField(max_length=16)),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("run", "receiver"), name="ownership_outbox_once")],
            },
        ),
        migrations.CreateModel(
            name="PlanItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", ownership_django.models.keys.ExactField(max_length=191)),
                ("customer", ownership_django.models.keys.CustomerKey()),
                ("version", models.BigIntegerField()),
                ("fate", ownership_django.models.keys.ExactField(max_length=16)),
                ("codes", models.BigIntegerField()),
                ("selected", models.BooleanField()),
                ("primary_before", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("primary_after", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("added", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("removed", ownership_django.models.keys.ProseField()),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("run", "customer"), name="ownership_plan_item_once"),
                    models.CheckConstraint(
                        condition=models.Q(("fate__in", ["changed", "unchanged", "refused", "stale"])),
                        name="ownership_plan_item_fate",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleLevel",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", ownership_django.models.keys.ExactField(max_length=64)),
                ("level", models.SmallIntegerField()),
                (
                    "role",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.role",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("role", "action"), name="ownership_role_level_once"),
                    models.CheckConstraint(
                        condition=models.Q(("level__gte", 0), ("level__lte", 4)), name="ownership_role_level_known"
                    ),
                ],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Run",
            fields=[
                ("id", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("state", ownership_django.models.keys.ExactField(max_length=16)),
                ("what", ownership_django.models.keys.ExactField(max_length=64)),
                ("command", ownership_django.models.keys.ProseField()),
                ("actor_kind", ownership_django.models.keys.ExactField(max_length=16)),
                ("actor", ownership_django.models.keys.ExactField(max_length=191)),
                ("rule", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("at", models.BigIntegerField(db_index=True)),
                ("reason", ownership_django.models.keys.ProseField(null=True)),
                ("tally", ownership_django.models.keys.ProseField()),
                ("codes", ownership_django.models.keys.ProseField()),
                ("expires", models.BigIntegerField(null=True)),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["planned", "applied"])), name="ownership_run_state"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Staff",
            fields=[
                ("key", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("label", ownership_django.models.keys.ProseField()),
                ("login", ownership_django.models.keys.ExactField(max_length=191, null=True, unique=True)),
                ("active", models.BooleanField(default=True)),
                ("deleted", models.BooleanField(default=False)),
                ("website_restricted", models.BooleanField(default=False)),
                ("group_mode", ownership_django.models.keys.ExactField(max_length=16, null=True)),
                ("version", models.BigIntegerField(default=0)),
                ("access_version", models.BigIntegerField(default=0)),
                (
                    "user",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=conf.staff_label()
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("group_mode__isnull", True), ("group_mode__in", ["allow", "deny"]), _connector="OR"
                        ),
                        name="ownership_staff_mode",
                    )
                ],
                "verbose_name_plural": "staff",
            },
        ),
        migrations.CreateModel(
            name="AssignmentAside",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.SmallIntegerField(null=True)),
                ("role", ownership_django.models.keys.ExactField(max_length=500)),
                ("source", ownership_django.models.keys.ExactField(max_length=500)),
                ("since", models.BigIntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=conf.customer_label(),
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Assignment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.SmallIntegerField(null=True)),
                ("role", ownership_django.models.keys.ExactField(max_length=500)),
                ("source", ownership_django.models.keys.ExactField(max_length=500)),
                ("since", models.BigIntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=ownership_django.deletion.end_assignments,
                        related_name="+",
                        to=conf.customer_label(),
                    ),
                ),
                (
                    "cardinality",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.cardinality",
                        to_field="name",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("customer", "staff"), name="ownership_assignment_pair"),
                    models.UniqueConstraint(fields=("customer", "slot"), name="ownership_assignment_primary"),
                    models.CheckConstraint(
                        condition=models.Q(("slot__isnull", True), ("slot", 0), _connector="OR"),
                        name="ownership_assignment_slot",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("cardinality", "single"), _negated=True),
                            models.Q(("slot", 0), ("slot__isnull", False)),
                            _connector="OR",
                        ),
                        name="ownership_assignment_single",
                    ),
                ],
                "indexes": [models.Index(fields=["staff", "customer"], name="ownership_by_staff")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="StaffDepartment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "department",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.department",
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        related_query_name="works_in",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("staff", "department"), name="ownership_staff_department_once")
                ],
                "indexes": [models.Index(fields=["department", "staff"], name="ownership_by_department")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="StaffGroup",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("customer_group", ownership_django.models.keys.ExactField(max_length=500)),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("staff", "customer_group"), name="ownership_staff_group_once")
                ],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="StaffRole",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "role",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ownership.role"
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("staff", "role"), name="ownership_staff_role_once")],
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="StaffWebsite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("website", ownership_django.models.keys.ExactField(max_length=500)),
                (
                    "staff",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ownership.staff",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("staff", "website"), name="ownership_staff_website_once")
                ],
                "base_manager_name": "objects",
            },
        ),
    ]
