// Twins of the structs in src/backend/kernel.rs; a test compares names, offsets and sizes.

struct StepParams {
    learning_rate: f32,
    correction1: f32,
    correction2: f32,
    epoch: u32,
    batch_start: u32,
    batch_len: u32,
    flags: u32,
    n_tiles: u32,
}

struct RunParams {
    n_samples: u32,
    n_features: u32,
    n_parameters: u32,
    n_runs: u32,
    trace_capacity: u32,
    seed: u32,
    block_rows: u32,
    max_tiles: u32,
    rule: u32,
    beta1: f32,
    beta2: f32,
    epsilon: f32,
    weight_decay: f32,
    reaction: u32,
    increase: f32,
    decrease: f32,
    threshold: f32,
    patience: u32,
    cooldown: u32,
    minimum_scale: f32,
    divergence_limit: f32,
    target_loss: f32,
    target_gradient_norm: f32,
    steps_per_dispatch: u32,
    loss: u32,
    loss_parameter: f32,
}

// The rows that one buffer holds.
struct Block {
    first_row: u32,
    end_row: u32,
    index: u32,
    n_blocks: u32,
}

struct Reaction {
    rate_scale: f32,
    best_loss: f32,
    anchor_loss: f32,
    epoch_loss: f32,
    epoch_loss_tail: f32,
    epoch_rows: u32,
    n_tail: u32,
    n_bad: u32,
    cooldown_left: u32,
    halt: u32,
    taken: i32,
    cursor: u32,
    evaluated_loss: f32,
    evaluated_gradient_norm: f32,
    last_epoch_loss: f32,
    padding: u32,
}

const SHUFFLED: u32 = 1u;
const EPOCH_START: u32 = 2u;
const EPOCH_END: u32 = 4u;
const FULL: u32 = 8u;
const EVALUATE: u32 = 16u;

const REDUCE_ON_PLATEAU: u32 = 1u;
const BOLD_DRIVER: u32 = 2u;

const HALT_NOT_FINITE: u32 = 1u;
const HALT_LOSS: u32 = 2u;
const HALT_TARGET_LOSS: u32 = 3u;
const HALT_TARGET_GRADIENT: u32 = 4u;

const SLOT_WEIGHT: u32 = 0u;
const SLOT_FIRST_MOMENT: u32 = 1u;
const SLOT_SECOND_MOMENT: u32 = 2u;
const SLOT_PREVIOUS: u32 = 3u;
const SLOT_EPOCH_START: u32 = 4u;
const SLOT_ANCHOR: u32 = 5u;
const SLOT_COUNT: u32 = 6u;
