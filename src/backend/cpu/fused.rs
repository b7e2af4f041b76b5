//! Computes residual, loss and gradient of consecutive rows in one pass over memory.
//!
//! Each row is read from memory once, whatever the number of features: rows are taken in groups
//! small enough to stay in the nearest cache until their gradient is summed. Sums are f32 within a
//! fold of rows and f64 beyond it, because plain f32 sums drift after a few thousand terms.

use super::lanes::{F32x4, N};

/// Number of rows whose sums are kept in f32 (a fold), with one feature.
const FOLD_ROWS: usize = 4096;
/// Number of rows after which f32 sums are added to the fold's and restarted: two short sums lose less
/// precision than a long one.
const BLOCK_ROWS: usize = 512;
/// Number of rows per fold with several features, where folding is cheap compared with the work per row.
const WIDE_FOLD_ROWS: usize = 512;
/// Number of vectors of four rows that are processed in parallel with one feature, so that additions need not
/// wait for each other.
const LINE_VECTORS: usize = 2;
/// Number of regions of a fold that are read alternately. A processor prefetches one stream per region, and a
/// single stream cannot keep it busy.
const REGIONS: usize = 4;
/// Number of rows that are divided into [`REGIONS`] regions, which are then far enough apart to count as
/// separate streams.
const SPAN_ROWS: usize = 16_384;
/// Number of rows below which a span is read as a single region.
const REGION_ROWS: usize = 256;
/// Number of rows per group if a row does not fit into the registers; each row is read as its own stream.
const WIDE_ROWS: usize = 8;

/// Adds the rows' half gradient (`sum r x_j`, then `sum r` if there is a bias) and loss (`sum r^2`)
/// to `sums`, where `r` is the residual `w x + b - y`.
///
/// `features` is row-major with `targets.len()` rows of `n_features`. `parameters` holds the
/// weights, and the bias if there is one. `sums` has one more entry. `partial` is scratch memory of
/// `n_features`.
pub(super) fn accumulate(
    features: &[f32],
    targets: &[f32],
    n_features: usize,
    parameters: &[f32],
    partial: &mut [f32],
    sums: &mut [f64],
) {
    let (weights, bias) = parameters.split_at(n_features);
    let b = bias.first().copied().unwrap_or(0.0);
    let (by_weight, rest) = sums.split_at_mut(n_features);
    let mut outer = Outer::default();
    match n_features {
        1 => line(features, targets, weights[0], b, &mut by_weight[0], &mut outer),
        2 => few::<2>(features, targets, weights, b, by_weight, &mut outer),
        3 => few::<3>(features, targets, weights, b, by_weight, &mut outer),
        4..=8 => narrow::<2>(features, targets, weights, b, by_weight, &mut outer),
        9..=12 => narrow::<3>(features, targets, weights, b, by_weight, &mut outer),
        _ => wide(features, targets, weights, b, partial, by_weight, &mut outer),
    }
    if let [by_bias, loss] = rest {
        *by_bias += outer.residual;
        *loss += outer.square;
    } else if let [loss] = rest {
        *loss += outer.square;
    }
}

/// The dot product `x . w`, summed in the same order as in the kernels.
#[inline(always)]
pub(super) fn dot(x: &[f32], w: &[f32]) -> f32 {
    let (xs, x_rest) = x.as_chunks::<N>();
    let (ws, w_rest) = w.as_chunks::<N>();
    let (x_groups, x_odd) = xs.as_chunks::<N>();
    let (w_groups, w_odd) = ws.as_chunks::<N>();
    let mut sums = [F32x4::zero(); N];
    for (x, w) in x_groups.iter().zip(w_groups) {
        for k in 0..N {
            sums[k] += F32x4::load(&x[k]) * F32x4::load(&w[k]);
        }
    }
    for (x, w) in x_odd.iter().zip(w_odd) {
        sums[0] += F32x4::load(x) * F32x4::load(w);
    }
    let [a, b, c, d] = F32x4::sum_each(sums).array();
    let rest: f32 = x_rest.iter().zip(w_rest).map(|(x, w)| x * w).sum();
    (a + b) + (c + d) + rest
}

