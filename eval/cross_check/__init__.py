"""Every own metric against an implementation that is not ours, on pictures made here."""
