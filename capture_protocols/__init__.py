"""One TOML per capture set-up; README.md says what every key means."""