/// Adds `a x` to `y`.
#[inline(always)]
pub(super) fn add_scaled(y: &mut [f32], a: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// Sums of the residual and of its square in f64, over all rows.
#[derive(Default)]
struct Outer {
    residual: f64,
    square: f64,
}

/// Sums of the residual and of its square in f32, over one fold.
#[derive(Clone, Copy)]
struct Inner {
    residual: F32x4,
    square: F32x4,
}

impl Inner {
    #[inline(always)]
    fn zero() -> Self {
        Self { residual: F32x4::zero(), square: F32x4::zero() }
    }

    #[inline(always)]
    fn add(&mut self, residual: F32x4) {
        self.residual += residual;
        self.square += residual * residual;
    }
}

impl Outer {
    #[inline(always)]
    fn fold(&mut self, inner: &Inner) {
        self.residual += inner.residual.sum();
        self.square += inner.square.sum();
    }

    #[inline(always)]
    fn add(&mut self, residual: f32) {
        self.residual += f64::from(residual);
        self.square += f64::from(residual * residual);
    }
}

/// Sums in f32 over a fold with one feature.
#[derive(Clone, Copy)]
struct Line {
    by_w: F32x4,
    inner: Inner,
}

impl Line {
    #[inline(always)]
    fn zero() -> Self {
        Self { by_w: F32x4::zero(), inner: Inner::zero() }
    }

    #[inline(always)]
    fn add(&mut self, x: &[f32; N], y: &[f32; N], w: F32x4, b: F32x4) {
        let x = F32x4::load(x);
        let residual = w * x + (b - F32x4::load(y));
        self.by_w += residual * x;
        self.inner.add(residual);
    }

    /// Sets these sums to the total of `lanes`, and resets `lanes` to 0.
    #[inline(always)]
    fn put(&mut self, lanes: &mut [Self; LINE_VECTORS]) {
        let [first, second] = std::mem::replace(lanes, [Self::zero(); LINE_VECTORS]);
        self.by_w += first.by_w + second.by_w;
        self.inner.residual += first.inner.residual + second.inner.residual;
        self.inner.square += first.inner.square + second.inner.square;
    }
}

/// Splits a fold into regions that are read alternately.
#[inline(always)]
fn regions(vectors: &[[f32; N]]) -> [&[[f32; N]]; REGIONS] {
    const LENGTH: usize = FOLD_ROWS / N / REGIONS;
    std::array::from_fn(|region| &vectors[region * LENGTH..][..LENGTH])
}

/// The sums for one feature, `[sum r x, sum r, sum r^2]`, where `r` is the residual.
#[inline(always)]
pub(super) fn line_sums(features: &[f32], targets: &[f32], w: f32, b: f32) -> [f64; 3] {
    let (mut by_w, mut outer) = (0.0, Outer::default());
    line(features, targets, w, b, &mut by_w, &mut outer);
    [by_w, outer.residual, outer.square]
}

/// Adds the sums for one feature, reading features and targets as two streams.
#[inline(always)]
fn line(features: &[f32], targets: &[f32], w: f32, b: f32, by_w: &mut f64, outer: &mut Outer) {
    let (ws, bs) = (F32x4::splat(w), F32x4::splat(b));
    let mut sum = 0.0;
    let n = features.len().min(targets.len());
    // By index: a zip of chunks is not inlined everywhere, and short steps feel the call.
    for start in (0..n).step_by(FOLD_ROWS) {
        let end = (start + FOLD_ROWS).min(n);
        let [xs, ys] = [&features[start..end], &targets[start..end]];
        let mut aside = Line::zero();
        let mut lanes = [Line::zero(); LINE_VECTORS];
        let (xs, x_rest) = xs.as_chunks::<N>();
        let (ys, y_rest) = ys.as_chunks::<N>();
        let mut done = 0;
        if ys.len() * N == FOLD_ROWS {
            let [xs, ys] = [xs, ys].map(regions);
            const BLOCK: usize = BLOCK_ROWS / N / REGIONS;
            for block in 0..FOLD_ROWS / BLOCK_ROWS {
                let [xs, ys] =
                    [xs, ys].map(|regions| regions.map(|region| &region[block * BLOCK..][..BLOCK]));
                for at in 0..BLOCK {
                    for region in 0..REGIONS {
                        lanes[region % LINE_VECTORS].add(&xs[region][at], &ys[region][at], ws, bs);
                    }
                }
                aside.put(&mut lanes);
            }
            done = FOLD_ROWS / N;
        }
        let [xs, ys] = [&xs[done..], &ys[done..]];
        for start in (0..xs.len()).step_by(BLOCK_ROWS / N) {
            let end = (start + BLOCK_ROWS / N).min(xs.len());
            let [xs, ys] = [&xs[start..end], &ys[start..end]];
            let (pairs, odd) = xs.as_chunks::<LINE_VECTORS>();
            let (y_pairs, y_odd) = ys.as_chunks::<LINE_VECTORS>();
            for (x, y) in pairs.iter().zip(y_pairs) {
                for lane in 0..LINE_VECTORS {
                    lanes[lane].add(&x[lane], &y[lane], ws, bs);
                }
            }
            for (x, y) in odd.iter().zip(y_odd) {
                lanes[0].add(x, y, ws, bs);
            }
            aside.put(&mut lanes);
        }
        for (x, y) in x_rest.iter().zip(y_rest) {
            let residual = w * x + (b - y);
            sum += f64::from(residual * x);
            outer.add(residual);
        }
        let sums = [aside.by_w, aside.inner.residual, aside.inner.square, F32x4::zero()];
        let [by_w, residual, square, _] = F32x4::sum_each(sums).array().map(f64::from);
        sum += by_w;
        outer.residual += residual;
        outer.square += square;
    }
    *by_w += sum;
}

/// Adds the sums for two or three features: four rows at a time, transposed into columns.
#[inline(always)]
fn few<const D: usize>(
    features: &[f32],
    targets: &[f32],
    weights: &[f32],
    b: f32,
    sums: &mut [f64],
    outer: &mut Outer,
) {
    let ws: [F32x4; D] = std::array::from_fn(|j| F32x4::splat(weights[j]));
    let bs = F32x4::splat(b);
    for (xs, ys) in features.chunks(WIDE_FOLD_ROWS * D).zip(targets.chunks(WIDE_FOLD_ROWS)) {
        let mut by_weight = [F32x4::zero(); D];
        let mut inner = Inner::zero();
        let (ys, y_rest) = ys.as_chunks::<N>();
        let (vectors, _) = xs.as_chunks::<N>();
        for (group, y) in vectors.chunks_exact(D).zip(ys) {
            let rows: [F32x4; D] = std::array::from_fn(|j| F32x4::load(&group[j]));
            let columns = take_apart(rows);
            let mut residual = bs - F32x4::load(y);
            for j in 0..D {
                residual += columns[j] * ws[j];
            }
            for j in 0..D {
                by_weight[j] += residual * columns[j];
            }
            inner.add(residual);
        }
        for (x, y) in xs[ys.len() * N * D..].chunks_exact(D).zip(y_rest) {
            let mut residual = b - y;
            for (x, w) in x.iter().zip(weights) {
                residual += x * w;
            }
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += f64::from(residual * x);
            }
            outer.add(residual);
        }
        for (sum, by_weight) in sums.iter_mut().zip(by_weight) {
            *sum += by_weight.sum();
        }
        outer.fold(&inner);
    }
}

