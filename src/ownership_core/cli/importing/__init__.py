"""Reading customers, staff, departments and assignments from CSV files: all rows are looked at, then all or none."""
