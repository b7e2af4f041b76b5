//! The mean loss and the main metrics, by the names that the page and run files use.

use super::{Classification, Regression};
use crate::choices::Loss;
use crate::model::Response;

/// Sums over rows for the mean loss and for the metrics that suit this loss.
#[derive(Clone, Debug)]
pub struct NamedMetrics {
    loss: Loss,
    sum: f64,
    weight: f64,
    n_samples: u64,
    numbers: Regression,
    classes: Classification,
    slopes: Vec<f64>,
    /// Whether the loss is defined for the model's outputs; the next field states the same for the metrics.
    has_loss: bool,
    has_metrics: bool,
    /// Whether the output is a score whose sign decides between two classes, above 0 for the second.
    is_score: bool,
}

impl NamedMetrics {
    /// Creates empty sums for the outputs of a run with this loss.
    pub fn new(loss: Loss, n_outputs: usize) -> Self {
        Self::of_foreign(loss, n_outputs, (Some(loss.response()), n_outputs))
    }

    /// Creates empty sums for the outputs of a foreign model, whose activation and number of outputs
    /// (`n_foreign`) may differ from those of a run with this loss and `n_outputs` outputs. Without an
    /// activation, neither loss nor metrics are defined.
    pub fn of_foreign(
        loss: Loss,
        n_outputs: usize,
        (activation, n_foreign): (Option<Response>, usize),
    ) -> Self {
        let n_classes = n_outputs.max(2);
        let has_loss = activation == Some(loss.response()) && n_foreign == n_outputs;
        let is_score = loss.decides() && activation == Some(Response::Linear);
        let has_metrics = match activation {
            Some(Response::Sigmoid) => n_classes == 2,
            Some(Response::Softmax) => loss.classifies() && n_foreign == n_classes,
            Some(Response::Linear | Response::Exponential) => {
                (is_score || !loss.classifies()) && n_foreign == 1
            }
            None => false,
        };
        Self {
            loss,
            sum: 0.0,
            weight: 0.0,
            n_samples: 0,
            numbers: Regression::default(),
            classes: Classification::new(n_classes, 1),
            slopes: vec![0.0; n_foreign],
            has_loss,
            has_metrics,
            is_score,
        }
    }

    /// Adds a row: the model's outputs, their response (the prediction), the target and the row's weight.
    pub fn feed(&mut self, outputs: &[f64], response: &[f64], target: f64, weight: f64) {
        self.n_samples += 1;
        self.weight += weight;
        if self.has_loss {
            self.sum += weight * self.loss.value_and_slopes(outputs, target, &mut self.slopes);
        }
        if !self.has_metrics {
            return;
        }
        if self.loss.classifies() {
            let class = [f64::from(outputs[0] > 0.0)];
            let said = match response {
                [_] if self.is_score => &class,
                // For two classes, the probability of the second is enough.
                [_, second] => std::slice::from_ref(second),
                all => all,
            };
            self.classes.feed(said, &[target], &[weight]);
        } else {
            self.numbers.feed(response, &[target], &[weight]);
        }
    }

    /// The number of rows added so far.
    pub fn n_samples(&self) -> u64 {
        self.n_samples
    }

    /// The mean loss without a penalty; `None` if it is not defined for the outputs.
    pub fn mean_loss(&self) -> Option<f64> {
        (self.has_loss && self.weight > 0.0).then(|| self.sum / self.weight)
    }

    /// Metrics by the names of the page's labels without `score_`: `mse`, `rmse`, `mae` and `r2` for numbers
    /// (also `deviance` and `d2` for counts), `log_loss` and `accuracy` for classes (only `accuracy` without
    /// probabilities). An undefined metric is `None`. `n_features` is the number of the model's features.
    pub fn metrics(&self, n_features: usize) -> Vec<(&'static str, Option<f64>)> {
        let known = |value: f64| Some(value).filter(|value| self.has_metrics && value.is_finite());
        if self.loss.classifies() {
            let metrics = self.classes.metrics();
            let accuracy = ("accuracy", known(metrics.accuracy));
            return match self.loss.decides() {
                true => vec![accuracy],
                false => vec![("log_loss", known(metrics.log_loss)), accuracy],
            };
        }
        let metrics = self.numbers.metrics(n_features);
        let mut found = vec![
            ("mse", known(metrics.mean_squared_error)),
            ("rmse", known(metrics.root_mean_squared_error)),
            ("mae", known(metrics.mean_absolute_error)),
            ("r2", metrics.r2.and_then(known)),
        ];
        if self.loss == Loss::Poisson {
            found.push(("deviance", metrics.mean_poisson_deviance.and_then(known)));
            found.push(("d2", metrics.d2_poisson.and_then(known)));
        }
        found
    }
}
