"""Its place lets every test import `fakes`, `snapshot` and whatever else stands beside it."""
