// Many steps in one dispatch, one workgroup per run, for batches too small to share. Weights,
// moments and reactions stay in workgroup memory, and the rows too if they all fit.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read_write> state: array<f32>;
@group(0) @binding(5) var<storage, read_write> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> trace: array<vec2<f32>>;

const N_STATE: u32 = SLOT_COUNT * N_PARAMETERS;

// At least one, because arrays cannot be empty.
var<workgroup> resident_features: array<f32, RESIDENT_ROWS * N_FEATURES + 1u>;
var<workgroup> resident_targets: array<f32, RESIDENT_ROWS + 1u>;
var<workgroup> resident_state: array<f32, N_STATE>;
var<workgroup> first_cursor: u32;

fn feature_at(i: u32) -> f32 {
    if (RESIDENT_ROWS > 0u) {
        return resident_features[i];
    }
    return features[i];
}

fn target_at(row: u32) -> f32 {
    if (RESIDENT_ROWS > 0u) {
        return resident_targets[row];
    }
    return targets[row];
}

fn state_at(i: u32) -> f32 {
    return resident_state[i];
}

fn set_state(i: u32, value: f32) {
    resident_state[i] = value;
}

fn total_at(j: u32) -> f32 {
    return sums[j][0];
}

fn set_total(j: u32, value: f32) {
    sums[j][0] = value;
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn descend(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.x;
    for (var i = lane; i < RESIDENT_ROWS * N_FEATURES; i += WORKGROUP_SIZE) {
        resident_features[i] = features[i];
    }
    for (var i = lane; i < RESIDENT_ROWS; i += WORKGROUP_SIZE) {
        resident_targets[i] = targets[i];
    }
    for (var i = lane; i < N_STATE; i += WORKGROUP_SIZE) {
        resident_state[i] = state[run * N_STATE + i];
    }
    if (lane == 0u) {
        reaction = reactions[run];
        first_cursor = reaction.cursor;
    }
    let first = workgroupUniformLoad(&first_cursor);
    let end = min(first + run_params.steps_per_dispatch, run_params.trace_capacity);
    let block = Block(0u, run_params.n_samples, 0u, 1u);
    for (var cursor = first; cursor < end; cursor++) {
        let step = steps[cursor];
        let live = reaction.halt == 0u || (step.flags & EVALUATE) != 0u;
        sum_tile(run, step, block, live, 0u, 1u, lane);
        apply(run, step, cursor, lane);
    }
    for (var i = lane; i < N_STATE; i += WORKGROUP_SIZE) {
        state[run * N_STATE + i] = resident_state[i];
    }
    if (lane == 0u) {
        reactions[run] = reaction;
    }
}
