"""Who stands in for whom for a time, and who goes on seeing customers for a time."""

import django.db.models.deletion
from django.db import migrations, models

import ownership_django.models.keys
from ownership_django import conf


class Migration(migrations.Migration):
    """Two tables."""

    dependencies = [("ownership", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Cover",
            fields=[
                ("id", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("since", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                ("version", models.BigIntegerField(default=0)),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ownership.staff"
                    ),
                ),
                (
                    "staff",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ownership.staff"
                    ),
                ),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("staff", models.F("by")), _negated=True), name="ownership_cover_colleague"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("since__lte", models.F("until"))), name="ownership_cover_window"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Share",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("until", models.BigIntegerField()),
                (
                    "customer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to=conf.customer_label(),
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
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["staff", "until"], name="ownership_share_by_staff")],
                "constraints": [models.UniqueConstraint(fields=("customer", "staff"), name="ownership_share_pair")],
            },
        ),
    ]
