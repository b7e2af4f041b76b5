//! Tests of the charts, drawn on a recording backend and on plotters' SVG backend.
#![cfg(feature = "chart")]
#[path = "chart/recorder.rs"]
mod recorder;

#[path = "chart/hostile.rs"]
mod hostile;

#[path = "chart/plot.rs"]
mod plot;

use downhill::chart::{
    Colour, Density, FitChart, FitOptions, LossChart, LossOptions, Mapping, Rect, Scale, Size, StableRange,
    Theme, number,
};
use downhill::history::History;
use plotters::style::RGBAColor;
use recorder::{Label, Recorder, Rgb};

const WIDTH: f64 = 800.0;
const HEIGHT: f64 = 340.0;

fn size(width: f64, height: f64, scale: Scale) -> Size {
    Size { width, height, scale }
}

fn rgb(Colour(RGBAColor(red, green, blue, _)): Colour) -> Rgb {
    (red, green, blue)
}

fn drawn_fit(chart: &FitChart, width: f64, height: f64, scale: Scale) -> Recorder {
    let mut recorder = Recorder::new(width, height, scale.css);
    chart.draw_base(&mut recorder).expect("infallible");
    chart.draw_top(&mut recorder).expect("infallible");
    recorder
}

fn drawn_loss(chart: &mut LossChart, width: f64, height: f64, scale: Scale) -> Recorder {
    let mut recorder = Recorder::new(width, height, scale.css);
    chart.draw_base(&mut recorder).expect("infallible");
    chart.draw_top(&mut recorder).expect("infallible");
    recorder
}

/// 41 points of `y = 2 x + 1`, and `y = x^2` as the fit.
fn parabola(scale: Scale) -> FitChart {
    let mut chart = FitChart::default();
    chart.stage.resize(size(WIDTH, HEIGHT, scale));
    let x: Vec<f32> = (0..=40).map(|i| i as f32 / 20.0 - 1.0).collect();
    let line: Vec<f32> = x.iter().map(|x| 2.0 * x + 1.0).collect();
    chart.set_dataset(x.clone(), line.clone(), [-1.0, 1.0], [-1.0, 3.0]);
    chart.set_exact(x.clone(), line);
    chart.set_fit(x.clone(), x.iter().map(|x| x * x).collect());
    chart
}

/// The position of a value on linear axes, computed from the view and the plot alone.
fn place(x: f64, y: f64, [x0, x1, y0, y1]: [f64; 4], plot: Rect) -> (f64, f64) {
    (
        plot.left + (x - x0) / (x1 - x0) * (plot.right - plot.left),
        plot.bottom - (y - y0) / (y1 - y0) * (plot.bottom - plot.top),
    )
}

#[test]
fn fit_lies_where_the_axes_say() {
    for scale in [Scale::pixels(1.0), Scale::pixels(3.0), Scale::fractions(2.0, 16.0)] {
        let chart = parabola(scale);
        let recorder = drawn_fit(&chart, WIDTH, HEIGHT, scale);
        let paths = recorder.paths_of(rgb(Theme::default().fit));
        assert_eq!(paths.len(), 1);
        assert_eq!(paths[0].width, (2.5 * scale.css).round() as u32);
        assert_eq!(paths[0].points.len(), 41);
        for (i, &(px, py)) in paths[0].points.iter().enumerate() {
            let x = f64::from(i as i32) / 20.0 - 1.0;
            let (ex, ey) = place(x, x * x, chart.stage.view(), chart.stage.plot());
            assert!(
                (f64::from(px) - ex).abs() <= 0.51 && (f64::from(py) - ey).abs() <= 0.51,
                "{px} {py}: {ex} {ey}"
            );
        }
        assert_eq!(recorder.discs.len(), 41);
        let (x, y) = place(-1.0, -1.0, chart.stage.view(), chart.stage.plot());
        let point = &recorder.discs[0];
        assert_eq!(point.centre, (x.round() as i32, y.round() as i32));
        assert_eq!(
            (point.radius, point.rgb),
            ((3.5 * scale.css).round() as u32, rgb(Theme::default().points))
        );
    }
}

