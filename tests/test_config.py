"""One file of settings; each part gets its own, typed, and nothing goes unread."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from whybuy.config import HOW_ONLY, STORE_FILE, ConfigTable, Settings, read_settings
from whybuy.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TreeConfig:
    branching: int = 16
    beam: int = 10
    language: str = "en"


@dataclass(frozen=True, slots=True)
class FeedConfig:
    path: Path
    title: str = "title"


TREE = ConfigTable("tree", TreeConfig)
FEED = ConfigTable("feed", FeedConfig, repeated=True)


def settings(tmp_path: Path, toml: str) -> Settings:
    (tmp_path / STORE_FILE).write_text(toml, encoding="utf-8")
    return read_settings(tmp_path)


def test_a_table_fills_its_config_and_the_rest_is_default(tmp_path: Path) -> None:
    assert settings(tmp_path, "[tree]\nbeam = 20").one(TREE) == TreeConfig(beam=20)


def test_an_absent_table_is_all_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, "")
    assert found.one(TREE) == TreeConfig()
    assert found.many(FEED) == ()


def test_several_tables_come_in_order(tmp_path: Path) -> None:
    toml = '[[feed]]\npath = "b.csv"\n[[feed]]\npath = "a.csv"\ntitle = "name"'
    found = settings(tmp_path, toml).many(FEED)
    assert found == (FeedConfig(Path("b.csv")), FeedConfig(Path("a.csv"), "name"))


def test_an_unknown_key_is_named_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"store\.toml: \[tree\] has no setting 'branchin'\. Did you mean 'branching'\?"
    ):
        settings(tmp_path, "[tree]\nbranchin = 3").one(TREE)
    with pytest.raises(ConfigError, match=r"no setting 'zzz'\. Allowed: beam, branching, language"):
        settings(tmp_path, "[tree]\nzzz = 3").one(TREE)


def test_a_value_of_the_wrong_type_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[tree\] beam = 'wide': .*integer"):
        settings(tmp_path, '[tree]\nbeam = "wide"').one(TREE)


def test_a_missing_required_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[feed\] path"):
        settings(tmp_path, '[[feed]]\ntitle = "name"').many(FEED)


def test_a_table_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    found = settings(tmp_path, "[tree]\n[tre]")
    with pytest.raises(ConfigError, match=r"no part reads the table \[tre\]\. Did you mean 'tree'\?"):
        found.expect_only("tree", "feed")
    found.expect_only("tree", "tre")


def test_a_single_table_where_several_may_be_says_how_to_write_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\[feed\] must be written as \[\[feed\]\]"):
        settings(tmp_path, "[feed]\ntitle = 'x'").many(FEED)


def test_a_value_where_a_table_belongs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tree must be a table, not 3"):
        settings(tmp_path, "tree = 3").one(TREE)


def test_a_folder_that_is_no_shop_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"has no store\.toml\. Make one with `whybuy init --store"):
        read_settings(tmp_path)


@pytest.mark.parametrize("content", [b"[tree", b"a = \xff"])
def test_what_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / STORE_FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=r"store\.toml is not valid TOML"):
        read_settings(tmp_path)


@dataclass(frozen=True, slots=True)
class WorkConfig:
    depth: int = 3
    threads: int = field(default=2, metadata=HOW_ONLY)


WORK = ConfigTable("work", WorkConfig)


def test_how_work_is_done_is_no_setting_of_the_result(tmp_path: Path) -> None:
    assert settings(tmp_path, "[work]\nthreads = 8").results(WORK) == {"[work] depth": "3"}
    both = settings(tmp_path, "[tree]\nbeam = 20")
    assert both.results(TREE) == {"[tree] branching": "16", "[tree] beam": "20", "[tree] language": "'en'"}
    assert both.results(TREE.only("beam")) == {"[tree] beam": "20"}
    assert settings(tmp_path, "[[feed]]\npath = 'a'").results(FEED).keys() == {"[[feed]] 1"}
