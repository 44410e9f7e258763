"""A page in headless Chromium, through the pipe of its DevTools protocol: no driver, no package, no network."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading

COMMANDS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
LONGEST = 240  # seconds: a browser that hangs is ended, on a machine that does much else too


def command():
    """The browser to run, or None."""
    return next(filter(None, map(shutil.which, COMMANDS)), None)


class Page:
    """One page. `errors` has what its scripts threw or wrote as an error, `asked` the addresses that it asked for."""

    def __init__(self, width=1400, height=900, dark=False):
        self.errors, self.asked, self._events, self._last = [], [], [], 0
        self._folder = tempfile.TemporaryDirectory(prefix="graftwork-browser-", ignore_cleanup_errors=True)
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--hide-scrollbars"]
        options += [f"--user-data-dir={self._folder.name}", "--no-first-run", "about:blank"]
        # The browser reads from descriptor 3 and writes to 4.
        script = f'exec "$0" "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, command(), *options],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._watchdog = threading.Timer(LONGEST, self._process.kill)
        self._watchdog.daemon = True
        self._watchdog.start()
        self._answers = os.fdopen(self._from, "rb")
        self._session = None
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self._call(f"{domain}.enable")
        self._call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._watchdog.cancel()
        self._session = None
        try:
            self._call("Browser.close")
            self._process.wait(10)
        except (RuntimeError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        self._answers.close()
        self._folder.cleanup()

    def _receive(self):
        message = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            if not byte:
                raise RuntimeError("the browser has ended")
            message += byte
        return json.loads(message)

    def _note(self, message):
        method, values = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = values["exceptionDetails"]
            self.errors.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Log.entryAdded" and values["entry"]["level"] == "error":
            self.errors.append(values["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.asked.append(values["request"]["url"])
        self._events.append(method)

    def _call(self, method, **values):
        self._last += 1
        message = {"id": self._last, "method": method, "params": values}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") != self._last:
                self._note(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def open(self, path):
        self._events.clear()
        self._call("Page.navigate", url=f"file://{path}")
        while "Page.loadEventFired" not in self._events:
            self._note(self._receive())
        return self

    def run(self, expression):
        """The value of a JavaScript expression, awaited; what it throws is raised."""
        done = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"].get("exception", {}).get("description", "it throws"))
        return done["result"].get("value")

    def key(self, name):
        code = {"ArrowDown": 40, "ArrowUp": 38, "Escape": 27, "Enter": 13, "/": 191}[name]
        text = {"text": name} if len(name) == 1 else {}
        for kind in ("keyDown", "keyUp"):
            self._call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **text)

    def type(self, text):
        self._call("Input.insertText", text=text)

    def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def wheel(self, x, y, delta, ctrl=False):
        values = {"type": "mouseWheel", "x": x, "y": y, "deltaX": 0, "deltaY": delta, "modifiers": 2 if ctrl else 0}
        self._call("Input.dispatchMouseEvent", **values)

    def accessible(self):
        """Role and name of every element that assistive programs are shown."""
        nodes = self._call("Accessibility.getFullAXTree")["nodes"]
        shown = [node for node in nodes if not node.get("ignored")]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in shown]

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"]))
