// An update from the sums of rows with sample weights or folds, of runs with settings: penalties
// and rates of their own; see plain.wgsl.

var<private> own: RunSettings;
var<workgroup> penalties: array<f32, WORKGROUP_SIZE>;

// Turns sums into means and adds the penalty. Returns the lane's part of the squared norm of the
// subgradient of least norm.
fn average(run: u32, step: StepParams, lane: u32, first: u32) -> f32 {
    own = settings[run];
    let validates = (step.flags & VALIDATE) != 0u;
    let scale = select(own.training_scale, own.validation_scale, validates);
    var square = 0.0;
    var penalty = 0.0;
    for (var j = first; j < N_SUMS; j += UPDATE_LANES) {
        var mean = sum_of(j) / f32(step.batch_len) * scale;
        if (j < N_PARAMETERS) {
            let counts = j < N_WEIGHTS && !validates;
            let weight = select(0.0, state_at(j), counts);
            let l1 = select(0.0, own.l1, counts);
            mean += own.l2 * weight;
            penalty += l1 * abs(weight) + 0.5 * own.l2 * weight * weight;
            let slope = minimal_slope(mean, weight, l1);
            square += slope * slope;
        }
        set_total(j, mean);
    }
    penalties[lane] = penalty;
    meet();
    for (var leader = lane; leader < 1u; leader++) {
        var sum = 0.0;
        for (var other = 0u; other < min(UPDATE_LANES, N_SUMS); other++) {
            sum += penalties[other];
        }
        loss = total_at(N_SUMS - 1u) + sum;
    }
    return square;
}

fn minimal_slope(slope: f32, weight: f32, l1: f32) -> f32 {
    return select(slope + l1 * sign(weight), max(abs(slope) - l1, 0.0), weight == 0.0);
}

fn rate_of(step: StepParams) -> f32 {
    return step.learning_rate * (reaction.rate_scale * own.rate_factor);
}

fn updated(step: StepParams, j: u32) -> Parameter {
    let l1 = select(0.0, own.l1, j < N_WEIGHTS);
    return optimize_sparsely(run_params, parameter_at(j), total_at(j), rate, step.correction1, step.correction2, l1);
}
