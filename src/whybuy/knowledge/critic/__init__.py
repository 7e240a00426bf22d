"""The critic: learns from judged reasons how plausible and how typical others are."""
