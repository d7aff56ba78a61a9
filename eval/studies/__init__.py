"""Studies as commands: sensors against sensors, disturbed inputs, the tables of the papers."""
