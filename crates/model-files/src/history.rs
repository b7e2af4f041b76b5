//! The loss history as a table: one row per point,
//! `step,loss,batch_loss,learning_rate,validation_loss`.
//!
//! Values that were not measured are empty. Old run files contain no history; for these the table
//! has one row, the current point.

use downhill::history::Curve;
use downhill::message::{Code, Message, Result};

use crate::format::{FormatSpec, Group, Held, Part};
use crate::run::Run;

pub(crate) const SPEC: FormatSpec = FormatSpec {
    name: "history",
    group: Group::Arrays,
    file_name: "downhill-step-{step}-history.csv",
    recognizes: |_| false,
    write,
    read: None,
    holds: |_, part| (part == Part::History).then_some(Held::Inside),
    how_to_load: |_, file_name| how_to_load(file_name),
};

const HEADER: [&str; 5] = ["step", "loss", "batch_loss", "learning_rate", "validation_loss"];

fn write(run: &Run) -> Result<Vec<u8>> {
    let now = Curve { step: vec![run.file.steps], loss: vec![run.file.loss], ..Curve::default() };
    let curve = run.file.history.as_ref().filter(|curve| !curve.is_empty()).unwrap_or(&now);
    table(curve).map_err(|error| Message::new(Code::Internal).with("detail", error))
}

fn table(curve: &Curve) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for (point, step) in curve.step.iter().enumerate() {
        let columns = [&curve.loss, &curve.batch_loss, &curve.learning_rate, &curve.validation_loss];
        let cell = |column: &Vec<f64>| match column.get(point) {
            Some(value) if value.is_finite() => format!("{value:?}"),
            _ => String::new(),
        };
        let [loss, batch_loss, learning_rate, validation_loss] = columns.map(cell);
        writer.write_record([step.to_string(), loss, batch_loss, learning_rate, validation_loss])?;
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

fn how_to_load(file_name: &str) -> (&'static str, String) {
    let name = crate::features::python_text(file_name);
    let lines = format!(
        "import pandas as pd\n\nhistory = pd.read_csv({name})\nhistory.plot(x=\"step\", y=[\"loss\", \"validation_loss\"], \
         logy=True)  # needs Matplotlib\nprint(history)\n"
    );
    ("python", lines)
}
