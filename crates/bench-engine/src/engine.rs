//! The bare engine and the limits of the machine, for `cargo xtask bench`. Only the benchmark's
//! wasm contains it.
//!
//! It times what the page's worker does, without everything around it: [`Backend::advance`] over
//! planned steps, with the loss of each step in the trace. Rows are generated inside the wasm, so
//! ten million of them exist only once and never cross from JavaScript.

use core::arch::wasm32::{f32x4, f32x4_add, f32x4_extract_lane, f32x4_mul, f32x4_splat, v128};
use std::hint::black_box;
use std::rc::Rc;

use js_sys::{Error, Function};
use wasm_bindgen::prelude::*;

use downhill::backend::kernel::{
    self, EPOCH_END, EPOCH_START, FULL, RunParams, SHUFFLED, SlotSet, StepParams,
};
use downhill::backend::{self, Backend, MAX_STEPS_PER_CALL, State};
use downhill::choices::Optimizer;
use downhill::dataset::Problem;
use downhill::model::Layout;
use downhill::rng::{IN_MEMORY_BLOCK_ROWS, Permutation, mix};
use downhill::web::now_ms;

/// Separates the random stream of the targets' noise from that of the features, whose counters stay
/// below this bit.
const NOISE: u32 = 1 << 31;
/// The number of independent sums of four lanes, enough to hide the latency of additions.
const N_SUMS: usize = 8;
/// Four lanes for each sum.
type Block = [[f32; 4]; N_SUMS];
/// The number of blocks that the multiply-add benchmark reads: 4 KB, which fit into the first-level
/// cache.
const N_CACHED_BLOCKS: usize = 32;

/// An engine with a generated problem.
#[wasm_bindgen]
pub struct BareEngine {
    problem: Rc<Problem>,
    backend: Backend,
    state: State,
    params: RunParams,
    plan: Plan,
    steps: Vec<StepParams>,
    trace: Vec<[f32; 2]>,
}

#[wasm_bindgen]
impl BareEngine {
    /// Creates an engine (`cpu`, `pair`, `gpu` or `statistics`) over `n_samples` generated rows of
    /// `n_features`, with zero weights. A `batch_rows` of 0 is the full batch. `spawn` starts a
    /// second worker.
    #[expect(clippy::too_many_arguments, reason = "called from one place, by what the work says")]
    pub async fn create(
        engine: String,
        n_samples: u32,
        n_features: u32,
        batch_rows: u32,
        shuffle: bool,
        learning_rate: f32,
        seed: u32,
        spawn: Function,
    ) -> Result<BareEngine, Error> {
        let problem = Rc::new(problem(n_samples, n_features));
        let layout = Layout::linear(n_features, 1, true);
        let backend = open(&engine, &problem, &layout, &spawn).await?;
        let mut params = RunParams {
            n_samples,
            n_features,
            n_parameters: layout.n_parameters(),
            n_runs: 1,
            seed,
            block_rows: IN_MEMORY_BLOCK_ROWS,
            divergence_limit: f32::MAX,
            target_loss: -1.0,
            target_gradient_norm: -1.0,
            ..RunParams::default()
        };
        params.set_rule(&Optimizer::Sgd.rule());
        let batch_rows = if batch_rows == 0 { n_samples } else { batch_rows.min(n_samples) };
        let state = start(layout.n_parameters() as usize);
        let plan = Plan { n_samples, batch_rows, shuffle, learning_rate, epoch: 0, position: 0 };
        Ok(Self {
            problem,
            backend,
            state,
            params,
            plan,
            steps: Vec::with_capacity(MAX_STEPS_PER_CALL),
            trace: Vec::with_capacity(MAX_STEPS_PER_CALL),
        })
    }

    /// The name of the backend.
    pub fn name(&self) -> String {
        self.backend.name()
    }

    /// Resets to zero weights and the first row of the first epoch.
    pub fn restart(&mut self) {
        self.state = start(self.state.n_parameters);
        (self.plan.epoch, self.plan.position) = (0, 0);
    }

    /// Makes `n_steps` updates. Returns the loss of the last batch before its update.
    pub async fn advance(&mut self, n_steps: f64) -> Result<f32, Error> {
        let mut left = n_steps as u64;
        while left > 0 {
            let n = left.min(MAX_STEPS_PER_CALL as u64) as usize;
            self.plan.fill(&mut self.steps, n);
            self.backend
                .advance(&mut self.state, &self.params, &self.steps[..n], &mut self.trace)
                .await
                .map_err(|lost| Error::new(&lost.0))?;
            if let Some(detail) = self.backend.lost_partner() {
                return Err(Error::new(detail));
            }
            let reaction = self.state.reactions[0];
            if reaction.halt != 0 || reaction.taken != n as i32 {
                return Err(Error::new(&format!("the run halted ({})", reaction.halt)));
            }
            left -= n as u64;
        }
        Ok(self.trace.last().map_or(f32::NAN, |[loss, _]| *loss))
    }

