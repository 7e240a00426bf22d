"""What comes in while the shop runs, kept in an append-only, crash-safe file until the offline half reads it."""

from whybuy.journal.journal import JOURNAL_FILE, Entry, Journal, JournalError, Kind

__all__ = ["JOURNAL_FILE", "Entry", "Journal", "JournalError", "Kind"]
