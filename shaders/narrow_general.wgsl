// Sums of a tile for few features with any loss, sample weights and several outputs; see
// narrow.wgsl.
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
            var z: array<f32, N_OUTPUTS>;
            if (N_PARAMETERS > N_WEIGHTS) {
                for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
                    z[k] = weights[N_PARAMETERS - N_OUTPUTS + k];
                }
            }
            for (var j = 0u; j < N_FEATURES; j++) { // unrolled
                x[j] = feature_at(start + j);
                for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
                    z[k] += weights[j * N_OUTPUTS + k] * x[j];
                }
            }
            let loss = loss_and_slopes(&z, target_at(row));
            let share = share_of(row, run, step);
            // A row of weight 0 may have an infinite loss.
            for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
                z[k] = select(0.0, share * z[k], share != 0.0);
            }
            for (var j = 0u; j < N_FEATURES; j++) { // unrolled
                for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
                    sum[j * N_OUTPUTS + k] += z[k] * x[j];
                }
            }
            if (N_PARAMETERS > N_WEIGHTS) {
                for (var k = 0u; k < N_OUTPUTS; k++) { // unrolled
                    sum[N_PARAMETERS - N_OUTPUTS + k] += z[k];
                }
            }
            sum[N_SUMS - 1u] += select(0.0, share * loss, share != 0.0);
        }
    }
    for (var j = 0u; j < N_SUMS; j++) { // unrolled
        sums[j][lane] = sum[j];
    }
    fold_lanes(lane);
}