    /// Returns the weights, then the bias.
    pub fn weights(&self) -> Vec<f32> {
        self.state.parameters(0).to_vec()
    }

    /// Returns the losses of up to [`MAX_STEPS_PER_CALL`] last steps, those of the engine's last
    /// call.
    pub fn losses(&self) -> Vec<f32> {
        self.trace.iter().map(|[loss, _]| *loss).collect()
    }

    /// Returns the order in which an epoch visits the rows, for peers that have to use the same.
    pub fn order(&self, epoch: u32) -> Vec<u32> {
        let n_samples = self.plan.n_samples;
        let order = Permutation::new(n_samples, IN_MEMORY_BLOCK_ROWS, self.params.seed, epoch);
        (0..n_samples).map(|position| order.row(position)).collect()
    }

    /// The bytes of features and targets, which a full batch has to read.
    pub fn data_bytes(&self) -> f64 {
        4.0 * (self.problem.features.len() + self.problem.targets.len()) as f64
    }

    /// Measures the bytes per second at which one thread reads these rows, over and over for about
    /// `budget_ms`: the limit for anything that reads each row once per step. Some memory is read
    /// faster as several streams; the fastest counts.
    pub fn read_bandwidth(&self, budget_ms: f64) -> f64 {
        let budget_ms = budget_ms / 3.0;
        let fastest = self.read::<1>(budget_ms).max(self.read::<2>(budget_ms)).max(self.read::<4>(budget_ms));
        fastest * self.data_bytes()
    }

    /// Measures passes per second over all rows, read as parallel streams.
    fn read<const N_STREAMS: usize>(&self, budget_ms: f64) -> f64 {
        let problem = &self.problem;
        rate(budget_ms, |n_passes| {
            for _ in 0..n_passes {
                let features = sum::<N_STREAMS>(black_box(&problem.features));
                black_box(features + sum::<N_STREAMS>(black_box(&problem.targets)));
            }
        })
    }
}

/// Measures the multiply-adds per second of one thread on values in registers or the first-level
/// cache, whichever is faster, for about `budget_ms`: the limit for anything bound by arithmetic.
/// This wasm has no fused multiply-add, so each is a multiplication and an addition.
#[wasm_bindgen]
pub fn multiply_add_roof(budget_ms: f64) -> f64 {
    let lanes = (4 * N_SUMS * N_CACHED_BLOCKS) as f64;
    let cached: [Block; N_CACHED_BLOCKS] = black_box([[[1e-3; 4]; N_SUMS]; N_CACHED_BLOCKS]);
    let in_cache = rate(budget_ms / 2.0, |n_passes| {
        let mut sums = [f32x4_splat(0.0); N_SUMS];
        for pass in 0..n_passes {
            // The factor changes, so that the compiler cannot move products out of the loop.
            let factor = f32x4_splat(pass as f32);
            for block in &cached {
                for (sum, values) in sums.iter_mut().zip(block) {
                    *sum = f32x4_add(*sum, f32x4_mul(load(values), factor));
                }
            }
        }
        black_box(total(sums));
    });
    let in_registers = rate(budget_ms / 2.0, |n_passes| {
        let factor = f32x4_splat(black_box(0.5));
        let term = f32x4_splat(black_box(0.25));
        let mut sums = [f32x4_splat(0.0); N_SUMS];
        for _ in 0..n_passes {
            for _ in 0..N_CACHED_BLOCKS {
                for sum in &mut sums {
                    *sum = f32x4_add(f32x4_mul(*sum, factor), term);
                }
            }
        }
        black_box(total(sums));
    });
    lanes * in_cache.max(in_registers)
}

/// Plans the rows of the next steps.
#[derive(Clone, Copy, Debug)]
struct Plan {
    n_samples: u32,
    batch_rows: u32,
    shuffle: bool,
    learning_rate: f32,
    epoch: u32,
    position: u32,
}

impl Plan {
    /// Plans at least `n` steps. All full-batch steps are the same, so they are planned once and
    /// reused.
    fn fill(&mut self, steps: &mut Vec<StepParams>, n: usize) {
        let full = self.batch_rows == self.n_samples;
        if !full {
            steps.clear();
        }
        while steps.len() < n {
            let batch_len = self.batch_rows.min(self.n_samples - self.position);
            let ends = self.position + batch_len == self.n_samples;
            let flag = |set: bool, flag: u32| if set { flag } else { 0 };
            steps.push(StepParams {
                learning_rate: self.learning_rate,
                correction1: 1.0,
                correction2: 1.0,
                epoch: self.epoch,
                batch_start: self.position,
                batch_len,
                flags: flag(self.shuffle && !full, SHUFFLED)
                    | flag(self.position == 0, EPOCH_START)
                    | flag(ends, EPOCH_END)
                    | flag(full, FULL),
                n_tiles: kernel::tiles(batch_len),
            });
            self.position = if ends { 0 } else { self.position + batch_len };
            self.epoch = self.epoch.wrapping_add(u32::from(ends));
        }
    }
}

