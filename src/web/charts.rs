//! The JavaScript interface of the fit chart and the loss chart, which run on the page's thread,
//! and the exports that all charts share.
//!
//! Each chart takes two stacked canvases: `base` for the static layer, `top` for the dynamic one.
//! The charts set the CSS size of the canvases, so measure the element around them.

use super::canvas::Canvas;
use super::to_js;
use crate::chart;
use crate::history::HistoryDelta;
use js_sys::{Array, Float32Array, Reflect, Uint32Array};
use serde::Serialize;
use wasm_bindgen::prelude::*;
use web_sys::HtmlCanvasElement;

#[wasm_bindgen]
extern "C" {
    /// Colours and font of a chart, as the page passes them.
    #[wasm_bindgen(typescript_type = "ChartTheme")]
    pub type ChartTheme;
    /// Row counts on a grid, as the page passes them.
    #[wasm_bindgen(typescript_type = "Density")]
    pub type Density;
    #[wasm_bindgen(method, getter)]
    fn columns(this: &Density) -> u32;
    #[wasm_bindgen(method, getter)]
    fn rows(this: &Density) -> u32;
    #[wasm_bindgen(method, getter)]
    fn x(this: &Density) -> Array;
    #[wasm_bindgen(method, getter)]
    fn y(this: &Density) -> Array;
    #[wasm_bindgen(method, getter)]
    fn counts(this: &Density) -> Uint32Array;

    /// The values at the pointer's position in the fit chart.
    #[wasm_bindgen(typescript_type = "FitReading")]
    pub type FitReading;
    /// The values at the pointer's position in the loss chart.
    #[wasm_bindgen(typescript_type = "LossReading")]
    pub type LossReading;

    /// The part of a run's history that changed since the last delta. Its arrays are copied.
    #[wasm_bindgen(typescript_type = "HistoryDelta")]
    pub type Delta;
    #[wasm_bindgen(method, getter)]
    fn first(this: &Delta) -> f64;
    #[wasm_bindgen(method, getter)]
    fn batch_loss_min(this: &Delta) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn batch_loss_max(this: &Delta) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn batch_loss_mean(this: &Delta) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn loss(this: &Delta) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn rate(this: &Delta) -> Float32Array;
    #[wasm_bindgen(method, getter)]
    fn validation(this: &Delta) -> Float32Array;
}

/// Exports the methods that all charts share. The second argument is the field of the chart that has its size
/// and visible range.
macro_rules! export_chart {
    ($name:ident $(. $stage:ident)?) => {
        #[wasm_bindgen]
        impl $name {
            /// Creates a chart on two stacked canvases.
            #[wasm_bindgen(constructor)]
            pub fn new(base: HtmlCanvasElement, top: HtmlCanvasElement) -> Result<$name, JsError> {
                Ok(Self { chart: chart::$name::default(), layers: Layers::new(base, top)? })
            }

            /// Sets the size. Call it when the element around the canvases or the pixel ratio changes.
            pub fn resize(&mut self, width_css: f64, height_css: f64, device_pixel_ratio: f64) {
                self.chart$(.$stage)?.resize(self.layers.resize(width_css, height_css, device_pixel_ratio));
            }

            /// Sets the colours and font.
            pub fn set_theme(&mut self, theme: &ChartTheme) {
                self.chart$(.$stage)?.set_theme(self.layers.theme(theme));
            }

            /// Draws the layers that are out of date; returns whether there were any. Call it in
            /// `requestAnimationFrame`.
            pub fn draw(&mut self) -> Result<bool, JsError> {
                let stale = self.chart$(.$stage)?.stale();
                if stale.base {
                    self.layers.base.redraw(|canvas| self.chart.draw_base(canvas))?;
                }
                if stale.top {
                    self.layers.top.redraw(|canvas| self.chart.draw_top(canvas))?;
                }
                self.chart$(.$stage)?.mark_drawn();
                Ok(stale != chart::Stale::NEITHER)
            }

            /// Zooms by `factor` about a position on the canvas, in CSS pixels.
            pub fn zoom(&mut self, x_css: f64, y_css: f64, factor: f64) {
                self.chart$(.$stage)?.zoom(x_css, y_css, factor);
            }

            /// Pans by a distance in CSS pixels.
            pub fn pan(&mut self, dx_css: f64, dy_css: f64) {
                self.chart$(.$stage)?.pan(dx_css, dy_css);
            }

            /// Resets pan and zoom so that all data are visible.
            pub fn reset_zoom(&mut self) {
                self.chart$(.$stage)?.reset_zoom();
            }

            /// Whether the visible range differs from that of all data.
            pub fn is_zoomed(&self) -> bool {
                self.chart$(.$stage)?.is_zoomed()
            }
        }
    };
}
pub(super) use export_chart;

