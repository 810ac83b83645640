//! SVG pictures of lines over logarithmic axes: a panel for each quantity, side by side.

use std::fmt::Write;

/// An axis: its label, its column in data, and the format of its numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) label: &'static str,
    /// The column's name in data.
    pub(crate) column: &'static str,
    /// Function that formats a number.
    pub(crate) text: fn(f64) -> String,
}

/// A line of a panel.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Lines over one pair of axes.
#[derive(Debug)]
pub(crate) struct Panel {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
}

const COLOURS: [&str; 4] = ["#d9730d", "#0b6e99", "#448361", "#9065b0"];
/// Sizes in pixels: a panel's area, and its margins.
const WIDTH: f64 = 300.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 52.0;
/// Minimum distance of an axis' labels, in pixels.
const LABEL_DISTANCE: f64 = 36.0;

/// Formats a number: 1500 as 1.5k.
pub(crate) fn decimal(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "M"),
        value if value >= 1e3 => (value / 1e3, "k"),
        value => (value, ""),
    };
    format!("{}{unit}", (value * 1000.0).round() / 1000.0)
}

/// Formats bytes: 1536 as 1.5 KiB.
pub(crate) fn binary(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1024.0 * 1024.0 => (value / 1024.0 / 1024.0, "MiB"),
        value if value >= 1024.0 => (value / 1024.0, "KiB"),
        value => (value, "B"),
    };
    format!("{} {unit}", (value * 10.0).round() / 10.0)
}

/// Formats microseconds: 1500 as 1.5 ms.
pub(crate) fn time(value: f64) -> String {
    let (value, unit) = match value {
        value if value >= 1e6 => (value / 1e6, "s"),
        value if value >= 1e3 => (value / 1e3, "ms"),
        value => (value, "µs"),
    };
    format!("{value} {unit}")
}

/// Draws panels side by side.
pub(crate) fn svg(title: &str, panels: &[Panel]) -> String {
    let (width, height) = (panels.len() as f64 * (LEFT + WIDTH + RIGHT), TOP + HEIGHT + BOTTOM);
    let mut out = Svg(String::new());
    out.line(&format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" font-family="sans-serif" font-size="12" fill="#333">"##
    ));
    out.line(r#"<rect width="100%" height="100%" fill="white"/>"#);
    out.text(LEFT, 24.0, r#"font-size="15" font-weight="bold""#, title);
    let names = panels.iter().flat_map(|panel| &panel.series).map(|series| series.name);
    for (at, (name, colour)) in
        names.zip(COLOURS).take(panels.first().map_or(0, |p| p.series.len())).enumerate()
    {
        let x = LEFT + at as f64 * 100.0;
        out.line(&format!(r#"<circle cx="{}" cy="42" r="4" fill="{colour}"/>"#, x + 4.0));
        out.text(x + 13.0, 46.0, "", name);
    }
    for (at, panel) in panels.iter().enumerate() {
        out.line(&format!(
            r#"<g transform="translate({} {TOP})">"#,
            at as f64 * (LEFT + WIDTH + RIGHT) + LEFT
        ));
        out.panel(panel);
        out.line("</g>");
    }
    out.line("</svg>");
    out.0
}

/// Range of a logarithmic axis.
#[derive(Clone, Copy, Debug)]
struct Range {
    low: f64,
    high: f64,
}

impl Range {
    /// Creates a range that holds all values, and reaches to the next step of 1, 2, 5 at both ends.
    fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN_POSITIVE), |(l, h), v| (l.min(v), h.max(v)));
        let below = steps(low / 10.0, low).last().copied().unwrap_or(low);
        let above = steps(high, high * 10.0).first().copied().unwrap_or(high);
        Self { low: below.min(low), high: if above > below { above } else { below * 10.0 } }
    }

    /// Returns the position of a value, as a share of the axis' length.
    fn place(self, value: f64) -> f64 {
        (value / self.low).log10() / (self.high / self.low).log10()
    }

    /// Returns the values to label: full decades if there are many.
    fn labels(self) -> Vec<f64> {
        let mut labels = steps(self.low, self.high);
        if self.high / self.low > 2e3 {
            labels.retain(|value| (value.log10() - value.log10().round()).abs() < 1e-6);
        }
        labels
    }
}

