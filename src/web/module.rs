//! The trainer of the npm package, for a browser's worker or for Node.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Float32Array, Float64Array, Reflect};
use wasm_bindgen::prelude::*;

use super::engines::Engines;
use super::{from_js, to_js};
use crate::choices::Source;
use crate::config::RunConfig;
use crate::dataset::{Dataset, Table};
use crate::message::{Code, Message, Result};
use crate::run_file;
use crate::trainer::{Status, Task, Trainer};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &'static str = r#"
/** Any part of a configuration; the rest has its defaults. */
export type PartialConfig = { [K in keyof RunConfig]?: RunConfig[K] extends object ? Partial<RunConfig[K]> : RunConfig[K] };

/** One instant of a run; everything in it belongs together. */
export interface TrainerSnapshot {
  step: number;
  epoch: number;
  /** Loss of these weights over the training rows. */
  loss: number;
  gradient_norm: number;
  r2: number | null;
  /** The rate of the next update. */
  learning_rate: number;
  /** In the units of x and y: w1..wd, then the bias if there is one. */
  weights: number[];
  /** `ready`, `finished` or `diverged`. */
  status: "ready" | "finished" | "diverged";
  reason: string | null;
  backend: "gpu" | "cpu";
  backend_reason: string;
}
"#;

/// A run of gradient descent. Every error that it throws is an `Error` with a helpful message and a stable
/// `code`.
#[wasm_bindgen(js_name = Trainer)]
pub struct JsTrainer {
    /// The run; `None` while `advance` is in progress.
    trainer: Rc<RefCell<Option<Trainer>>>,
    losses: Rc<RefCell<Vec<f32>>>,
    rate: Rc<Cell<Option<f64>>>,
}

#[wasm_bindgen(js_class = Trainer)]
impl JsTrainer {
    /// Prepares a run. `config` is a partial configuration, whose missing fields have their defaults.
    /// `columns` are the caller's own rows, which replace the configured data.
    pub async fn create(
        #[wasm_bindgen(unchecked_param_type = "PartialConfig | undefined")] config: JsValue,
        #[wasm_bindgen(unchecked_param_type = "{ x: ArrayLike<number>; y: ArrayLike<number> } | undefined")]
        columns: JsValue,
    ) -> Result<JsTrainer> {
        let mut config: RunConfig =
            if config.is_undefined() || config.is_null() { RunConfig::default() } else { from_js(config)? };
        let table = if columns.is_undefined() || columns.is_null() {
            None
        } else {
            let [x, y] =
                ["x", "y"].map(|name| numbers(&Reflect::get(&columns, &name.into()).unwrap_or_default()));
            let table = table_of(x, y)?;
            config.data.source =
                Source::Table { name: "columns".to_owned(), fingerprint: table.fingerprint().to_owned() };
            Some(table)
        };
        let mut trainer = build(&config, table.as_ref()).await?;
        trainer.keep_losses();
        Ok(JsTrainer {
            trainer: Rc::new(RefCell::new(Some(trainer))),
            losses: Rc::default(),
            rate: Rc::default(),
        })
    }

    /// Makes up to `n_steps` updates, fewer if the run ends. Resolves to the total number of updates done.
    pub async fn advance(&self, n_steps: f64) -> Result<f64> {
        if n_steps.is_nan() || n_steps < 0.0 {
            let message = Message::new(Code::FieldOutOfRange)
                .with("field", "n_steps")
                .with("value", n_steps)
                .with("min", 0)
                .with("max", "2^53");
            return Err(message);
        }
        let mut trainer = self.trainer.borrow_mut().take().ok_or_else(|| busy("advance"))?;
        self.apply_rate(&mut trainer);
        let result = trainer.advance(n_steps as u64).await;
        self.losses.replace(trainer.take_losses());
        let step = trainer.step() as f64;
        self.apply_rate(&mut trainer);
        self.trainer.replace(Some(trainer));
        result.map(|()| step)
    }

    /// Sets the base learning rate, to which the schedule applies, without starting a new run. While
    /// `advance` is in progress, it takes effect when that ends.
    #[wasm_bindgen(js_name = setLearningRate)]
    pub fn set_learning_rate(&self, learning_rate: f64) -> Result<()> {
        RunConfig { learning_rate, ..RunConfig::default() }.check()?;
        self.rate.set(Some(learning_rate));
        if let Some(trainer) = self.trainer.borrow_mut().as_mut() {
            self.apply_rate(trainer);
        }
        Ok(())
    }

