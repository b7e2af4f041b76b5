// Update rules, as `optimize` and `optimize_sparsely` in src/choices/optimizer.rs, which gives formulas and sources.

struct Parameter {
    weight: f32,
    first_moment: f32,
    second_moment: f32,
}

fn optimize(run_params: RunParams, p: Parameter, gradient: f32, rate: f32, correction1: f32, correction2: f32) -> Parameter {
    var weight = p.weight;
    var m = p.first_moment;
    var v = p.second_moment;
    switch run_params.rule {
        case OPTIMIZER_MOMENTUM: {
            m = run_params.beta1 * m + gradient;
            weight -= rate * m;
        }
        case OPTIMIZER_NESTEROV: {
            m = run_params.beta1 * m + gradient;
            weight -= rate * (gradient + run_params.beta1 * m);
        }
        case OPTIMIZER_ADA_GRAD: {
            v += gradient * gradient;
            weight -= rate * gradient / (sqrt(v) + run_params.epsilon);
        }
        case OPTIMIZER_RMS_PROP: {
            v = run_params.beta2 * v + (1.0 - run_params.beta2) * gradient * gradient;
            weight -= rate * gradient / (sqrt(v) + run_params.epsilon);
        }
        case OPTIMIZER_ADAM, OPTIMIZER_ADAM_W: {
            m = run_params.beta1 * m + (1.0 - run_params.beta1) * gradient;
            v = run_params.beta2 * v + (1.0 - run_params.beta2) * gradient * gradient;
            let decayed = weight - rate * run_params.weight_decay * weight;
            let denominator = sqrt(v) / sqrt(correction2) + run_params.epsilon;
            weight = decayed - rate / correction1 * m / denominator;
        }
        case OPTIMIZER_LION: {
            let mean = run_params.beta1 * m + (1.0 - run_params.beta1) * gradient;
            m = run_params.beta2 * m + (1.0 - run_params.beta2) * gradient;
            weight = weight - rate * run_params.weight_decay * weight - rate * sign(mean);
        }
        default: {
            weight -= rate * gradient;
        }
    }
    return Parameter(weight, m, v);
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
        case OPTIMIZER_LION: {
            let mean = run_params.beta1 * p.first_moment + (1.0 - run_params.beta1) * gradient;
            let slope = select(mean + l1 * sign(p.weight), shrink(mean, l1), p.weight == 0.0);
            let weight = p.weight - rate * run_params.weight_decay * p.weight - rate * sign(slope);
            let crosses = sign(weight) * sign(p.weight) < 0.0;
            return Parameter(select(weight, 0.0, crosses), plain.first_moment, plain.second_moment);
        }
        default: {}
    }
    return Parameter(shrink(plain.weight, rate * scale * l1), plain.first_moment, plain.second_moment);
}

fn shrink(weight: f32, threshold: f32) -> f32 {
    return select(weight - threshold * sign(weight), 0.0, abs(weight) <= threshold);
}
