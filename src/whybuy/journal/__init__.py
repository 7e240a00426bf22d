"""Events and judgments received while the shop runs, in an append-only, crash-safe file that builds read."""

from whybuy.journal.journal import JOURNAL_FILE, Entry, Journal, JournalError, Kind

__all__ = ["JOURNAL_FILE", "Entry", "Journal", "JournalError", "Kind"]
