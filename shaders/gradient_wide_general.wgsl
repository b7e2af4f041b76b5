// Partial sums for many features with any loss, sample weights and several outputs; see
// gradient_wide.wgsl.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<uniform> block: Block;

var<workgroup> dots: array<array<f32, WORKGROUP_SIZE>, N_DOTS>;
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
    // Group by group of four, one output after the other.
    var weights: array<vec4<f32>, N_QUADS>;
    var sum: array<vec4<f32>, N_QUADS>;
    for (var k = 0u; k < QUADS; k++) { // unrolled
        let j = 4u * (place + k * ROW_LANES);
        for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
            weights[k * N_OUTPUTS + o] = vec4<f32>(
                weight_at(base, j, o),
                weight_at(base, j + 1u, o),
                weight_at(base, j + 2u, o),
                weight_at(base, j + 3u, o),
            );
        }
    }
    var bias: array<f32, N_OUTPUTS>;
    if (N_PARAMETERS > N_WEIGHTS) {
        for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
            bias[o] = state[base + N_WEIGHTS + o];
        }
    }
    // Sums of biases and loss, the same in every lane of a row.
    var by_bias: array<f32, N_OUTPUTS>;
    var total = 0.0;

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
            var products: array<f32, N_OUTPUTS>;
            for (var k = 0u; k < QUADS; k++) { // unrolled
                let quad = place + k * ROW_LANES;
                let x = features[rows[r] * QUADS_A_ROW + min(quad, QUADS_A_ROW - 1u)];
                read[r * QUADS + k] = x;
                for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
                    products[o] += dot(weights[k * N_OUTPUTS + o], x);
                }
            }
            for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
                dots[r * N_OUTPUTS + o][lane] = products[o];
            }
        }
        workgroupBarrier();
        if (ROW_LANES > ROW_FOLD) {
            if (place < ROW_FOLD) {
                for (var d = 0u; d < N_DOTS; d++) {
                    for (var other = ROW_FOLD; other < ROW_LANES; other += ROW_FOLD) {
                        dots[d][lane] += dots[d][lane + other];
                    }
                }
            }
            workgroupBarrier();
        }
        for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
            var z = bias;
            for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
                for (var other = 0u; other < ROW_FOLD; other++) { // unrolled
                    z[o] += dots[r * N_OUTPUTS + o][row_group * ROW_LANES + other];
                }
            }
            let loss = loss_and_slopes(&z, targets[rows[r]]);
            let share = select(0.0, share_of(rows[r], run, step), known[r]);
            // A row of weight 0 may have an infinite loss.
            for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
                z[o] = select(0.0, share * z[o], share != 0.0);
                by_bias[o] += z[o];
            }
            for (var k = 0u; k < QUADS; k++) { // unrolled
                for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
                    sum[k * N_OUTPUTS + o] += z[o] * read[r * QUADS + k];
                }
            }
            total += select(0.0, share * loss, share != 0.0);
        }
        workgroupBarrier();
    }

    let start = (run * run_params.max_tiles + block.index * n_tiles + group.x) * N_SUMS;
    for (var k = 0u; k < QUADS; k++) { // unrolled
        for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
            quads[lane] = sum[k * N_OUTPUTS + o];
            workgroupBarrier();
            let folded = fold_groups(lane);
            for (var c = 0u; c < 4u; c++) {
                let j = 4u * (place + k * ROW_LANES) + c;
                if (row_group == 0u && j < N_FEATURES && group.x < n_tiles) {
                    partials[start + j * N_OUTPUTS + o] = folded[c];
                }
            }
            workgroupBarrier();
        }
    }
    for (var o = 0u; o < N_OUTPUTS; o++) { // unrolled
        quads[lane] = vec4<f32>(by_bias[o], total, 0.0, 0.0);
        workgroupBarrier();
        if (lane == 0u && group.x < n_tiles) {
            let folded = fold_groups(lane);
            if (N_PARAMETERS > N_WEIGHTS) {
                partials[start + N_WEIGHTS + o] = folded.x;
            }
            partials[start + N_SUMS - 1u] = folded.y;
        }
        workgroupBarrier();
    }
}

fn weight_at(base: u32, j: u32, o: u32) -> f32 {
    return select(0.0, state[base + min(j * N_OUTPUTS + o, N_PARAMETERS - 1u)], j < N_FEATURES);
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
