//! How each row affects a fit, and how well the fit matches it: residuals, leverage, influence.
//!
//! Leverage is computed from R, row by row. The hat matrix, whose width is the number of rows, is
//! never formed.

use serde::Serialize;

use crate::analysis::distributions::normal_quantile;
use crate::analysis::fit::Fit;
use crate::analysis::optimum::pointwise;
use crate::analysis::rows::Inputs;
use crate::choices::Loss;
use crate::order::argsort;

/// Residual, leverage and influence of rows: one column per measure, with one entry per requested row.
/// Entries are NaN where a measure is undefined: for a row that the fit must pass through, or if coefficients
/// have no standard errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Influence {
    /// Number of rows that were fitted.
    pub n_samples: u64,
    /// Number of coefficients `p`. The mean leverage is `p / n`; rows above two or three times that deserve a
    /// look.
    pub n_coefficients: u64,
    /// Index in the dataset of each requested row, in ascending order.
    pub rows: Vec<u32>,
    /// The prediction for each row: the mean, the probability of class 1, or the rate.
    pub fitted: Vec<f64>,
    /// The residual of each row: `y - fitted`; for the logistic and Poisson losses, the deviance residual
    /// (the signed root of the row's contribution to the deviance).
    pub residuals: Vec<f64>,
    /// Internally studentized residuals: divided by their own standard deviation, `r / (s sqrt(1 - h))`,
    /// where `s` is the residual deviation and `h` the leverage.
    pub standardized: Vec<f64>,
    /// Externally studentized residuals, whose standard deviation is computed without the row itself. For the
    /// logistic and Poisson losses after Williams (1987), as in R's `rstudent`.
    pub studentized: Vec<f64>,
    /// Leverage `h` of each row, the diagonal of `X (X'X)^-1 X'`: how much a row's own target contributes to
    /// its fitted value, from 0 to 1.
    pub leverages: Vec<f64>,
    /// Cook's distance of each row, `r^2 h / (s^2 p (1 - h)^2)`: how far all fitted values would move without
    /// the row (Cook 1977).
    pub cooks_distances: Vec<f64>,
    /// The value that a normal distribution predicts for the standardized residual of each row's rank (or for
    /// the residual, if that is undefined): the quantile at `(rank - 1/2) / n`.
    pub normal_quantiles: Vec<f64>,
}

/// The entries of one row in [`Influence`], in the order of its columns.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// The index of the row among the rows that were fitted.
    order: usize,
    place: usize,
    fitted: f64,
    residual: f64,
    standardized: f64,
    studentized: f64,
    leverage: f64,
    cooks_distance: f64,
}

impl Row {
    /// The value by which rows are ranked: the standardized residual, or the residual if that is undefined.
    fn ranked(&self) -> f64 {
        if self.standardized.is_nan() { self.residual } else { self.standardized }
    }
}