/// The fit chart: points, the current fit and the exact solution.
#[wasm_bindgen]
pub struct FitChart {
    chart: chart::FitChart,
    layers: Layers,
}

#[wasm_bindgen]
impl FitChart {
    /// Sets the titles of the x and y axes.
    pub fn set_labels(&mut self, x: &str, y: &str) {
        self.chart.set_labels(x, y);
    }

    /// Replaces the points and clears density and curves. The zoom is kept if the ranges are similar to the
    /// previous ones.
    pub fn set_dataset(
        &mut self,
        points_x: Vec<f32>,
        points_y: Vec<f32>,
        x_min: f64,
        x_max: f64,
        y_min: f64,
        y_max: f64,
    ) {
        self.chart.set_dataset(points_x, points_y, [x_min, x_max], [y_min, y_max]);
    }

    /// Replaces the points without changing the visible range.
    pub fn set_points(&mut self, points_x: Vec<f32>, points_y: Vec<f32>) {
        self.chart.set_points(points_x, points_y);
    }

    /// Shows row counts on a grid instead of points; `undefined` shows the points again.
    pub fn set_density(&mut self, density: Option<Density>) {
        let edges = |pair: Array| [0, 1].map(|i| pair.get(i).as_f64().unwrap_or(f64::NAN));
        self.chart.set_density(density.map(|density| chart::Density {
            columns: density.columns(),
            rows: density.rows(),
            x: edges(density.x()),
            y: edges(density.y()),
            counts: density.counts().to_vec(),
        }));
    }

    /// Sets the curve of the exact solution; `curve_x` must be ascending.
    pub fn set_exact(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.chart.set_exact(curve_x, curve_y);
    }

    /// Sets the curve of the current fit; `curve_y` has its value at each of `curve_x`, which must be
    /// ascending.
    pub fn set_fit(&mut self, curve_x: Vec<f32>, curve_y: Vec<f32>) {
        self.chart.set_fit(curve_x, curve_y);
    }

    /// Sets whether residuals and the exact solution are shown.
    pub fn set_options(&mut self, show_residuals: bool, show_exact: bool) {
        self.chart.set_options(chart::FitOptions { show_residuals, show_exact });
    }

    /// Returns the values at a position on the canvas in CSS pixels; `undefined` outside the plot.
    pub fn reading(&self, x_css: f64, y_css: f64) -> Option<FitReading> {
        write(&self.chart.reading(x_css, y_css)?)
    }

    /// Moves the cursor line to this x in units of the data; `undefined` removes it.
    pub fn set_cursor(&mut self, x: Option<f64>) {
        self.chart.set_cursor(x);
    }

    /// Data coordinates `[x, y]` at a position on the canvas in CSS pixels; empty if the chart has no size
    /// yet.
    pub fn data_at(&self, x_css: f64, y_css: f64) -> Vec<f64> {
        self.chart.stage.data_at(x_css, y_css).map_or_else(Vec::new, |(x, y)| vec![x, y])
    }

    /// Returns the visible range `[x0, x1, y0, y1]` of the axes.
    pub fn view(&self) -> Vec<f64> {
        self.chart.stage.view().to_vec()
    }
}

export_chart!(FitChart.stage);

/// The loss chart: losses over steps, with the learning rate in a strip below.
#[wasm_bindgen]
pub struct LossChart {
    chart: chart::LossChart,
    layers: Layers,
}

#[wasm_bindgen]
impl LossChart {
    /// Sets the titles of the axes: steps, losses and learning rate.
    pub fn set_labels(&mut self, step: &str, loss: &str, rate: &str) {
        self.chart.set_labels(step, loss, rate);
    }

