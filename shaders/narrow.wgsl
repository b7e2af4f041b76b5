// Sums of a tile for few features: each lane takes one row at a time and keeps every sum. Each
// kernel provides `feature_at`, `target_at` and `state_at`.

fn sum_tile(run: u32, step: StepParams, block: Block, live: bool, tile: u32, n_tiles: u32, lane: u32) {
    var sum: array<f32, N_SUMS>;
    if (live) {
        var weights: array<f32, N_PARAMETERS>;
        for (var j = 0u; j < N_PARAMETERS; j++) { // unrolled
            weights[j] = state_at(j);
        }
        begin_order(run, step);
        let positions = positions_in(step, block);
        let stride = n_tiles * WORKGROUP_SIZE;
        for (var i = positions.x + tile * WORKGROUP_SIZE + lane; i < positions.y; i += stride) {
            var row = row_at(i);
            if (elsewhere(row, block)) { continue; }
            row -= block.first_row;
            let start = row * N_FEATURES;
            var x: array<f32, N_FEATURES>;
            var residual = -target_at(row);
            for (var j = 0u; j < N_FEATURES; j++) { // unrolled
                x[j] = feature_at(start + j);
                residual += weights[j] * x[j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                residual += weights[N_PARAMETERS - 1u];
            }
            let slope = squared_error_derivative(residual);
            for (var j = 0u; j < N_FEATURES; j++) { // unrolled
                sum[j] += slope * x[j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                sum[N_PARAMETERS - 1u] += slope;
            }
            sum[N_SUMS - 1u] += squared_error(residual);
        }
    }
    for (var j = 0u; j < N_SUMS; j++) { // unrolled
        sums[j][lane] = sum[j];
    }
    fold_lanes(lane);
}
