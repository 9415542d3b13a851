"""The words of an nginx file are found where nginx finds them, and an edit changes nothing else."""

from __future__ import annotations

import pytest

from jobs.policy.nginx_text import (
    Edit,
    NotUnderstood,
    apply,
    put_first,
    put_last,
    replace_arguments,
    replace_whole,
    scan,
)


def words(text: str) -> list[list[str]]:
    return [[text[slice(*word)] for word in spot.words] for spot in scan(text)]


@pytest.mark.parametrize(("text", "found"), [
    ("", []),
    (" \t\r\n# only a comment", []),
    ("a;", [["a"]]),
    ("a b  c;d;", [["a", "b", "c"], ["d"]]),
    ("a{b;}", [["a"], ["b"]]),
    ("a { b { c; } d; } e;", [["a"], ["b"], ["c"], ["d"], ["e"]]),
    ("a b#c # d;\n;", [["a", "b#c"]]),
    ('a "b ; { } # c" \'d "e\';', [["a", '"b ; { } # c"', "'d \"e'"]]),
    (r'a "b\"c" d\;e \{;', [["a", r'"b\"c"', r"d\;e", r"\{"]]),
    ('a b"c;', [["a", 'b"c']]),
    ("a ${b}c $d{ e; }", [["a", "${b}c", "$d"], ["e"]]),
    ("map $a $b { ~^x$ 1; }", [["map", "$a", "$b"], ["~^x$", "1"]]),
    (r"a \${ b; }", [["a", r"\$"], ["b"]]),
    ("a b}c;", [["a", "b}c"]]),
    ('if ($a ~ "b") { c; }', [["if", "($a", "~", '"b"', ")"], ["c"]]),
    ('"a" b;', [['"a"', "b"]]),
])
def test_words_are_told_apart_as_nginx_does(text: str, found: list[list[str]]) -> None:
    assert words(text) == found


@pytest.mark.parametrize(("text", "line"), [
    ("a;\nb", 2), ("a {\n b;\n", 3), ("a; }", 1), (";", 1), ("{ }", 1), ("a }", 1), ('a\n"b', 2), ("a 'b'c;", 1),
    ("a;\ncontent_by_lua_block { if x then } end }", 2),
])
def test_a_text_that_nginx_would_not_read_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(NotUnderstood, match=f"^line {line}: "):
        scan(text)


def test_a_directive_reaches_from_its_name_to_its_end() -> None:
    text = "# x\n  a b { c 'd'; }  e;"
    a, c, e = scan(text)
    assert [text[one.start : one.end] for one in (a, c, e)] == ["a b { c 'd'; }", "c 'd';", "e;"]
    assert text[a.opens : a.closes] == " c 'd'; " and c.opens is None
    assert scan('"server" { }')[0].name == "server"


@pytest.mark.parametrize(("before", "after"), [
    ("s {\n    a;\n}", "s {\n    x;\n    y;\n    a;\n}"),
    ("s {\n\ta;\n}", "s {\n\tx;\n\ty;\n\ta;\n}"),
    ("s { # c }\n  a;\n}", "s { # c }\n  x;\n  y;\n  a;\n}"),
    ("s { a; }", "s { x; y; a; }"),
    ("s{a;}", "s{ x; y;a;}"),
    ("s{}", "s{ x; y;}"),
    ("  s {\n  }", "  s {\n      x;\n      y;\n  }"),
    ("s {\r\n  a;\r\n}", "s {\r\n  x;\r\n  y;\r\n  a;\r\n}"),
    ("s\n{\n\n  # c\n  a;\n}", "s\n{\n  x;\n  y;\n\n  # c\n  a;\n}"),
])
def test_the_first_lines_of_a_block_look_like_the_others(before: str, after: str) -> None:
    edited = apply(before, [put_first(before, scan(before)[0], "x;", "y;")])
    assert edited == after
    assert [one.name for one in scan(edited)][:3] == ["s", "x", "y"]


@pytest.mark.parametrize(("before", "after"), [
    ("h {\n\ta;\n}\n", "h {\n\ta;\n    x;\n}\n"),
    ("h { a; }", "h { a;  x; }"),
    ("h {\r\n a;\r\n  }", "h {\r\n a;\r\n      x;\r\n  }"),
    ("h { a; # c\n}", "h { a; # c\n    x;\n}"),
])
def test_the_last_line_of_a_block_stands_before_its_brace(before: str, after: str) -> None:
    edited = apply(before, [put_last(before, scan(before)[0], "x;")])
    assert edited == after
    assert [one.name for one in scan(edited)] == ["h", "a", "x"]


@pytest.mark.parametrize(("before", "after"), [
    ("a;\n  b c; # d\ne;", "a;\n   # d\ne;"),
    ("a;\n  b c;  \ne;", "a;\ne;"),
    ("a;\r\nb;\r\ne;", "a;\r\ne;"),
    ("a; b; e;", "a;  e;"),
    ("b;", ""),
    ("b;\n", ""),
])
def test_a_directive_that_goes_takes_its_own_line_with_it(before: str, after: str) -> None:
    spot = next(one for one in scan(before) if one.name == "b")
    assert apply(before, [replace_whole(before, spot, ())]) == after


def test_arguments_and_whole_directives_are_replaced_in_place() -> None:
    text = "s {\n  a  'b' c ; # d\n  e f;\n}"
    _, a, e = scan(text)
    edits = [replace_whole(text, e, ["g;", "h;"]), replace_arguments(a, '"z"')]
    assert apply(text, edits) == "s {\n  a  \"z\" ; # d\n  g;\n  h;\n}"


def test_edits_at_one_place_keep_their_order_and_overlapping_ones_are_refused() -> None:
    assert apply("ab", [Edit(1, 1, "1"), Edit(1, 1, "2"), Edit(0, 1, "x")]) == "x12b"
    with pytest.raises(ValueError, match="overlap"):
        apply("abc", [Edit(0, 2, ""), Edit(1, 3, "")])
