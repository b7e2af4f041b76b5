//! Compares the history with a plain list of all steps.
use downhill::history::{Column, History, HistoryDelta, bucket_end, bucket_of, bucket_start, smooth};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// 2048 single steps and 53 octaves of 1024 buckets reach the last `u64`.
const N_BUCKETS: usize = 2048 + 53 * 1024;

#[test]
fn buckets_cover_every_step_once() {
    assert_eq!(bucket_start(0), 0);
    for index in 0..N_BUCKETS {
        let (start, end) = (bucket_start(index), bucket_end(index));
        assert!(start < end, "bucket {index} is empty");
        assert_eq!(bucket_of(start), index);
        assert_eq!(bucket_of(end - 1), index);
    }
    assert_eq!(bucket_of(u64::MAX), N_BUCKETS - 1);
}

#[test]
fn bucket_widths_double_with_each_octave() {
    for (step, width) in [(0, 1), (2047, 1), (2048, 2), (4095, 2), (4096, 4), (8192, 8), (1 << 40, 1 << 30)] {
        let index = bucket_of(step);
        assert_eq!(bucket_end(index) - bucket_start(index), width, "at step {step}");
    }
}

/// Compares histories by their bits, because NaN does not equal itself.
fn bits(delta: &HistoryDelta) -> (u32, Vec<Vec<u32>>) {
    let arrays =
        [&delta.batch_loss_min, &delta.batch_loss_max, &delta.batch_loss_mean, &delta.loss, &delta.rate];
    // All NaN count as the same, whatever their payload.
    let bits = |value: &f32| if value.is_nan() { f32::NAN.to_bits() } else { value.to_bits() };
    (delta.first, arrays.map(|array| array.iter().map(bits).collect()).to_vec())
}

fn batch_loss() -> impl Strategy<Value = f32> {
    prop_oneof![
        12 => -1e3_f32..1e3,
        1 => Just(f32::NAN),
        1 => Just(f32::INFINITY),
        1 => Just(f32::NEG_INFINITY),
        1 => any::<f32>(),
    ]
}

proptest! {
    // A case has thousands of steps, so fewer cases than usual keep a debug build fast.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn history_is_the_fold_of_every_step(
        start in prop_oneof![Just(0_u64), 0_u64..3000, 0_u64..1 << 50],
        losses in prop::collection::vec(batch_loss(), 1..6000),
        cuts in prop::collection::vec(0_usize..6000, 0..8),
    ) {
        let mut history = History::new();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(losses.len())).collect();
        cuts.extend([0, losses.len()]);
        cuts.sort_unstable();
        let rates: Vec<f32> = (0..losses.len()).map(|i| i as f32).collect();
        for pair in cuts.windows(2) {
            history.record_steps(start + pair[0] as u64, &losses[pair[0]..pair[1]], &rates[pair[0]..pair[1]]);
        }
        prop_assert_eq!(history.n_steps(), start + losses.len() as u64);
        let whole = history.whole();
        let mut steps_of: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for i in 0..losses.len() {
            steps_of.entry(bucket_of(start + i as u64)).or_default().push(i);
        }
        prop_assert_eq!(steps_of.keys().next_back(), Some(&(history.len() - 1)));
        for (index, steps) in steps_of {
            let finite: Vec<f32> = steps.iter().map(|&i| losses[i]).filter(|loss| loss.is_finite()).collect();
            prop_assert_eq!(whole.rate[index], steps[steps.len() - 1] as f32);
            if finite.is_empty() {
                prop_assert!(whole.batch_loss_min[index].is_nan());
                prop_assert!(whole.batch_loss_max[index].is_nan());
                prop_assert!(whole.batch_loss_mean[index].is_nan());
                continue;
            }
            prop_assert_eq!(whole.batch_loss_min[index], finite.iter().copied().fold(f32::INFINITY, f32::min));
            prop_assert_eq!(whole.batch_loss_max[index], finite.iter().copied().fold(f32::NEG_INFINITY, f32::max));
            let mean = finite.iter().map(|&loss| f64::from(loss)).sum::<f64>() / finite.len() as f64;
            let size = finite.iter().map(|&loss| f64::from(loss).abs()).fold(0.0, f64::max);
            // Below the normal numbers of f32, the spacing does not shrink any more.
            let size = size.max(f64::from(f32::MIN_POSITIVE));
            let shown = f64::from(whole.batch_loss_mean[index]);
            prop_assert!((shown - mean).abs() <= 1e-6 * size, "{shown:e} for {mean:e} of {finite:?}");
        }
    }

    #[test]
    fn page_that_applies_every_delta_has_the_whole(
        operations in prop::collection::vec((0_u8..7, 0_u64..9000, 1_usize..2500), 1..30),
    ) {
        let (mut worker, mut page) = (History::new(), History::new());
        for (kind, step, n) in operations {
            match kind {
                0 | 1 => {
                    let losses: Vec<f32> = (0..n).map(|i| (i as f32).sin()).collect();
                    worker.record_steps_at_rate(worker.n_steps(), &losses, step as f32);
                }
                2 => worker.record_loss(step, n as f32),
                3 => worker.truncate_after(step),
                4 if n < 200 => worker.clear(),
                _ => page.apply(&worker.delta()),
            }
        }
        page.apply(&worker.delta());
        prop_assert_eq!(bits(&page.whole()), bits(&worker.whole()));
    }

    #[test]
    fn columns_partition_the_buckets(
        n_steps in 1_usize..20_000,
        n_columns in 1_usize..1200,
        low in 0.0..1.0_f64,
        high in 0.0..1.2_f64,
        is_log in any::<bool>(),
    ) {
        let losses: Vec<f32> = (0..n_steps).map(|i| ((i * 7919) % 1009) as f32).collect();
        let mut history = History::new();
        history.record_steps_at_rate(0, &losses, 0.1);
        for step in (0..n_steps).step_by(17) {
            history.record_loss(step as u64, losses[step] + 0.5);
        }
        let (low, high) = (low.min(high) * n_steps as f64, low.max(high) * n_steps as f64);
        let edge = |column: usize| {
            let share = column as f64 / n_columns as f64;
            if is_log { (low + 1.0).powf(1.0 - share) * (high + 1.0).powf(share) - 1.0 } else { low + share * (high - low) }
        };
        let columns = history.decimate(&history.batch_loss_mean(), n_columns, edge);
        // Outside [low, high) there are only the columns that extend lines to the edge.
        let inside = |column: &&Column| (column.first_step as f64) >= edge(0) && (column.first_step as f64) < edge(n_columns);
        prop_assert!(columns.len() - columns.iter().filter(inside).count() <= 4);
        prop_assert!(columns.iter().filter(inside).count() <= n_columns);
        let mut next = None;
        for column in columns.iter().filter(inside) {
            if let Some(next) = next {
                prop_assert_eq!(column.first_step, next);
            }
            next = Some(column.last_step + 1);
            let steps = column.first_step as usize..(column.last_step as usize + 1).min(n_steps);
            let brute = losses[steps].iter().copied();
            prop_assert_eq!(column.batch_loss_min, brute.clone().fold(f32::INFINITY, f32::min));
            prop_assert_eq!(column.batch_loss_max, brute.fold(f32::NEG_INFINITY, f32::max));
        }
    }

    #[test]
    fn smoothing_is_the_weighted_mean_of_the_past(
        values in prop::collection::vec(-10.0_f32..10.0, 1..60),
        factor in 0.0_f32..0.999,
    ) {
        let smoothed = smooth(&values, factor);
        prop_assert_eq!(smoothed.len(), values.len());
        for (t, &shown) in smoothed.iter().enumerate() {
            // m_t / (1 - f^t) is the mean of v_1..v_t with weights f^(t - i) (Kingma & Ba 2015, eq. 1 to 4).
            let weight = |i: usize| f64::from(factor).powi((t - i) as i32);
            let total: f64 = (0..=t).map(weight).sum();
            let mean: f64 = (0..=t).map(|i| weight(i) * f64::from(values[i])).sum::<f64>() / total;
            prop_assert!((f64::from(shown) - mean).abs() < 1e-4, "{shown} for {mean} at {t}");
        }
    }
}

