//! What is printed: a row for each phase, and at the end how it stands with the product's targets.
//!
//! The targets speak of one machine, and machines differ, as does one and the same within minutes. So each figure is also given as it would be
//! there, by what one core signs before and after the phase: a plain measure of how fast it computes just then.

use crate::load::Outcome;
use crate::machine;
use std::time::Duration;

/// The machine that the targets speak of: Ed25519 signatures per second of one of its cores.
const REFERENCE: f64 = 120_000.0;
/// How long the machine's speed is looked at after each phase.
const GLANCE: Duration = Duration::from_millis(100);

/// What is asked of a figure.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

struct Target {
    name: String,
    measured: f64,
    /// On the machine that the targets speak of.
    there: f64,
    bound: Bound,
}

/// Collects as it prints.
pub struct Report {
    glance: f64,
    /// Of the last phase, as a part of the machine that the targets speak of.
    speed: f64,
    targets: Vec<Target>,
}

impl Report {
    /// Prints the head of the table; `signs` is what one core signs per second now.
    pub fn begin(signs: f64) -> Self {
        println!(
            "\n{:<38} {:>10} {:>9} {:>9} {:>9} {:>12} {:>12}  answers",
            "phase", "rate/s", "p50 ms", "p99 ms", "max ms", "CPU µs/req", "signatures/s"
        );
        Self { glance: signs, speed: signs / REFERENCE, targets: Vec::new() }
    }

    pub fn row(&mut self, name: &str, o: &Outcome) {
        let before = self.glance;
        self.glance = machine::ed25519_per_second(GLANCE).unwrap_or(before);
        let signs = (before + self.glance) / 2.0;
        self.speed = signs / REFERENCE;
        let answers: Vec<String> = o.statuses.iter().map(|(status, n)| format!("{n}×{status}")).collect();
        println!(
            "{name:<38} {:>10.0} {:>9.2} {:>9.2} {:>9.2} {:>12.1} {:>12.0}  {}",
            o.rate(),
            o.millis(0.5),
            o.millis(0.99),
            o.millis(1.0),
            o.cpu_per_request(),
            signs,
            answers.join(" ")
        );
    }

    /// The last phase's requests per second are to be at least so many, at no more CPU time each, in µs.
    pub fn work(&mut self, name: &str, o: &Outcome, rate: f64, cpu: f64) {
        self.target(format!("{name}: requests/s"), o.rate(), o.rate() / self.speed, Bound::AtLeast(rate));
        self.time(&format!("{name}: CPU µs/request"), o.cpu_per_request(), cpu);
    }

    /// A time of the last phase, in any unit.
    pub fn time(&mut self, name: &str, measured: f64, at_most: f64) {
        self.target(name.to_owned(), measured, measured * self.speed, Bound::AtMost(at_most));
    }

    /// A ratio within this run, which is the same on all machines.
    pub fn ratio_at_most(&mut self, name: &str, measured: f64, bound: f64) {
        self.target(name.to_owned(), measured, measured, Bound::AtMost(bound));
    }

    /// The same the other way.
    pub fn ratio_at_least(&mut self, name: &str, measured: f64, bound: f64) {
        self.target(name.to_owned(), measured, measured, Bound::AtLeast(bound));
    }

    fn target(&mut self, name: String, measured: f64, there: f64, bound: Bound) {
        self.targets.push(Target { name, measured, there, bound });
    }

    /// Prints how it stands with the targets.
    pub fn end(&self) {
        println!("\n{:<52} {:>10} {:>16} {:>11}", "target", "here", "at 120,000 sig/s", "asked for");
        for t in &self.targets {
            let (sign, asked, reached) = match t.bound {
                Bound::AtMost(asked) => ("≤", asked, t.there <= asked),
                Bound::AtLeast(asked) => ("≥", asked, t.there >= asked),
            };
            let verdict = if reached { "reached" } else { "MISSED" };
            println!("{:<52} {:>10} {:>16} {:>11}  {verdict}", t.name, figure(t.measured), figure(t.there), format!("{sign} {asked}"));
        }
    }
}

/// With as many digits as say something.
fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}
