// A batch in the order of the rows. Kernels are made for one order or the other: software adapters run both sides of
// an `if`, and the walk through a permutation costs more than a row's sums.

// The positions of a batch that may lie in a block: first and end.
fn positions_in(step: StepParams, block: Block) -> vec2<u32> {
    let first = max(step.batch_start, block.first_row);
    return vec2<u32>(first, max(first, min(step.batch_start + step.batch_len, block.end_row)));
}

fn begin_order(step: StepParams) {}

fn row_at(position: u32) -> u32 {
    return position;
}

fn elsewhere(row: u32, block: Block) -> bool {
    return false;
}
