// Partial sums of a batch's loss and gradient for few features: one workgroup per tile, one column
// of workgroups per run.

@group(0) @binding(0) var<uniform> run_params: RunParams;
@group(0) @binding(1) var<storage, read> steps: array<StepParams>;
@group(0) @binding(2) var<storage, read> features: array<f32>;
@group(0) @binding(3) var<storage, read> targets: array<f32>;
@group(0) @binding(4) var<storage, read> state: array<f32>;
@group(0) @binding(5) var<storage, read> reactions: array<Reaction>;
@group(0) @binding(6) var<storage, read_write> partials: array<f32>;
@group(0) @binding(7) var<uniform> block: Block;

var<private> state_base: u32;

fn feature_at(i: u32) -> f32 {
    return features[i];
}

fn target_at(row: u32) -> f32 {
    return targets[row];
}

fn state_at(i: u32) -> f32 {
    return state[state_base + i];
}

@compute @workgroup_size(WORKGROUP_SIZE)
fn gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let run = group.y;
    state_base = run * SLOT_COUNT * N_PARAMETERS;
    let step = steps[min(reactions[run].cursor, run_params.trace_capacity - 1u)];
    let n_tiles = step.n_tiles / block.n_blocks;
    // A halted run only measures; it waits for the other runs.
    let live = reactions[run].halt == 0u || (step.flags & EVALUATE) != 0u;
    sum_tile(run, step, block, live && group.x < n_tiles, group.x, n_tiles, lane);
    if (lane < N_SUMS && group.x < n_tiles) {
        let tile = run * run_params.max_tiles + block.index * n_tiles + group.x;
        partials[tile * N_SUMS + lane] = sum_of(lane);
    }
}
