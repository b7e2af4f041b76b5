// A batch in its epoch's shuffled order; see ordered.wgsl. Its positions may lie in any block.
fn positions_in(step: StepParams, block: Block) -> vec2<u32> {
    return vec2<u32>(step.batch_start, step.batch_start + step.batch_len);
}

var<private> order: Permutation;

fn begin_order(run: u32, step: StepParams) {
    // Every run is measured on the same rows.
    let offset = select(seed_offset(run), 0u, (step.flags & EVALUATE) != 0u);
    order = permutation(run_params.n_samples, run_params.block_rows, run_params.seed + offset, step.epoch);
}

fn row_at(position: u32) -> u32 {
    return permuted_row(order, position);
}

fn elsewhere(row: u32, block: Block) -> bool {
    return row < block.first_row || row >= block.end_row;
}
