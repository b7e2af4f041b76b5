//! The worker's session: it owns data, engine and trainer, answers requests, and does a little training at every
//! tick.

use std::rc::Rc;

use js_sys::{Array, Error, Function, Promise, Uint8Array, Uint32Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::engines::Engines;
use super::{attach, from_js, now_ms, set, to_error, to_js};
use crate::choices::{BackendChoice, Choice as _, Loss, Source};
use crate::config::{MAX_EDITS, RunConfig, RunPlan, to_query};
use crate::dataset::{Dataset, FeatureMap, Input, Problem, Role, Table};
use crate::foreign::{Comparison, ForeignModel};
use crate::history::Curve;
use crate::history::HistoryDelta;
use crate::message::{Code, Message, Result, short};
use crate::model;
use crate::protocol::{
    Answer, BackendInfo, Configured, DatasetInfo, Exact, InputInfo, Progress, Request, RunStatus, Snapshot,
};
use crate::run_file::{self, Saving, Which};
use crate::trainer::Checkpoint;
use crate::trainer::{Explanation, Preparation, Status, Task, Trainer};

mod outside;
mod pace;

use outside::{OutsideRows, code_of, thrown};
use pace::Pace;

/// The most points that are drawn one by one.
const MAX_DRAWN_POINTS: u32 = 20_000;
/// Rows whose predictions are drawn.
const MAX_SHOWN_PREDICTIONS: usize = 2_000;
/// Places that they are read at, where rows are read from storage.
const SHOWN_BLOCKS: usize = 20;
/// Points of a drawn curve.
const CURVE_POINTS: usize = 201;
/// How long rows are made ready before the worker takes what has come meanwhile.
const BREATH_MS: f64 = 12.0;
/// Cells of a density at most.
const MAX_DENSITY_CELLS: u32 = 1 << 20;

/// Where a run begins.
enum Start {
    /// At its initial weights.
    Initial,
    /// Where another stood, with how that went.
    Checkpoint(Checkpoint, Curve),
    /// At weights that come from elsewhere.
    Parameters(Vec<f32>),
}

/// The one session of a worker. `handle` and `tick` must not overlap: await one before calling the other.
#[wasm_bindgen]
pub struct Session {
    post: Function,
    open_rows: Function,
    breathe: Function,
    engines: Engines,
    trainer: Option<Trainer>,
    /// Rows that were let go last. Memory that wasm has taken is never given back; theirs is kept whole until as much is
    /// wanted again, or the first small thing to be put there would make a hole a little too small.
    left: Option<Rc<Problem>>,
    run: u32,
    training: bool,
    pace: Pace,
    /// What became of rows that were not whole, of the table that was read last.
    counted: Vec<Message>,
    /// What is to be said of the run's data and model.
    notices: Vec<Message>,
    /// Where there are several inputs: rows whose predictions are shown, row-major, and their targets.
    sample: Vec<f64>,
    sample_y: Vec<f64>,
    /// Something changed that the page has not been shown.
    unshown: bool,
    /// The weights stay as they are, and rows are read from storage for the loss of all of them.
    reads_all: bool,
}

#[wasm_bindgen]
impl Session {
    /// `post` receives events with what to transfer; `open_rows` gives the rows of a table, the user's or a shipped one,
    /// as the columns are chosen, or nothing where it is not there; `breathe` shows how far long work is, lets the worker
    /// take what has come, and says whether to go on. It is how a request can be cancelled although the next is not
    /// handled before its end. `spawn` starts a second worker, which is a [`super::pair::Partner`].
    #[wasm_bindgen(constructor)]
    pub fn new(
        #[wasm_bindgen(unchecked_param_type = "(event: Event, transfer: Transferable[]) => void")]
        post: Function,
        #[wasm_bindgen(
            unchecked_param_type = "(source: Source, columns: Columns) => Promise<TableRows | undefined>"
        )]
        open_rows: Function,
        #[wasm_bindgen(unchecked_param_type = "(progress: Progress) => Promise<boolean>")] breathe: Function,
        #[wasm_bindgen(unchecked_param_type = "() => Worker")] spawn: Function,
    ) -> Self {
        Self {
            post,
            open_rows,
            breathe,
            engines: Engines::default().with_second(spawn),
            trainer: None,
            left: None,
            run: 0,
            training: false,
            pace: Pace::new(),
            counted: Vec::new(),
            notices: Vec::new(),
            sample: Vec::new(),
            sample_y: Vec::new(),
            unshown: false,
            reads_all: false,
        }
    }

    /// Answers a request, or throws an `Error` with `code` and `params`; then what the user had is as it was.
    #[wasm_bindgen(unchecked_return_type = "Answer")]
    pub async fn handle(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Request")] request: JsValue,
    ) -> std::result::Result<JsValue, Error> {
        let (sent_bytes, sent_config) = (take(&request, "bytes"), take(&request, "config"));
        let (which, saved) = (take(&request, "which"), take(&request, "saved"));
        let sent_model = take(&request, "model");
        let kind = take(&request, "kind");
        let tagged = js_sys::Object::new();
        set(&tagged, &kind.as_string().unwrap_or_default(), &request);
        let mut request: Request = from_js(tagged.into())?;
        match &mut request {
            Request::Configure { config } => **config = from_js(sent_config)?,
            Request::Export { saving } => {
                let which =
                    if which.as_string().as_deref() == Some("best") { Which::Best } else { Which::Current };
                *saving = Saving { which, saved: saved.as_string() };
            }
            Request::Adopt { model } | Request::Compare { model } => *model = from_js(sent_model)?,
            Request::Import { bytes } => {
                *bytes = sent_bytes
                    .dyn_into::<Uint8Array>()
                    .map_err(|_| super::internal("bytes are not a Uint8Array"))?
                    .to_vec();
            }
            _ => {}
        }
        let answer = self.answer(request).await.map_err(|message| to_error(&message))?;
        answer_to_js(answer)
    }

    /// Trains for about 12 ms if there is anything to do, and posts a snapshot if one is due. Returns in how many
    /// milliseconds it wants the next tick; -1 is not before the next request.
    pub async fn tick(&mut self) -> std::result::Result<f64, Error> {
        let Some(trainer) = &mut self.trainer else { return Ok(-1.0) };
        if !self.training {
            if self.reads_all {
                let measured = self.pace.measure_stored(trainer).await;
                let measured = measured.map_err(|message| to_error(&message))?;
                self.reads_all = !measured;
                self.unshown |= measured;
            }
            if self.unshown {
                self.unshown = false;
                self.show()?;
            }
            return Ok(if self.reads_all { 0.0 } else { -1.0 });
        }
        let speed = trainer.plan().config().steps_per_second;
        let wait_ms = self.pace.advance(trainer, speed).await.map_err(|message| to_error(&message))?;
        let ended = *trainer.status() != Status::Ready;
        if ended {
            self.training = false;
        }
        if ended || self.unshown || self.pace.snapshot_due(trainer.in_use().gpu) {
            self.reads_all = ended && trainer.reads_ahead();
            self.pace.measure(trainer, ended).await.map_err(|message| to_error(&message))?;
            // The measurement itself may end the run, and then wants every row.
            if !ended && *trainer.status() != Status::Ready {
                self.training = false;
                self.pace.measure(trainer, true).await.map_err(|message| to_error(&message))?;
            }
            self.unshown = false;
            self.show()?;
        }
        Ok(if self.training {
            wait_ms
        } else if self.reads_all {
            0.0
        } else {
            -1.0
        })
    }
}

