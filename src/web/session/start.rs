//! How runs start: from a configuration, an edited point, a run file, or a model of another tool.

use std::rc::Rc;

use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::describe::{Detail, OPTIMUM_NOTICES, Sample, notices};
use super::outside::{OutsideRows, code_of, thrown};
use super::pace::Pace;
use super::{Run, Session};
use crate::choices::{BackendChoice, Choice as _, Source};
use crate::config::{MAX_EDITS, RunConfig, RunPlan};
use crate::dataset::{Dataset, FeatureMap, Input, Table};
use crate::foreign::{Matching, Model};
use crate::message::{Code, Message, Result};
use crate::protocol::{Answer, Progress};
use crate::run_file;
use crate::trainer::{Preparation, Task, Trainer};
use crate::web::{internal, now_ms, reason_of, to_js};

/// Milliseconds of preparing rows after which the worker receives new messages.
const BREATH_MS: f64 = 12.0;

/// The rows that a configuration describes, and messages about those that were left out.
struct Rows {
    dataset: Dataset,
    notices: Vec<Message>,
}

impl Session {
    /// Applies a configuration: changes the current run if that is possible, else starts a new run. If it
    /// fails, nothing has changed.
    pub(super) async fn configure(&mut self, config: RunConfig) -> Result<Answer> {
        let plan = config.check()?;
        if self.run.as_ref().is_some_and(|run| !run.trainer.restarts(&config)) {
            return self.change(plan).await;
        }
        let rows = self.rows(&config).await?;
        let task = self.prepare(&plan, rows.dataset, None).await?;
        let trainer = self.new_trainer(plan, task).await?;
        self.begin(trainer, rows.notices)
    }

    /// Continues the current run under another plan.
    async fn change(&mut self, plan: RunPlan) -> Result<Answer> {
        let config = plan.config().clone();
        let (engines, run) = (&mut self.engines, self.run.as_mut().ok_or_else(super::no_run)?);
        let trainer = &mut run.trainer;
        let before = trainer.plan().config().clone();
        let n_samples = trainer.task().problem.n_samples;
        let other_batch = plan.batch_rows(n_samples) != trainer.plan().batch_rows(n_samples);
        trainer.change(plan.clone());
        // The speed of an engine was measured with the batch size of the time.
        let remeasure = other_batch && matches!(config.backend, BackendChoice::Auto | BackendChoice::Cpu);
        if before.backend != config.backend || remeasure {
            let (backend, in_use) = engines.choose(&plan, &trainer.task().clone()).await?;
            trainer.set_backend(backend, in_use);
            self.pace.forget();
        }
        if before.steps_per_second != config.steps_per_second {
            self.pace.start();
        }
        self.changed = true;
        if before.penalty == config.penalty {
            return self.configured(Detail::Config);
        }
        // Notices about the rows still hold; those about the optimum are new.
        run.notices.retain(|notice| !OPTIMUM_NOTICES.contains(&notice.code));
        run.notices.splice(..0, notices(&run.trainer));
        self.configured(Detail::Optimum)
    }

    pub(super) async fn add_point(&mut self, x: f64, y: f64) -> Result<Answer> {
        let mut config = self.config()?;
        config.data.added.push([x, y]);
        self.configure(config).await
    }

    pub(super) async fn remove_point(&mut self, index: u32) -> Result<Answer> {
        let mut config = self.config()?;
        let data = &mut config.data;
        let n_samples = self.run()?.trainer.task().dataset.n_samples();
        if index >= n_samples {
            return Err(Message::new(Code::RemovedOutOfRange)
                .with("index", index)
                .with("n_samples", n_samples));
        }
        let n_of_source = n_samples - data.added.len() as u32;
        if index >= n_of_source {
            data.added.remove((index - n_of_source) as usize);
        } else {
            if data.removed.len() == MAX_EDITS {
                return Err(Message::new(Code::TooManyEdits).with("limit", MAX_EDITS));
            }
            // The index counts the remaining rows; `removed` counts the rows of the source.
            let mut row = index;
            for removed in &data.removed {
                if *removed <= row {
                    row += 1;
                }
            }
            let place = data.removed.partition_point(|removed| *removed < row);
            data.removed.insert(place, row);
        }
        self.configure(config).await
    }

    /// Continues the run that a run file holds.
    pub(super) async fn import(&mut self, bytes: &[u8]) -> Result<Answer> {
        let imported = run_file::read(bytes)?;
        let rows = self.rows(imported.plan.config()).await?;
        let task = self.prepare(&imported.plan, rows.dataset, Some(imported.map)).await?;
        let mut trainer = self.new_trainer(imported.plan, task).await?;
        trainer.restore(imported.checkpoint).await?;
        trainer.retrace(&imported.history);
        self.training = false;
        self.begin(trainer, rows.notices)
    }

    /// Starts a new run on the current rows from a foreign model.
    pub(super) async fn adopt(&mut self, model: &Model) -> Result<Answer> {
        let mut config = self.columns_for(model).await?;
        let rows = self.rows(&config).await?;
        let inputs = rows.dataset.inputs.clone();
        let matching = model.matched(&inputs)?;
        config.model = model.config(&inputs, &matching, &config.model);
        config.loss = model.loss(config.loss);
        let plan = config.check()?;
        let task = self.prepare(&plan, rows.dataset, None).await?;
        let outputs = (task.layout.n_outputs() as usize, &task.dataset.target_levels[..]);
        let parameters = model.parameters((&task.map, config.model.bias), (&inputs, &matching), outputs)?;
        let mut trainer = self.new_trainer(plan, task).await?;
        trainer.begin_at(&parameters).await?;
        self.training = false;
        self.begin(trainer, rows.notices.into_iter().chain(matching.notice).collect())
    }

