//! Decodes the page's requests, answers them, and encodes the answers.

use js_sys::{Array, Object, Reflect, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;

use super::Session;
use super::describe::Detail;
use crate::foreign::{Comparison, Model};
use crate::message::{Code, Message, Result};
use crate::protocol::{Answer, Exact, Request};
use crate::run_file::{RunFile, Saving};
use crate::trainer::Trainer;
use crate::web::{attach, from_js, internal, set, to_js};

/// The maximum number of cells of a density grid.
const MAX_DENSITY_CELLS: u32 = 1 << 20;

/// Decodes a request. The bytes of a run file are read separately, since plain data cannot contain them.
pub(super) fn decode(request: JsValue) -> Result<Request> {
    let name = JsValue::from("bytes");
    let bytes = Reflect::get(&request, &name).unwrap_or_default();
    let _ = request.dyn_ref::<Object>().map(|object| Reflect::delete_property(object, &name));
    let mut request: Request = from_js(request)?;
    if let Request::Import { bytes: read } = &mut request {
        let bytes = bytes.dyn_into::<Uint8Array>().map_err(|_| internal("bytes are not a Uint8Array"))?;
        *read = bytes.to_vec();
    }
    Ok(request)
}

/// Encodes an answer, with long columns as typed arrays.
pub(super) fn encode(answer: &Answer) -> Result<JsValue> {
    let object = to_js(answer)?;
    let part = |of: &JsValue, name: &str| Reflect::get(of, &name.into()).unwrap_or_default();
    // An answer's arrays are small or rare, so they are copied with it.
    let transfer = Array::new();
    let curve = |object: &JsValue, exact: &Exact| {
        attach(object, "curve_x", &exact.curve_x, &transfer);
        attach(object, "curve_y", &exact.curve_y, &transfer);
    };
    match answer {
        Answer::Configured(configured) => {
            if let Some(exact) = &configured.exact {
                curve(&part(&object, "exact"), exact);
            }
            if let Some(info) = &configured.dataset {
                let dataset = part(&object, "dataset");
                attach(&dataset, "points_x", &info.points_x, &transfer);
                attach(&dataset, "points_y", &info.points_y, &transfer);
                if let Some(exact) = &info.exact {
                    curve(&part(&dataset, "exact"), exact);
                }
            }
        }
        Answer::Density { counts, .. } => set(&object, "counts", &Uint32Array::from(counts.as_slice())),
        _ => {}
    }
    Ok(object)
}

impl Session {
    pub(super) async fn answer(&mut self, request: Request) -> Result<Answer> {
        match request {
            Request::Configure { config } => return self.configure(*config).await,
            Request::Train => self.train()?,
            Request::Pause => self.pause().await?,
            Request::Step => self.step(|_| 1).await?,
            Request::Epoch => self.step(Trainer::steps_to_epoch_end).await?,
            Request::Reset => {
                self.reset().await?;
                return self.configured(Detail::Config);
            }
            Request::Show { shown } => self.set_shown(shown),
            Request::AddPoint { x, y } => return self.add_point(x, y).await,
            Request::RemovePoint { index } => return self.remove_point(index).await,
            Request::Predict { inputs } => return self.predict(&inputs),
            Request::PredictRow { values } => return self.predict_row(&values),
            Request::Adopt { model } => return self.adopt(&Model::read(model)?).await,
            Request::Compare { model } => {
                let model = Model::read(model)?;
                return Ok(Answer::Compared(Box::new(Comparison::of(&model, &self.run()?.trainer)?)));
            }
            Request::Export { which, saved } => {
                return self.export(&Saving { which: which.unwrap_or_default(), saved });
            }
            Request::Import { bytes } => return self.import(&bytes).await,
            Request::Density { x, y, columns, rows } => return self.density(x, y, columns, rows),
        }
        Ok(Answer::Done)
    }

    fn export(&self, saving: &Saving) -> Result<Answer> {
        let file = RunFile::of(&self.run()?.trainer, saving);
        let file_name = format!("downhill-weights-step-{}.json", file.steps);
        Ok(Answer::Exported { file_name, text: file.to_text()? })
    }

    fn density(&self, x: [f64; 2], y: [f64; 2], columns: u32, rows: u32) -> Result<Answer> {
        let cells = columns.checked_mul(rows);
        if !cells.is_some_and(|cells| (1..=MAX_DENSITY_CELLS).contains(&cells)) {
            return Err(Message::new(Code::FieldOutOfRange)
                .with("field", "columns * rows")
                .with("value", format!("{columns} * {rows}"))
                .with("min", 1)
                .with("max", MAX_DENSITY_CELLS));
        }
        let counts = self.run()?.trainer.task().density(x, y, columns, rows);
        Ok(Answer::Density { columns, rows, x, y, counts })
    }
}
