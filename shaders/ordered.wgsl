// A batch in row order. Kernels are compiled for one order or the other, because software adapters
// execute both sides of an `if`, and a permutation costs more than a row's sums.

// The positions of a batch that may lie in a block: first and end.
fn positions_in(step: StepParams, block: Block) -> vec2<u32> {
    let first = max(step.batch_start, block.first_row);
    return vec2<u32>(first, max(first, min(step.batch_start + step.batch_len, block.end_row)));
}

fn begin_order(run: u32, step: StepParams) {}

fn row_at(position: u32) -> u32 {
    return position;
}

fn elsewhere(row: u32, block: Block) -> bool {
    return false;
}
