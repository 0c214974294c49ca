// The script of the payment page. Everything works without it: it adds the live status, the countdown, copying,
// and the way back to the shop. No part of it decides anything: what is shown is what the server writes.
const POLL_MS = 3000;
const RETURN_SECONDS = 5;

const root = () => document.getElementById("checkout");
const say = (text) => { document.getElementById("announce").textContent = text; };
let ended = false;
let source = null;
let polling = 0;
let returning = 0;

// The server's clock, as far from ours as it was when the page was written.
let skew = 0;
const now = () => Date.now() / 1000 + skew;

function begin() {
  skew = Number(root().dataset.now) - Date.now() / 1000;
  show();
  listen();
  setInterval(tick, 1000);
  // What a browser kept while it went back to this page may be old.
  addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  addEventListener("visibilitychange", () => { if (!document.hidden && !ended) refresh(); });
}

// Listens for what commits say. While that does not work, it asks now and then.
function listen() {
  const { events, version } = root().dataset;
  if (!events || ended) return;
  source = new EventSource(`${events}?seen=${encodeURIComponent(version)}`);
  source.addEventListener("open", () => { clearInterval(polling); polling = 0; live(true); });
  source.addEventListener("state", refresh);
  source.addEventListener("end", () => { source.close(); });
  source.addEventListener("error", () => {
    live(false);
    polling ||= setInterval(refresh, POLL_MS);
    // A refusal is not tried again by the browser itself.
    if (source.readyState === EventSource.CLOSED && !ended) setTimeout(listen, 5 * POLL_MS);
  });
}

function live(on) {
  document.querySelectorAll("[data-live]").forEach((dot) => dot.classList.toggle("on", on));
}

// Fetches the page as it is now, and puts it in the place of the old one where that shows something else.
let fetching = false;
async function refresh() {
  if (fetching || ended) return;
  fetching = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store" });
    if (!answer.ok) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("checkout");
    if (!fresh || fresh.dataset.version === root().dataset.version && fresh.dataset.state === root().dataset.state) return;
    const moved = fresh.dataset.state !== root().dataset.state;
    const typing = document.activeElement?.matches?.("#checkout input:not([type=radio])");
    if (!moved && typing) return;
    document.title = page.title;
    root().replaceWith(document.adoptNode(fresh));
    skew = Number(root().dataset.now) - Date.now() / 1000;
    show();
    live(source?.readyState === EventSource.OPEN);
    if (moved) {
      // Whoever listens to the page hears where the payment stands.
      const title = root().querySelector("h1");
      title.focus({ preventScroll: true });
      say(title.textContent);
    }
  } catch {
    // The next one may get through.
  } finally {
    fetching = false;
  }
}

// Makes what a page shows work.
function show() {
  const page = root();
  ended = page.dataset.end === "true";
  if (ended) { source?.close(); clearInterval(polling); }
  for (const time of page.querySelectorAll("time[data-local]")) {
    const options = { dateStyle: "medium", timeStyle: "long" };
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, options).format(new Date(time.dateTime));
  }
  for (const button of page.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
  for (const button of page.querySelectorAll("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => print());
  }
  for (const link of page.querySelectorAll("[role=alert] a[href^='#']")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      document.querySelector(link.getAttribute("href")).focus();
    });
  }
  for (const form of page.querySelectorAll("form[data-once]")) {
    form.addEventListener("submit", () => {
      // After the form was read: what is disabled is not sent.
      setTimeout(() => form.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
    });
  }
  for (const field of page.querySelectorAll("[data-balance]")) slide(field);
  goBack(page.querySelector("[data-return]"));
  tick();
}

// A slider beside the box for what comes out of the balance, and what is left for the method. All in minor units: the box
// is read and written digit by digit, so that no amount is ever rounded.
function slide(field) {
  const { most, total, exponent, sign } = field.dataset;
  const [box, slider] = field.querySelectorAll("input");
  const hint = field.querySelector("[data-rest]");
  const plainHint = hint.textContent;
  const places = Number(exponent);
  const write = (minor) => {
    const digits = String(minor).padStart(places + 1, "0");
    return places ? `${digits.slice(0, -places)}.${digits.slice(-places)}` : digits;
  };
  const group = (text) => text.replace(/^\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, ","));
  const read = (text) => {
    // Commas part thousands or nothing: where they stand for the point, 0,50 is not 50.
    const plain = text.replace(/ /g, "");
    if (plain.includes(",") && !/^\d{1,3}(,\d{3})+(\.\d*)?$/.test(plain)) return null;
    const parts = /^(\d{0,12})(?:\.(\d*))?$/.exec(plain.replace(/,/g, ""));
    if (!parts || (parts[2] ?? "").length > places) return null;
    return Number(parts[1] + (parts[2] ?? "").padEnd(places, "0"));
  };
  const tell = (minor) => {
    const good = minor !== null && minor <= Number(most);
    hint.textContent = good ? hint.dataset.rest.replace("{rest}", sign + group(write(Number(total) - minor))) : plainHint;
    if (good) slider.setAttribute("aria-valuetext", sign + group(write(minor)));
    field.closest("form").classList.toggle("covered", good && minor === Number(total));
  };
  const fromBox = () => {
    const minor = read(box.value);
    if (minor !== null) slider.value = Math.min(minor, Number(most));
    tell(minor);
  };
  slider.hidden = false;
  slider.addEventListener("input", () => { box.value = write(Number(slider.value)); tell(Number(slider.value)); });
  box.addEventListener("input", fromBox);
  fromBox();
}

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
  say(button.dataset.done);
  const before = button.textContent;
  button.textContent = button.dataset.done;
  setTimeout(() => { button.textContent = before; }, 2000);
}

// Goes back to the shop by itself, unless somebody wants to stay.
function goBack(notice) {
  clearTimeout(returning);
  if (!notice) return;
  notice.hidden = false;
  returning = setTimeout(() => { location.href = notice.dataset.return; }, RETURN_SECONDS * 1000);
  notice.querySelector("button").addEventListener("click", () => {
    clearTimeout(returning);
    notice.hidden = true;
  });
}

// Counts down by the server's clock.
function tick() {
  for (const place of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.ceil(Number(place.dataset.until) - now()));
    const hours = Math.floor(left / 3600);
    const two = (value) => String(value).padStart(2, "0");
    const clock = `${two(Math.floor(left / 60) % 60)}:${two(left % 60)}`;
    place.textContent = hours ? `${hours}:${clock}` : clock;
    place.classList.toggle("soon", left <= 60);
    if (left === 60 && place.dataset.soon) say(place.dataset.soon);
    if (left === 0 && !place.dataset.over) {
      place.dataset.over = "true";
      document.querySelectorAll(".code").forEach((code) => code.classList.add("over"));
      // The server ends it about now.
      setTimeout(refresh, 400);
      setTimeout(refresh, 2000);
    }
  }
}

document.documentElement.classList.add("script");
begin();
