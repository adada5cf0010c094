"""Two people talk."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit, live, say, texts


def test_what_one_types_and_sends_the_other_sees_at_once(visit: Visit) -> None:
    alice, bob = live(visit("/chat/lobby/")), live(visit("/chat/lobby/"))
    bob.evaluate(
        """() => new MutationObserver(() => {
            window.seen ??= performance.timeOrigin + performance.now()
        }).observe(document.querySelector('#lists'), {childList: true, subtree: true})"""
    )
    alice.locator("#composer .text").fill("hello")
    alice.evaluate(
        """() => addEventListener('submit', () => {
            window.sent = performance.timeOrigin + performance.now() }, true)"""
    )
    alice.keyboard.press("Enter")
    expect(bob.locator(".message .body")).to_have_text("hello")
    assert bob.evaluate("window.seen") - alice.evaluate("window.sent") < 1000
    expect(alice.locator(".message .body")).to_have_text("hello")
    expect(alice.locator("#composer > form")).to_have_count(1)


def test_messages_stand_in_the_order_in_which_they_were_sent(visit: Visit) -> None:
    alice, bob = live(visit("/chat/order/")), live(visit("/chat/order/"))
    for number in range(10):
        say(alice, f"alice {number}")
        say(bob, f"bob {number}")
    expect(alice.locator(".message")).to_have_count(20)
    expect(bob.locator(".message")).to_have_count(20)
    assert texts(alice) == texts(bob)
    for name in ("alice", "bob"):
        assert [t for t in texts(bob) if t.startswith(name)] == [f"{name} {n}" for n in range(10)]


def test_a_refused_message_comes_back_with_its_reason_and_text(visit: Visit) -> None:
    alice = live(visit("/chat/refused/"))
    say(alice, "x" * 4001)
    rejected = alice.locator("#rejected form")
    expect(rejected.get_by_role("alert")).to_contain_text("4,000")
    expect(rejected.locator("textarea")).to_have_value("x" * 4001)
    for button in rejected.get_by_role("button").all():
        expect(button).to_be_in_viewport(ratio=1)
    expect(alice.locator("#composer > form")).to_have_count(1)
    rejected.locator("textarea").fill("shorter")
    rejected.get_by_role("button", name="Send again").click()
    expect(alice.locator(".message .body")).to_have_text("shorter")
    expect(alice.locator("#rejected form")).to_have_count(0)


def test_ones_own_messages_are_told_apart_and_can_be_edited_and_deleted(visit: Visit) -> None:
    alice, bob = live(visit("/chat/own/")), live(visit("/chat/own/"))
    say(alice, "frist")
    say(alice, "second")
    expect(bob.locator(".message")).to_have_count(2)
    first = alice.locator(".message").first
    expect(bob.locator(".message .more").first).to_be_hidden()
    first.hover()
    first.locator(".more").click()
    alice.get_by_role("link", name="Edit", exact=True).click()
    alice.locator("form.edit textarea").fill("first")
    alice.get_by_role("button", name="Save").click()
    expect(bob.locator(".message .body").first).to_have_text("first")
    expect(bob.locator(".message").first).to_contain_text("edited")
    expect(alice.locator(".message .body").first).to_have_text("first")
    second = alice.locator(".message").last
    second.hover()
    second.locator(".more").click()
    alice.get_by_role("button", name="Delete", exact=True).click()
    expect(bob.locator(".message.deleted")).to_have_text(re.compile("This message was deleted"))
    expect(alice.locator(".message.deleted")).to_have_count(1)
    assert "second" not in bob.content()


def test_who_is_here_and_who_types_is_seen_and_passes(visit: Visit) -> None:
    alice, bob = live(visit("/chat/here/")), live(visit("/chat/here/"))
    expect(alice.locator("#here")).to_have_text("2 here")
    alice.locator(".people summary").click()
    expect(alice.locator("#people li")).to_have_count(2)
    alice.evaluate(
        """() => new MutationObserver(() => {
            if (document.querySelector('#typing').textContent.includes('is typing'))
                window.seen ??= performance.timeOrigin + performance.now()
        }).observe(document.body, {childList: true, subtree: true})"""
    )
    bob.evaluate(
        """() => addEventListener('input', () => {
            window.typed ??= performance.timeOrigin + performance.now() }, true)"""
    )
    bob.locator("#composer .text").press_sequentially("h")
    expect(alice.locator("#typing")).to_contain_text("is typing")
    assert alice.evaluate("window.seen") - bob.evaluate("window.typed") < 1500
    expect(alice.locator("#typing")).not_to_contain_text("is typing", timeout=6500)
    bob.context.close()
    expect(alice.locator("#here")).to_have_text("1 here")


def test_typing_ends_with_the_message(visit: Visit) -> None:
    alice, bob = live(visit("/chat/typed/")), live(visit("/chat/typed/"))
    bob.locator("#composer .text").press_sequentially("h")
    expect(alice.locator("#typing")).to_contain_text("is typing")
    bob.keyboard.press("Enter")
    expect(alice.locator(".message .body")).to_have_text("h")
    expect(alice.locator("#typing")).not_to_contain_text("is typing", timeout=1000)


def test_a_guest_takes_a_name_and_posts_under_it(visit: Visit) -> None:
    alice = live(visit("/chat/names/"))
    bob = live(visit("/chat/names/", complains=True))
    alice.locator("a.you").click()
    alice.get_by_label("Your name").fill("Alice")
    alice.keyboard.press("Enter")
    expect(alice.locator("a.you")).to_have_text("Alice")
    live(alice)
    say(alice, "it is me")
    expect(bob.locator(".message .by")).to_have_text("Alice")
    bob.locator("a.you").click()
    bob.get_by_label("Your name").fill("\u0410lice")  # the first letter is Cyrillic
    bob.keyboard.press("Enter")
    expect(bob.get_by_role("alert")).to_contain_text("belongs to somebody else")
    expect(bob.get_by_label("Your name")).to_have_value("\u0410lice")


def test_the_title_counts_what_came_while_nobody_looked(visit: Visit) -> None:
    alice, bob = live(visit("/chat/title/")), live(visit("/chat/title/"))
    assert alice.title() == "title – Rooms"
    alice.evaluate("dispatchEvent(new Event('blur'))")
    expect(alice.locator("#unseen")).to_have_value("0")
    say(bob, "one")
    say(bob, "two")
    expect(alice).to_have_title("(2) title – Rooms")
    alice.evaluate("dispatchEvent(new Event('focus'))")
    expect(alice).to_have_title("title – Rooms")


def test_hostile_text_is_shown_as_typed_and_does_nothing(visit: Visit) -> None:
    hostile = "<img src=x onerror=alert(1)> &lt;b&gt; javascript:alert(1) \u202eevil\u202c"
    alice, bob = live(visit("/chat/hostile/")), live(visit("/chat/hostile/"))
    say(alice, hostile)
    expect(bob.locator(".message .body p")).to_have_text(hostile)
    assert bob.locator(".message .body :not(p, br)").count() == 0


def test_a_guest_s_other_page_follows_a_new_name(visit: Visit) -> None:
    alice = live(visit("/chat/pages/"))
    other = alice.context.new_page()
    other.goto(alice.url)
    live(other)
    alice.locator("a.you").click()
    alice.get_by_label("Your name").fill("Alice of two pages")
    alice.keyboard.press("Enter")
    expect(alice.locator("a.you")).to_have_text("Alice of two pages")
    alice.wait_for_timeout(2000)
    live(other)
    say(other, "from the other page")
    expect(alice.locator(".message .by")).to_have_text("Alice of two pages")


def test_a_second_tap_on_the_dots_changes_nothing_and_the_keyboard_goes_on(visit: Visit) -> None:
    alice = live(visit("/chat/dots/"))
    say(alice, "hello")
    message = alice.locator(".message")
    expect(message).to_have_count(1)
    message.hover()
    message.locator(".more").click()
    expect(alice.get_by_role("link", name="Edit", exact=True)).to_be_focused()
    message.locator(".more").click()
    expect(alice.get_by_role("link", name="Edit", exact=True)).to_have_count(1)