/// Transposes four rows of `D` features into `D` columns of four values.
#[inline(always)]
fn take_apart<const D: usize>(rows: [F32x4; D]) -> [F32x4; D] {
    let mut columns = rows;
    if D == 2 {
        columns[..2].copy_from_slice(&F32x4::unzip2([rows[0], rows[1]]));
    } else if D == 3 {
        columns[..3].copy_from_slice(&F32x4::unzip3([rows[0], rows[1], rows[2]]));
    }
    columns
}

/// Adds the sums for four to twelve features, which fit into the registers: a row is `V` vectors. If the
/// number of features is not a multiple of four, the last vector overlaps the one before it, with weights of
/// 0 in the overlap.
#[inline(always)]
fn narrow<const V: usize>(
    features: &[f32],
    targets: &[f32],
    weights: &[f32],
    b: f32,
    sums: &mut [f64],
    outer: &mut Outer,
) {
    let d = weights.len();
    let first = |v: usize| (N * v).min(d - N);
    let ws: [F32x4; V] = std::array::from_fn(|v| {
        let own = |lane: usize| first(v) + lane >= N * v;
        F32x4::load(&std::array::from_fn(|lane| if own(lane) { weights[first(v) + lane] } else { 0.0 }))
    });
    let bs = F32x4::splat(b);
    for (xs, ys) in features.chunks(SPAN_ROWS * d).zip(targets.chunks(SPAN_ROWS)) {
        let (groups, y_rest) = ys.as_chunks::<N>();
        let n_regions = if ys.len() >= REGION_ROWS { REGIONS } else { 1 };
        let per_region = groups.len() / n_regions;
        let in_regions = n_regions * per_region;
        let per_fold = WIDE_FOLD_ROWS / N / n_regions;
        // The regions first, then the remaining groups.
        for (start, end, n_regions) in [(0, per_region, n_regions), (in_regions, groups.len(), 1)] {
            for fold in (start..end).step_by(per_fold) {
                let mut by_weight = [F32x4::zero(); V];
                let mut inner = Inner::zero();
                for at in fold..end.min(fold + per_fold) {
                    for region in 0..n_regions {
                        let group = region * per_region + at;
                        let rows = &xs[group * N * d..][..N * d];
                        let (slopes, residual) = four_rows(d, rows, &groups[group], &ws, bs);
                        by_weight = std::array::from_fn(|v| by_weight[v] + slopes[v]);
                        inner.add(residual);
                    }
                }
                for (v, by_weight) in by_weight.iter().enumerate() {
                    for (lane, sum) in by_weight.array().iter().enumerate() {
                        if first(v) + lane >= N * v {
                            sums[first(v) + lane] += f64::from(*sum);
                        }
                    }
                }
                outer.fold(&inner);
            }
        }
        for (x, y) in xs[groups.len() * N * d..].chunks_exact(d).zip(y_rest) {
            let residual = dot(x, weights) + (b - y);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += f64::from(residual * x);
            }
            outer.add(residual);
        }
    }
}

