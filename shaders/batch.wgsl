// The positions of a batch that may lie in a block: first and end. In shuffled order any may.
fn positions_in(step: StepParams, block: Block) -> vec2<u32> {
    let end = step.batch_start + step.batch_len;
    if ((step.flags & SHUFFLED) != 0u) {
        return vec2<u32>(step.batch_start, end);
    }
    let first = max(step.batch_start, block.first_row);
    return vec2<u32>(first, max(first, min(end, block.end_row)));
}
