"""Line charts as SVG files, without any library."""

from html import escape
from math import log10

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 150, 50, 55
# Told apart by people who see few colours, and by their marks (Okabe and Ito).
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000"]


def line_chart(path, title, x_label, y_label, series, logarithmic=False):
    """Writes a chart of `series` (name to list of points, all above 0 when logarithmic)."""
    points = [point for line in series.values() for point in line]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    scale_x = _Scale(xs, LEFT, WIDTH - RIGHT, logarithmic)
    scale_y = _Scale(ys, HEIGHT - BOTTOM, TOP, logarithmic)
    described = "; ".join(
        f"{name}: " + ", ".join(f"{x:g} → {y:.3g}" for x, y in line) for name, line in series.items()
    )
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="13">',
        f"<title>{escape(title)}</title><desc>{escape(described)}</desc>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="16" font-weight="bold">{escape(title)}</text>',
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>',
        f'<text x="16" y="{(TOP + HEIGHT - BOTTOM) / 2:.0f}" text-anchor="middle"'
        f' transform="rotate(-90 16 {(TOP + HEIGHT - BOTTOM) / 2:.0f})">{escape(y_label)}</text>',
    ]
    for tick in scale_y.ticks():
        y = scale_y.place(tick)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for tick in scale_x.ticks():
        x = scale_x.place(tick)
        out.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="#eee"/>')
        out.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{tick:g}</text>')
    for at, (name, line) in enumerate(series.items()):
        colour = COLOURS[at % len(COLOURS)]
        placed = [(scale_x.place(x), scale_y.place(y)) for x, y in sorted(line)]
        out.append(
            f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="'
            + " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
            + '"/>'
        )
        out += [_mark(at, x, y, colour) for x, y in placed]
        legend = TOP + 20 * at
        out.append(_mark(at, WIDTH - RIGHT + 18, legend, colour))
        out.append(f'<text x="{WIDTH - RIGHT + 30}" y="{legend + 4}">{escape(name)}</text>')
    out.append("</svg>")
    with open(path, "w") as file:
        file.write("\n".join(out) + "\n")


def _mark(at, x, y, colour):
    if at % 2 == 0:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
    return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'


class _Scale:
    """From values to places, straight from 0 or by powers of ten."""

    def __init__(self, values, start, end, logarithmic):
        self.start, self.end, self.logarithmic = start, end, logarithmic
        high, low = max(values), min(values)
        if logarithmic:
            self.low = _power_below(low)
            self.high = self.low
            while self.high < high:
                self.high *= 10
        else:
            self.step = _power_below(high)
            self.step *= next(part for part in (0.2, 0.5, 1, 2) if high / (self.step * part) <= 6)
            self.low, self.high = 0, -(-high // self.step) * self.step

    def ticks(self):
        tick = self.low
        while tick <= self.high * 1.001:
            yield tick
            tick = tick * 10 if self.logarithmic else tick + self.step

    def place(self, value):
        if self.logarithmic:
            share = log10(value / self.low) / log10(self.high / self.low)
        else:
            share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share


def _power_below(value):
    power = 1.0
    while power > value:
        power /= 10
    while power * 10 <= value:
        power *= 10
    return power