#[test]
fn smoothing_keeps_gaps_and_passes_over_them() {
    let smoothed = smooth(&[2.0, f32::NAN, 2.0, f32::INFINITY], 0.9);
    assert!((smoothed[0] - 2.0).abs() < 1e-6 && (smoothed[2] - 2.0).abs() < 1e-6);
    assert!(smoothed[1].is_nan() && smoothed[3].is_nan());
}

#[test]
fn going_back_leaves_what_was_known_then() {
    let mut history = History::new();
    for step in 0..100 {
        history.record_loss(step, step as f32);
        history.record_steps(step, &[step as f32 + 0.5], &[0.1]);
    }
    history.truncate_after(40);
    let whole = history.whole();
    assert_eq!((history.n_steps(), history.len()), (40, 41));
    assert_eq!((whole.loss[40], whole.batch_loss_mean[39]), (40.0, 39.5));
    assert!(whole.batch_loss_mean[40].is_nan(), "the loss of update 40, which is undone");
    history.record_steps(40, &[7.0], &[0.2]);
    assert_eq!(history.whole().batch_loss_max[40], 7.0);
}

#[test]
fn delta_holds_only_what_changed() {
    let mut history = History::new();
    history.record_steps_at_rate(0, &[1.0; 500], 0.1);
    assert_eq!(history.delta().first, 0);
    assert_eq!((history.delta().first, history.delta().loss.len()), (500, 0));
    history.record_steps_at_rate(500, &[1.0; 10], 0.1);
    let delta = history.delta();
    assert_eq!((delta.first, delta.loss.len()), (500, 10));
}

#[test]
fn steps_at_the_end_of_time_and_crooked_deltas_do_no_harm() {
    let mut history = History::new();
    history.record_steps_at_rate(u64::MAX - 3, &[1.0; 100], 0.1);
    history.record_loss(u64::MAX, 1.0);
    assert_eq!(history.len(), N_BUCKETS);
    let crooked = HistoryDelta { first: u32::MAX, loss: vec![1.0], ..HistoryDelta::default() };
    history.apply(&crooked);
    let ragged = HistoryDelta { first: 3, loss: vec![1.0; 9], rate: vec![1.0], ..HistoryDelta::default() };
    history.apply(&ragged);
    assert_eq!(history.len(), 3);
    assert!(history.decimate(&[], 10, |_| f64::NAN).len() <= 13);
}

/// Run with `cargo test --release --test metrics -- --ignored --nocapture`.
#[test]
#[ignore = "a measure, not a check"]
fn steps_recorded_a_second() {
    let losses: Vec<f32> = (0..65_536).map(|i| (i as f32).cos()).collect();
    let mut history = History::new();
    let start = std::time::Instant::now();
    for chunk in 0..2000_u64 {
        history.record_steps_at_rate(chunk * 65_536, &losses, 0.1);
    }
    let rate = 2000.0 * 65_536.0 / start.elapsed().as_secs_f64();
    println!("{:.0} million steps a second in {} buckets", rate / 1e6, history.len());
}