    /// A snapshot of the run in its current state.
    #[wasm_bindgen(unchecked_return_type = "TrainerSnapshot")]
    pub fn snapshot(&self) -> Result<JsValue> {
        self.with("snapshot", |trainer| {
            let measured = trainer.measured();
            let (status, reason) = match trainer.status() {
                Status::Ready => ("ready", None),
                Status::Finished(reason) => ("finished", Some(reason.to_string())),
                Status::Diverged { reason, .. } => ("diverged", Some(reason.to_string())),
            };
            to_js(&serde_json::json!({
                "step": trainer.step(),
                "epoch": trainer.place().epoch,
                "loss": measured.loss,
                "gradient_norm": measured.gradient_norm,
                "r2": trainer.r2(),
                "learning_rate": trainer.learning_rate(),
                "weights": trainer.original_parameters(),
                "status": status,
                "reason": reason,
                "backend": if trainer.in_use().gpu { "gpu" } else { "cpu" },
                "backend_reason": trainer.in_use().reason.to_string(),
            }))
        })
    }

    /// The batch losses of all updates of the last `advance`, each as it was before its update.
    pub fn losses(&self) -> Float32Array {
        Float32Array::from(self.losses.borrow().as_slice())
    }

    /// Predictions at one or several x, in the units of the data.
    #[wasm_bindgen(unchecked_return_type = "number | Float64Array")]
    pub fn predict(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number | ArrayLike<number>")] x: JsValue,
    ) -> Result<JsValue> {
        self.with("predict", |trainer| {
            if let Some(x) = x.as_f64() {
                return Ok(trainer.predict(x).into());
            }
            let outputs: Vec<f64> = numbers(&x).iter().map(|x| trainer.predict(*x)).collect();
            Ok(Float64Array::from(outputs.as_slice()).into())
        })
    }

    /// The run file, as JSON text.
    #[wasm_bindgen(js_name = exportWeights)]
    pub fn export_weights(&self) -> Result<String> {
        self.with("exportWeights", run_file::write)
    }

    fn with<T>(&self, method: &str, f: impl FnOnce(&Trainer) -> Result<T>) -> Result<T> {
        f(self.trainer.borrow().as_ref().ok_or_else(|| busy(method))?)
    }

    fn apply_rate(&self, trainer: &mut Trainer) {
        if let Some(learning_rate) = self.rate.take() {
            let config = RunConfig { learning_rate, ..trainer.plan().config().clone() };
            if let Ok(plan) = config.check() {
                trainer.change(plan);
            }
        }
    }
}

async fn build(config: &RunConfig, table: Option<&Table>) -> Result<Trainer> {
    let plan = config.check()?;
    let dataset = Dataset::build(&config.data, table)?;
    let task = Task::new(&plan, Rc::new(dataset))?;
    let (backend, in_use) = Engines::default().choose(&plan, &task).await?;
    Trainer::new(plan, task, backend, in_use).await
}

/// The numbers of an array-like value, converted as JavaScript would.
fn numbers(values: &JsValue) -> Vec<f64> {
    Float64Array::new(values).to_vec()
}

fn table_of(x: Vec<f64>, y: Vec<f64>) -> Result<Table> {
    if x.len() != y.len() {
        return Err(Message::new(Code::ColumnLengths).with("x", x.len()).with("y", y.len()));
    }
    for (name, column) in [("x", &x), ("y", &y)] {
        let bad = column.iter().position(|v| !v.is_finite() || v.abs() > crate::dataset::MAX_VALUE);
        if let Some(row) = bad {
            let code = if column[row].is_finite() { Code::CellTooLarge } else { Code::CellNotFinite };
            return Err(Message::new(code)
                .with("row", row + 1)
                .with("column", name)
                .with("text", column[row]));
        }
    }
    let dataset = Dataset::of_columns(x, y, "x", "y");
    dataset.check()?;
    Ok(Table::new(dataset))
}

fn busy(method: &str) -> Message {
    Message::new(Code::Busy).with("method", method)
}
