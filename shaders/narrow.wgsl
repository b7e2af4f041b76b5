// A tile's sums where there are few features: a lane takes a row at a time and keeps every sum to itself. Says into
// `sums[j][0]` what it found of sum j; `feature_at`, `target_at` and `state_at` are the kernel's own.

// Sums that a lane folds at a time: two short rounds need three barriers, where halving needs seven.
const FOLD: u32 = 8u;

var<workgroup> sums: array<array<f32, WORKGROUP_SIZE>, N_SUMS>;

fn sum_tile(step: StepParams, block: Block, live: bool, tile: u32, n_tiles: u32, lane: u32) {
    var sum: array<f32, N_SUMS>;
    if (live) {
        var weights: array<f32, N_PARAMETERS>;
        for (var j = 0u; j < N_PARAMETERS; j++) {
            weights[j] = state_at(j);
        }
        let shuffled = (step.flags & SHUFFLED) != 0u;
        var order: Permutation;
        if (shuffled) {
            order = permutation(run_params.n_samples, run_params.block_rows, run_params.seed, step.epoch);
        }
        let positions = positions_in(step, block);
        let stride = n_tiles * WORKGROUP_SIZE;
        for (var i = positions.x + tile * WORKGROUP_SIZE + lane; i < positions.y; i += stride) {
            var row = i;
            if (shuffled) {
                row = permuted_row(order, i);
                if (row < block.first_row || row >= block.end_row) { continue; }
            }
            row -= block.first_row;
            let start = row * N_FEATURES;
            var x: array<f32, N_FEATURES>;
            var residual = -target_at(row);
            for (var j = 0u; j < N_FEATURES; j++) {
                x[j] = feature_at(start + j);
                residual += weights[j] * x[j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                residual += weights[N_PARAMETERS - 1u];
            }
            let slope = squared_error_derivative(residual);
            for (var j = 0u; j < N_FEATURES; j++) {
                sum[j] += slope * x[j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                sum[N_PARAMETERS - 1u] += slope;
            }
            sum[N_SUMS - 1u] += squared_error(residual);
        }
    }
    for (var j = 0u; j < N_SUMS; j++) {
        sums[j][lane] = sum[j];
    }
    workgroupBarrier();
    for (var item = lane; item < N_SUMS * FOLD; item += WORKGROUP_SIZE) {
        let j = item / FOLD;
        let part = item % FOLD;
        var folded = 0.0;
        for (var other = part; other < WORKGROUP_SIZE; other += FOLD) {
            folded += sums[j][other];
        }
        sums[j][part] = folded;
    }
    workgroupBarrier();
    for (var j = lane; j < N_SUMS; j += WORKGROUP_SIZE) {
        var folded = 0.0;
        for (var part = 0u; part < FOLD; part++) {
            folded += sums[j][part];
        }
        sums[j][0] = folded;
    }
    workgroupBarrier();
}
