// An update from the sums of equally weighted rows, of runs without settings.

// Turns sums into means. Returns the lane's part of the gradient's squared norm.
fn average(run: u32, step: StepParams, lane: u32, first: u32) -> f32 {
    var square = 0.0;
    for (var j = first; j < N_SUMS; j += UPDATE_LANES) {
        let mean = sum_of(j) / f32(step.batch_len);
        set_total(j, mean);
        if (j < N_PARAMETERS) {
            square += mean * mean;
        } else {
            loss = mean;
        }
    }
    return square;
}

fn rate_of(step: StepParams) -> f32 {
    return step.learning_rate * reaction.rate_scale;
}

fn updated(step: StepParams, j: u32) -> Parameter {
    return optimize(run_params, parameter_at(j), total_at(j), rate, step.correction1, step.correction2);
}
