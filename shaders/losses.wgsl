// Losses, pointwise, as in src/choices/loss.rs. LOSS selects one: it is a constant, so that drivers
// drop the others.

const LN_2: f32 = 0.69314718;

fn loss_value(kind: u32, parameter: f32, z: f32, y: f32) -> f32 {
    let r = z - y;
    let size = abs(r);
    let q = r * r;
    switch kind {
        case LOSS_ABSOLUTE: {
            return size;
        }
        case LOSS_HUBER: {
            return select(parameter * (size - 0.5 * parameter), 0.5 * q, size <= parameter);
        }
        case LOSS_LOG_COSH: {
            let small = q * (0.5 - q * (1.0 / 12.0 - q * (1.0 / 45.0 - q * (17.0 / 2520.0))));
            return select(size + log_1p(exp(-2.0 * size)) - LN_2, small, size < SMALL_RESIDUAL);
        }
        case LOSS_QUANTILE: {
            return select(-parameter, 1.0 - parameter, r > 0.0) * r;
        }
        case LOSS_LOGISTIC: {
            return (max(z, 0.0) - y * z) + log_1p(exp(-abs(z)));
        }
        case LOSS_POISSON: {
            return exp(z) - y * z;
        }
        case LOSS_SQUARED_HINGE: {
            let gap = 1.0 - (2.0 * y - 1.0) * z;
            return select(gap * gap, 0.0, gap < 0.0);
        }
        default: {
            return q;
        }
    }
}

fn loss_derivative(kind: u32, parameter: f32, z: f32, y: f32) -> f32 {
    let r = z - y;
    let size = abs(r);
    switch kind {
        case LOSS_ABSOLUTE: {
            return sign(r);
        }
        case LOSS_HUBER: {
            return max(min(r, parameter), -parameter);
        }
        case LOSS_LOG_COSH: {
            let q = r * r;
            let small = r * (1.0 - q * (1.0 / 3.0 - q * (2.0 / 15.0 - q * (17.0 / 315.0 - q * (62.0 / 2835.0)))));
            let e = exp(-2.0 * size);
            return select(sign(r) * (1.0 - e) / (1.0 + e), small, size < SMALL_RESIDUAL);
        }
        case LOSS_QUANTILE: {
            return select(select(0.0, -parameter, r < 0.0), 1.0 - parameter, r > 0.0);
        }
        case LOSS_LOGISTIC: {
            let e = exp(-abs(z));
            let rare = e / (1.0 + e);
            return select(rare - y, (1.0 - y) - rare, z > 0.0);
        }
        case LOSS_POISSON: {
            return exp(z) - y;
        }
        case LOSS_SQUARED_HINGE: {
            let t = 2.0 * y - 1.0;
            let gap = 1.0 - t * z;
            return select(-2.0 * t * gap, 0.0, gap < 0.0);
        }
        default: {
            return 2.0 * r;
        }
    }
}

fn softmax(outputs: ptr<function, array<f32, N_OUTPUTS>>, y: f32) -> f32 {
    let class_index = u32(y);
    var largest = (*outputs)[0];
    for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
        largest = max(largest, (*outputs)[k]);
    }
    var behind = 0.0;
    var others = 0.0;
    var own = 0.0;
    for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
        let distance = (*outputs)[k] - largest;
        let e = exp(distance);
        (*outputs)[k] = e;
        behind -= select(0.0, distance, k == class_index);
        own += select(0.0, e, k == class_index);
        others += select(e, 0.0, k == class_index);
    }
    let scale = 1.0 / (others + own);
    for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
        (*outputs)[k] = select((*outputs)[k], -others, k == class_index) * scale;
    }
    return behind + log_1p(others + (own - 1.0));
}

fn log_1p(x: f32) -> f32 {
    let small = x * (1.0 - x * (0.5 - x * (1.0 / 3.0 - x * (0.25 - x * (0.2 - x * (1.0 / 6.0))))));
    return select(log(1.0 + x), small, x < 0.1);
}

// Returns the loss of a row and turns its outputs into slopes.
fn loss_and_slopes(outputs: ptr<function, array<f32, N_OUTPUTS>>, y: f32) -> f32 {
    if (LOSS == LOSS_SOFTMAX) {
        return softmax(outputs, y);
    }
    let z = (*outputs)[0];
    (*outputs)[0] = loss_derivative(LOSS, run_params.loss_parameter, z, y);
    return loss_value(LOSS, run_params.loss_parameter, z, y);
}
