//! Describes the origin of a run in readable lines.

use downhill::choices::Source;
use downhill::run_file::MetricValues;

use crate::run::Run;

/// Formats a number with six significant digits.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    format!("{rounded:?}")
}

/// Returns the lines of the description as pairs of a label and a text.
pub(crate) fn lines(run: &Run) -> Vec<(&'static str, String)> {
    let file = &run.file;
    let config = &file.config;
    let data = match &config.data.source {
        Source::Linspace { slope, intercept, noise, seed, .. } => {
            format!("generated, y = {slope} x + {intercept} + {noise} e, seed {seed}")
        }
        Source::Shipped { table } => {
            let id = serde_json::to_value(table).ok();
            let id = id.as_ref().and_then(|id| id.as_str()).unwrap_or("a table");
            format!("{id}, included with Downhill")
        }
        Source::Table { name, fingerprint } => format!("{name}, fingerprint {fingerprint}"),
    };
    let loss = serde_json::to_value(config.loss).ok();
    let loss = loss.as_ref().and_then(|loss| loss["kind"].as_str()).unwrap_or("loss");
    let mut lines = vec![
        ("Data", format!("{data}; {} rows", file.loss_rows)),
        ("Loss", format!("{loss}, {} on average", short(file.loss))),
        ("Training", format!("{} steps, {} epochs, seed {}", file.steps, file.epochs, config.seed)),
    ];
    let metrics = file.metrics.iter().flatten().filter(|(_, of)| !of.is_empty());
    let metrics: Vec<String> = metrics.map(|(rows, of)| format!("{rows} {}", figures(of))).collect();
    if !metrics.is_empty() {
        lines.push(("Metrics", metrics.join("; ")));
    }
    lines.extend(file.saved.iter().map(|saved| ("Saved", saved.clone())));
    lines.push(("Written by", format!("Downhill {}", file.downhill)));
    lines
}

/// Formats metrics with their names as one text.
fn figures(of: &MetricValues) -> String {
    let named = of.iter().filter_map(|(name, value)| Some(format!("{name} {}", short((*value)?))));
    named.collect::<Vec<String>>().join(", ")
}
