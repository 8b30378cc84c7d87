#!/usr/bin/env python3
"""The pages in a real browser: what they show, what their controls do, and what must not happen.

    pages.py PROGRAM CONTEND [SCREENSHOT_DIR]

PROGRAM is the built example `hostile`, some of whose names are markup; it gets a free port as its
argument. CONTEND is the built command, whose pages of saved profiles (`contend open`) are looked at as well.
Needs selenium, and Debian's chromium with its driver. With SCREENSHOT_DIR every page is
kept as a picture: light and dark, at the width of a desktop and of a phone.

Goes through all promises and exits with 1 if one of them is broken.
"""

import base64
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

DESKTOP, PHONE = (1280, 800), (360, 740)
CHECKOUT = "hostile::orders::checkout"
PAGES = {
    "index": "",
    "top-mutex": "top?profile=mutex",
    "top-block": "top?profile=block",
    "blockers": "blockers",
    "threads": "threads?form=page",
    "locks": "locks?form=page",
    "monitor": "monitor?form=page",
    "deadlock": "deadlock?form=page",
    "function": f"function?profile=block&name={CHECKOUT}",
    "flamegraph-mutex": "flamegraph?profile=mutex",
    "flamegraph-block": "flamegraph?profile=block&value=contentions",
}
# Of `contend open`, for the mutex profile twice and the block profile.
SAVED_PAGES = {
    "saved-index": "",
    "saved-top": "top?profile=3",
    "saved-flamegraph": "flamegraph?profile=3",
    "saved-function": f"function?profile=3&name={CHECKOUT}",
    "saved-compare": "compare?base=1&profile=2",
}
# What the program is called in places, and what a page may be asked for.
MARKUP = "<script>alert('name')</script>"
ATTACKS = [
    "<script>alert(1)</script>",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "assets/<script>alert(1)</script>",
    'top?profile="><img src=x onerror=alert(1)>',
    "top?profile=mutex&seconds=<script>alert(1)</script>",
    'flamegraph?profile=mutex&value="><script>alert(1)</script>',
    'function?profile=mutex&name="><script>alert(1)</script>&kind=<img src=x onerror=alert(1)>',
    "mutex?debug=<script>alert(1)</script>",
    "?<script>alert(1)</script>",
]

CHECKS = []


def check(function):
    """Registers a promise: its name is the sentence."""
    CHECKS.append(function)
    return function