    /// Adds the history of a snapshot; the run has made `step` updates.
    pub fn apply(&mut self, delta: Delta, step: f64) {
        let delta = HistoryDelta {
            first: delta.first() as u32,
            batch_loss_min: delta.batch_loss_min().to_vec(),
            batch_loss_max: delta.batch_loss_max().to_vec(),
            batch_loss_mean: delta.batch_loss_mean().to_vec(),
            loss: delta.loss().to_vec(),
            rate: delta.rate().to_vec(),
            validation: delta.validation().to_vec(),
        };
        self.chart.apply(&delta, step as u64);
    }

    /// Clears history, marks, reference, divergence, zoom and cursor, for another run.
    pub fn clear(&mut self) {
        self.chart.clear();
    }

    /// Sets the marks: the steps at which the configuration was changed during the run, in ascending order.
    /// They are numbered from 1.
    pub fn set_marks(&mut self, steps: Vec<f64>) {
        self.chart.set_marks(steps.into_iter().map(|step| step as u64).collect());
    }

    /// Sets the lowest loss that the model can reach, drawn as a reference line; `undefined` draws none.
    pub fn set_reference(&mut self, loss: Option<f64>) {
        self.chart.set_reference(loss);
    }

    /// Sets the step at which the run diverged; `undefined` if it has not.
    pub fn set_diverged(&mut self, step: Option<f64>) {
        self.chart.set_diverged(step.map(|step| step as u64));
    }

    /// Sets the options: logarithmic axes, the batch loss's smoothing (0 to 0.999), and whether to show the
    /// batch loss.
    pub fn set_options(&mut self, log_x: bool, log_y: bool, smoothing: f64, show_batch: bool) {
        self.chart.set_options(chart::LossOptions { log_x, log_y, smoothing, show_batch });
    }

    /// Returns the values at a position on the canvas in CSS pixels; `undefined` outside the plots.
    pub fn reading(&mut self, x_css: f64, y_css: f64) -> Option<LossReading> {
        write(&self.chart.reading(x_css, y_css)?)
    }

    /// Moves the cursor line to this x on the canvas, in CSS pixels; `undefined` removes it.
    pub fn set_cursor(&mut self, x_css: Option<f64>) {
        self.chart.set_cursor(x_css);
    }

    /// Moves the cursor by this many non-empty pixel columns and returns the values there; for the keyboard.
    pub fn move_cursor(&mut self, columns: i32) -> Option<LossReading> {
        write(&self.chart.move_cursor(columns)?)
    }
}

export_chart!(LossChart);

/// The two canvases of a chart.
pub(super) struct Layers {
    pub(super) base: Canvas,
    pub(super) top: Canvas,
}

impl Layers {
    pub(super) fn new(base: HtmlCanvasElement, top: HtmlCanvasElement) -> Result<Self, JsError> {
        let canvas =
            |element| Canvas::new(element).ok_or_else(|| JsError::new("the canvas gives no 2D context"));
        Ok(Self { base: canvas(base)?, top: canvas(top)? })
    }

    pub(super) fn resize(&self, width: f64, height: f64, device_pixel_ratio: f64) -> chart::Size {
        let ratio = if device_pixel_ratio.is_finite() { device_pixel_ratio.clamp(0.25, 8.0) } else { 1.0 };
        // A panel that is folded away has no size, or not a number.
        let [width, height] =
            [width, height].map(|css| if css.is_finite() { css.clamp(0.0, 16_384.0) } else { 0.0 });
        self.base.resize(width, height, ratio);
        self.top.resize(width, height, ratio);
        chart::Size { width, height, scale: Canvas::scale(ratio) }
    }

    pub(super) fn theme(&self, theme: &ChartTheme) -> chart::Theme {
        let colours = chart::ThemeColours::of(|name| {
            let text = Reflect::get(theme, &name.into()).ok().and_then(|text| text.as_string());
            let text = text.unwrap_or_default();
            // A font is no colour.
            if name == "font" { text } else { self.base.normalized(&text) }
        });
        chart::Theme::from_colours(&colours)
    }
}

pub(super) fn write<T: JsCast>(value: &impl Serialize) -> Option<T> {
    to_js(value).ok().map(JsCast::unchecked_into)
}
