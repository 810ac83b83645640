//! Table of cases by implementations, in Markdown.

use enfonet_measure::Outcome;

use crate::case::Case;
use crate::measure::{Bench, Figure};
use crate::programs::{Implementation, Programs};

/// Rows and columns of a table, and the number and length of the runs of each cell.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) cases: Vec<Case>,
    pub(crate) implementations: Vec<Implementation>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u64,
}

/// Measures row by row, and prints each row once it is measured.
pub(crate) fn print(programs: &Programs, plan: &Plan) -> Outcome {
    let names = plan.implementations.iter().map(|implementation| format!(" {} |", implementation.name()));
    println!("| |{}", names.collect::<String>());
    println!("|---|{}", "---|".repeat(plan.implementations.len()));
    for case in &plan.cases {
        let figures = measure(programs, plan, *case);
        let base = figures.first().copied().flatten().map(|figure| figure.value);
        let base = base.filter(|_| plan.implementations.first() == Some(&Implementation::Libzmq));
        let cells = figures.iter().map(|figure| format!(" {} |", cell(*case, *figure, base)));
        println!("| {case} |{}", cells.collect::<String>());
    }
    Ok(())
}

/// Returns the medians of a case. Each round measures all implementations one after the other, so that a disturbance
/// of the machine affects all of them.
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
    Some(Figure { value, cpu: of(|figure| figure.cpu), delivered: of(|figure| figure.delivered) })
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
        text += &format!(", {cpu:.2} µs each");
    }
    if let Some(delivered) = figure.delivered {
        // Rounds down, so that 100 % means every message.
        text += &format!(", {} % delivered", (delivered * 1000.0).floor() / 10.0);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