/// Plain descent from zero.
fn start(n_parameters: usize) -> State {
    State::of_runs(&[vec![0.0; n_parameters]], SlotSet::LEAST, Vec::new())
}

async fn open(
    engine: &str,
    problem: &Rc<Problem>,
    layout: &Layout,
    spawn: &Function,
) -> Result<Backend, Error> {
    match engine {
        "cpu" => Ok(backend::cpu(Rc::clone(problem), layout)),
        "pair" => {
            let opened = downhill::web::pair::open(spawn, problem, layout).await;
            opened.map_err(|detail| Error::new(&detail))
        }
        "gpu" => {
            let said = Error::from;
            let gpu = backend::gpu::Gpu::open().await.map_err(said)?;
            let options = backend::gpu::Options { now_ms: Some(now_ms), ..Default::default() };
            let engine = backend::gpu::GpuEngine::new(gpu, problem, layout, options).await.map_err(said)?;
            Ok(Backend::Gpu(Box::new(engine)))
        }
        "statistics" => Ok(backend::cpu_by_statistics(Rc::clone(problem), layout)),
        other => Err(Error::new(&format!("the engine \"{other}\" is not built"))),
    }
}

/// Generates rows that every peer can reproduce: feature `i` of the table is a function of `i`,
/// uniform on [-1, 1), and a target is a known linear function of its row plus a tenth of such a
/// number. `benches/page/data.js` and `benches/peers/work.py` do the same.
fn problem(n_samples: u32, n_features: u32) -> Problem {
    let (n, d) = (n_samples as usize, n_features as usize);
    let mut features = vec![0.0_f32; n * d];
    for (index, feature) in features.iter_mut().enumerate() {
        *feature = uniform(index as u32);
    }
    let weights: Vec<f32> = (0..n_features).map(|j| true_weight(j, n_features)).collect();
    let mut targets = vec![0.0_f32; n];
    for (row, (target, features)) in targets.iter_mut().zip(features.chunks_exact(d)).enumerate() {
        let signal: f32 = features.iter().zip(&weights).map(|(x, w)| x * w).sum();
        *target = 0.5 + signal + 0.1 * uniform(row as u32 ^ NOISE);
    }
    Problem { n_samples, n_features, features, targets, ..Problem::default() }
}

/// A 24-bit number on [-1, 1), so that it is the same in every language.
fn uniform(counter: u32) -> f32 {
    (mix(counter) >> 8) as f32 * (1.0 / 8_388_608.0) - 1.0
}

/// Weights of both signs, scaled so that the signal has the same size for any number of features.
fn true_weight(j: u32, n_features: u32) -> f32 {
    (f64::from((5 * j) % 7) - 2.0) as f32 / (n_features as f32).sqrt()
}

/// Measures calls of `work(1)` per second, doubling the number of calls until they take
/// `budget_ms`, because clocks are coarse.
fn rate(budget_ms: f64, mut work: impl FnMut(u32)) -> f64 {
    work(1);
    let mut n_passes = 1;
    loop {
        let start = now_ms();
        work(n_passes);
        let elapsed_ms = now_ms() - start;
        if elapsed_ms >= budget_ms {
            return 1000.0 * f64::from(n_passes) / elapsed_ms;
        }
        n_passes *= 2;
    }
}

/// Sums the values as `N_STREAMS` parallel streams.
fn sum<const N_STREAMS: usize>(values: &[f32]) -> f32 {
    let n_blocks = values.len() / (N_STREAMS * 4 * N_SUMS);
    let (whole, rest) = values.split_at(n_blocks * N_STREAMS * 4 * N_SUMS);
    let mut streams = [whole; N_STREAMS];
    for (index, stream) in streams.iter_mut().enumerate() {
        *stream = &whole[index * n_blocks * 4 * N_SUMS..][..n_blocks * 4 * N_SUMS];
    }
    let mut sums = [f32x4_splat(0.0); N_SUMS];
    let streams = streams.map(blocks);
    for at in 0..n_blocks {
        for stream in streams {
            for (sum, values) in sums.iter_mut().zip(&stream[at]) {
                *sum = f32x4_add(*sum, load(values));
            }
        }
    }
    total(sums) + rest.iter().sum::<f32>()
}

fn blocks(values: &[f32]) -> &[Block] {
    values.as_chunks::<4>().0.as_chunks::<N_SUMS>().0
}

#[inline]
fn load(values: &[f32; 4]) -> v128 {
    f32x4(values[0], values[1], values[2], values[3])
}

fn total(sums: [v128; N_SUMS]) -> f32 {
    let sum = sums.into_iter().fold(f32x4_splat(0.0), |sum, next| f32x4_add(sum, next));
    f32x4_extract_lane::<0>(sum)
        + f32x4_extract_lane::<1>(sum)
        + f32x4_extract_lane::<2>(sum)
        + f32x4_extract_lane::<3>(sum)
}
