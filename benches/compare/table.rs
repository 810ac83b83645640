//! Table of cases by implementations, in Markdown.

use std::fmt;

use crate::case::Case;
use crate::measure::{Bench, Figure};
use crate::programs::{Implementation, Programs};

/// The rows and columns of a table, and how often and how long to measure each cell.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) cases: Vec<Case>,
    pub(crate) implementations: Vec<Implementation>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
}

/// A line of the table: the medians of a case.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) case: Case,
    figures: Vec<(Implementation, Option<Figure>)>,
}

impl Row {
    /// Returns the main figure of an implementation, if it could be measured.
    pub(crate) fn value(&self, implementation: Implementation) -> Option<f64> {
        let (_, figure) = self.figures.iter().find(|(it, _)| *it == implementation)?;
        figure.map(|figure| figure.value)
    }
}

/// Line in Markdown. Figures have their multiple of libzmq's in parentheses.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.value(Implementation::Libzmq);
        write!(f, "| {} |", self.case)?;
        self.figures.iter().try_for_each(|(_, figure)| write!(f, " {} |", cell(self.case, *figure, base)))
    }
}

/// Returns the first two lines of the table.
pub(crate) fn head(plan: &Plan) -> String {
    let names = plan.implementations.iter().map(|implementation| format!(" {} |", implementation.name()));
    format!("| |{}\n|---|{}", names.collect::<String>(), "---|".repeat(plan.implementations.len()))
}

/// Measures all rows, and prints each as soon as it is measured.
pub(crate) fn measure_all(programs: &Programs, plan: &Plan) -> Vec<Row> {
    println!("{}", head(plan));
    let measured = plan.cases.iter().map(|case| {
        let figures = measure(programs, plan, *case);
        let row = Row { case: *case, figures: plan.implementations.iter().copied().zip(figures).collect() };
        println!("{row}");
        row
    });
    measured.collect()
}

/// Returns the medians of a case. Each round measures all implementations in turn, so that a disturbance of the machine
/// falls on all of them.
fn measure(programs: &Programs, plan: &Plan, case: Case) -> Vec<Option<Figure>> {
    let mut figures = vec![Vec::new(); plan.implementations.len()];
    for _ in 0..plan.rounds {
        for (implementation, figures) in plan.implementations.iter().zip(&mut figures) {
            let bench = Bench { programs, implementation: *implementation, seconds: plan.seconds };
            match bench.run(case) {
                Ok(figure) => figures.push(figure),
                Err(error) => eprintln!("{case}: {}: {error}", implementation.name()),
            }
        }
    }
    figures.iter().map(|figures| combine(figures)).collect()
}

fn combine(figures: &[Figure]) -> Option<Figure> {
    let of = |part: fn(&Figure) -> Option<f64>| median(figures.iter().filter_map(part).collect());
    let value = of(|figure| Some(figure.value))?;
    Some(Figure {
        value,
        cpu: of(|figure| figure.cpu),
        memory: of(|figure| figure.memory),
        delivered: of(|figure| figure.delivered),
    })
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let above = *values.get(values.len() / 2)?;
    let below = values[(values.len() - 1) / 2];
    Some(f64::midpoint(below, above))
}

fn cell(case: Case, figure: Option<Figure>, base: Option<f64>) -> String {
    let Some(figure) = figure else { return "–".into() };
    let mut text = case.figure(figure.value);
    if let Some(base) = base {
        text += &format!(" ({:.2}×)", figure.value / base);
    }
    if let Some(cpu) = figure.cpu {
        text += &format!(", {cpu:.2} µs CPU");
    }
    if let Some(memory) = figure.memory {
        text += &format!(", {:.0} MiB", memory / f64::from(1 << 20));
    }
    if let Some(delivered) = figure.delivered {
        // Rounded down, so that 100 % means every message.
        text += &format!(", {} % delivered", (delivered * 1000.0).floor() / 10.0);
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const STREAM: Case = Case::Thr { size: 32 };

    pub(crate) fn row(values: &[(Implementation, Option<f64>)]) -> Row {
        let figures = values.iter().map(|(implementation, value)| (*implementation, value.map(Figure::from)));
        Row { case: STREAM, figures: figures.collect() }
    }

    #[test]
    fn a_row_has_multiples_of_libzmq_and_a_dash_for_a_missing_figure() {
        use Implementation::{Enfonet, Libzmq, Omq};
        let all = row(&[(Libzmq, Some(2e6)), (Enfonet, Some(5e6)), (Omq, None)]);
        assert_eq!(all.to_string(), "| PUSH → PULL, 32 B | 2.00 M/s (1.00×) | 5.00 M/s (2.50×) | – |");
        assert_eq!(row(&[(Enfonet, Some(5e6))]).to_string(), "| PUSH → PULL, 32 B | 5.00 M/s |");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
