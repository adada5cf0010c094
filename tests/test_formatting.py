from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rooms.formatting import to_html

REL = 'rel="nofollow noopener noreferrer"'

PIECES = [
    *["http://", "https://", "HTTPS://", "www.", "a.com", "x.org/y", "javascript:", "data:", "://"],
    *["alice@example.com", "mailto:", "<", ">", '"', "'", "&", "&lt;", "&amp;", "&#60;", "<b>"],
    *["<script>", "</p>", "<!--", "]]>", "(", ")", "[", "]", "{", "}", ".", ",", ";", "!", "?"],
    *["\n", "\n\n", "\t", " ", "\u202e", "\u200b", "é", "👍", "%", "%00", "\\", "`", "=", "a"],
]


class Parsed(HTMLParser):
    """What a browser would see: tags with their attributes, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.ends: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "br":
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        self.ends.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def _links(text: str) -> list[tuple[str, str]]:
    """Return each link's address and the text of the whole, which must be as typed."""
    parsed = Parsed(to_html(text))
    assert parsed.text == text
    return [(attrs["href"] or "", attrs["rel"] or "") for tag, attrs in parsed.tags if tag == "a"]


def _addresses(text: str) -> list[str]:
    return [address for address, _ in _links(text)]


def test_text_becomes_one_paragraph() -> None:
    assert to_html("hello") == "<p>hello</p>"


def test_line_breaks_are_kept_blank_lines_too() -> None:
    assert to_html("a\nb\n\nc") == "<p>a<br>b<br><br>c</p>"
    assert to_html("see a.com\nb") == (f'<p>see <a href="https://a.com" {REL}>a.com</a><br>b</p>')


def test_everything_is_escaped() -> None:
    assert to_html('<b>"it\'s" &lt;') == "<p>&lt;b&gt;&quot;it&#x27;s&quot; &amp;lt;</p>"
    assert "<script" not in to_html("<script>alert('http://a.com')</script>")


def test_an_address_becomes_a_link() -> None:
    assert to_html("http://example.org/a?b=1&c=2#d") == (
        f'<p><a href="http://example.org/a?b=1&amp;c=2#d" {REL}>'
        "http://example.org/a?b=1&amp;c=2#d</a></p>"
    )


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("http://a.example", "http://a.example"),
        ("HTTPS://A.example/x", "HTTPS://A.example/x"),
        ("http://localhost:8000/chat/", "http://localhost:8000/chat/"),
        ("http://[::1]:8000/", "http://[::1]:8000/"),
        ("https://de.wikipedia.org/wiki/Käse", "https://de.wikipedia.org/wiki/Käse"),
        ("http://a.example/?a=1&lt=2", "http://a.example/?a=1&lt=2"),
        ("http://a.example/?q=a+b%20c;d", "http://a.example/?q=a+b%20c;d"),
        ("www.example.net", "https://www.example.net"),
        ("www.example.net:81/x", "https://www.example.net:81/x"),
        ("example.com", "https://example.com"),
        ("sub.example.com/a?b#c", "https://sub.example.com/a?b#c"),
        ("alice@example.com", "mailto:alice@example.com"),
        ("alice+b@example.com", "mailto:alice%2Bb@example.com"),
    ],
)
def test_each_kind_of_address_is_linked(text: str, address: str) -> None:
    expected = [(address, "nofollow noopener noreferrer")]
    assert _links(text) == expected
    assert _links(f"see {text} now\n{text}") == expected * 2


@pytest.mark.parametrize(
    "around",
    [
        "{}.",
        "{},",
        "{}!",
        "{}?",
        "{}...",
        "({})",
        "[{}]",
        "({}).",
        '"{}"',
        "<{}>",
        "“{}”",
        "({}?),",
    ],
)
def test_punctuation_and_brackets_around_an_address_are_not_part_of_it(around: str) -> None:
    assert _addresses(around.format("http://a.com/x")) == ["http://a.com/x"]
    assert _addresses(around.format("a.com")) == ["https://a.com"]


def test_brackets_that_belong_to_an_address_stay() -> None:
    address = "https://en.wikipedia.org/wiki/Chat_(disambiguation)"
    assert _addresses(address) == [address]
    assert _addresses(f"({address})") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "javascript:alert(1)//x.com",
        "JaVaScRiPt:x.com",
        "data:text/html,<b>",
        "data:text/html,x.com",
        "vbscript:x.org",
        "java\tscript:alert(1)",
        "file:///etc/passwd",
        "ftp://a.example",
        "javascript://a.com/%0aalert(1)",
        "http://",
        "http:// a",
        "http://[",
        "https:///x",
        "a.b",
        "3.14",
        "e.g.",
        "hello.world",
        "@alice",
        "a@b",
        ".com",
        "www.",
        "http://a.com/\u202egnp.exe",
        "a\u200b.com",
        "http://a.com/" + "x" * 2048,
    ],
)
def test_anything_else_is_not_linked(text: str) -> None:
    assert _links(text) == []


def test_an_address_cannot_leave_its_attribute() -> None:
    parsed = Parsed(to_html('http://a.com/"onmouseover="alert(1) http://a.com/\'><img/src=x>'))
    assert {tag for tag, _ in parsed.tags} == {"p", "a"}
    assert all(set(attrs) == {"href", "rel"} for tag, attrs in parsed.tags if tag == "a")


@settings(deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=30).map("".join))
def test_no_text_ever_makes_other_html_or_is_shown_otherwise_than_typed(text: str) -> None:
    html = to_html(text)
    parsed = Parsed(html)
    assert parsed.tags[0] == ("p", {})
    assert parsed.ends[-1] == "p"
    for tag, attrs in parsed.tags[1:]:
        assert tag in {"br", "a"}
        assert set(attrs) == ({"href", "rel"} if tag == "a" else set())
        href = (attrs.get("href") or "http://").lower()
        assert href.startswith(("http://", "https://", "mailto:"))
    assert parsed.ends.count("a") == sum(tag == "a" for tag, _ in parsed.tags)
    assert parsed.ends.count("p") == 1
    assert parsed.text == text
