// Adds up the sums of the tiles and makes one update, one workgroup per run.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read_write> partials: array<f32>;
@group(0) @binding(3) var<storage, read_write> state: array<f32>;
@group(0) @binding(4) var<storage, read_write> reactions: array<Reaction>;
// Batch loss and rate of every step, [run][step].
@group(0) @binding(5) var<storage, read_write> trace: array<vec2<f32>>;

var<private> state_base: u32;
// Where the buffer of partial sums keeps this run's totals, if they exceed workgroup memory.
var<private> totals_base: u32;

// Some lanes take adjacent columns of a tile, the others take other tiles.
const PARTS: u32 = WORKGROUP_SIZE / COLUMNS;
// Tiles that are summed before they join the rest: two short sums lose less precision than a long
// one.
const TILES_FOLD: u32 = 16u;

var<workgroup> parts: array<f32, WORKGROUP_SIZE>;
var<workgroup> totals: array<f32, N_TOTALS>;

fn state_at(i: u32) -> f32 {
    return state[state_base + i];
}

fn set_state(i: u32, value: f32) {
    state[state_base + i] = value;
}

fn total_at(j: u32) -> f32 {
    if (N_TOTALS == N_SUMS) {
        return totals[j];
    }
    return partials[totals_base + j];
}

fn sum_of(j: u32) -> f32 {
    return total_at(j);
}

fn set_total(j: u32, value: f32) {
    if (N_TOTALS == N_SUMS) {
        totals[j] = value;
    } else {
        partials[totals_base + j] = value;
    }
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn update(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.x;
    state_base = run * SLOT_COUNT * N_PARAMETERS;
    let tiles_base = run * run_params.max_tiles * N_SUMS;
    totals_base = (run_params.n_runs * run_params.max_tiles + run) * N_SUMS;
    let cursor = reactions[run].cursor;
    let step = steps[min(cursor, run_params.trace_capacity - 1u)];
    if (lane == 0u) {
        reaction = reactions[run];
    }

    let part = lane / COLUMNS;
    for (var column = 0u; column < N_SUMS; column += COLUMNS) {
        let j = column + lane % COLUMNS;
        var sum = 0.0;
        if (j < N_SUMS) {
            for (var tile = part; tile < step.n_tiles; tile += PARTS * TILES_FOLD) {
                let end = min(tile + PARTS * TILES_FOLD, step.n_tiles);
                var folded = 0.0;
                for (var other = tile; other < end; other += PARTS) {
                    folded += partials[tiles_base + other * N_SUMS + j];
                }
                sum += folded;
            }
        }
        if (PARTS > 1u) {
            parts[lane] = sum;
            workgroupBarrier();
            for (var other = 1u; other < PARTS; other++) {
                if (part == 0u) {
                    sum += parts[other * COLUMNS + lane];
                }
            }
            workgroupBarrier();
        }
        if (part == 0u && j < N_SUMS) {
            set_total(j, sum);
        }
    }
    workgroupBarrier();
    storageBarrier();
    apply(run, step, cursor, lane);
    if (lane == 0u) {
        reactions[run] = reaction;
    }
}
