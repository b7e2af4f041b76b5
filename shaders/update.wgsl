// Brings the tiles' sums together and makes one update: one workgroup a run. The twin of `update` in
// src/backend/cpu.rs, where the order of decisions is explained.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> reactions: array<Reaction>;
// Batch loss and rate of every step, [run][step].
@group(0) @binding(5) var<storage, read_write> trace: array<vec2<f32>>;

var<workgroup> sums: array<array<f32, N_SUMS>, WORKGROUP_SIZE>;
var<workgroup> total: array<f32, N_SUMS>;
var<workgroup> updated: array<Parameter, N_PARAMETERS>;
var<workgroup> reaction: Reaction;
var<workgroup> action: u32;

const SKIP: u32 = 0u;
const UPDATE: u32 = 1u;
const RESTORE_PREVIOUS: u32 = 2u;
const RESTORE_ANCHOR: u32 = 3u;

const N_TAIL: u32 = 1024u;
const RISE: f32 = 1e-6;

// By bits, since compilers may assume that no float is infinite or undefined.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7F800000u) != 0x7F800000u;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.x;
    let base = run * SLOT_COUNT * N_PARAMETERS;
    let cursor = reactions[run].cursor;
    let step = steps[min(cursor, run_params.trace_capacity - 1u)];

    var sum: array<f32, N_SUMS>;
    for (var tile = lane; tile < step.n_tiles; tile += WORKGROUP_SIZE) {
        let start = (run * run_params.max_tiles + tile) * N_SUMS;
        for (var j = 0u; j < N_SUMS; j++) {
            sum[j] += partials[start + j];
        }
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
        if (lane < width) {
            for (var j = 0u; j < N_SUMS; j++) {
                sums[lane][j] += sums[lane + width][j];
            }
        }
        workgroupBarrier();
    }

    if (lane == 0u) {
        reaction = reactions[run];
        let rows = f32(step.batch_len);
        var square = 0.0;
        for (var j = 0u; j < N_SUMS; j++) {
            total[j] = sums[0][j] / rows;
            if (j < N_PARAMETERS) {
                square += total[j] * total[j];
            }
        }
        action = decide(step, total[N_SUMS - 1u], sqrt(square));
        if (reaction.halt == 0u && (step.flags & EVALUATE) == 0u) {
            trace[run * run_params.trace_capacity + cursor] =
                vec2<f32>(total[N_SUMS - 1u], step.learning_rate * reactions[run].rate_scale);
        }
    }
    workgroupBarrier();

    // The rate of this update is the one before its own reaction.
    let rate = step.learning_rate * reactions[run].rate_scale;
    for (var j = lane; j < N_PARAMETERS; j += WORKGROUP_SIZE) {
        if (bold() && (step.flags & EVALUATE) == 0u && (step.flags & EPOCH_START) != 0u && (action == UPDATE)) {
            state[base + SLOT_EPOCH_START * N_PARAMETERS + j] = state[base + j];
        }
        let p = Parameter(
            state[base + j],
            state[base + SLOT_FIRST_MOMENT * N_PARAMETERS + j],
            state[base + SLOT_SECOND_MOMENT * N_PARAMETERS + j],
        );
        updated[j] = optimize(run_params, p, total[j], rate, step.correction1, step.correction2);
    }
    workgroupBarrier();
    if (lane == 0u) {
        if (action == UPDATE) {
            for (var j = 0u; j < N_PARAMETERS; j++) {
                let p = updated[j];
                if (!is_finite(p.weight) || !is_finite(p.first_moment) || !is_finite(p.second_moment)) {
                    action = SKIP;
                    reaction.halt = HALT_NOT_FINITE;
                }
            }
        }
        if (reaction.halt == 0u) {
            if ((step.flags & EVALUATE) == 0u) {
                reaction.taken += 1;
            }
        }
        reaction.cursor = cursor + 1u;
    }
    workgroupBarrier();

    for (var j = lane; j < N_PARAMETERS; j += WORKGROUP_SIZE) {
        let weight = base + j;
        let first = base + SLOT_FIRST_MOMENT * N_PARAMETERS + j;
        let second = base + SLOT_SECOND_MOMENT * N_PARAMETERS + j;
        let previous = base + SLOT_PREVIOUS * N_PARAMETERS + j;
        let epoch_start = base + SLOT_EPOCH_START * N_PARAMETERS + j;
        let anchor = base + SLOT_ANCHOR * N_PARAMETERS + j;
        switch action {
            case UPDATE: {
                if (bold() && (step.flags & EPOCH_END) != 0u) {
                    state[anchor] = state[epoch_start];
                }
                state[previous] = state[weight];
                state[weight] = updated[j].weight;
                state[first] = updated[j].first_moment;
                state[second] = updated[j].second_moment;
            }
            case RESTORE_PREVIOUS: {
                state[weight] = state[previous];
                state[first] = 0.0;
                state[second] = 0.0;
            }
            case RESTORE_ANCHOR: {
                state[weight] = state[anchor];
                state[previous] = state[anchor];
                state[first] = 0.0;
                state[second] = 0.0;
            }
            default: {}
        }
    }
    if (lane == 0u) {
        reactions[run] = reaction;
    }
}

