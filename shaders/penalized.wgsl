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
    let p = Parameter(
        state_at(j),
        state_at(SLOT_FIRST_MOMENT * N_PARAMETERS + j),
        state_at(SLOT_SECOND_MOMENT * N_PARAMETERS + j),
    );
    let l1 = select(0.0, own.l1, j < N_WEIGHTS);
    return optimize_sparsely(run_params, p, total_at(j), rate, step.correction1, step.correction2, l1);
}

fn optimize_sparsely(
    run_params: RunParams,
    p: Parameter,
    gradient: f32,
    rate: f32,
    correction1: f32,
    correction2: f32,
    l1: f32,
) -> Parameter {
    let plain = optimize(run_params, p, gradient, rate, correction1, correction2);
    if (l1 == 0.0 || rate == 0.0) {
        return plain;
    }
    var scale = 1.0;
    switch run_params.rule {
        case OPTIMIZER_MOMENTUM: {
            if (abs(plain.weight) > rate * l1) {
                let slope = gradient + l1 * sign(plain.weight);
                return optimize(run_params, p, slope, rate, correction1, correction2);
            }
            return Parameter(0.0, p.weight / rate, p.second_moment);
        }
        case OPTIMIZER_NESTEROV: {
            let reached = p.weight - rate * gradient;
            if (abs(reached) > rate * l1) {
                let slope = gradient + l1 * sign(reached);
                return optimize(run_params, p, slope, rate, correction1, correction2);
            }
            let ahead = rate * run_params.beta1;
            let m = (p.weight + ahead * p.first_moment) / rate;
            return Parameter(-ahead * m, m, p.second_moment);
        }
        case OPTIMIZER_ADA_GRAD, OPTIMIZER_RMS_PROP: {
            scale = 1.0 / (sqrt(plain.second_moment) + run_params.epsilon);
        }
        case OPTIMIZER_ADAM, OPTIMIZER_ADAM_W: {
            scale = 1.0 / (sqrt(plain.second_moment) / sqrt(correction2) + run_params.epsilon);
        }
        default: {}
    }
    return Parameter(shrink(plain.weight, rate * scale * l1), plain.first_moment, plain.second_moment);
}

fn shrink(weight: f32, threshold: f32) -> f32 {
    return select(weight - threshold * sign(weight), 0.0, abs(weight) <= threshold);
}