impl Session {
    async fn answer(&mut self, request: Request) -> Result<Answer> {
        match request {
            Request::Configure { config } => self.configure(*config).await,
            Request::Train {} => {
                let trainer = self.trainer_mut()?;
                trainer.resume();
                self.training = true;
                self.unshown = true;
                self.pace.start();
                Ok(Answer::Done)
            }
            Request::Pause {} => {
                self.hold().await?;
                Ok(Answer::Done)
            }
            Request::Step {} => self.take(|_| 1).await,
            Request::Epoch {} => self.take(Trainer::steps_to_epoch_end).await,
            Request::Reset {} => {
                self.training = false;
                let trainer = self.trainer_mut()?;
                trainer.reset().await?;
                self.pace.forget();
                self.unshown = true;
                Ok(Answer::Configured(self.configured(false, false)?))
            }
            Request::AddPoint { x, y } => {
                let mut config = self.config()?;
                config.data.added.push([x, y]);
                self.configure(config).await
            }
            Request::RemovePoint { index } => self.remove_point(index).await,
            Request::Predict { inputs } => self.predict(&inputs),
            Request::PredictRow { values } => self.predict_row(&values),
            Request::Adopt { model } => self.adopt(&ForeignModel::read(model)?).await,
            Request::Compare { model } => {
                let model = ForeignModel::read(model)?;
                Ok(Answer::Compared(Box::new(Comparison::of(&model, self.trainer_mut()?)?)))
            }
            Request::Export { saving } => {
                let fields = run_file::fields(self.trainer_mut()?, &saving)?;
                let step = fields.iter().find(|(name, _)| *name == "steps").map(|(_, step)| step.to_string());
                let file_name = format!("downhill-weights-step-{}.json", step.unwrap_or_default());
                Ok(Answer::Exported { file_name, text: super::json_text(fields)? })
            }
            Request::Import { bytes } => self.import(&bytes).await,
            Request::Density { x, y, columns, rows } => {
                let cells = columns.checked_mul(rows).filter(|cells| (1..=MAX_DENSITY_CELLS).contains(cells));
                let cells = cells.ok_or_else(|| {
                    Message::new(Code::FieldOutOfRange)
                        .with("field", "columns * rows")
                        .with("value", format!("{columns} * {rows}"))
                        .with("min", 1)
                        .with("max", MAX_DENSITY_CELLS)
                })?;
                let counts = self.trainer_mut()?.task().density(x, y, columns, rows);
                debug_assert_eq!(counts.len(), cells as usize);
                Ok(Answer::Density { columns, rows, x, y, counts })
            }
        }
    }

