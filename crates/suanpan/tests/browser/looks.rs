//! What every page must look like, measured: nothing runs out of the window, everything can be hit with a finger and read,
//! and a code lies in sight.

use crate::chromium::Browser;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// Finds what is too small, too pale, or out of sight. Contrast is that of WCAG 2.2, 1.4.3, of each text against the
/// nearest colour behind it; targets are 24 by 24 (2.5.8), links within sentences excepted.
const MEASURE: &str = r#"(() => {
  const faults = [];
  const wide = document.documentElement.scrollWidth - window.innerWidth;
  if (wide > 0) faults.push(`the page is ${wide} pixels too wide`);
  const seen = (at) => { const box = at.getBoundingClientRect(); const own = getComputedStyle(at);
    return box.width > 1 && box.height > 1 && own.visibility !== 'hidden' && own.clipPath === 'none'
      && !at.closest('.unseen') && !at.closest('.skip'); };
  for (const at of document.querySelectorAll('a, button, input:not([type=hidden]), summary')) {
    if (!seen(at)) continue;
    const target = at.matches('input[type=radio]') ? at.closest('label') : at;
    const box = target.getBoundingClientRect();
    if ((box.height < 24 || box.width < 24) && !at.closest('li')) faults.push(`${at.outerHTML.slice(0, 80)} is small: ${box.width} by ${box.height}`);
  }
  const colour = (text) => { const found = text.match(/[\d.]+/g).map(Number); return found.length < 4 ? [...found, 1] : found; };
  const light = ([r, g, b]) => { const part = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2]; };
  const behind = (at) => { for (; at; at = at.parentElement) { const own = colour(getComputedStyle(at).backgroundColor); if (own[3] === 1) return own; } return [255, 255, 255, 1]; };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let text; (text = walk.nextNode());) {
    const at = text.parentElement;
    if (!text.textContent.trim() || !seen(at) || at.closest('script, noscript, svg')) continue;
    const [front, back] = [light(colour(getComputedStyle(at).color)), light(behind(at))];
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    if (contrast < 4.5) faults.push(`${text.textContent.trim().slice(0, 40)}: contrast ${contrast.toFixed(2)}`);
  }
  if (document.querySelectorAll('h1').length !== 1) faults.push('there is not one h1');
  for (const at of document.querySelectorAll('input:not([type=hidden])')) if (!at.labels.length && !at.ariaLabel) faults.push(`${at.outerHTML} has no label`);
  const ids = [...document.querySelectorAll('[id]')].map((at) => at.id);
  if (new Set(ids).size !== ids.length) faults.push(`ids are there twice: ${ids}`);
  for (const at of document.querySelectorAll('[aria-describedby]')) for (const id of at.getAttribute('aria-describedby').split(' ')) if (!document.getElementById(id)) faults.push(`nothing has the id ${id}`);
  return faults;
})()"#;

/// Measures a page as it is, and keeps a picture of it where that is wanted.
pub(crate) fn check(browser: &Browser, name: &str) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    if let Some(folder) = std::env::var_os("PICTURES") {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        browser.eval("window.scrollTo(0, 0)");
        browser.picture(&Path::new(&folder).join(format!("{name}-{number}.png")));
    }
    let faults = browser.eval(MEASURE);
    assert_eq!(faults, serde_json::json!([]), "{name}: {faults:#}");
}

/// A code is 220 pixels or more, dark on white, and within the first screen.
pub(crate) fn code_can_be_scanned(browser: &Browser) {
    let picture = browser.eval(
        "(() => { window.scrollTo(0, 0); const at = document.querySelector('.code svg').getBoundingClientRect(); \
         const ground = getComputedStyle(document.querySelector('.code .picture')).backgroundColor; \
         return [Math.min(at.width, at.height) >= 220, at.bottom <= window.innerHeight, ground]; })()",
    );
    assert_eq!(picture, serde_json::json!([true, true, "rgb(255, 255, 255)"]));
}
