// Adds up the sums of a workgroup's lanes.

// Sums that a lane folds at a time: two rounds need two barriers, while halving needs seven.
const FOLD: u32 = 8u;

var<workgroup> sums: array<array<f32, WORKGROUP_SIZE>, N_SUMS>;

// Adds the sums that each lane has stored.
fn fold_lanes(lane: u32) {
    workgroupBarrier();
    for (var item = lane; item < N_SUMS * FOLD; item += WORKGROUP_SIZE) {
        let j = item / FOLD;
        let part = item % FOLD;
        var folded = 0.0;
        for (var other = part; other < WORKGROUP_SIZE; other += FOLD) {
            folded += sums[j][other];
        }
        sums[j][part] = folded;
    }
    workgroupBarrier();
}

// Sum j of the tile.
fn sum_of(j: u32) -> f32 {
    var folded = 0.0;
    for (var part = 0u; part < FOLD; part++) {
        folded += sums[j][part];
    }
    return folded;
}