/// The contribution of four rows to the gradient (`V` vectors), and their residuals. `d` is the number of
/// features.
#[inline(always)]
fn four_rows<const V: usize>(
    d: usize,
    rows: &[f32],
    targets: &[f32; N],
    ws: &[F32x4; V],
    b: F32x4,
) -> ([F32x4; V], F32x4) {
    let at = |row: usize, v: usize| F32x4::load_at(rows, row * d + if v + 1 == V { d - N } else { N * v });
    let products: [F32x4; N] = std::array::from_fn(|row| {
        let mut sum = at(row, 0) * ws[0];
        for (v, w) in ws.iter().enumerate().skip(1) {
            sum += at(row, v) * *w;
        }
        sum
    });
    let residual = F32x4::sum_each(products) + (b - F32x4::load(targets));
    let each = residual.array().map(F32x4::splat);
    let by_weight = std::array::from_fn(|v| {
        let mut sum = each[0] * at(0, v);
        for (row, residual) in each.iter().enumerate().skip(1) {
            sum += *residual * at(row, v);
        }
        sum
    });
    (by_weight, residual)
}

/// Adds the sums for four or more features, in groups of rows with one row from each of several regions. The
/// last vector of a row overlaps the one before it as in [`narrow`].
fn wide(
    features: &[f32],
    targets: &[f32],
    weights: &[f32],
    b: f32,
    partial: &mut [f32],
    sums: &mut [f64],
    outer: &mut Outer,
) {
    let d = weights.len();
    let (whole, _) = weights.as_chunks::<N>();
    let n_whole = whole.len();
    let overlap = (N - d % N) % N;
    let last =
        F32x4::load(&std::array::from_fn(|lane| if lane < overlap { 0.0 } else { weights[d - N + lane] }));
    for (xs, ys) in features.chunks(WIDE_FOLD_ROWS * d).zip(targets.chunks(WIDE_FOLD_ROWS)) {
        partial.fill(0.0);
        let (partials, _) = partial.as_chunks_mut::<N>();
        let partials = &mut partials[..n_whole];
        let mut by_last = F32x4::zero();
        let mut inner = Inner::zero();
        let per_place = ys.len() / WIDE_ROWS;
        for i in 0..per_place {
            let rows: [&[f32]; WIDE_ROWS] = std::array::from_fn(|k| &xs[(k * per_place + i) * d..][..d]);
            let vectors: [&[[f32; N]]; WIDE_ROWS] = rows.map(|row| &row.as_chunks::<N>().0[..n_whole]);
            let mut products = [F32x4::zero(); WIDE_ROWS];
            for (v, w) in whole.iter().enumerate() {
                let w = F32x4::load(w);
                for k in 0..WIDE_ROWS {
                    products[k] += F32x4::load(&vectors[k][v]) * w;
                }
            }
            if overlap > 0 {
                for k in 0..WIDE_ROWS {
                    products[k] += F32x4::load_at(rows[k], d - N) * last;
                }
            }
            let [p0, p1, p2, p3, p4, p5, p6, p7] = products;
            let y = |k: usize| ys[k * per_place + i];
            let near = F32x4::sum_each([p0, p1, p2, p3])
                + (F32x4::splat(b) - F32x4::load(&[y(0), y(1), y(2), y(3)]));
            let far = F32x4::sum_each([p4, p5, p6, p7])
                + (F32x4::splat(b) - F32x4::load(&[y(4), y(5), y(6), y(7)]));
            inner.add(near);
            inner.add(far);
            let ([r0, r1, r2, r3], [r4, r5, r6, r7]) = (near.array(), far.array());
            let residuals = [r0, r1, r2, r3, r4, r5, r6, r7].map(F32x4::splat);
            for (v, partial) in partials.iter_mut().enumerate() {
                let mut sum = F32x4::load(partial);
                for k in 0..WIDE_ROWS {
                    sum += residuals[k] * F32x4::load(&vectors[k][v]);
                }
                *partial = sum.array();
            }
            if overlap > 0 {
                for k in 0..WIDE_ROWS {
                    by_last += residuals[k] * F32x4::load_at(rows[k], d - N);
                }
            }
        }
        for (sum, by_last) in sums[d - N..].iter_mut().zip(by_last.array()).skip(overlap) {
            // Zero if there is no overlap and so no separate last vector.
            *sum += f64::from(by_last);
        }
        let done = per_place * WIDE_ROWS;
        for (x, y) in xs[done * d..].chunks_exact(d).zip(&ys[done..]) {
            let residual = dot(x, weights) + (b - y);
            add_scaled(partial, residual, x);
            outer.add(residual);
        }
        for (sum, partial) in sums.iter_mut().zip(partial.iter()) {
            *sum += f64::from(*partial);
        }
        outer.fold(&inner);
    }
}
