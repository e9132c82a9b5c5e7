#!/usr/bin/env python3
"""Looks at a page in a real browser, headless Chromium, which chromedriver controls.

Usage: browser.py URL [--pictures FOLDER]

Prints one JSON object a look: the width and the colour scheme that were asked for, what the browser
says of its window, whether anything stands out of it, the page's text, and what it complained about.
"""

import argparse
import base64
import json
import pathlib
import socket
import subprocess
import time
import urllib.request

WIDTHS = [360, 1280]
SCHEMES = ["light", "dark"]

LOOK = """
const wide = [...document.querySelectorAll('body *')].filter(element => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5);
});
const style = getComputedStyle(document.body);
return {
  innerWidth, scrollWidth: document.documentElement.scrollWidth,
  standingOut: wide.map(element => element.outerHTML.slice(0, 80)),
  text: document.body.innerText, title: document.title,
  styled: style.marginTop === '0px', background: style.backgroundColor, color: style.color,
  scripts: document.scripts.length,
  resources: performance.getEntriesByType('resource').map(entry => entry.name),
};
"""


class Browser:
    def __init__(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.base = f"http://127.0.0.1:{port}"
        self.wait_for_driver()
        # The sandbox needs a user that is not root.
        arguments = ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        capabilities = {
            "goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self.ask("/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.base += f"/session/{session['sessionId']}"

    def wait_for_driver(self):
        for _ in range(600):
            try:
                return self.ask("/status")
            except OSError:
                time.sleep(0.1)
        raise SystemExit("chromedriver did not start")

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.base + path, data, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request) as answer:
            return json.load(answer)["value"]

    def command(self, name, **parameters):
        return self.ask("/goog/cdp/execute", {"cmd": name, "params": parameters})

    def look(self, url, width, scheme):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
        self.command(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("/url", {"url": url})
        seen = self.ask("/execute/sync", {"script": LOOK, "args": []})
        complaints = [entry["message"] for entry in self.ask("/se/log", {"type": "browser"})]
        return {"width": width, "scheme": scheme, "complaints": complaints, **seen}

    def picture(self, path):
        taken = self.command("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))

    def end(self):
        try:
            urllib.request.urlopen(urllib.request.Request(self.base, method="DELETE"))
        finally:
            self.driver.terminate()
            self.driver.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--pictures", type=pathlib.Path)
    options = parser.parse_args()
    browser = Browser()
    try:
        for width in WIDTHS:
            for scheme in SCHEMES:
                print(json.dumps(browser.look(options.url, width, scheme)))
                if options.pictures:
                    browser.picture(options.pictures / f"{width}-{scheme}.png")
    finally:
        browser.end()


main()
