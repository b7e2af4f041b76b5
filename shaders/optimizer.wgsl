// Update rules, as `optimize` in src/choices/optimizer.rs, which gives formulas and sources.

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
        default: {
            weight -= rate * gradient;
        }
    }
    return Parameter(weight, m, v);
}
