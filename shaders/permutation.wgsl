// The row order of an epoch, as Permutation in src/rng.rs.

const N_ROUNDS: u32 = 6u;

fn mix(word: u32) -> u32 {
    var x = word;
    x ^= x >> 16u;
    x *= 0x7FEB352Du;
    x ^= x >> 15u;
    x *= 0x846CA68Bu;
    return x ^ (x >> 16u);
}

fn round_keys(seed: u32, epoch: u32, level: u32) -> array<u32, N_ROUNDS> {
    let base = mix(mix(mix(seed ^ 0x9E3779B9u) ^ epoch) + level);
    var keys: array<u32, N_ROUNDS>;
    for (var round = 0u; round < N_ROUNDS; round++) {
        keys[round] = mix(base + round * 0x9E3779B9u);
    }
    return keys;
}

struct Halves {
    right_bits: u32,
    left_mask: u32,
    right_mask: u32,
}

fn halves_of(n: u32) -> Halves {
    let bits = max(32u - countLeadingZeros(max(n, 1u) - 1u), 2u);
    let left_bits = bits / 2u;
    let right_bits = bits - left_bits;
    return Halves(right_bits, (1u << left_bits) - 1u, (1u << right_bits) - 1u);
}

// The loop ends: the network is a bijection, so it returns to an index below n.
fn permute(start: u32, n: u32, keys: array<u32, N_ROUNDS>) -> u32 {
    let halves = halves_of(n);
    var index = start;
    loop {
        var left = index >> halves.right_bits;
        var right = index & halves.right_mask;
        left ^= mix(right ^ keys[0]) & halves.left_mask;
        right ^= mix(left ^ keys[1]) & halves.right_mask;
        left ^= mix(right ^ keys[2]) & halves.left_mask;
        right ^= mix(left ^ keys[3]) & halves.right_mask;
        left ^= mix(right ^ keys[4]) & halves.left_mask;
        right ^= mix(left ^ keys[5]) & halves.right_mask;
        index = (left << halves.right_bits) | right;
        if (index < n) { break; }
    }
    return index;
}

fn unpermute(start: u32, n: u32, keys: array<u32, N_ROUNDS>) -> u32 {
    let halves = halves_of(n);
    var index = start;
    loop {
        var left = index >> halves.right_bits;
        var right = index & halves.right_mask;
        right ^= mix(left ^ keys[5]) & halves.right_mask;
        left ^= mix(right ^ keys[4]) & halves.left_mask;
        right ^= mix(left ^ keys[3]) & halves.right_mask;
        left ^= mix(right ^ keys[2]) & halves.left_mask;
        right ^= mix(left ^ keys[1]) & halves.right_mask;
        left ^= mix(right ^ keys[0]) & halves.left_mask;
        index = (left << halves.right_bits) | right;
        if (index < n) { break; }
    }
    return index;
}

struct Permutation {
    n_samples: u32,
    block_rows: u32,
    seed: u32,
    epoch: u32,
    n_blocks: u32,
    tail_slot: u32,
    tail_rows: u32,
    keys: array<u32, N_ROUNDS>,
}

fn permutation(n_samples: u32, block_rows: u32, seed: u32, epoch: u32) -> Permutation {
    let n_blocks = (n_samples - 1u) / block_rows + 1u;
    let keys = round_keys(seed, epoch, 0u);
    var tail_slot = 0u;
    if (n_blocks > 1u) {
        tail_slot = unpermute(n_blocks - 1u, n_blocks, keys);
    }
    let tail_rows = n_samples - (n_blocks - 1u) * block_rows;
    return Permutation(n_samples, block_rows, seed, epoch, n_blocks, tail_slot, tail_rows, keys);
}

fn permuted_row(order: Permutation, position: u32) -> u32 {
    if (order.n_blocks == 1u) {
        return permute(position, order.n_samples, order.keys);
    }
    let tail_start = order.tail_slot * order.block_rows;
    var slot = order.tail_slot;
    var within = position - tail_start;
    var length = order.tail_rows;
    if (position < tail_start) {
        slot = position / order.block_rows;
        within = position % order.block_rows;
        length = order.block_rows;
    } else if (position - tail_start >= order.tail_rows) {
        let after = position - tail_start - order.tail_rows;
        slot = order.tail_slot + 1u + after / order.block_rows;
        within = after % order.block_rows;
        length = order.block_rows;
    }
    let block = permute(slot, order.n_blocks, order.keys);
    let keys = round_keys(order.seed, order.epoch, block + 1u);
    return block * order.block_rows + permute(within, length, keys);
}
