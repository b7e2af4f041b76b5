// Partial sums for many features: ROW_LANES lanes share a row, and each takes QUADS of its groups
// of four columns. A lane keeps ROWS_AT_ONCE rows until their residuals are known, so memory is
// read once. Rows are padded to groups of four.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<uniform> block: Block;

var<workgroup> dots: array<array<f32, WORKGROUP_SIZE>, ROWS_AT_ONCE>;
var<workgroup> quads: array<vec4<f32>, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.y;
    let base = run * SLOT_COUNT * N_PARAMETERS;
    let step = steps[min(reactions[run].cursor, run_params.trace_capacity - 1u)];
    let n_tiles = step.n_tiles / block.n_blocks;
    // A halted run only measures; it waits for the other runs.
    let live = group.x < n_tiles && (reactions[run].halt == 0u || (step.flags & EVALUATE) != 0u);

    let place = lane % ROW_LANES;
    let row_group = lane / ROW_LANES;
    var weights: array<vec4<f32>, QUADS>;
    var sum: array<vec4<f32>, QUADS>;
    for (var k = 0u; k < QUADS; k++) { // unrolled
        let j = 4u * (place + k * ROW_LANES);
        weights[k] = vec4<f32>(weight_at(base, j), weight_at(base, j + 1u), weight_at(base, j + 2u), weight_at(base, j + 3u));
    }
    var bias = 0.0;
    if (N_PARAMETERS > N_FEATURES) {
        bias = state[base + N_PARAMETERS - 1u];
    }
    // Sums of loss and bias, the same in every lane of a row.
    var row_sums = vec2<f32>();

    begin_order(run, step);
    let positions = positions_in(step, block);
    // The lanes of a workgroup meet at barriers, so each takes every round.
    let rows_a_round = max(n_tiles, 1u) * ROW_GROUPS * ROWS_AT_ONCE;
    let n_rounds = select(0u, (positions.y - positions.x + rows_a_round - 1u) / rows_a_round, live);
    for (var round = 0u; round < n_rounds; round++) {
        let first = positions.x + (round * n_tiles + group.x) * ROW_GROUPS * ROWS_AT_ONCE + row_group;
        var rows: array<u32, ROWS_AT_ONCE>;
        var known: array<bool, ROWS_AT_ONCE>;
        var read: array<vec4<f32>, QUADS * ROWS_AT_ONCE>;
        for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
            let i = first + r * ROW_GROUPS;
            let row = row_at(min(i, positions.y - 1u));
            known[r] = (i < positions.y) & !elsewhere(row, block);
            rows[r] = select(0u, row - block.first_row, known[r]);
            var product = 0.0;
            // No `if` where every lane passes thousands of times: it costs software adapters more
            // than it saves.
            for (var k = 0u; k < QUADS; k++) { // unrolled
                let quad = place + k * ROW_LANES;
                // Past the end of the row it reads another row, with weight 0 and an unused sum.
                let x = features[rows[r] * QUADS_A_ROW + min(quad, QUADS_A_ROW - 1u)];
                read[r * QUADS + k] = x;
                product += dot(weights[k], x);
            }
            dots[r][lane] = product;
        }
        workgroupBarrier();
        if (ROW_LANES > ROW_FOLD) {
            if (place < ROW_FOLD) {
                for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
                    for (var other = ROW_FOLD; other < ROW_LANES; other += ROW_FOLD) {
                        dots[r][lane] += dots[r][lane + other];
                    }
                }
            }
            workgroupBarrier();
        }
        for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
            var residual = bias;
            for (var other = 0u; other < ROW_FOLD; other++) { // unrolled
                residual += dots[r][row_group * ROW_LANES + other];
            }
            residual = select(0.0, residual - targets[rows[r]], known[r]);
            let slope = squared_error_derivative(residual);
            for (var k = 0u; k < QUADS; k++) { // unrolled
                sum[k] += slope * read[r * QUADS + k];
            }
            row_sums += vec2<f32>(slope, squared_error(residual));
        }
        workgroupBarrier();
    }

    let start = (run * run_params.max_tiles + block.index * n_tiles + group.x) * N_SUMS;
    for (var k = 0u; k < QUADS; k++) { // unrolled
        quads[lane] = sum[k];
        workgroupBarrier();
        let folded = fold_groups(lane);
        for (var c = 0u; c < 4u; c++) {
            let j = 4u * (place + k * ROW_LANES) + c;
            if (row_group == 0u && j < N_FEATURES && group.x < n_tiles) {
                partials[start + j] = folded[c];
            }
        }
        workgroupBarrier();
    }
    quads[lane] = vec4<f32>(row_sums, 0.0, 0.0);
    workgroupBarrier();
    if (lane == 0u && group.x < n_tiles) {
        let folded = fold_groups(lane);
        if (N_PARAMETERS > N_FEATURES) {
            partials[start + N_PARAMETERS - 1u] = folded.x;
        }
        partials[start + N_SUMS - 1u] = folded.y;
    }
}

fn weight_at(base: u32, j: u32) -> f32 {
    return select(0.0, state[base + min(j, N_PARAMETERS - 1u)], j < N_FEATURES);
}

// The sums of the groups, for the lane of the first group.
fn fold_groups(lane: u32) -> vec4<f32> {
    var folded = vec4<f32>();
    if (lane < ROW_LANES) {
        for (var other = lane; other < WORKGROUP_SIZE; other += ROW_LANES) {
            folded += quads[other];
        }
    }
    return folded;
}
