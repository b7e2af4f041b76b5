// The same for many features: ROW_LANES lanes share a row, QUADS of its quads of columns each. A lane keeps what it
// read of ROWS_AT_ONCE rows until their residuals are known, so memory is read once. Rows are padded to quads.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<uniform> block: Block;

// A place past the batch's end, or in another block.
const NO_ROW: u32 = 0xFFFFFFFFu;
const ROW_GROUPS: u32 = WORKGROUP_SIZE / ROW_LANES;
// Lanes that a row's residual is folded to before every lane adds them up.
const FOLD: u32 = min(ROW_LANES, 8u);

var<workgroup> dots: array<array<f32, WORKGROUP_SIZE>, ROWS_AT_ONCE>;
var<workgroup> quads: array<vec4<f32>, WORKGROUP_SIZE>;

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.y;
    let base = run * SLOT_COUNT * N_PARAMETERS;
    let step = steps[min(reactions[run].cursor, run_params.trace_capacity - 1u)];
    let n_tiles = step.n_tiles / block.n_blocks;
    // A halted run waits for its neighbours; only measuring it still makes sense.
    let live = group.x < n_tiles && (reactions[run].halt == 0u || (step.flags & EVALUATE) != 0u);

    let place = lane % ROW_LANES;
    let row_group = lane / ROW_LANES;
    var weights: array<vec4<f32>, QUADS>;
    var sum: array<vec4<f32>, QUADS>;
    for (var k = 0u; k < QUADS; k++) { // unrolled
        for (var c = 0u; c < 4u; c++) {
            let j = 4u * (place + k * ROW_LANES) + c;
            if (j < N_FEATURES) {
                weights[k][c] = state[base + j];
            }
        }
    }
    var bias = 0.0;
    if (N_PARAMETERS > N_FEATURES) {
        bias = state[base + N_PARAMETERS - 1u];
    }
    // Of loss and bias; the same in every lane of a row.
    var row_sums = vec2<f32>();

    begin_order(step);
    let positions = positions_in(step, block);
    // The lanes of a workgroup meet at barriers, so each makes every round.
    let rows_a_round = max(n_tiles, 1u) * ROW_GROUPS * ROWS_AT_ONCE;
    let n_rounds = (positions.y - positions.x + rows_a_round - 1u) / rows_a_round;
    for (var round = 0u; round < n_rounds; round++) {
        let first = positions.x + (round * n_tiles + group.x) * ROW_GROUPS * ROWS_AT_ONCE + row_group;
        var rows: array<u32, ROWS_AT_ONCE>;
        var read: array<vec4<f32>, QUADS * ROWS_AT_ONCE>;
        for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
            rows[r] = NO_ROW;
            let i = first + r * ROW_GROUPS;
            if (live && i < positions.y) {
                let row = row_at(i);
                if (!elsewhere(row, block)) {
                    rows[r] = row - block.first_row;
                }
            }
            var product = 0.0;
            for (var k = 0u; k < QUADS; k++) { // unrolled
                let quad = place + k * ROW_LANES;
                var x = vec4<f32>();
                if (rows[r] != NO_ROW && quad < QUADS_A_ROW) {
                    x = features[rows[r] * QUADS_A_ROW + quad];
                }
                read[r * QUADS + k] = x;
                product += dot(weights[k], x);
            }
            dots[r][lane] = product;
        }
        workgroupBarrier();
        if (ROW_LANES > FOLD) {
            if (place < FOLD) {
                for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
                    for (var other = FOLD; other < ROW_LANES; other += FOLD) {
                        dots[r][lane] += dots[r][lane + other];
                    }
                }
            }
            workgroupBarrier();
        }
        for (var r = 0u; r < ROWS_AT_ONCE; r++) { // unrolled
            var residual = bias;
            for (var other = 0u; other < FOLD; other++) {
                residual += dots[r][row_group * ROW_LANES + other];
            }
            if (rows[r] == NO_ROW) {
                residual = 0.0;
            } else {
                residual -= targets[rows[r]];
            }
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

// What the groups found for the first group's lane.
fn fold_groups(lane: u32) -> vec4<f32> {
    var folded = vec4<f32>();
    if (lane < ROW_LANES) {
        for (var other = lane; other < WORKGROUP_SIZE; other += ROW_LANES) {
            folded += quads[other];
        }
    }
    return folded;
}