fn bold() -> bool {
    return run_params.reaction == BOLD_DRIVER;
}

// What this step does to the weights, and what the run makes of it.
fn decide(step: StepParams, loss: f32, gradient_norm: f32) -> u32 {
    if ((step.flags & EVALUATE) != 0u) {
        reaction.evaluated_loss = loss;
        reaction.evaluated_gradient_norm = gradient_norm;
        return SKIP;
    }
    if (reaction.halt != 0u) {
        return SKIP;
    }
    if (!is_finite(loss) || loss > run_params.divergence_limit) {
        reaction.halt = HALT_LOSS;
        reaction.taken -= 1;
        return RESTORE_PREVIOUS;
    }
    if ((step.flags & FULL) != 0u) {
        if (loss <= run_params.target_loss) {
            reaction.halt = HALT_TARGET_LOSS;
            return SKIP;
        }
        if (gradient_norm <= run_params.target_gradient_norm) {
            reaction.halt = HALT_TARGET_GRADIENT;
            return SKIP;
        }
    }
    if ((step.flags & EPOCH_START) != 0u) {
        reaction.epoch_loss = 0.0;
        reaction.epoch_loss_tail = 0.0;
        reaction.n_tail = 0u;
        reaction.epoch_rows = 0u;
    }
    reaction.epoch_loss_tail += loss * f32(step.batch_len);
    reaction.epoch_rows += step.batch_len;
    reaction.n_tail += 1u;
    if (reaction.n_tail == N_TAIL) {
        reaction.epoch_loss += reaction.epoch_loss_tail;
        reaction.epoch_loss_tail = 0.0;
        reaction.n_tail = 0u;
    }
    if ((step.flags & EPOCH_END) == 0u) {
        return UPDATE;
    }
    let epoch_loss = (reaction.epoch_loss + reaction.epoch_loss_tail) / f32(reaction.epoch_rows);
    reaction.last_epoch_loss = epoch_loss;
    if (run_params.reaction == REDUCE_ON_PLATEAU) {
        plateau(epoch_loss);
    } else if (run_params.reaction == BOLD_DRIVER) {
        if (epoch_loss > reaction.anchor_loss * (1.0 + RISE)) {
            reaction.rate_scale *= run_params.decrease;
            return RESTORE_ANCHOR;
        }
        reaction.anchor_loss = epoch_loss;
        reaction.rate_scale *= run_params.increase;
    }
    return UPDATE;
}

fn plateau(epoch_loss: f32) {
    if (epoch_loss < reaction.best_loss * (1.0 - run_params.threshold)) {
        reaction.best_loss = epoch_loss;
        reaction.n_bad = 0u;
    } else {
        reaction.n_bad += 1u;
    }
    if (reaction.cooldown_left > 0u) {
        reaction.cooldown_left -= 1u;
        reaction.n_bad = 0u;
    }
    if (reaction.n_bad > run_params.patience) {
        reaction.rate_scale = max(reaction.rate_scale * run_params.decrease, run_params.minimum_scale);
        reaction.cooldown_left = run_params.cooldown;
        reaction.n_bad = 0u;
    }
}