class Server:
    """The program, while it runs."""

    def __init__(self, program):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.root = f"http://127.0.0.1:{port}/debug/pprof/"
        self.process = subprocess.Popen([program, str(port)])

    def __enter__(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                sys.exit(f"the program ended with {self.process.returncode}")
            try:
                # Long enough for something to be recorded.
                if b"call sites</a>" in self.get(""):
                    return self
            except OSError:
                pass
            time.sleep(0.2)
        sys.exit(f"nothing to look at at {self.root} after 30 s")

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def get(self, path):
        with urllib.request.urlopen(self.root + path, timeout=10) as answer:
            return answer.read()


class Saved:
    """`contend open`, for profiles of the program."""

    def __init__(self, contend, server):
        self.folder = tempfile.TemporaryDirectory()
        files = []
        for name in ["mutex", "mutex", "block"]:
            files.append(pathlib.Path(self.folder.name, f"{len(files)}-{name}.pb.gz"))
            files[-1].write_bytes(server.get(name))
            time.sleep(1)
        self.process = subprocess.Popen([contend, "open", *files], stdout=subprocess.PIPE, text=True)
        self.root = self.process.stdout.readline().split()[0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


class Browser:
    """Chromium, with the page that is open in it."""

    def __init__(self, root, saved):
        self.root = root
        self.saved = saved
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]:
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        # An alert is a finding, not to be closed unseen.
        options.unhandled_prompt_behavior = "ignore"
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(30)
        self.resize(DESKTOP)

    def resize(self, size):
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def scheme(self, name):
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def scripts(self, enabled):
        disabled = {"value": not enabled}
        self.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", disabled)

    def open(self, path):
        self.driver.get(self.root + path)

    def open_saved(self, path):
        self.driver.get(self.saved + path)

    def open_each(self):
        """Goes to every page, and says which it is."""
        for pages, go in [(PAGES, self.open), (SAVED_PAGES, self.open_saved)]:
            for name, path in pages.items():
                go(path)
                yield name

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return self.one(selector).text

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def wait(self, what, until, seconds=10):
        message = f"{what} did not happen within {seconds} s"
        return WebDriverWait(self.driver, seconds, 0.1).until(lambda _: until(), message)

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self):
        """All of the page, not only what fits into the window."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        options = {"clip": clip, "captureBeyondViewport": True}
        data = self.driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
        return base64.b64decode(data)


def same(found, expected, what):
    assert found == expected, f"{what}: {found!r}, not {expected!r}"


@check
def the_index_shows_what_was_recorded(browser):
    browser.open("")
    for profile in ["mutex", "block"]:
        delay = browser.text(f"#{profile} dd.delay")
        assert re.fullmatch(r"[0-9.]+(ns|µs|ms|s)", delay) and delay != "0ns", delay
        assert browser.text(f"#{profile} dd.contentions") != "0"
        assert browser.all(f"#{profile} .worst li"), f"no call sites of {profile}"
        assert browser.text(f"#{profile} .state").startswith("on: ")
    assert "hostile::" in browser.text("#mutex .worst")
    assert browser.root in browser.text("pre"), "the examples have the address of this server"


@check
def every_link_of_the_index_leads_somewhere(browser):
    browser.open("")
    links = {link.get_attribute("href") for link in browser.all("a[href]")}
    assert len(links) > 12, links
    broken = {}
    for link in links:
        assert link.startswith(browser.root), link
        try:
            urllib.request.urlopen(re.sub(r"seconds=\d+", "seconds=1", link), timeout=30).close()
        except urllib.error.HTTPError as error:
            broken[link] = error.code
    same(broken, {}, "links that are answered with an error")


@check
def a_profile_is_turned_off_and_on_from_the_index(browser):
    browser.open("")
    set_pairs = lambda rate, state: (
        browser.one(f'#pairs button[data-rate="{rate}"]').click(),
        browser.wait(state, lambda: browser.run("return document.querySelector('#pairs .state')?.textContent") == state),
    )
    # While pairs are recorded the mutex profile is on.
    set_pairs(0, "off")
    own = lambda: [it.get_attribute("data-rate") for it in browser.all('#mutex button[title*="own rate"]')]
    same(own(), ["2"], "the program's own rate")
    for rate, state in [(0, "off"), (1, "on: every contention"), (100, "on: 1 in 100"), (2, "on: 1 in 2")]:
        browser.one(f'#mutex button[data-rate="{rate}"]').click()
        shown = lambda: browser.run("return document.querySelector('#mutex .state')?.textContent") == state
        browser.wait(f"the state {state!r}", shown)
        pressed = browser.all('#mutex button[aria-pressed="true"]')
        same([it.get_attribute("data-rate") for it in pressed], [str(rate)], "the pressed button")
        same(own(), ["2"], "the program's own rate, whatever is chosen")
    same(browser.text("#block .state")[:3], "on:", "the other profile's state")
    set_pairs(2, "on: 1 in 2")


@check
def a_refused_rate_is_told_in_place(browser):
    browser.open("")
    before = browser.text("#block .state")
    browser.run(
        "window.fetch = async () => new Response('a token is needed', {status: 401, statusText: 'x'})"
    )
    browser.one('#block button[data-rate="0"]').click()
    error = lambda: browser.all("#block fieldset output.error")
    message = browser.wait("an error", error)[0].text
    assert "a token is needed" in message and "401" in message, message
    same(browser.text("#block .state"), before, "the state")


@check
def a_window_is_recorded_from_the_index(browser):
    browser.open("")
    form = browser.one("#block form.window")
    check = form.find_element(By.CSS_SELECTOR, ".check")
    assert not check.is_displayed(), "how much is recorded, where nothing is"
    browser.run(
        "const {seconds} = arguments[0].elements; seconds.value = '1'; seconds.dispatchEvent(new Event('change'))", form
    )
    assert check.is_displayed() and not form.find_element(By.CSS_SELECTOR, ".whole").is_displayed()
    browser.one("#block form.window button:not([formaction])").click()
    browser.wait("the table of the window", lambda: browser.all("table.sites"))
    assert "seconds=1" in browser.driver.current_url, browser.driver.current_url


@check
def all_since_the_start_is_one_click_away(browser):
    browser.open("")
    browser.one('#mutex button[formaction="flamegraph"]').click()
    browser.wait("the flame graph", lambda: browser.all(".flame svg"))
    assert "since the start" in browser.text(".summary"), browser.text(".summary")
    # The page before has one as well.
    browser.run("document.documentElement.dataset.before = 'yes'")
    browser.one("form.window button").click()
    browser.wait("the same again", lambda: browser.all("html:not([data-before]) .flame svg"))


@check
def the_index_refreshes(browser):
    browser.open("")
    delay = lambda: browser.run("return document.querySelector('#block dd.delay')?.textContent")
    before = delay()
    browser.run("document.querySelector('#block select').value = '5'")
    browser.one("#refresh input").click()
    browser.wait("another number", lambda: delay() not in (None, before), 30)
    same(browser.run("return document.querySelector('#block select').value"), "5", "what was chosen")
    browser.one("#refresh input").click()


@check
def a_row_leads_to_its_function(browser):
    browser.open("top?profile=block")
    row = next(it for it in browser.all("table.sites tbody tr") if "orders::pay" in it.text)
    delay = row.find_element(By.CSS_SELECTOR, ".value").text
    row.find_element(By.CSS_SELECTOR, ".function a").click()
    browser.wait("the page", lambda: browser.all("main.function"))
    assert "hostile::orders::pay" in browser.text("h2.function"), browser.text("h2.function")
    assert MARKUP in browser.text("h2.function .kind")
    callers = browser.text("#callers")
    assert CHECKOUT in callers and "contend::blocking" in callers, callers
    assert "hostile.rs" in browser.text("#source")
    assert browser.all("#stacks details[open] li.this"), "no stack"
    browser.one(f"#callers a[href*='checkout']").click()
    browser.wait("its caller", lambda: browser.text("h2.function").startswith(CHECKOUT))
    assert delay


def column(browser, index):
    """What the rows are sorted by, in the order in which they are shown."""
    return browser.run(
        """return [...document.querySelectorAll("table.sites tbody tr")].map(row => {
             const cell = row.cells[arguments[0]];
             return cell.dataset.value !== undefined ? Number(cell.dataset.value)
                                                     : cell.title || cell.textContent;
           })""",
        index,
    )


def natural(value):
    """Numbers within text count as numbers."""
    if not isinstance(value, str):
        return value
    parts = re.split(r"(\d+)", value)
    return [int(part) if part.isdigit() else part for part in parts]


def is_sorted(browser, values, descending):
    if values and isinstance(values[0], str):
        # By the browser's own collation: what is alike but for case or marks has no order here.
        return browser.run(
            """const [values, sign] = arguments;
               return values.every((it, at) => at === 0 ||
                 sign * values[at - 1].localeCompare(it, "en", {numeric: true}) <= 0)""",
            values,
            -1 if descending else 1,
        )
    return values == sorted(values, reverse=descending)


@check
def the_table_is_sorted_by_each_column(browser):
    browser.open("top?profile=block")
    titles = [it.text for it in browser.all("table.sites th")]
    same([re.sub(r" [↓↑]", "", it) for it in titles], list(COLUMNS), "the columns")
    assert is_sorted(browser, column(browser, 0), True), "by delay at first"
    assert len(set(map(str, column(browser, 0)))) > 3, "too few rows to tell"
    for index in [*range(1, len(titles)), 0]:
        browser.all("table.sites th button")[index].click()
        first = browser.all("table.sites th")[index].get_attribute("aria-sort")
        assert is_sorted(browser, column(browser, index), first == "descending"), titles[index]
        # Once more, with the keyboard: the other way round.
        browser.all("table.sites th button")[index].send_keys(Keys.ENTER)
        second = browser.all("table.sites th")[index].get_attribute("aria-sort")
        same({first, second}, {"ascending", "descending"}, "the directions")
        assert is_sorted(browser, column(browser, index), second == "descending"), titles[index]
        same(len(browser.all("th[aria-sort]")), 1, "columns that say to be sorted")


COLUMNS = ("delay", "±", "share", "contentions", "mean", "kind", "function", "file:line")


@check
def the_table_is_filtered(browser):
    browser.open("top?profile=block")
    every = len(browser.all("table.sites tbody tr"))
    browser.one("#filter").send_keys("ORDERS::")
    shown = [row for row in browser.all("table.sites tbody tr") if row.is_displayed()]
    assert 0 < len(shown) < every, f"{len(shown)} of {every}"
    for row in shown:
        assert "orders::" in row.text.lower(), row.text
    assert re.match(rf"{len(shown)} of {every} call sites, [0-9.]+%", browser.text("#shown"))
    browser.one("#filter").send_keys(Keys.CONTROL, "a", Keys.NULL, Keys.DELETE)
    same(len([row for row in browser.all("tbody tr") if row.is_displayed()]), every, "rows")


@check
def the_table_is_there_without_scripts(browser):
    browser.scripts(False)
    try:
        browser.open("top?profile=block")
        rows = browser.all("table.sites tbody tr")
        assert rows and rows[0].is_displayed()
        delays = [int(it.get_attribute("data-value")) for it in browser.all("td.delay")]
        same(delays, sorted(delays, reverse=True), "the delays")
        assert not browser.one("#filter").is_displayed(), "a filter that cannot work"
        browser.open("flamegraph?profile=block")
        widths = [it.size["width"] for it in browser.all(".flame rect")]
        assert max(widths) > 1000, widths
        browser.open("")
        assert browser.one("#mutex dd.delay").is_displayed()
        assert not browser.one("fieldset.rates").is_displayed(), "buttons that cannot work"
    finally:
        browser.scripts(True)


@check
def a_waiter_leads_to_its_blockers_and_back(browser):
    browser.open("blockers")
    assert browser.all(".matrix td[class^=shade]"), "the matrix has cells"
    row = next(it for it in browser.all(".matrix tbody th a") if "put" in it.text)
    name = row.find_element(By.XPATH, "..").get_attribute("title")
    row.click()
    group = browser.one("details:target")
    browser.wait("opening", lambda: group.get_attribute("open"))
    assert name == group.find_element(By.CSS_SELECTOR, "summary .name").text, name
    # Its blockers by share, the largest first.
    shares = [float(it.text.rstrip("%")) for it in group.find_elements(By.CSS_SELECTOR, "li > span:nth-of-type(1)")]
    assert shares == sorted(shares, reverse=True) and abs(sum(shares) - 100) < 1, shares
    blocker = next(it for it in group.find_elements(By.CSS_SELECTOR, "li a") if "evict" in it.text)
    blocker.click()
    browser.wait("opening", lambda: "evict" in browser.text("details:target[open] summary"))
    victims = browser.text("details:target ul")
    assert "put" in victims, victims


@check
def the_threads_stay_open_and_sorted_while_they_refresh(browser):
    browser.open("threads?form=page")
    groups = browser.all("details.group")
    assert len(groups) > 3, "too few groups to tell"
    browser.one("details.group > summary").click()
    key = browser.one("details.group[open]").get_attribute("data-key")
    assert browser.one("details.group[open] ol.stack li").is_displayed()
    sorted_by = lambda: [it.text for it in browser.all("#by-time th[aria-sort]")]
    browser.all("#by-time th button")[3].click()
    same(sorted_by(), ["thread"], "the column")
    refreshed = lambda: browser.text("#refresh output")
    browser.one("#refresh input").click()
    first = browser.wait("a refresh", refreshed)
    browser.wait("another one", lambda: refreshed() != first)
    assert browser.all(f'details.group[data-key="{key}"]'), "the group is still there"
    same(len(browser.all("details.group[open]")), 1, "groups that are open")
    same(sorted_by(), ["thread"], "the column after a refresh")
    # In one step: a refresh may come between two.
    names = browser.run("return [...document.querySelectorAll('#by-time td.thread')].map(it => it.textContent)")
    assert is_sorted(browser, names, False), names
    browser.one("#refresh input").click()


@check
def a_deadlock_is_on_top_and_its_circle_is_marked(browser):
    for path in ["", "threads?form=page", "deadlock?form=page"]:
        browser.open(path)
        alarm = browser.one(".alarm")
        assert re.match(r"Deadlock: 2 threads wait for each other: ", alarm.text), alarm.text
        assert "20 more are stuck behind them" in alarm.text, alarm.text
        assert alarm.location["y"] < 400, f"not on top of {path!r}: {alarm.location}"
    browser.open("threads?form=page")
    same(len(browser.all(".graph .edge.cycle")), 4, "edges of the circle")
    same(len(browser.all(".graph .node.cycle")), 4, "nodes of the circle")
    crowd = [it.get_attribute("textContent") for it in browser.all(".graph .node.thread:not(.cycle)")]
    assert any("20 × " in it for it in crowd), crowd
    # No node lies on another one.
    boxes = browser.run(
        """return [...document.querySelectorAll(".graph svg")].map(svg =>
             [...svg.querySelectorAll(".node rect")].map(it => {
               const box = it.getBoundingClientRect();
               return [box.left, box.top, box.right, box.bottom]; }))"""
    )
    for picture in boxes:
        for at, a in enumerate(picture):
            for b in picture[:at]:
                assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3], (a, b)


def frames(browser):
    """Name and shown width of each frame that is shown."""
    return browser.run(
        """return Object.fromEntries([...document.querySelectorAll(".flame g.frame")]
             .filter(it => getComputedStyle(it).display !== "none")
             .map((it, at) => [at + " " + it.getAttribute("aria-label"),
                               Math.round(it.querySelector("rect").getBoundingClientRect().width)]))"""
    )


def click_frame(browser, name):
    """The widest frame with this in its name."""
    return browser.run(
        """const named = [...document.querySelectorAll(".flame g.frame")]
             .filter(it => it.getAttribute("aria-label").includes(arguments[0])
                           && getComputedStyle(it).display !== "none");
           const width = it => it.getBoundingClientRect().width;
           const widest = named.reduce((a, b) => width(b) > width(a) ? b : a);
           widest.querySelector("rect").dispatchEvent(new MouseEvent("click", {bubbles: true}));
           return widest.getAttribute("aria-label")""",
        name,
    )


def width_of(browser, label):
    return max(width for name, width in frames(browser).items() if name.endswith(label))


@check
def the_flame_graph_zooms_and_resets(browser):
    browser.open("flamegraph?profile=block")
    before = frames(browser)
    whole = max(before.values())
    label = click_frame(browser, "hostile::orders::checkout")
    assert whole * 0.02 < max(w for n, w in before.items() if n.endswith(label)) < whole * 0.98
    after = frames(browser)
    assert abs(width_of(browser, label) - whole) <= 2, "as wide as all"
    assert len(after) < len(before), "frames beside it are gone"
    assert browser.one("#reset").is_displayed()
    browser.one("#reset").click()
    same(frames(browser), before, "the frames after a reset")
    assert not browser.one("#reset").is_displayed()


@check
def the_flame_graph_works_with_keys(browser):
    browser.open("flamegraph?profile=block")
    before = frames(browser)
    focused = lambda: browser.run("return document.activeElement.getAttribute('aria-label')")
    browser.run("document.querySelector('.flame [tabindex=\"0\"]').focus()")
    assert focused().startswith("all "), focused()
    keys = lambda *keys: browser.driver.switch_to.active_element.send_keys(*keys)
    seen = []
    for _ in range(30):
        keys(Keys.ARROW_DOWN)
        seen.append(focused())
        keys(Keys.ARROW_RIGHT)
        if focused() != seen[-1]:
            break
    assert len(set(seen)) > 2, seen
    assert browser.text("#details").startswith(focused()), (browser.text("#details"), focused())
    keys(Keys.ENTER)
    assert frames(browser) != before, "Enter zooms"
    keys(Keys.ESCAPE)
    same(frames(browser), before, "the frames after Escape")
    keys("/")
    same(browser.run("return document.activeElement.id"), "search", "where / leads")


@check
def the_flame_graph_is_searched(browser):
    browser.open("flamegraph?profile=block")
    plain = fills(browser)
    browser.one("#search").send_keys("orders::(checkout|pay)")
    matched = browser.all(".flame g.matched")
    names = [it.get_attribute("aria-label") for it in matched]
    assert names and all("orders::" in name for name in names), names
    found = re.fullmatch(r"(\d+) matched: ([0-9.]+)%", browser.text("#matched"))
    assert found and int(found[1]) == len(names), browser.text("#matched")
    # What is below a match counts once: of all matches, those that no match is above of.
    expected = browser.run(
        """const matched = [...document.querySelectorAll(".flame g.matched")];
           const box = it => it.querySelector("rect").getBoundingClientRect();
           const isBelow = (a, b) => a !== b && box(a).top > box(b).top && box(a).left >= box(b).left - 1
                                     && box(a).right <= box(b).right + 1;
           const outer = matched.filter(it => !matched.some(other => isBelow(it, other)));
           const all = box(document.querySelector(".flame g.frame.all")).width;
           return 100 * outer.reduce((sum, it) => sum + box(it).width, 0) / all"""
    )
    assert abs(float(found[2]) - expected) < 1, f"{found[2]}%, not {expected}%"
    assert fills(browser)["matched"] != plain["frame"], "matches are highlighted"
    clear = (Keys.CONTROL, "a", Keys.NULL, Keys.DELETE)
    browser.one("#search").send_keys(*clear)
    same((browser.text("#matched"), len(browser.all("g.matched"))), ("", 0), "after clearing")
    browser.one("#search").send_keys("[K; 8")
    assert browser.all(".flame g.matched"), "what is no regular expression is looked for as it is"
    browser.one("#search").send_keys(*clear, "no such function")
    same(browser.text("#matched"), "0 matched: 0.0%", "no match")


@check
def the_flame_graph_is_searched_by_kind(browser):
    browser.open("flamegraph?profile=block")
    kinds = lambda: {it.get_attribute("data-kind") for it in browser.all(".flame g.matched")}
    for button in browser.all(".kinds button")[:3]:
        kind = button.get_attribute("data-kind")
        button.click()
        same(kinds(), {kind}, "the kind of what is marked")
        found = float(re.search(r": ([0-9.]+)%", browser.text("#matched"))[1])
        told = float(re.search(r"([0-9.]+)%", button.text)[1])
        assert abs(found - told) < 0.2, (found, told)
        button.click()
        same(browser.text("#matched"), "", "after the second click")
    browser.one("#search").send_keys("[condvar")
    assert kinds() == {"condvar"}, kinds()
    browser.open("flamegraph?profile=block")
    colours = browser.run(
        """return Object.fromEntries([...document.querySelectorAll(".flame g.kind")]
             .map(it => [it.dataset.kind, getComputedStyle(it.querySelector("rect")).fill]))"""
    )
    assert len(colours) > 2 and len(set(colours.values())) > 2, colours


@check
def a_narrow_frame_shows_its_function(browser):
    browser.resize((500, 800))
    try:
        browser.open("flamegraph?profile=block")
        labels = browser.run(
            """return [...document.querySelectorAll(".flame g.frame")]
                 .map(it => [it.querySelector("text").textContent, it.getAttribute("aria-label")])"""
        )
    finally:
        browser.resize(DESKTOP)
    cut = [(shown, whole) for shown, whole in labels if shown and not whole.startswith(shown)]
    assert cut, labels
    for shown, whole in cut:
        assert not shown.startswith("…"), shown
        name = whole.split(" · ")[0]
        assert shown.rstrip("…").split(" [")[0] in name, (shown, whole)


@check
def a_frame_leads_to_its_function(browser):
    browser.open("flamegraph?profile=block")
    click_frame(browser, CHECKOUT)
    browser.one("#details a").click()
    browser.wait("the page", lambda: browser.all("main.function"))
    assert browser.text("h2.function").startswith(CHECKOUT)


@check
def saved_profiles_have_the_same_pages(browser):
    browser.open_saved("")
    same(len(browser.all(".card")), 3, "cards")
    browser.open_saved("top?profile=3")
    assert MARKUP in browser.text("table.sites")
    browser.all("table.sites th button")[1].click()
    browser.one("#filter").send_keys("ORDERS::")
    assert "call sites" in browser.text("#shown")
    browser.open_saved(SAVED_PAGES["saved-function"])
    source = browser.text("#source")
    assert "pub(super) fn checkout()" in source and "CACHE.put();" in source, source
    hot = browser.text("#source tr.hot")
    assert re.search(r"[0-9.]+(ns|µs|ms|s)\b", hot), hot


@check
def two_saved_profiles_stand_side_by_side(browser):
    browser.open_saved("")
    browser.one("form.window button").click()
    browser.wait("both", lambda: len(browser.all(".flame svg")) == 2)
    widths = lambda: browser.run(
        "return [...document.querySelectorAll('.flame svg')].map(it => it.getBoundingClientRect().width)"
    )
    totals = browser.run(
        "return [...document.querySelectorAll('.flame g.all rect, .flame g:first-child rect')].map(it => Number(it.dataset.w))"
    )
    before, after = widths()
    assert abs(before / after - totals[0] / totals[1]) < 0.02, (widths(), totals)
    # A click in one zooms the other.
    label = browser.run(
        """const frame = [...document.querySelectorAll(".flame")[1].querySelectorAll("g.frame")][1];
           frame.querySelector("rect").dispatchEvent(new MouseEvent("click", {bubbles: true}));
           return frame.getAttribute("aria-label")"""
    )
    assert "→" in label, label
    zoomed = browser.run(
        """return [...document.querySelectorAll(".flame")].map(flame =>
             [...flame.querySelectorAll("g.above")].length)"""
    )
    assert zoomed[0] == zoomed[1] == 1, zoomed


def fills(browser):
    return browser.run(
        """const fill = it => it && getComputedStyle(it.querySelector("rect")).fill;
           const checkout = [...document.querySelectorAll(".flame g.frame")]
             .find(it => it.getAttribute("aria-label").includes("orders::checkout"));
           return {frame: fill(checkout), matched: fill(document.querySelector(".flame g.matched"))}"""
    )


@check
def the_flame_graph_file_is_interactive_by_itself(browser):
    with urllib.request.urlopen(browser.root + SVG_FILE, timeout=10) as answer:
        assert answer.headers["Content-Disposition"].startswith("attachment"), answer.headers
        svg = answer.read()
    hidden = lambda: browser.run("return document.querySelectorAll('#frames .hide').length")
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "block-delay.svg")
        file.write_bytes(svg)
        browser.driver.get(file.as_uri())
        fluid = "return !document.querySelector('svg').hasAttribute('viewBox')"
        browser.wait("the start of the file's script", lambda: browser.run(fluid))
        same(hidden(), 0, "hidden frames at first")
        browser.run(
            """const frames = [...document.querySelectorAll("#frames > g")];
               const checkout = frames.find(it => it.textContent.includes("orders::checkout"));
               checkout.querySelector("rect").dispatchEvent(new MouseEvent("click", {bubbles: true}))"""
        )
        assert hidden() > 0, "no zoom"


SVG_FILE = "flamegraph?profile=block&download=1"


# A window of a second with 20,000 waits, in the place of what the server would record.
MANY_WAITS = """
const span = 1e9, threads = 16, waits = [], regions = [];
let state = 1;
const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
for (let thread = 0; thread < threads; thread++) {
  const step = span / 1250;
  for (let index = 0; index < 1250; index++) {
    const begin = Math.round((index + random() * 0.5) * step), end = Math.round(begin + 50 + random() * step * 0.4);
    const kind = index % 3, waker = kind < 2 ? (thread + 1) % threads : -1;
    waits.push([thread, kind, kind < 2 ? 3 : -1, begin, end, 1, waker, waker < 0 ? -1 : end - 20, waker < 0 ? 0 : 2, 0, 1, 2]);
  }
  for (let index = 0; index < 100; index++) regions.push([thread, 8, index * 1e7, index * 1e7 + 6e6, 0, index]);
}
waits.sort((a, b) => a[3] - b[3]);
regions.sort((a, b) => a[2] - b[2]);
const data = {
  program: "hostile", duration: span, missing: 0, waits, regions, logs: [],
  threads: [...Array(threads).keys()].map(index => [`worker-${index}`, 100 + index, -1, -1]),
  stacks: [[], [4, 5], [6, 7]], labels: ["", "endpoint=/cart", "endpoint=<b>search</b>"],
  texts: ["mutex", "rwlock_read", "condvar", "0x7f00", "shop::waits", "src/a.rs:1", "shop::holds<script>alert(1)</script>", "src/b.rs:2", "look up"],
};
window.fetch = async () => new Response(JSON.stringify(data));
"""

# Acts at each frame, 40 times; resolves to the median of the time that a frame took, and of drawing it.
FRAMES = """
const [act, done] = [arguments[0], arguments[arguments.length - 1]];
const chart = window.timeline, frames = [], drawn = [];
const draw = chart.draw.bind(chart);
chart.draw = () => { const begin = performance.now(); draw(); drawn.push(performance.now() - begin); };
const acts = {
  zoom: count => chart.zoom(count < 20 ? 0.8 : 1.25, 600),
  move: count => chart.move(count < 20 ? 40 : -40),
  hover: count => { chart.hover(200 + count * 20, 40 + (count % 16) * 30); chart.later(true); },
  search: count => { chart.search.value = ["s", "shop", "/cart", "worker-1"][count % 4]; chart.find_text(); },
};
let count = 0, last = performance.now();
const median = numbers => numbers.sort((a, b) => a - b)[numbers.length >> 1];
const step = now => {
  frames.push(now - last);
  last = now;
  if (count++ === 40) {
    delete chart.draw;
    done([median(frames), median(drawn), drawn.length]);
    return;
  }
  acts[act](count);
  requestAnimationFrame(step);
};
requestAnimationFrame(step);
"""


@check
def a_timeline_of_twenty_thousand_waits_is_fluid(browser):
    driver = browser.driver
    script = driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": MANY_WAITS})
    try:
        for size in [DESKTOP, PHONE]:
            browser.resize(size)
            browser.open("timeline?seconds=1")
            browser.wait("the drawing", lambda: browser.run("return !!window.timeline"))
            same(browser.run("return timeline.data.waits.length"), 20_000, "waits")
            for act in ["zoom", "move", "hover", "search"]:
                browser.run("timeline.show(0, timeline.data.duration)")
                frame, drawn, count = driver.execute_async_script(FRAMES, act)
                print(f"        {act} at {size[0]} px: a frame {frame:.1f} ms, its drawing {drawn:.1f} ms")
                assert count >= 30, f"{act}: {count} frames of 40 were drawn"
            widths = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
            same(widths, [size[0], size[0]], "width of the timeline and of the window")
            rows = browser.run("return [timeline.height, document.querySelector('#chart').clientHeight]")
            assert abs(rows[0] - rows[1]) <= 3, f"rows are cut off: {rows}"
        browser.resize(DESKTOP)
        browser.open("timeline?seconds=1")
        browser.wait("the drawing", lambda: browser.run("return !!window.timeline"))
        # The arrow goes from the waker's row at the release to the waiter's.
        told = browser.run(
            """const wait = timeline.data.waits.find(wait => wait.waker && wait.begin > 5e8);
               timeline.show(wait.begin - 1000, (wait.end - wait.begin) * 2);
               const before = timeline.canvas.toDataURL();
               timeline.draw();
               const plain = timeline.canvas.toDataURL();
               timeline.choose(wait);
               timeline.draw();
               return [plain !== timeline.canvas.toDataURL(), timeline.tell(wait)]"""
        )
        assert told[0], "no arrow is drawn"
        assert re.fullmatch(r"worker-\d+ {endpoint=/cart} waited .* let go by worker-\d+ {endpoint=<b>search</b>}, .*", told[1]), told
        assert "alert(1)" in browser.text("#both") and "<b>search</b>" in browser.text("#both")
        browser.one("#search").send_keys("worker-3", Keys.ENTER)
        found = re.fullmatch(r"(\d+) of 20000 waits, .*", browser.text("#matched"))
        same(found and int(found[1]), 1250, "waits of one thread")
        assert browser.run("return timeline.to - timeline.from < 1e7"), "Enter zooms to a match"
        browser.one("#all").click()
        same(browser.run("return [timeline.from, timeline.to]"), [0, 1_000_000_000], "all of it")
    finally:
        driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)
        browser.resize(DESKTOP)


@check
def names_that_are_markup_are_shown_as_text(browser):
    for path, selector in [
        ("", ".paths"),
        ("top?profile=block", "table.sites"),
    ]:
        browser.open(path)
        assert MARKUP in browser.text(selector), f"not on {path!r}: {browser.text(selector)}"
    browser.open("flamegraph?profile=block")
    labels = [it.get_attribute("aria-label") for it in browser.all(".flame g.frame")]
    assert any(MARKUP in label for label in labels), labels
    for path in browser.open_each():
        same(browser.all("script:not([src]), img, [onerror], [onload], [style]"), [], path)


@check
def nothing_that_is_asked_for_runs(browser):
    for attack in ATTACKS:
        browser.run("location.href = arguments[0]", browser.root + attack)
        time.sleep(0.3)
        # Fails if a dialog is open.
        browser.wait("the page", lambda: browser.run("return document.readyState") == "complete")
        scripts = browser.run("return [...document.scripts].map(it => it.src)")
        assert all(it.startswith(browser.root + "assets/") for it in scripts), scripts
        same(browser.all("img"), [], attack)
    browser.console()


@check
def the_console_is_silent(browser):
    browser.console()
    for path in browser.open_each():
        same(browser.console(), [], f"the console of {path!r}")


@check
def nothing_is_wider_than_a_phone(browser):
    browser.resize(PHONE)
    try:
        for path in browser.open_each():
            widths = browser.run(
                """const page = document.documentElement;
                   return [page.scrollWidth, page.clientWidth]"""
            )
            same(widths, [PHONE[0], PHONE[0]], f"width of {path!r} and of the window")
            strips = browser.run(
                """return [...document.querySelectorAll("body *")]
                     .filter(it => it.checkVisibility() && it.scrollWidth > it.clientWidth + 1)
                     .filter(it => ["auto", "scroll"].includes(getComputedStyle(it).overflowX))
                     .map(it => it.outerHTML.slice(0, 80))"""
            )
            same(strips, [], f"what scrolls sideways on {path!r}")
            small = browser.run(
                """return [...document.querySelectorAll("button, select, nav a, .choice a, input")]
                     .filter(it => it.checkVisibility() && it.type !== "checkbox" && it.getBoundingClientRect().height < 40)
                     .map(it => it.outerHTML.slice(0, 80))"""
            )
            same(small, [], f"targets of {path!r} that are too small for a finger")
    finally:
        browser.resize(DESKTOP)


@check
def on_a_phone_each_number_of_a_lock_has_its_word(browser):
    browser.resize(PHONE)
    try:
        browser.open(PAGES["locks"])
        wordless = browser.run(
            """const cells = [...document.querySelectorAll("#locks td.number")];
               return [cells.length > 0, cells
                 .filter(it => getComputedStyle(it, "::before").content === "none")
                 .map(it => it.outerHTML)]"""
        )
        same(wordless, [True, []], "numbers, and those without a word")
    finally:
        browser.resize(DESKTOP)


@check
def text_can_be_read_in_light_and_dark(browser):
    try:
        for scheme in ["light", "dark"]:
            browser.scheme(scheme)
            for path in browser.open_each():
                poor = browser.run(CONTRAST)
                same(poor, [], f"text of {path!r} with too little contrast ({scheme})")
    finally:
        browser.scheme("light")


# The ratio that WCAG's level AA asks for, of text to what is behind it.
CONTRAST = """
const rgb = color => color.match(/[0-9.]+/g).map(Number);
const light = color => {
  const [r, g, b] = rgb(color).map(it => it / 255)
    .map(it => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = it => {
  for (; it; it = it.parentElement) {
    const color = getComputedStyle(it).backgroundColor;
    if (rgb(color)[3] !== 0) return color;
  }
  return "rgb(255, 255, 255)";
};
const isFrame = it => it.localName === "text";
return [...document.querySelectorAll("body *")]
  .filter(it => it.checkVisibility() && [...it.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  .filter(it => !["title", "option"].includes(it.localName))
  .map(it => {
    const style = getComputedStyle(it);
    const [text, behind] = isFrame(it)
      ? [style.fill, getComputedStyle(it.parentNode.querySelector("rect")).fill]
      : [style.color, ground(it)];
    const [a, b] = [light(text), light(behind)].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), it.outerHTML.slice(0, 90)];
  })
  .filter(([ratio]) => ratio < 4.5)
"""


def take_pictures(browser, folder):
    folder.mkdir(parents=True, exist_ok=True)
    for scheme in ["light", "dark"]:
        for device, size in [("desktop", DESKTOP), ("phone", PHONE)]:
            browser.scheme(scheme)
            browser.resize(size)
            for name in browser.open_each():
                (folder / f"{name}-{scheme}-{device}.png").write_bytes(browser.picture())


def main():
    program, contend, *folder = sys.argv[1:]
    failed = 0
    with Server(program) as server, Saved(contend, server) as saved:
        browser = Browser(server.root, saved.root)
        try:
            if folder:
                take_pictures(browser, pathlib.Path(folder[0]))
                browser.scheme("light")
                browser.resize(DESKTOP)
            for function in CHECKS:
                name = function.__name__.replace("_", " ")
                try:
                    function(browser)
                    print(f"ok      {name}", flush=True)
                except Exception:
                    failed += 1
                    print(f"FAILED  {name}\n{traceback.format_exc()}", flush=True)
        finally:
            browser.driver.quit()
    print(f"pages: {len(CHECKS) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