impl Fit<'_> {
    /// The influence of up to `limit` rows: all of them, or an even sample plus rows that stand out. A tenth
    /// of the limit each goes to the rows with the largest residuals, leverages and Cook's distances, and
    /// with the lowest and the highest fitted values. Empty for softmax.
    pub fn influence(&self, limit: usize) -> Influence {
        if self.linear.n_outputs > 1 {
            return Influence::default();
        }
        let mut n = 0;
        self.rows.for_each_input(&mut |inputs| n += inputs.targets.len());
        let n_extremes = if n > limit { limit / 10 } else { 0 };
        let mut extremes: Vec<Extremes> = EXTREMES.iter().map(|of| Extremes::new(n_extremes, *of)).collect();
        let n_even = (limit - n_extremes * extremes.len()).min(n);
        let mut rows = Vec::with_capacity(n_even);
        let mut ranked = Vec::with_capacity(n);
        self.for_each_row(|row| {
            ranked.push(row.ranked());
            // Row k of the sample is the first one at or after the fraction k / n_even of all rows.
            if rows.len() < n_even && row.order * n_even >= rows.len() * n {
                rows.push(row);
            }
            extremes.iter_mut().for_each(|extremes| extremes.offer(row));
        });
        rows.extend(extremes.into_iter().flat_map(|extremes| extremes.rows));
        rows.sort_by_key(|row| row.order);
        rows.dedup_by_key(|row| row.order);
        let ranks = ranks(&ranked);
        let column = |of: fn(&Row) -> f64| rows.iter().map(of).collect();
        Influence {
            n_samples: n as u64,
            n_coefficients: self.covariance.as_ref().map_or(self.parameters.len(), |c| c.factor.p()) as u64,
            rows: rows.iter().map(|row| row.place as u32).collect(),
            fitted: column(|row| row.fitted),
            residuals: column(|row| row.residual),
            standardized: column(|row| row.standardized),
            studentized: column(|row| row.studentized),
            leverages: column(|row| row.leverage),
            cooks_distances: column(|row| row.cooks_distance),
            normal_quantiles: rows
                .iter()
                .map(|row| normal_quantile((f64::from(ranks[row.order]) + 0.5) / n as f64))
                .collect(),
        }
    }

    fn for_each_row(&self, mut each: impl FnMut(Row)) {
        let map = self.rows.map();
        let n_inputs = map.n_inputs();
        let mut features = vec![0.0; map.n_features()];
        let mut order = 0;
        self.rows.for_each_input(&mut |Inputs { places, x, targets, weights }| {
            for ((x, place), (y, s)) in x.chunks_exact(n_inputs).zip(places).zip(targets.iter().zip(weights))
            {
                map.features(x, &mut features);
                each(self.row(order, *place, &features, *y, *s));
                order += 1;
            }
        });
    }

    fn row(&self, order: usize, place: usize, features: &[f64], y: f64, weight: f64) -> Row {
        let z = self.output(features, 0);
        let fitted = self.response(z);
        // The Pearson residual: divided by the deviation that the model expects.
        let (residual, pearson, curvature) = match self.loss {
            Loss::Logistic | Loss::Poisson => {
                let curvature = pointwise::derivatives(self.loss, z, y)[1];
                let root = deviance_share(self.loss, z, y).max(0.0).sqrt().copysign(y - fitted);
                (root, (y - fitted) / curvature.sqrt(), curvature)
            }
            _ => (y - fitted, y - fitted, 1.0),
        };
        let mut row = Row {
            order,
            place,
            fitted,
            residual,
            standardized: f64::NAN,
            studentized: f64::NAN,
            leverage: f64::NAN,
            cooks_distance: f64::NAN,
        };
        let Some(covariance) = &self.covariance else { return row };
        let columns: Vec<f64> = covariance.factor.narrow(features).collect();
        row.leverage = (weight * curvature * covariance.factor.quadratic(&columns)).min(1.0);
        let free = 1.0 - row.leverage;
        // A row that the fit must pass through has only rounding error as its residual.
        if free <= 1e-10 {
            return row;
        }
        let unit = (weight / covariance.variance).sqrt();
        let (own, pearson) = (unit * residual, unit * pearson);
        let p = columns.len() as f64;
        row.standardized = own / free.sqrt();
        row.studentized = if self.loss == Loss::Squared {
            let df = covariance.degrees_of_freedom;
            // The deviation without the row follows from the residual itself.
            let left = (df - row.standardized * row.standardized) / (df - 1.0);
            row.standardized / left.sqrt()
        } else {
            (own * own + pearson * pearson * row.leverage / free).sqrt().copysign(residual)
        };
        row.cooks_distance = pearson * pearson * row.leverage / (free * free * p);
        row
    }

    /// The value of output `k`, `x w + b`, for a row of features.
    pub(in crate::analysis) fn output(&self, features: &[f64], k: usize) -> f64 {
        self.linear.output(&self.parameters, features, k)
    }

    /// The prediction of a model with one output whose value is `z`.
    pub(in crate::analysis) fn response(&self, z: f64) -> f64 {
        let mut response = [z];
        self.loss.respond(&mut response);
        response[0]
    }
}

/// The contribution to the deviance of a row with output `z` and target `y`.
fn deviance_share(loss: Loss, z: f64, y: f64) -> f64 {
    let best = if loss == Loss::Poisson && y > 0.0 { y - y * libm::log(y) } else { 0.0 };
    2.0 * (pointwise::value(loss, &[z], y) - best)
}

/// The measures whose largest values select rows that stand out.
const EXTREMES: [fn(&Row) -> f64; 5] = [
    |row| row.ranked().abs(),
    |row| row.leverage,
    |row| row.cooks_distance,
    |row| row.fitted,
    |row| -row.fitted,
];

/// Collects the rows with the largest values of one measure.
struct Extremes {
    limit: usize,
    of: fn(&Row) -> f64,
    /// The rows kept so far, largest value first.
    rows: Vec<Row>,
}

impl Extremes {
    fn new(limit: usize, of: fn(&Row) -> f64) -> Self {
        Self { limit, of, rows: Vec::with_capacity(limit + 1) }
    }

    fn offer(&mut self, row: Row) {
        let key = (self.of)(&row);
        if self.limit == 0 || key.is_nan() {
            return;
        }
        let place = self.rows.partition_point(|other| (self.of)(other) >= key);
        if place < self.limit {
            self.rows.insert(place, row);
            self.rows.truncate(self.limit);
        }
    }
}

/// The rank of each value: the number of values that are smaller.
fn ranks(values: &[f64]) -> Vec<u32> {
    let mut ranks = vec![0; values.len()];
    for (rank, row) in (0..).zip(argsort(values)) {
        ranks[row as usize] = rank;
    }
    ranks
}
