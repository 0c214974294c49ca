//! Headless Chromium, driven over a pipe by its own protocol (Chrome DevTools Protocol): messages of JSON, each ended by a
//! zero byte. Clicks and keys are those of a person: they go through the browser's input, and hit what lies there.

use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Longer than anything takes on a machine that does much else.
const SOON: Duration = Duration::from_secs(60);

/// A browser with one window.
pub(crate) struct Browser {
    child: Child,
    wire: RefCell<Wire>,
    session: String,
    _profile: tempfile::TempDir,
}

struct Wire {
    to: ChildStdin,
    from: Receiver<Value>,
    sent: u64,
    /// What the browser told by itself.
    told: Vec<Value>,
}

/// A window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) phone: bool,
    pub(crate) dark: bool,
    pub(crate) script: bool,
    pub(crate) language: &'static str,
}

pub(crate) const PHONE: Window =
    Window { width: 360, height: 740, phone: true, dark: false, script: true, language: "en" };
pub(crate) const DESKTOP: Window = Window { width: 1280, height: 800, phone: false, ..PHONE };

impl Browser {
    pub(crate) fn open(window: Window) -> Browser {
        let profile = tempfile::tempdir().unwrap();
        let name = NAMES.into_iter().find(|name| {
            let found =
                Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            found.is_ok_and(|status| status.success())
        });
        let name = name.expect("Chromium is needed; cargo xtask test installs it");
        // It speaks on its third and fourth descriptors.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", "sh", name])
            // Containers have no user namespaces for the sandbox; the pages are our own.
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
            ])
            .args(["--no-first-run", "--disable-extensions", "--remote-debugging-pipe"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (to, out) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (tell, from) = channel();
        std::thread::spawn(move || {
            let mut out = BufReader::new(out);
            let mut message = Vec::new();
            while out.read_until(0, &mut message).is_ok_and(|count| count > 0) {
                message.pop();
                if tell.send(serde_json::from_slice(&message).unwrap()).is_err() {
                    return;
                }
                message.clear();
            }
        });
        let wire = RefCell::new(Wire { to, from, sent: 0, told: Vec::new() });
        let mut browser = Browser { child, wire, session: String::new(), _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        let Window { width, height, phone, dark, script, language } = window;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 2, "mobile": phone});
        browser.call("Emulation.setDeviceMetricsOverride", metrics);
        let scheme = if dark { "dark" } else { "light" };
        let feature = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        browser.call("Emulation.setEmulatedMedia", feature);
        browser.call("Emulation.setScriptExecutionDisabled", json!({"value": !script}));
        browser.call("Network.setExtraHTTPHeaders", json!({"headers": {"accept-language": language}}));
        browser
    }

    fn call(&self, method: &str, parameters: Value) -> Value {
        let mut wire = self.wire.borrow_mut();
        wire.sent += 1;
        let id = wire.sent;
        let mut message = json!({"id": id, "method": method, "params": parameters});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        wire.to.write_all(&bytes).unwrap();
        loop {
            let answer = wire.from.recv_timeout(SOON).unwrap_or_else(|_| panic!("no answer to {method}"));
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            wire.told.push(answer);
        }
    }

    /// Goes to an address and waits until the page is there.
    pub(crate) fn go(&self, address: &str) {
        self.call("Page.navigate", json!({"url": address}));
        self.settle();
    }

    fn settle(&self) {
        self.until("document.readyState === 'complete'");
    }

    /// Runs an expression in the page.
    pub(crate) fn eval(&self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", asked);
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true. A page that is just being left has no answer yet.
    pub(crate) fn until(&self, expression: &str) {
        let began = Instant::now();
        loop {
            let asked = json!({"expression": format!("Boolean({expression})"), "returnByValue": true});
            if self.call("Runtime.evaluate", asked)["result"]["value"] == true {
                return;
            }
            assert!(began.elapsed() < SOON, "not in time: {expression}\n{}", self.text());
            std::thread::sleep(Duration::from_millis(40));
        }
    }

    /// What a person can read on the page.
    pub(crate) fn text(&self) -> String {
        self.eval("document.body ? document.body.innerText : ''").as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows a state.
    pub(crate) fn state(&self, state: &str) {
        self.until(&format!("document.getElementById('checkout')?.dataset.state === '{state}'"));
        self.settle();
    }

    /// Clicks in the middle of what a selector finds.
    pub(crate) fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?})?.getBoundingClientRect().width > 0"));
        let place = self.eval(&format!(
            "(() => {{ const found = document.querySelector({selector:?}); \
             found.scrollIntoView({{block: 'center', behavior: 'instant'}}); const at = found.getBoundingClientRect(); \
             return [at.x + at.width / 2, at.y + at.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let event =
                json!({"type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event);
        }
    }

    /// Clicks on what brings another page, and waits for that one.
    pub(crate) fn click_away(&self, selector: &str) {
        self.eval("document.documentElement.dataset.old = 'true'");
        self.click(selector);
        self.until("!document.documentElement.dataset.old");
        self.settle();
    }

    /// Types a text where the focus is.
    pub(crate) fn write(&self, text: &str) {
        self.call("Input.insertText", json!({"text": text}));
    }

    pub(crate) fn fill(&self, selector: &str, text: &str) {
        self.click(selector);
        self.eval("document.activeElement.select()");
        self.write(text);
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: &str) {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            "Space" => ("Space", 32, " "),
            "ArrowDown" => ("ArrowDown", 40, ""),
            other => panic!("no key {other}"),
        };
        let name = if key == "Space" { " " } else { key };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({"type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number});
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", event);
        }
    }

    /// Presses Tab until the focus is where a selector says.
    pub(crate) fn tab_to(&self, selector: &str) {
        for _ in 0..40 {
            if self.eval(&format!("document.activeElement?.matches({selector:?})")) == true {
                // Whoever goes by keys must see where the focus is.
                let ring = self.eval(
                    "(() => { const at = document.activeElement; const own = getComputedStyle(at); \
                     const around = at.closest('.method'); \
                     return own.outlineStyle !== 'none' || !!around && getComputedStyle(around).outlineStyle !== 'none'; })()",
                );
                assert_eq!(ring, true, "the focus on {selector} cannot be seen");
                return;
            }
            self.press("Tab");
        }
        panic!("{selector} is not reached by Tab");
    }

    /// Writes what is on the screen into a file.
    pub(crate) fn picture(&self, file: &Path) {
        let taken = self.call("Page.captureScreenshot", json!({"format": "png"}));
        let data = taken["data"].as_str().unwrap();
        let decoded = Command::new("base64").arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut decoded = decoded.unwrap();
        let mut into = decoded.stdin.take().unwrap();
        let data = data.to_owned();
        let writer = std::thread::spawn(move || into.write_all(data.as_bytes()).unwrap());
        std::fs::write(file, decoded.wait_with_output().unwrap().stdout).unwrap();
        writer.join().unwrap();
    }

    /// What the browser complained about, and what was asked of others than one address.
    pub(crate) fn complaints(&self, address: &str) -> Vec<String> {
        // What was told before the answer to this is there.
        self.eval("1");
        let wire = self.wire.borrow();
        let told = wire.told.iter().filter_map(|event| {
            let parameters = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" => Some(parameters.to_string()),
                // Of pages of the shop, which are no pages.
                "Log.entryAdded" if parameters["entry"]["url"].as_str()?.ends_with("/favicon.ico") => None,
                "Log.entryAdded" => Some(parameters["entry"].to_string()),
                "Network.requestWillBeSent" => {
                    let url = parameters["request"]["url"].as_str()?;
                    let own = url.starts_with(address) || url == "about:blank";
                    (!own).then(|| format!("asks {url}"))
                }
                _ => None,
            }
        });
        told.collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
