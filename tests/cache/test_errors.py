from pathlib import Path

from oodcache.cache.errors import FileError, InputError, RuleError, first_lines, reason


def test_an_error_of_a_rule_names_file_and_rule_in_one_line() -> None:
    error = RuleError(Path("a/b.h5"), "F3", "'embeddings' is <f8")
    assert str(error) == "a/b.h5: 'embeddings' is <f8 (rule F3)"
    assert error.rule == "F3"


def test_a_notebook_shows_an_error_as_one_line() -> None:
    assert FileError(Path("a.h5"), "is gone")._render_traceback_() == ["FileError: a.h5: is gone"]


def test_an_error_of_a_rule_is_the_users_and_not_a_bug() -> None:
    assert issubclass(RuleError, InputError)


def test_a_librarys_error_becomes_one_line_even_where_it_says_nothing() -> None:
    assert first_lines(ValueError("\n  first: \n\n second\nthird")) == "first: second"
    assert first_lines(KeyboardInterrupt()) == "KeyboardInterrupt"


def test_a_librarys_error_that_is_no_sentence_has_its_type() -> None:
    assert reason(KeyError("gelu")) == "KeyError: 'gelu'"
    assert reason(ZeroDivisionError("integer modulo by zero")).startswith("ZeroDivisionError: int")
    assert reason(ValueError("it has no words")) == "it has no words"
    assert reason(TypeError()) == "TypeError"


def test_an_error_of_a_file_says_apart_what_was_found() -> None:
    for error in (FileError(Path("a: b"), "is gone"), RuleError(Path("a: b"), "F1", "is gone")):
        assert str(error) == f"{error.path}: {error.found}"
        assert str(error.path) == "a: b"
        assert error.found.startswith("is gone")


def test_a_librarys_long_message_is_cut() -> None:
    assert first_lines(ValueError("a\nb\nc")) == "a b"
    assert first_lines(ValueError("x" * 10_000)) == "x" * 300 + "…"