    /// The current configuration with the columns that a foreign model uses, if the run's table has columns
    /// with these names.
    async fn columns_for(&mut self, model: &Model) -> Result<RunConfig> {
        let config = self.config()?;
        if matches!(config.data.source, Source::Linspace { .. }) {
            return Ok(config);
        }
        let inputs = self.run()?.trainer.task().dataset.inputs.clone();
        // If the run has all of them already, they keep the order of the table.
        let features: Vec<String> = match matched_by_name(model, &inputs) {
            Some(_) if inputs.len() == model.inputs.len() => return Ok(config),
            Some(matching) => matching.used().into_iter().map(|i| inputs[i].name.clone()).collect(),
            None => model.inputs.iter().map(|input| input.name.clone()).collect(),
        };
        let mut own = config.clone();
        own.data.columns.features = features;
        let found = self.rows(&own).await.ok();
        let fits = found.is_some_and(|rows| matched_by_name(model, &rows.dataset.inputs).is_some());
        Ok(if fits { own } else { config })
    }

    fn config(&self) -> Result<RunConfig> {
        Ok(self.run()?.trainer.plan().config().clone())
    }

    /// Reads the rows that a configuration describes.
    async fn rows(&self, config: &RunConfig) -> Result<Rows> {
        let (table, notices) = match self.table(config).await? {
            Some((table, notices)) => (Some(table), notices),
            None => Default::default(),
        };
        Ok(Rows { dataset: Dataset::build(&config.data, table.as_ref())?, notices })
    }

    /// The table that another wasm module stores, with the columns that the configuration chooses; `None` if
    /// the rows are not from a table.
    async fn table(&self, config: &RunConfig) -> Result<Option<(Table, Vec<Message>)>> {
        let data = &config.data;
        if matches!(data.source, Source::Linspace { .. }) {
            return Ok(None);
        }
        let (source, columns) = (to_js(&data.source)?, to_js(&data.columns)?);
        let promise = self
            .page
            .open_rows
            .call2(&JsValue::NULL, &source, &columns)
            .and_then(JsCast::dyn_into::<Promise>)
            .map_err(|error| thrown(&error))?;
        let rows = JsFuture::from(promise).await.map_err(|error| match &data.source {
            Source::Shipped { table } if code_of(&error).is_none() => Message::new(Code::TableUnavailable)
                .with("name", table.name())
                .with("detail", reason_of(&error)),
            _ => thrown(&error),
        })?;
        if rows.is_undefined() { Ok(None) } else { OutsideRows::table(&rows).map(Some) }
    }

    /// Prepares rows, and regularly lets the worker receive messages.
    ///
    /// # Errors
    /// [`Code::Cancelled`], and those of [`Preparation`].
    async fn prepare(&mut self, plan: &RunPlan, dataset: Dataset, map: Option<FeatureMap>) -> Result<Task> {
        self.reserved = None;
        let mut preparation = Preparation::new(plan, Rc::new(dataset), map)?;
        let mut since_ms = now_ms();
        while !preparation.is_done() {
            preparation.advance()?;
            if now_ms() - since_ms >= BREATH_MS {
                if let Err(cancelled) = self.breathe(&preparation).await {
                    self.reserved = Some(Rc::new(preparation.leave()));
                    return Err(cancelled);
                }
                since_ms = now_ms();
            }
        }
        preparation.run()
    }

    async fn breathe(&self, preparation: &Preparation) -> Result<()> {
        let (message, fraction) = preparation.progress();
        let progress = to_js(&Progress { kind: "progress", message, fraction })?;
        let failed = |error: JsValue| internal(reason_of(&error));
        let promise = self.page.breathe.call1(&JsValue::NULL, &progress);
        let promise: Promise = promise.and_then(JsCast::dyn_into).map_err(failed)?;
        let goes_on = JsFuture::from(promise).await.map_err(failed)?;
        if goes_on.is_truthy() { Ok(()) } else { Err(Code::Cancelled.into()) }
    }

    /// Creates a trainer on the engine that is chosen for the task.
    async fn new_trainer(&mut self, plan: RunPlan, task: Task) -> Result<Trainer> {
        let (backend, in_use) = self.engines.choose(&plan, &task).await?;
        Trainer::new(plan, task, backend, in_use).await
    }

    /// Replaces the current run by a new one.
    fn begin(&mut self, trainer: Trainer, row_notices: Vec<Message>) -> Result<Answer> {
        self.n_runs += 1;
        let run = Run {
            id: self.n_runs,
            notices: notices(&trainer).into_iter().chain(row_notices).collect(),
            sample: Sample::of(trainer.task()),
            trainer,
        };
        let before = self.run.replace(run);
        self.reserved = before.map(|run| Rc::clone(&run.trainer.task().problem));
        self.pace = Pace::new();
        (self.changed, self.measures_stored) = (true, false);
        self.configured(Detail::Everything)
    }
}

fn matched_by_name(model: &Model, inputs: &[Input]) -> Option<Matching> {
    model.matched(inputs).ok().filter(|matching| matching.notice.is_none())
}
