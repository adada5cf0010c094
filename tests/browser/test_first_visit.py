"""What a first visit costs, and how the log behaves under the reader's hands."""

import json

from playwright.sync_api import Browser, Locator, expect
from websockets.sync.client import connect

from tests.browser.conftest import Visit, fill, live, say
from tests.services import Rooms

REQUESTS = 10
BYTES = 60_000

# Scrolls up to the start in steps, and returns the steps in which what was seen went elsewhere.
MOVES = """async log => {
  const frame = () => new Promise(requestAnimationFrame);
  const moves = [];
  for (let last = 1; last !== log.scrollTop;) {
    last = log.scrollTop;
    const box = log.getBoundingClientRect();
    const at = y => document.elementFromPoint(box.x + box.width / 2, y)?.closest(".message");
    let y = box.y + box.height / 2;
    while (!at(y)) y++;
    const seen = at(y);
    const top = seen.getBoundingClientRect().top;
    log.scrollBy(0, -200);
    await frame();
    await frame();
    const moved = seen.getBoundingClientRect().top - top;
    if (Math.abs(moved - (last - log.scrollTop)) > 1) moves.push([seen.id, moved]);
  }
  return moves;
}"""


def _top(message: Locator) -> float:
    box = message.bounding_box()
    assert box is not None
    return box["y"]


def test_a_first_visit_takes_few_requests_and_little_data(browser: Browser, rooms: Rooms) -> None:
    fill(rooms, "visit", 60)
    context = browser.new_context()
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: dict[str, float] = {}
    session.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}),
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("websocket", lambda socket: asked.append(socket.url))
    page.goto(f"{rooms.url}/chat/visit/", wait_until="networkidle")
    live(page)
    assert len(asked) <= REQUESTS, asked
    assert sum(sizes.values()) <= BYTES, sizes
    context.close()


def test_the_log_starts_at_the_newest_and_loads_older_messages_as_one_scrolls(
    visit: Visit, rooms: Rooms
) -> None:
    fill(rooms, "history", 130)
    alice = live(visit("/chat/history/"))
    expect(alice.locator(".message")).to_have_count(50)
    expect(alice.locator(".message").last).to_be_in_viewport()
    for count in (100, 130):
        alice.locator("#log").evaluate("log => log.scrollTop = -log.scrollHeight")
        expect(alice.locator(".message")).to_have_count(count)
    expect(alice.locator(".older")).to_have_count(0)
    numbers = alice.locator(".message").evaluate_all("all => all.map(m => +m.id.slice(1))")
    assert numbers == list(range(1, 131))


def test_of_a_long_log_only_what_is_near_is_drawn_and_none_of_it_moves(
    visit: Visit, rooms: Rooms
) -> None:
    alice = live(visit("/chat/long/"))
    with connect(f"{rooms.ws}/ws/chat/long/?events=deleted", proxy=None) as bob:
        for number in range(1, 301):
            bob.send(json.dumps({"message": f"message {number}, of some length"}))
            if number % 100 == 0:
                expect(alice.locator(f"#m{number}")).to_be_in_viewport()
    assert alice.locator("#lists > ol").count() > 3
    drawn = "item => item.checkVisibility({contentVisibilityAuto: true})"
    assert alice.locator("#m300").evaluate(drawn)
    assert not alice.locator("#m1").evaluate(drawn)
    assert alice.locator("#log").evaluate(MOVES) == []
    expect(alice.locator("#m1")).to_be_in_viewport()
    assert alice.locator("#m1").evaluate(drawn)
    numbers = alice.locator(".message").evaluate_all("all => all.map(m => +m.id.slice(1))")
    assert numbers == list(range(1, 301))


def test_the_log_stays_at_the_end_and_does_not_move_while_one_reads_further_up(
    visit: Visit, rooms: Rooms
) -> None:
    fill(rooms, "scroll", 60)
    alice, bob = live(visit("/chat/scroll/")), live(visit("/chat/scroll/"))
    say(bob, "one more")
    expect(alice.locator(".message").last).to_be_in_viewport()
    expect(alice.locator(".message .body").last).to_have_text("one more")
    log = alice.locator("#log")
    log.evaluate("log => log.scrollTop = -400")
    watched = alice.locator("#m40")
    alice.wait_for_timeout(300)
    before = _top(watched)
    for number in range(5):
        say(bob, f"more {number}")
    expect(alice.locator(".message .body").last).to_have_text("more 4")
    assert abs(_top(watched) - before) < 1
    log.evaluate("log => log.scrollTop = 0")
    alice.wait_for_timeout(300)
    say(bob, "at the end again")
    expect(alice.locator(".message .body").last).to_have_text("at the end again")
    expect(alice.locator(".message").last).to_be_in_viewport()