#[test]
fn svg_shows_the_same_line() {
    let chart = parabola(Scale::pixels(1.0));
    let mut svg = String::new();
    {
        let mut backend = plotters::prelude::SVGBackend::with_string(&mut svg, (WIDTH as u32, HEIGHT as u32));
        chart.draw_base(&mut backend).expect("the string takes everything");
        chart.draw_top(&mut backend).expect("the string takes everything");
    }
    // The blue of the default theme, #0B62D6.
    let line =
        svg.lines().find(|line| line.contains("<polyline") && line.contains("#0B62D6")).expect("a fit");
    let points = line.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("points");
    let first: Vec<f64> = points.split([' ', ',']).take(2).map(|n| n.parse().expect("a number")).collect();
    let (x, y) = place(-1.0, 1.0, chart.stage.view(), chart.stage.plot());
    assert!((first[0] - x).abs() <= 0.5 && (first[1] - y).abs() <= 0.5, "{first:?}: {x} {y}");
    assert!(svg.contains("\u{2212}1.0"), "a tick label");
}

#[test]
fn residuals_join_points_and_fit() {
    let mut chart = parabola(Scale::pixels(1.0));
    chart.set_options(FitOptions { show_residuals: true, show_exact: false });
    let recorder = drawn_fit(&chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    let residuals: Vec<_> = recorder.paths_of(rgb(Theme::default().points));
    assert_eq!(residuals.len(), 41);
    let (x, from) = place(0.5, 2.0, chart.stage.view(), chart.stage.plot());
    let (_, to) = place(0.5, 0.25, chart.stage.view(), chart.stage.plot());
    let expected = vec![(x.round() as i32, from.round() as i32), (x.round() as i32, to.round() as i32)];
    assert!(residuals.iter().any(|path| path.points == expected), "{expected:?}");
    assert!(recorder.paths_of(rgb(Theme::default().exact)).is_empty());
}

#[test]
fn density_fills_the_cell_of_its_rows() {
    let mut chart = parabola(Scale::pixels(2.0));
    let mut counts = vec![0; 12];
    // Row 2 from the bottom, column 3 of 4.
    counts[2 * 4 + 3] = 9;
    chart.set_density(Some(Density { columns: 4, rows: 3, x: [-1.0, 1.0], y: [-1.0, 2.0], counts }));
    let recorder = drawn_fit(&chart, WIDTH, HEIGHT, Scale::pixels(2.0));
    assert!(recorder.discs.is_empty(), "points beside a density");
    let [cell] = &recorder.rects[..] else { panic!("one cell: {:?}", recorder.rects) };
    let (left, top) = place(0.5, 2.0, chart.stage.view(), chart.stage.plot());
    let (right, bottom) = place(1.0, 1.0, chart.stage.view(), chart.stage.plot());
    let round = |x: f64, y: f64| (x.round() as i32, y.round() as i32);
    assert_eq!(cell.points, vec![round(left, top), round(right, bottom)]);
    assert!(cell.alpha > 0.5);
}

#[test]
fn zoom_keeps_the_place_under_the_pointer() {
    let mut chart = parabola(Scale::pixels(2.0));
    let before = chart.stage.data_at(300.0, 100.0).expect("a size");
    chart.stage.zoom(300.0, 100.0, 4.0);
    let after = chart.stage.data_at(300.0, 100.0).expect("a size");
    assert!((before.0 - after.0).abs() < 1e-9 && (before.1 - after.1).abs() < 1e-9);
    assert!(chart.stage.is_zoomed());
    chart.stage.pan(50.0, -30.0);
    let moved = chart.stage.data_at(350.0, 70.0).expect("a size");
    assert!((before.0 - moved.0).abs() < 1e-9 && (before.1 - moved.1).abs() < 1e-9);
    // The curve is cut at the plot's edges, not drawn over the labels.
    let plot = chart.stage.plot();
    for path in drawn_fit(&chart, WIDTH, HEIGHT, Scale::pixels(2.0)).paths_of(rgb(Theme::default().fit)) {
        assert!(path.points.iter().all(|&(x, y)| {
            plot.left - 1.0 <= f64::from(x)
                && f64::from(x) <= plot.right + 1.0
                && plot.top - 1.0 <= f64::from(y)
                && f64::from(y) <= plot.bottom + 1.0
        }));
    }
    let zoomed = chart.stage.view();
    chart.set_dataset(vec![0.0, 1.1], vec![0.0, 1.0], [-1.0, 1.1], [-1.0, 3.0]);
    assert_eq!(chart.stage.view(), zoomed, "one point more");
    chart.set_dataset(vec![0.0, 60.0], vec![0.0, 1.0], [0.0, 60.0], [0.0, 1.0]);
    assert!(!chart.stage.is_zoomed(), "another table");
    chart.stage.zoom(300.0, 100.0, 2.0);
    chart.stage.reset_zoom();
    assert!(!chart.stage.is_zoomed());
}

#[test]
fn reading_names_the_nearest_point_and_both_curves() {
    let chart = parabola(Scale::pixels(2.0));
    let (x, y) = place(0.5, 2.0, chart.stage.view(), chart.stage.plot());
    let reading = chart.reading(x / 2.0 + 3.0, y / 2.0 + 2.0).expect("inside");
    assert_eq!((reading.point, reading.point_x, reading.point_y), (Some(30), Some(0.5), Some(2.0)));
    let exact = reading.exact.expect("a curve");
    assert!((exact - (2.0 * reading.x + 1.0)).abs() < 1e-6);
    assert!((reading.predicted.expect("a curve") - reading.x * reading.x).abs() < 1e-3);
    assert_eq!(chart.reading(x / 2.0, y / 2.0 + 40.0).expect("inside").point, None);
    assert_eq!(chart.reading(2.0, 2.0), None, "beside the plot");
}

/// A run of `n` steps whose loss falls from 1 to 0.01 and whose batches scatter by a factor of 2.
fn run(n: u64) -> History {
    let mut history = History::new();
    for step in 0..n {
        let loss = 10_f32.powf(-2.0 * step as f32 / n as f32);
        history.record_steps(step, &[if step % 2 == 0 { 2.0 * loss } else { 0.5 * loss }], &[0.1]);
        history.record_loss(step, loss);
    }
    history
}

fn loss_chart(n: u64, scale: Scale, options: LossOptions) -> LossChart {
    let mut chart = LossChart::default();
    chart.resize(size(WIDTH, HEIGHT, scale));
    chart.set_labels("step", "loss", "learning rate");
    chart.set_options(options);
    chart.apply(&run(n).whole(), n);
    chart
}

#[test]
fn losses_lie_where_the_axes_say() {
    let scale = Scale::fractions(2.0, 16.0);
    for log_x in [false, true] {
        let mut chart =
            loss_chart(500, scale, LossOptions { log_x, show_batch: false, ..LossOptions::default() });
        let recorder = drawn_loss(&mut chart, WIDTH, HEIGHT, scale);
        let (plot, _) = chart.plots();
        let [_, y_axis, _] = chart.axes();
        let paths = recorder.paths_of(rgb(Theme::default().fit));
        assert_eq!(paths.len(), 1);
        let x = |at: usize| f64::from(paths[0].points[at].0);
        assert!((x(0) - plot.left).abs() <= 0.5, "step 0 stands at the left edge");
        // The 10th update on log10(step + 1).
        let tenth = if log_x { 11_f64.log10() / 501_f64.log10() } else { 0.02 };
        assert!((x(10) - plot.left - tenth * (plot.right - plot.left)).abs() <= 0.5, "step 10");
        for &(px, py) in &paths[0].points {
            let share = (f64::from(px) - plot.left) / (plot.right - plot.left);
            let step = if log_x { 501_f64.powf(share) - 1.0 } else { share * 500.0 };
            let expected = -2.0 * step / 500.0;
            let height = (plot.bottom - f64::from(py)) / (plot.bottom - plot.top);
            let shown = y_axis.low + height * (y_axis.high - y_axis.low);
            // At the end of a logarithmic axis a column holds two steps, each 4e-3 below the last.
            // Elsewhere half a unit of some 6,000 for 2.2 decades, and as much again for the step.
            let tolerance = if log_x { 5e-3 } else { 4e-4 };
            assert!((shown - expected).abs() < tolerance, "{shown} for {expected} at step {step}");
        }
    }
}

#[test]
fn band_marks_and_divergence_stand_at_their_steps() {
    let mut history = run(100_000);
    history.record_steps(60_000, &[50.0], &[0.1]);
    let mut chart = LossChart::default();
    chart.resize(size(WIDTH, HEIGHT, Scale::pixels(1.0)));
    chart.apply(&history.whole(), 100_000);
    chart.set_marks(vec![25_000, 75_000]);
    chart.set_diverged(Some(90_000));
    let recorder = drawn_loss(&mut chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    let (plot, _) = chart.plots();
    let at = |step: f64| plot.left + step / 100_000.0 * (plot.right - plot.left);
    let theme = Theme::default();
    let band = recorder.polygons.iter().find(|shape| shape.rgb == rgb(theme.batch)).expect("a band");
    let peak = band.points.iter().min_by_key(|(_, y)| *y).expect("vertices");
    assert!((f64::from(peak.0) - at(60_000.0)).abs() <= 1.5, "the spike: {peak:?} for {}", at(60_000.0));
    let dots = recorder.paths_of(rgb(theme.mark));
    for step in [25_000.0, 75_000.0] {
        let near = |x: i32| (f64::from(x) - at(step)).abs() <= 1.0;
        let n = dots.iter().filter(|path| path.points.iter().all(|&(x, _)| near(x))).count();
        assert!(n > 20, "a dotted line at step {step}: {n}");
    }
    let numbers: Vec<&Label> =
        recorder.labels.iter().filter(|label| label.text == "1" || label.text == "2").collect();
    assert!(numbers.iter().any(|label| ((label.left + label.right) / 2.0 - at(25_000.0)).abs() <= 1.0));
    chart.set_marks(vec![90_000, 95_000, 99_000, 99_999, 100_000]);
    let crowded = drawn_loss(&mut chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    check_labels(&crowded, "crowded marks");
    let numbers: String = crowded
        .labels
        .iter()
        .filter(|label| label.top > plot.top - 2.0 && label.left > plot.left)
        .filter(|label| label.bottom < plot.top + 20.0)
        .map(|label| label.text.clone() + " ")
        .collect();
    assert!(
        numbers.starts_with('1') && numbers.trim_end().ends_with('5'),
        "every mark has its number: {numbers}"
    );
    let red = recorder.paths_of(rgb(theme.diverged));
    assert_eq!(red.len(), 3, "a line and a cross");
    assert!((f64::from(red[0].points[0].0) - at(90_000.0)).abs() <= 1.0);
}

#[test]
fn reading_gives_what_was_recorded() {
    let mut chart = loss_chart(500, Scale::pixels(2.0), LossOptions::default());
    let (plot, _) = chart.plots();
    let x = (plot.left + 0.6 * (plot.right - plot.left)) / 2.0;
    let reading = chart.reading(x, 100.0).expect("inside");
    assert_eq!((reading.step, reading.step_end), (300.0, 300.0));
    let loss = reading.loss.expect("evaluated at every step");
    assert!((loss - 10_f64.powf(-1.2)).abs() < 1e-6 && (reading.x - x).abs() < 0.6);
    assert!((reading.batch_loss.expect("a batch") - 2.0 * loss).abs() < 1e-6);
    chart.set_cursor(Some(x));
    assert_eq!(chart.move_cursor(1).expect("a step").step, 301.0);
    assert_eq!(chart.move_cursor(-2).expect("a step").step, 299.0);
    assert_eq!(chart.move_cursor(i32::MAX).expect("a step").step, 499.0);
    assert_eq!(LossChart::default().move_cursor(1), None);
}

#[test]
fn lines_go_on_to_the_edge_of_a_zoomed_plot() {
    let mut history = History::new();
    history.record_steps_at_rate(0, &[1.0; 1000], 0.1);
    for step in (0..1000).step_by(100) {
        history.record_loss(step, 1.0);
    }
    let mut chart = LossChart::default();
    chart.resize(size(WIDTH, HEIGHT, Scale::pixels(1.0)));
    chart.apply(&history.whole(), 1000);
    chart.zoom(400.0, 100.0, 12.0);
    let recorder = drawn_loss(&mut chart, WIDTH, HEIGHT, Scale::pixels(1.0));
    let (plot, _) = chart.plots();
    for colour in [Theme::default().fit, Theme::default().batch] {
        let x = || {
            recorder
                .paths_of(rgb(colour))
                .into_iter()
                .flat_map(|path| &path.points)
                .map(|(x, _)| f64::from(*x))
        };
        assert!(x().fold(f64::INFINITY, f64::min) <= plot.left + 1.0);
        assert!(x().fold(0.0, f64::max) >= plot.right - 1.0);
    }
}

fn overlap(a: &Label, b: &Label) -> bool {
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

fn check_labels(recorder: &Recorder, case: &str) {
    let labels = &recorder.labels;
    for (i, a) in labels.iter().enumerate() {
        assert!(
            a.left >= 0.0 && a.right <= f64::from(recorder.size.0) + 1.0,
            "{case}: {a:?} leaves the canvas"
        );
        assert!(
            a.top >= 0.0 && a.bottom <= f64::from(recorder.size.1) + 1.0,
            "{case}: {a:?} leaves the canvas"
        );
        for b in &labels[i + 1..] {
            assert!(!overlap(a, b), "{case}: {a:?} over {b:?}");
        }
    }
}

#[test]
fn no_label_covers_another() {
    let runs = [3, 700, 30_000].map(|n| (n, run(n).whole()));
    for width in (320..=1600).step_by(80).map(f64::from) {
        for ratio in [1.0, 2.0, 3.0] {
            for (magnitude, height) in
                [(1e-6_f32, 180.0), (0.37, 300.0), (1.0, 420.0), (54_321.0, 240.0), (3e9, 800.0)]
            {
                let scale = Scale::fractions(ratio, 16.0);
                let mut fit = FitChart::default();
                fit.stage.resize(size(width, height, scale));
                fit.set_labels(
                    "eruption length (min)",
                    "waiting time to the next eruption of this geyser (min)",
                );
                let ends = [-f64::from(magnitude), f64::from(magnitude) * 1.3];
                fit.set_dataset(vec![-magnitude, magnitude], vec![magnitude; 2], ends, ends);
                for zoom in [1.0, 7.0, 900.0] {
                    fit.stage.zoom(0.6 * width, 0.4 * height, zoom);
                    check_labels(
                        &drawn_fit(&fit, width, height, scale),
                        &format!("fit {width} {ratio} {magnitude} {zoom}"),
                    );
                }
                let mut empty = LossChart::default();
                empty.resize(size(width, height, scale));
                empty.set_labels("step", "mean squared error", "learning rate in effect");
                check_labels(
                    &drawn_loss(&mut empty, width, height, scale),
                    &format!("empty {width} {ratio}"),
                );
                for (log_x, log_y) in [(false, true), (true, false), (true, true)] {
                    let (n, delta) = &runs[(width as usize / 80) % 3];
                    let (n, mut delta) = (*n, delta.clone());
                    for array in [&mut delta.loss, &mut delta.batch_loss_mean, &mut delta.rate] {
                        array.iter_mut().for_each(|value| *value *= magnitude);
                    }
                    let mut loss = LossChart::default();
                    loss.resize(size(width, height, scale));
                    loss.set_labels("step", "mean squared error", "learning rate in effect");
                    loss.set_options(LossOptions { log_x, log_y, ..LossOptions::default() });
                    loss.apply(&delta, n);
                    loss.set_marks((0..40).map(|i| i * i * n / 1600).collect());
                    let case = format!("loss {width} {ratio} {magnitude} {log_x} {log_y} {n}");
                    check_labels(&drawn_loss(&mut loss, width, height, scale), &case);
                }
            }
        }
    }
}

#[test]
fn straight_strokes_align_with_device_pixels() {
    for ratio in [1.0, 1.25, 1.5, 2.0, 3.0] {
        let scale = Scale::fractions(ratio, 16.0);
        let recorder = drawn_fit(&parabola(scale), WIDTH, HEIGHT, scale);
        let grid = recorder.paths_of(rgb(Theme::default().grid));
        assert!(grid.len() > 6);
        for path in grid {
            let [(x0, y0), (x1, _)] = path.points[..] else { panic!("a straight line") };
            let across = if x0 == x1 { x0 } else { y0 };
            assert_eq!(path.width % 16, 0, "a stroke of whole pixels");
            assert_eq!((across * 2 - path.width as i32) % 32, 0, "edges between pixels at {ratio}: {path:?}");
        }
    }
}

#[test]
fn range_follows_without_jitter() {
    let mut range = StableRange::default();
    let mut changes = 0;
    let mut last = (0.0, 0.0);
    for i in 0..1000 {
        // A loss that has settled: both ends wander by some percent.
        let wobble = 1.0 + 0.05 * f64::from(i).sin();
        let (low, high) = range.update(Mapping::Log, 0.01 * wobble, wobble);
        assert!(low <= (0.01 * wobble).log10() && high >= wobble.log10());
        changes += i32::from((low, high) != last);
        last = (low, high);
    }
    assert!(changes <= 4, "the axis moved {changes} times");
    let (low, high) = range.update(Mapping::Log, 0.5, 1.0);
    assert!(low > -1.0 && high < 0.5, "a range that is mostly empty shrinks: {low} {high}");
}

#[test]
fn numbers_read_as_the_page_writes_them() {
    for (value, text) in [
        (0.0, "0"),
        (1.0, "1.000"),
        (2.0 / 3.0, "0.6667"),
        (12_480.4, "12,480"),
        (999_999.4, "999,999"),
        (1e6, "1.000e6"),
        (-1234.56, "\u{2212}1,235"),
        (0.000_123_44, "0.0001234"),
        (0.000_012_344, "1.234e\u{2212}5"),
        (0.999_96, "1.000"),
        (f64::NAN, "–"),
        (f64::NEG_INFINITY, "\u{2212}∞"),
    ] {
        assert_eq!(number(value), text);
    }
}

#[test]
fn colours_are_read_as_css_writes_them() {
    let same = |text: &str, expected: Option<(u8, u8, u8, f64)>| {
        let read = Colour::parse(text).map(|Colour(RGBAColor(r, g, b, a))| (r, g, b, a));
        assert_eq!(read, expected, "{text}");
    };
    same(" #0b62d6 ", Some((11, 98, 214, 1.0)));
    same("#abc", Some((0xaa, 0xbb, 0xcc, 1.0)));
    same("rgb(1, 2, 3)", Some((1, 2, 3, 1.0)));
    same("rgba(1, 2, 3, 0.5)", Some((1, 2, 3, 0.5)));
    same("rgb(1 2 3 / 25%)", Some((1, 2, 3, 0.25)));
    for text in
        ["", "#", "#12", "#äöü", "rgb()", "rgb(1,2)", "rgb(1,2,x)", "rgba(1,2,3,NaN)", "blue", "rgb 1 2 3"]
    {
        same(text, None);
    }
}

#[test]
fn the_nearest_mark_is_read_within_reach() {
    let mut chart = loss_chart(1000, Scale::pixels(1.0), LossOptions::default());
    chart.resize(size(400.0, 300.0, Scale::pixels(1.0)));
    chart.set_marks(vec![500, 560]);
    // The cursor reports the position of its column, so the chart itself gives the positions of
    // steps.
    let mut read = Vec::new();
    chart.set_cursor(Some(0.0));
    while let Some(reading) = chart.move_cursor(1) {
        if read.last().is_some_and(|last: &(f64, f64, Option<u32>)| last.1 == reading.x) {
            break;
        }
        read.push((reading.step, reading.x, reading.mark));
    }
    let place = |step: f64| read.iter().min_by_key(|(at, ..)| (at - step).abs() as u64).expect("a column").1;
    assert!(read.len() > 100);
    for (step, x, mark) in &read {
        let apart = [500.0, 560.0].map(|step| (place(step) - x).abs());
        let nearest = if apart[0] <= apart[1] { 0 } else { 1 };
        match mark {
            Some(mark) => {
                assert_eq!(*mark, nearest, "step {step}");
                assert!(apart[*mark as usize] <= 7.0, "step {step} is {apart:?} px away");
            }
            None => assert!(apart[0] > 5.0 && apart[1] > 5.0, "step {step} is {apart:?} px away"),
        }
    }
    assert!(read.iter().any(|(.., mark)| *mark == Some(1)) && read.iter().any(|(.., mark)| mark.is_none()));
}