/// Returns the steps 1, 2, 5, 10, 20 … between two values.
fn steps(low: f64, high: f64) -> Vec<f64> {
    debug_assert!(low > 0.0 && high.is_finite(), "only such values are drawn");
    let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
    let all = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10_f64.powi(decade)));
    all.filter(|value| *value >= low * 0.999_999 && *value <= high * 1.000_001).collect()
}

struct Svg(String);

impl Svg {
    fn line(&mut self, text: &str) {
        writeln!(self.0, "{text}").expect("a string takes all");
    }

    fn text(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        self.line(&format!(r#"<text x="{x:.1}" y="{y:.1}" {attributes}>{text}</text>"#));
    }

    fn panel(&mut self, panel: &Panel) {
        // Only positive values have a logarithm.
        let fits = |value: f64| value > 0.0 && value.is_finite();
        let drawn = |series: &Series| -> Vec<(f64, f64)> {
            series.points.iter().copied().filter(|(x, y)| fits(*x) && fits(*y)).collect()
        };
        let points: Vec<_> = panel.series.iter().flat_map(drawn).collect();
        if points.is_empty() {
            return;
        }
        let xs = Range::around(points.iter().map(|point| point.0));
        let ys = Range::around(points.iter().map(|point| point.1));
        self.text(0.0, -10.0, r#"font-weight="bold""#, panel.y.label);
        self.text(WIDTH / 2.0, HEIGHT + 40.0, r#"text-anchor="middle""#, panel.x.label);
        for value in ys.labels() {
            let y = HEIGHT * (1.0 - ys.place(value));
            self.line(&format!(r##"<path d="M0 {y:.1}H{WIDTH}" stroke="#ddd"/>"##));
            self.text(-8.0, y + 4.0, r#"text-anchor="end""#, &(panel.y.text)(value));
        }
        self.across(panel, xs, &points);
        for (series, colour) in panel.series.iter().zip(COLOURS) {
            let place = |(x, y): (f64, f64)| (WIDTH * xs.place(x), HEIGHT * (1.0 - ys.place(y)));
            self.series(&drawn(series).into_iter().map(place).collect::<Vec<_>>(), colour);
        }
    }

    /// Draws the x axis. Its labels are at the points if several points share an x, else at round numbers.
    fn across(&mut self, panel: &Panel, xs: Range, points: &[(f64, f64)]) {
        let mut values: Vec<_> = points.iter().map(|point| point.0).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        if values.len() == points.len() {
            values = xs.labels();
        }
        self.line(&format!(r##"<path d="M0 {HEIGHT}H{WIDTH}" stroke="#888"/>"##));
        let mut last = -LABEL_DISTANCE;
        for value in values {
            let x = WIDTH * xs.place(value);
            self.line(&format!(r##"<path d="M{x:.1} {HEIGHT}v5" stroke="#888"/>"##));
            if x - last >= LABEL_DISTANCE {
                self.text(x, HEIGHT + 20.0, r#"text-anchor="middle""#, &(panel.x.text)(value));
                last = x;
            }
        }
    }

    fn series(&mut self, places: &[(f64, f64)], colour: &str) {
        let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.line(&format!(
            r#"<polyline points="{}" fill="none" stroke="{colour}" stroke-width="2"/>"#,
            path.join(" ")
        ));
        for (x, y) in places {
            self.line(&format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{colour}"/>"#));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(
            [decimal(0.05), decimal(200.0), decimal(1500.0), decimal(2e7)],
            ["0.05", "200", "1.5k", "20M"]
        );
        assert_eq!([time(50.0), time(2e3), time(2e6)], ["50 µs", "2 ms", "2 s"]);
        assert_eq!([binary(16.0), binary(1536.0), binary(1048576.0)], ["16 B", "1.5 KiB", "1 MiB"]);
    }

    #[test]
    fn an_axis_has_room_for_all_of_its_points() {
        let range = Range::around([3.0, 70.0, 12.0].into_iter());
        assert!(range.low <= 3.0 && range.high >= 70.0);
        assert!((range.place(range.low), range.place(range.high)) == (0.0, 1.0));
        assert_eq!(range.labels(), [2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
    }
}