    /// Changes what may change in mid-run; otherwise begins a new run. Nothing is touched where that fails.
    async fn configure(&mut self, config: RunConfig) -> Result<Answer> {
        let plan = config.check()?;
        let same_run = self.trainer.as_ref().is_some_and(|trainer| !trainer.restarts(&config));
        if let (true, Some(trainer)) = (same_run, &mut self.trainer) {
            let before = trainer.plan().config().clone();
            let batch_changed = plan.batch_rows(trainer.task().problem.n_samples)
                != trainer.plan().batch_rows(trainer.task().problem.n_samples);
            trainer.change(plan.clone());
            // What was measured holds for the batch size that it was made with.
            let remeasure =
                batch_changed && matches!(config.backend, BackendChoice::Auto | BackendChoice::Cpu);
            if before.backend != config.backend || remeasure {
                let (backend, in_use) = self.engines.choose(&plan, &trainer.task().clone()).await?;
                trainer.set_backend(backend, in_use);
                self.pace.forget();
            }
            if before.steps_per_second != config.steps_per_second {
                self.pace.start();
            }
            self.unshown = true;
            let heads_elsewhere = before.penalty != config.penalty;
            if heads_elsewhere {
                // Of the rows the same is to be said; of what descent is heading for, something else.
                self.notices.retain(|notice| !OF_OPTIMUM.contains(&notice.code));
                self.notices.splice(..0, notices(trainer.task(), trainer.plan().config()));
            }
            return Ok(Answer::Configured(self.configured(false, heads_elsewhere)?));
        }
        let dataset = self.dataset(&config).await?;
        let task = self.prepare(&plan, dataset, None).await?;
        self.begin(plan, task, Start::Initial).await
    }

    /// Makes rows ready, and breathes in between.
    ///
    /// # Errors
    /// [`Code::Cancelled`], and those of [`Preparation`].
    async fn prepare(&mut self, plan: &RunPlan, dataset: Dataset, map: Option<FeatureMap>) -> Result<Task> {
        self.left = None;
        let mut preparation = Preparation::new(plan, Rc::new(dataset), map)?;
        let mut since_ms = now_ms();
        while !preparation.is_done() {
            preparation.advance()?;
            if now_ms() - since_ms >= BREATH_MS {
                if let Err(cancelled) = self.breathe(&preparation).await {
                    self.left = Some(Rc::new(preparation.leave()));
                    return Err(cancelled);
                }
                since_ms = now_ms();
            }
        }
        preparation.run()
    }

    async fn breathe(&self, preparation: &Preparation) -> Result<()> {
        let (message, fraction) = preparation.progress();
        let internal = |error: JsValue| Message::new(Code::Internal).with("detail", reason_of(&error));
        let progress = to_js(&Progress { kind: "progress", message, fraction });
        let promise: Promise = progress
            .map_err(JsValue::from)
            .and_then(|progress| self.breathe.call1(&JsValue::NULL, &progress))
            .and_then(JsCast::dyn_into)
            .map_err(internal)?;
        let goes_on = JsFuture::from(promise).await.map_err(internal)?;
        if goes_on.is_truthy() { Ok(()) } else { Err(Code::Cancelled.into()) }
    }

