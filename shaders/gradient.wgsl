// Partial sums of a batch's loss and gradient: one workgroup a tile, one column of workgroups a run.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;

var<workgroup> sums: array<array<f32, N_SUMS>, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let tile = group.x;
    let run = group.y;
    let step = steps[min(reactions[run].cursor, run_params.trace_capacity - 1u)];

    var sum: array<f32, N_SUMS>;
    // A halted run waits for its neighbours; only measuring it still makes sense.
    let live = reactions[run].halt == 0u || (step.flags & EVALUATE) != 0u;
    if (tile < step.n_tiles && live) {
        var weights: array<f32, N_PARAMETERS>;
        let base = run * SLOT_COUNT * N_PARAMETERS;
        for (var j = 0u; j < N_PARAMETERS; j++) {
            weights[j] = state[base + j];
        }
        let shuffled = (step.flags & SHUFFLED) != 0u;
        let order = permutation(run_params.n_samples, run_params.block_rows, run_params.seed, step.epoch);
        let stride = step.n_tiles * WORKGROUP_SIZE;
        for (var i = tile * WORKGROUP_SIZE + lane; i < step.batch_len; i += stride) {
            var row = step.batch_start + i;
            if (shuffled) {
                row = permuted_row(order, row);
            }
            let start = row * N_FEATURES;
            var residual = -targets[row];
            for (var j = 0u; j < N_FEATURES; j++) {
                residual += weights[j] * features[start + j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                residual += weights[N_PARAMETERS - 1u];
            }
            let slope = squared_error_derivative(residual);
            for (var j = 0u; j < N_FEATURES; j++) {
                sum[j] += slope * features[start + j];
            }
            if (N_PARAMETERS > N_FEATURES) {
                sum[N_PARAMETERS - 1u] += slope;
            }
            sum[N_SUMS - 1u] += squared_error(residual);
        }
    }
    sums[lane] = sum;
    workgroupBarrier();
    for (var width = WORKGROUP_SIZE / 2u; width > 0u; width /= 2u) {
        if (lane < width) {
            for (var j = 0u; j < N_SUMS; j++) {
                sums[lane][j] += sums[lane + width][j];
            }
        }
        workgroupBarrier();
    }
    if (lane < N_SUMS && tile < step.n_tiles) {
        partials[(run * run_params.max_tiles + tile) * N_SUMS + lane] = sums[0][lane];
    }
}
