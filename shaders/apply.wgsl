// One update from the sums over a batch. `update` in src/backend/cpu/update.rs does the same and
// explains the order of decisions. Each kernel provides `sum_of`, `total_at`, `set_total`,
// `state_at` and `set_state`; `average`, `updated` and `rate_of` depend on whether runs have settings.

var<workgroup> reaction: Reaction;
var<workgroup> action: u32;
var<workgroup> squares: array<f32, WORKGROUP_SIZE>;
var<workgroup> loss: f32;
var<workgroup> rate: f32;
var<workgroup> n_not_finite: atomic<u32>;

const SKIP: u32 = 0u;
const UPDATE: u32 = 1u;
const RESTORE_PREVIOUS: u32 = 2u;
const RESTORE_ANCHOR: u32 = 3u;

// Compares bits, because compilers may assume that no float is infinite or NaN.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7F800000u) != 0x7F800000u;
}

// If one lane updates every parameter, it need not wait for others.
fn meet() {
    if (UPDATE_LANES > 1u) {
        workgroupBarrier();
    }
}

fn apply(run: u32, step: StepParams, cursor: u32, lane: u32) {
    let measured = (step.flags & EVALUATE) != 0u;
    // Loops instead of `if`, because software adapters execute both sides of an `if`.
    let first = select(N_SUMS, lane, lane < UPDATE_LANES);
    var square = average(run, step, lane, first);
    squares[lane] = square;
    meet();
    for (var leader = lane; leader < 1u; leader++) {
        for (var other = 1u; other < min(UPDATE_LANES, N_SUMS); other++) {
            square += squares[other];
        }
        rate = rate_of(step);
        if (reaction.halt == 0u && !measured) {
            trace[run * run_params.trace_capacity + cursor] = vec2<f32>(loss, rate);
        }
        action = decide(step, loss, sqrt(square));
        atomicStore(&n_not_finite, 0u);
    }
    meet();
    for (var j = first; j < N_PARAMETERS && action == UPDATE; j += UPDATE_LANES) {
        let p = updated(step, j);
        if (!is_finite(p.weight) || !is_finite(p.first_moment) || !is_finite(p.second_moment)) {
            atomicStore(&n_not_finite, 1u);
        }
    }
    meet();
    for (var j = first; j < N_PARAMETERS && action != SKIP; j += UPDATE_LANES) {
        write(step, j, atomicLoad(&n_not_finite) == 0u);
    }
    meet();
    for (var leader = lane; leader < 1u; leader++) {
        if (atomicLoad(&n_not_finite) != 0u) {
            reaction.halt = HALT_NOT_FINITE;
        }
        if (reaction.halt == 0u && !measured) {
            reaction.taken += 1;
        }
        reaction.cursor = cursor + 1u;
    }
    workgroupBarrier();
}

fn write(step: StepParams, j: u32, finite: bool) {
    let previous = SLOT_PREVIOUS * N_PARAMETERS + j;
    let epoch_start = SLOT_EPOCH_START * N_PARAMETERS + j;
    let anchor = SLOT_ANCHOR * N_PARAMETERS + j;
    switch action {
        case UPDATE: {
            if (bold() && (step.flags & EPOCH_START) != 0u) {
                set_state(epoch_start, state_at(j));
            }
            if (!finite) { return; }
            // Recomputed rather than kept, because there may be thousands.
            let p = updated(step, j);
            if (bold() && (step.flags & EPOCH_END) != 0u) {
                set_state(anchor, state_at(epoch_start));
            }
            set_state(previous, state_at(j));
            set_state(j, p.weight);
            set_moments(j, p.first_moment, p.second_moment);
        }
        case RESTORE_PREVIOUS: {
            set_state(j, state_at(previous));
            set_moments(j, 0.0, 0.0);
        }
        case RESTORE_ANCHOR: {
            set_state(j, state_at(anchor));
            set_state(previous, state_at(anchor));
            set_moments(j, 0.0, 0.0);
        }
        default: {}
    }
}

// A parameter with its moments; one without a slot is 0.
fn parameter_at(j: u32) -> Parameter {
    var p = Parameter(state_at(j), 0.0, 0.0);
    if (HAS_FIRST_MOMENT != 0u) {
        p.first_moment = state_at(SLOT_FIRST_MOMENT * N_PARAMETERS + j);
    }
    if (HAS_SECOND_MOMENT != 0u) {
        p.second_moment = state_at(SLOT_SECOND_MOMENT * N_PARAMETERS + j);
    }
    return p;
}

fn set_moments(j: u32, first: f32, second: f32) {
    if (HAS_FIRST_MOMENT != 0u) {
        set_state(SLOT_FIRST_MOMENT * N_PARAMETERS + j, first);
    }
    if (HAS_SECOND_MOMENT != 0u) {
        set_state(SLOT_SECOND_MOMENT * N_PARAMETERS + j, second);
    }
}

fn bold() -> bool {
    return run_params.reaction == SCHEDULE_BOLD_DRIVER;
}

// The effect of this step on the weights and on the run.
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
    if (run_params.reaction == SCHEDULE_REDUCE_ON_PLATEAU) {
        plateau(epoch_loss);
    } else if (run_params.reaction == SCHEDULE_BOLD_DRIVER) {
        if (epoch_loss > reaction.anchor_loss + RISE * abs(reaction.anchor_loss)) {
            reaction.rate_scale *= run_params.decrease;
            return RESTORE_ANCHOR;
        }
        reaction.anchor_loss = epoch_loss;
        reaction.rate_scale *= run_params.increase;
    }
    return UPDATE;
}

fn plateau(epoch_loss: f32) {
    if (epoch_loss < reaction.best_loss - run_params.threshold * abs(reaction.best_loss)) {
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