    /// Replaces the run by another.
    async fn begin(&mut self, plan: RunPlan, task: Task, start: Start) -> Result<Answer> {
        let (backend, in_use) = self.engines.choose(&plan, &task).await?;
        let mut trainer = Trainer::new(plan, task, backend, in_use).await?;
        match start {
            Start::Initial => {}
            Start::Checkpoint(checkpoint, history) => {
                trainer.restore(checkpoint).await?;
                trainer.retrace(&history);
                self.training = false;
            }
            Start::Parameters(parameters) => {
                trainer.begin_at(&parameters).await?;
                self.training = false;
            }
        }
        self.notices = notices(trainer.task(), trainer.plan().config());
        self.notices.append(&mut self.counted);
        (self.sample, self.sample_y) = sample(trainer.task());
        let before = self.trainer.replace(trainer);
        self.left = before.map(|trainer| Rc::clone(&trainer.task().problem));
        self.run += 1;
        self.pace = Pace::new();
        (self.unshown, self.reads_all) = (true, false);
        Ok(Answer::Configured(self.configured(true, false)?))
    }

    /// Stops and shows the loss of exactly the weights that stay.
    async fn hold(&mut self) -> Result<()> {
        self.training = false;
        self.unshown = true;
        if let Some(trainer) = &mut self.trainer {
            self.reads_all = trainer.reads_ahead();
            self.pace.measure(trainer, true).await?;
        }
        Ok(())
    }

    /// Holds, then takes some steps at once.
    async fn take(&mut self, n_steps: impl Fn(&Trainer) -> u64) -> Result<Answer> {
        self.training = false;
        self.unshown = true;
        let Some(trainer) = &mut self.trainer else { return Err(no_run()) };
        if *trainer.status() != Status::Ready {
            trainer.resume();
        }
        let n = n_steps(trainer);
        trainer.advance_unmeasured(n).await?;
        self.reads_all = trainer.reads_ahead();
        self.pace.measure(trainer, true).await?;
        Ok(Answer::Done)
    }

