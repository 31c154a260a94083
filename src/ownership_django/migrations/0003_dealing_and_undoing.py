"""Whom a run deals its customers to, what it takes back, who was last in a rotation, runs in parts, and rules."""

from django.db import migrations, models

import ownership_django.models.keys


class Migration(migrations.Migration):
    """Columns that say nothing of the runs there are, and three tables."""

    dependencies = [("ownership", "0002_covers_and_shares")]

    operations = [
        migrations.AddField(
            "run", "part_of", ownership_django.models.keys.ExactField(db_index=True, max_length=191, null=True)
        ),
        migrations.AddField("run", "reached", ownership_django.models.keys.ExactField(max_length=191, null=True)),
        migrations.AddField("planitem", "receiver", ownership_django.models.keys.ExactField(max_length=191, null=True)),
        migrations.AddField("planitem", "source", ownership_django.models.keys.ExactField(default="", max_length=500)),
        migrations.AddField("planitem", "role", ownership_django.models.keys.ExactField(default="", max_length=500)),
        migrations.AddField("planitem", "restored", ownership_django.models.keys.ProseField(default="[]")),
        migrations.AddField(
            "expectation", "receiver", ownership_django.models.keys.ExactField(max_length=191, null=True)
        ),
        migrations.AddField(
            "expectation", "source", ownership_django.models.keys.ExactField(default="", max_length=500)
        ),
        migrations.AddField("expectation", "restored", models.BigIntegerField(default=0)),
        migrations.CreateModel(
            name="Placement",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("run", ownership_django.models.keys.ExactField(max_length=191)),
                ("customer", ownership_django.models.keys.CustomerKey()),
                ("staff", ownership_django.models.keys.ExactField(max_length=191, null=True)),
                ("code", ownership_django.models.keys.ExactField(max_length=100, null=True)),
                ("source", ownership_django.models.keys.ExactField(default="", max_length=500)),
            ],
            options={
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("run", "customer"), name="ownership_placement_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rotation",
            fields=[
                ("name", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("staff", ownership_django.models.keys.ExactField(max_length=191, null=True)),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Rule",
            fields=[
                ("id", ownership_django.models.keys.ExactField(max_length=191, primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
                ("body", ownership_django.models.keys.ProseField()),
            ],
            options={
                "base_manager_name": "objects",
            },
        ),
    ]
