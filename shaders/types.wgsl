// The structs of src/backend/kernel.rs; a test compares names, offsets and sizes. Constants that
// Rust has too are defined only there and are put in front of every kernel.

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

// One buffer's part of the rows.
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