    async fn remove_point(&mut self, index: u32) -> Result<Answer> {
        let mut config = self.config()?;
        let data = &mut config.data;
        let n_samples = self.trainer_mut()?.task().dataset.n_samples();
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
            // The index counts the rows that are left; `removed` counts those that there were.
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

    fn predict(&mut self, inputs: &str) -> Result<Answer> {
        let words =
            inputs.split(|c: char| c.is_whitespace() || [',', ';', '[', ']', '，', '、'].contains(&c));
        let inputs = words
            .filter(|word| !word.is_empty())
            .map(|word| match word.parse::<f64>() {
                Ok(x) if x.is_finite() => Ok(x),
                _ => Err(Message::new(Code::InputNotANumber).with("text", word)),
            })
            .collect::<Result<Vec<f64>>>()?;
        if inputs.is_empty() {
            return Err(Code::NothingToPredict.into());
        }
        let trainer = self.trainer_mut()?;
        let outputs = inputs.iter().map(|x| trainer.predict(*x)).collect();
        Ok(Answer::Predicted { inputs, outputs })
    }

    fn predict_row(&mut self, values: &[String]) -> Result<Answer> {
        let trainer = self.trainer_mut()?;
        let task = trainer.task();
        let number = |input: &Input, text: &String| {
            let text = text.trim();
            let refused = |code: Code| Message::new(code).with("column", &input.name).with("text", text);
            if !input.levels.is_empty() {
                let level = input.levels.iter().position(|level| level == text);
                return level.map(|level| level as f64).ok_or_else(|| refused(Code::NoSuchLevel));
            }
            match text.parse::<f64>() {
                Ok(value) if value.is_finite() => Ok(value),
                _ => Err(refused(Code::InputNotANumber)),
            }
        };
        if values.len() != task.dataset.n_inputs() {
            return Err(Message::new(Code::Internal).with("detail", "one value per input is needed"));
        }
        let inputs = task.dataset.inputs.iter();
        let row =
            inputs.zip(values).map(|(input, text)| number(input, text)).collect::<Result<Vec<f64>>>()?;
        let Explanation { sum, baseline, contributions, response, .. } = trainer.explain_row(&row);
        Ok(Answer::Explained { output: sum, baseline, contributions, response })
    }

    async fn import(&mut self, bytes: &[u8]) -> Result<Answer> {
        let text = String::from_utf8_lossy(bytes);
        let value = super::json(&text).map_err(|detail| run_file::unreadable(bytes, detail))?;
        let imported = run_file::read_value(value)?;
        let config = imported.plan.config().clone();
        config.check()?;
        let dataset = self.dataset(&config).await?;
        let task = self.prepare(&imported.plan, dataset, Some(imported.map)).await?;
        self.begin(imported.plan, task, Start::Checkpoint(imported.checkpoint, imported.history)).await
    }

    /// A new run on the rows that there are, as a model of another tool has it.
    async fn adopt(&mut self, model: &ForeignModel) -> Result<Answer> {
        let mut config = self.config()?;
        let is_table = !matches!(config.data.source, Source::Linspace { .. });
        let names: Vec<String> = model.inputs.iter().map(|input| input.name.clone()).collect();
        let inputs = &self.trainer_mut()?.task().dataset.inputs;
        let (before, is_all) = (inputs.clone(), inputs.len() == names.len());
        if is_table && !(is_all && model.matched(&before).is_ok_and(|matching| matching.notice.is_none())) {
            // Its own columns, in the order of the table where the run has all of them already.
            let used = model.matched(&before).ok().filter(|matching| matching.notice.is_none());
            let chosen = used.map(|matching| {
                matching.used().into_iter().map(|place| before[place].name.clone()).collect()
            });
            let mut own = config.clone();
            own.data.columns.features = chosen.unwrap_or(names);
            if let Ok(dataset) = self.dataset(&own).await
                && model.matched(&dataset.inputs).is_ok_and(|matching| matching.notice.is_none())
            {
                config = own;
            }
        }
        let dataset = self.dataset(&config).await?;
        let inputs = dataset.inputs.clone();
        let matching = model.matched(&inputs)?;
        config.model = model.config(&inputs, &matching, &config.model);
        config.loss = model.loss(config.loss);
        let plan = config.check()?;
        let task = self.prepare(&plan, dataset, None).await?;
        let outputs = (task.problem.n_outputs as usize, &task.dataset.target_levels[..]);
        let parameters = model.parameters((&task.map, config.model.bias), (&inputs, &matching), outputs)?;
        let answer = self.begin(plan, task, Start::Parameters(parameters)).await;
        // Said for as long as the run goes on.
        self.notices.extend(matching.notice);
        answer.and_then(|_| Ok(Answer::Configured(self.configured(true, false)?)))
    }

    /// The rows that a configuration describes.
    async fn dataset(&mut self, config: &RunConfig) -> Result<Dataset> {
        let table = self.table(config).await?;
        Dataset::build(&config.data, table.as_ref())
    }

    /// The table that is kept outside, with the columns that the configuration chooses.
    async fn table(&mut self, config: &RunConfig) -> Result<Option<Table>> {
        self.counted.clear();
        if matches!(config.data.source, Source::Linspace { .. }) {
            return Ok(None);
        }
        let plain = |value: std::result::Result<JsValue, Error>| value.map_err(|error| thrown(&error));
        let (source, columns) = (plain(to_js(&config.data.source))?, plain(to_js(&config.data.columns))?);
        let promise = self
            .open_rows
            .call2(&JsValue::NULL, &source, &columns)
            .and_then(JsCast::dyn_into::<Promise>)
            .map_err(|error| thrown(&error))?;
        let rows = JsFuture::from(promise).await.map_err(|error| match &config.data.source {
            Source::Shipped { table } if code_of(&error).is_none() => Message::new(Code::TableUnavailable)
                .with("name", table.name())
                .with("detail", reason_of(&error)),
            _ => thrown(&error),
        })?;
        if rows.is_undefined() {
            return Ok(None);
        }
        let (table, counted) = OutsideRows::table(&rows)?;
        self.counted = counted;
        Ok(Some(table))
    }

    fn trainer_mut(&mut self) -> Result<&mut Trainer> {
        self.trainer.as_mut().ok_or_else(no_run)
    }

    fn config(&self) -> Result<RunConfig> {
        Ok(self.trainer.as_ref().ok_or_else(no_run)?.plan().config().clone())
    }

    fn configured(&self, with_data: bool, with_exact: bool) -> Result<Box<Configured>> {
        let trainer = self.trainer.as_ref().ok_or_else(no_run)?;
        let config = trainer.plan().config().clone();
        let penalized = with_exact;
        Ok(Box::new(Configured {
            exact: penalized.then(|| exact_of(trainer)),
            run: self.run,
            query: to_query(&config),
            restarted: with_data,
            dataset: with_data.then(|| dataset_info(trainer, &self.sample_y)),
            config,
            notices: self.notices.clone(),
        }))
    }

    fn show(&mut self) -> std::result::Result<(), Error> {
        let Some(trainer) = &mut self.trainer else { return Ok(()) };
        let status = match (trainer.status(), self.training) {
            (Status::Ready, true) => RunStatus::Training,
            (Status::Ready, false) => RunStatus::Paused,
            (Status::Finished(reason), _) => RunStatus::Finished { reason: reason.clone() },
            (Status::Diverged { reason, suggested_rate }, _) => {
                RunStatus::Diverged { reason: reason.clone(), suggested_rate: *suggested_rate }
            }
        };
        let (curve_x, curve_y) = curve(trainer, |x| trainer.predict(x));
        let mut predicted = vec![0.0; self.sample_y.len()];
        trainer.predict_known(&self.sample, &self.sample_y, &mut predicted);
        let predicted: Vec<f32> = predicted.into_iter().map(|y| y as f32).collect();
        let measured = trainer.measured();
        let in_use = trainer.in_use();
        let snapshot = Snapshot {
            kind: "snapshot",
            run: self.run,
            status,
            step: trainer.step() as f64,
            epoch: trainer.place().epoch as f64,
            loss: measured.loss,
            loss_rows: measured.rows,
            loss_is_sample: measured.rows < trainer.task().problem.n_samples,
            batch_loss: trainer.batch_loss(),
            r2: trainer.r2(),
            validation_loss: trainer.validation_loss(),
            validation_r2: trainer.validation_r2(),
            best: trainer.best().map(|best| [best.loss, best.step as f64]),
            gradient_norm: measured.gradient_norm,
            learning_rate: trainer.learning_rate(),
            weights: trainer.original_parameters(),
            distance: trainer.distance(),
            steps_per_second: if self.training { self.pace.steps_per_second(trainer.step()) } else { 0.0 },
            backend: BackendInfo {
                kind: if in_use.gpu { "gpu" } else { "cpu" },
                name: in_use.name.clone(),
                reason: in_use.reason.clone(),
                how: in_use.how.clone(),
                fallback: in_use.fallback,
            },
            memory_bytes: memory_bytes(),
            curve_x,
            curve_y,
            predicted,
            penalty: trainer.penalty(),
            folds: trainer.fold_losses().to_vec(),
            path: trainer.path(),
            marks: trainer.marks().to_vec(),
            history: trainer.history_mut().delta(),
        };
        let event = to_js(&snapshot)?;
        let transfer = Array::new();
        attach(&event, "curve_x", &snapshot.curve_x, &transfer);
        attach(&event, "curve_y", &snapshot.curve_y, &transfer);
        attach(&event, "predicted", &snapshot.predicted, &transfer);
        attach(&event, "folds", &snapshot.folds, &transfer);
        if let Some(path) = &snapshot.path {
            let object = js_sys::Object::new();
            attach(&object, "strengths", &path.strengths, &transfer);
            attach(&object, "coefficients", &path.coefficients, &transfer);
            attach(&object, "loss", &path.loss, &transfer);
            attach(&object, "validation", &path.validation, &transfer);
            set(&event, "path", &object);
        }
        set(&event, "history", &history_to_js(&snapshot.history, &transfer));
        self.post
            .call2(&JsValue::NULL, &event, &transfer)
            .map(drop)
            .map_err(|error| super::internal(reason_of(&error)))
    }
}

/// Bytes of memory that this module has taken from the browser.
fn memory_bytes() -> f64 {
    const PAGE_BYTES: f64 = 65_536.0;
    core::arch::wasm32::memory_size::<0>() as f64 * PAGE_BYTES
}

/// Every code that [`notices`] returns.
const OF_OPTIMUM: [Code; 5] = [
    Code::NoticeNoOptimum,
    Code::NoticeNotFinite,
    Code::NoticeZeroCounts,
    Code::NoticeNotUnique,
    Code::NoticeStoryFloor,
];

/// Explains what is unusual about the best possible fit, so that the user need not wonder about it.
fn notices(task: &Task, config: &RunConfig) -> Vec<Message> {
    let mut notices = Vec::new();
    if task.exact.loss.is_nan() {
        notices.push(Code::NoticeNoOptimum.into());
    } else if !task.exact.finite {
        let is_count = config.loss == Loss::Poisson;
        notices.push(if is_count { Code::NoticeZeroCounts } else { Code::NoticeNotFinite }.into());
    } else if !task.exact.unique {
        notices.push(Code::NoticeNotUnique.into());
    }
    // A loss that may be negative cannot be compared with twice another.
    if !config.model.bias && task.loss_with_bias >= 0.0 && task.exact.loss > 2.0 * task.loss_with_bias {
        notices.push(Message::new(Code::NoticeStoryFloor).with("loss", short(task.exact.loss)));
    }
    notices
}

/// Rows whose predictions are shown where the fit is no curve: evenly over all, or at places that are.
fn sample(task: &Task) -> (Vec<f64>, Vec<f64>) {
    let (n_inputs, n_samples) = (task.map.n_inputs(), task.dataset.n_samples() as usize);
    if n_inputs == 1 {
        return Default::default();
    }
    let n = n_samples.min(MAX_SHOWN_PREDICTIONS);
    // From storage a row is read with its block: a few blocks have to do.
    let n_together = if task.problem.stored().is_some() { n.div_ceil(SHOWN_BLOCKS) } else { 1 };
    let (mut x, mut y) = (vec![0.0; n * n_inputs], vec![0.0; n]);
    let rows = x.chunks_mut(n_together * n_inputs).zip(y.chunks_mut(n_together));
    for (i, (x, y)) in rows.enumerate() {
        task.dataset.read(i * n_together * n_samples / n, x, y);
    }
    if task.test.is_some() {
        // What is kept for the end is not looked at before it.
        let place = |i: usize| i / n_together * n_together * n_samples / n + i % n_together;
        let shown: Vec<usize> = (0..n).filter(|i| task.roles.role(place(*i)) != Role::Test).collect();
        x = shown.iter().flat_map(|i| x[i * n_inputs..(i + 1) * n_inputs].to_vec()).collect();
        y = shown.iter().map(|i| y[*i]).collect();
    }
    (x, y)
}

fn dataset_info(trainer: &Trainer, sample_y: &[f64]) -> DatasetInfo {
    let task = trainer.task();
    let dataset = &task.dataset;
    let several = dataset.n_inputs() > 1;
    let drawn = dataset.n_samples() <= MAX_DRAWN_POINTS;
    let (x, y) = match (several, drawn) {
        (true, _) => (Vec::new(), sample_y.to_vec()),
        (false, true) => dataset.columns(),
        (false, false) => Default::default(),
    };
    let column = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
    let (x_range, y_range) = dataset.ranges();
    let x_range = match several {
        true if task.problem.n_outputs > 1 => [0.0, 1.0],
        true => y_range,
        false => x_range,
    };
    let ranges = &dataset.summary().x_ranges;
    let inputs = dataset.inputs.iter().zip(ranges).map(|(input, range)| InputInfo {
        name: input.name.clone(),
        start: input.levels.first().cloned().unwrap_or_else(|| short((range[0] + range[1]) / 2.0)),
        levels: input.levels.clone(),
        range: *range,
    });
    DatasetInfo {
        n_samples: dataset.n_samples(),
        n_validation: task.validation.as_ref().map_or(0, |(problem, _)| problem.n_samples),
        n_test: task.test.as_ref().map_or(0, |(problem, _)| problem.n_samples),
        n_features: task.problem.n_features,
        n_parameters: task.problem.n_parameters(),
        inputs: inputs.collect(),
        target: dataset.target.clone(),
        classes: classes(trainer),
        terms: model::term_names(&task.map, &dataset.inputs),
        scaling: trainer.plan().scaling(),
        bytes: task.bytes() as f64,
        points_x: column(x),
        points_y: column(y),
        x_range,
        y_range,
        exact: exact_of(trainer),
    }
}

/// Names of the target's classes, where it is learned as one.
fn classes(trainer: &Trainer) -> Vec<String> {
    let task = trainer.task();
    if !trainer.plan().config().loss.classifies() {
        return Vec::new();
    }
    let levels = &task.dataset.target_levels;
    let n = task.problem.n_outputs.max(2) as usize;
    (0..n).map(|class| levels.get(class).cloned().unwrap_or_else(|| class.to_string())).collect()
}

fn exact_of(trainer: &Trainer) -> Exact {
    let task = trainer.task();
    let (curve_x, curve_y) = if task.map.n_inputs() > 1 {
        // What is predicted exactly lies where it equals its target; of many classes, where its own is certain.
        let (_, [low, high]) = task.dataset.ranges();
        let ends = [low - 10.0 * (high - low), high + 10.0 * (high - low)].map(|y| y as f32).to_vec();
        if task.problem.n_outputs > 1 { (vec![1.0; 2], ends) } else { (ends.clone(), ends) }
    } else if task.exact.loss.is_nan() {
        Default::default()
    } else {
        curve(trainer, |x| trainer.predict_exactly(x))
    };
    Exact {
        weights: task.exact.original.clone(),
        unique: task.exact.unique,
        loss: task.exact.loss,
        r2: task.exact.r2,
        stable_rate: trainer.stable_rate(),
        condition: task.exact.condition,
        curve_x,
        curve_y,
    }
}

/// A curve over the data's range and beyond: a line as far as the chart may be moved, higher powers a little.
fn curve(trainer: &Trainer, mut predict: impl FnMut(f64) -> f64) -> (Vec<f32>, Vec<f32>) {
    let task = trainer.task();
    if task.map.n_inputs() > 1 {
        return Default::default();
    }
    let ([low, high], _) = task.dataset.ranges();
    let bent = trainer.plan().config().loss.bends();
    let straight = task.map.n_features() == 1 && !bent;
    let (beyond, n) = if straight { (10.0, 2) } else { (0.25, CURVE_POINTS) };
    let (start, span) = (low - beyond * (high - low), (1.0 + 2.0 * beyond) * (high - low));
    let at = |i: usize| start + span * i as f64 / (n - 1) as f64;
    ((0..n).map(|i| at(i) as f32).collect(), (0..n).map(|i| predict(at(i)) as f32).collect())
}

fn history_to_js(delta: &HistoryDelta, transfer: &Array) -> JsValue {
    let object = js_sys::Object::new();
    set(&object, "first", &(delta.first as f64).into());
    attach(&object, "batch_loss_min", &delta.batch_loss_min, transfer);
    attach(&object, "batch_loss_max", &delta.batch_loss_max, transfer);
    attach(&object, "batch_loss_mean", &delta.batch_loss_mean, transfer);
    attach(&object, "loss", &delta.loss, transfer);
    attach(&object, "rate", &delta.rate, transfer);
    attach(&object, "validation", &delta.validation, transfer);
    object.into()
}

fn answer_to_js(answer: Answer) -> std::result::Result<JsValue, Error> {
    let object = to_js(&answer)?;
    // An answer's arrays are small or rare: they are copied with it.
    let transfer = Array::new();
    match &answer {
        Answer::Configured(configured) => {
            if let Some(exact) = &configured.exact {
                let place = js_sys::Reflect::get(&object, &"exact".into()).unwrap_or_default();
                attach(&place, "curve_x", &exact.curve_x, &transfer);
                attach(&place, "curve_y", &exact.curve_y, &transfer);
            }
            let Some(info) = &configured.dataset else { return Ok(object) };
            let dataset = js_sys::Reflect::get(&object, &"dataset".into()).unwrap_or_default();
            attach(&dataset, "points_x", &info.points_x, &transfer);
            attach(&dataset, "points_y", &info.points_y, &transfer);
            let exact = js_sys::Reflect::get(&dataset, &"exact".into()).unwrap_or_default();
            attach(&exact, "curve_x", &info.exact.curve_x, &transfer);
            attach(&exact, "curve_y", &info.exact.curve_y, &transfer);
        }
        Answer::Density { counts, .. } => set(&object, "counts", &Uint32Array::from(counts.as_slice())),
        _ => {}
    }
    Ok(object)
}

/// Takes a part out of a request that is not to be read with the rest of it.
fn take(request: &JsValue, name: &str) -> JsValue {
    let name = JsValue::from(name);
    let part = js_sys::Reflect::get(request, &name).unwrap_or_default();
    let _ = request.dyn_ref::<js_sys::Object>().map(|object| js_sys::Reflect::delete_property(object, &name));
    part
}

fn reason_of(error: &JsValue) -> String {
    error.dyn_ref::<Error>().map_or_else(|| format!("{error:?}"), |error| String::from(error.message()))
}

fn no_run() -> Message {
    Message::new(Code::Internal).with("detail", "there is no run yet")
}
