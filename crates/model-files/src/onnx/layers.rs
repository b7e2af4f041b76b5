//! Nodes that are whole layers: normalization and scikit-learn's operators.

use std::rc::Rc;

use downhill::message::{Code, Message, Result};
use downhill::model::Response;

use super::inputs::levels_of;
use super::proto::NodeProto;
use super::read::{MAX_COLUMNS, Symbol, Walk, attribute, integer, text};
use super::tensor::Constant;
use super::{cut, damaged, unsupported};
use crate::graph::{Polynomial, Value};

impl Walk<'_> {
    pub(super) fn gemm(&mut self, node: &NodeProto) -> Result<Symbol> {
        let number = |name: &str| attribute(node, name).and_then(|own| own.f).map_or(1.0, f64::from);
        let flag = |name: &str| attribute(node, name).and_then(|own| own.i).unwrap_or(0) != 0;
        if flag("transA") {
            return Err(unsupported("a Gemm with a transposed input"));
        }
        let mut kernel = Constant::clone(&*self.constant(node, 1)?);
        if flag("transB") {
            kernel =
                kernel.transposed().ok_or_else(|| unsupported("a kernel with more than two dimensions"))?;
        }
        let (alpha, beta) = (number("alpha"), number("beta"));
        kernel.values.iter_mut().for_each(|weight| *weight *= alpha);
        let mut bias = match node.input.get(2).map(String::as_str) {
            None | Some("") => Vec::new(),
            Some(_) => {
                let bias = self.constant(node, 2)?;
                if !bias.is_row() {
                    return Err(unsupported("a Gemm with one bias per row"));
                }
                bias.values.clone()
            }
        };
        bias.iter_mut().for_each(|bias| *bias *= beta);
        let n_outputs = kernel.shape().map_or(0, |(_, columns)| columns);
        if bias.len() == 1 && n_outputs > 1 && n_outputs <= MAX_COLUMNS {
            bias = vec![bias[0]; n_outputs];
        }
        self.dense(node, &kernel, &bias)
    }

    pub(super) fn dense(&mut self, node: &NodeProto, kernel: &Constant, bias: &[f64]) -> Result<Symbol> {
        let columns = self.columns(node, 0)?;
        let (_, n_outputs) =
            kernel.shape().ok_or_else(|| unsupported("a kernel with more than two dimensions"))?;
        Ok(Symbol::Columns(Rc::new(self.graph.dense(&columns, &kernel.values, n_outputs, bias)?)))
    }

    pub(super) fn one_hot(&mut self, node: &NodeProto) -> Result<Symbol> {
        let input = match self.symbol(node, 0)? {
            Symbol::Words(words) if words.len() == 1 => words[0],
            _ => return Err(unsupported("a OneHotEncoder of a computed value")),
        };
        if levels_of(node)? != self.graph.levels(input) {
            return Err(unsupported("two OneHotEncoders with different categories for one column"));
        }
        Ok(Symbol::Hot(Rc::new(self.graph.one_hot(input)?)))
    }

    /// scikit-learn's scaler: `(x - offset) * scale`.
    pub(super) fn scaler(&mut self, node: &NodeProto) -> Result<Symbol> {
        let floats = |name| -> Value {
            let floats = attribute(node, name).into_iter().flat_map(|own| &own.floats).take(MAX_COLUMNS + 1);
            floats.map(|f| Polynomial::constant(f64::from(*f))).collect()
        };
        let (mut columns, offset, scale) = (self.columns(node, 0)?, floats("offset"), floats("scale"));
        if [&offset, &scale].iter().any(|own| own.len() > 1 && own.len() != columns.len()) {
            return Err(damaged("a Scaler with a different number of values than columns"));
        }
        if !offset.is_empty() {
            columns = Rc::new(self.graph.add(&columns, &offset, -1.0)?);
        }
        if !scale.is_empty() {
            columns = Rc::new(self.graph.multiply(&columns, &scale)?);
        }
        Ok(Symbol::Columns(columns))
    }

    /// Batch normalization in inference: `(x - mean) / sqrt(variance + epsilon) * scale + B`.
    pub(super) fn normalized(&mut self, node: &NodeProto) -> Result<Symbol> {
        if integer(node, "training_mode").unwrap_or(0) != 0 {
            return Err(unsupported("a BatchNormalization in training mode"));
        }
        let columns = self.columns(node, 0)?;
        let [scale, shift, mean, variance] = [1, 2, 3, 4].map(|place| self.constant(node, place));
        let epsilon = f64::from(attribute(node, "epsilon").and_then(|own| own.f).unwrap_or(1e-5));
        let (scale, shift, mean, variance) = (scale?, shift?, mean?, variance?);
        if [&scale, &shift, &mean, &variance].iter().any(|own| own.values.len() != columns.len()) {
            return Err(damaged("a BatchNormalization with a different number of values than columns"));
        }
        let row = |values: &[f64]| -> Value { values.iter().map(|v| Polynomial::constant(*v)).collect() };
        let factors: Vec<f64> = scale
            .values
            .iter()
            .zip(&variance.values)
            .map(|(scale, v)| scale / (v + epsilon).sqrt())
            .collect();
        let centered = self.graph.add(&columns, &row(&mean.values), -1.0)?;
        let scaled = self.graph.multiply(&centered, &row(&factors))?;
        Ok(Symbol::Columns(Rc::new(self.graph.add(&scaled, &row(&shift.values), 1.0)?)))
    }

    /// scikit-learn's linear regressor, with coefficients indexed `[output][feature]`.
    pub(super) fn regressor(&mut self, node: &NodeProto) -> Result<Symbol> {
        let n_outputs = attribute(node, "targets").and_then(|own| own.i).unwrap_or(1);
        let post = text(node, "post_transform");
        if !matches!(post, "" | "NONE") {
            return Err(unsupported(&format!("a LinearRegressor with {}", cut(post))));
        }
        let outputs = self.by_outputs(node, usize::try_from(n_outputs).unwrap_or(0))?;
        Ok(Symbol::Columns(Rc::new(outputs)))
    }

    /// scikit-learn's linear classifier. With two classes, the first may be expressed as the
    /// negative of the second: `-w`.
    pub(super) fn classifier(&mut self, node: &NodeProto) -> Result<Symbol> {
        let numbers = attribute(node, "classlabels_ints").map_or(&[][..], |own| &own.ints);
        let words = attribute(node, "classlabels_strings").map_or(&[][..], |own| &own.strings);
        let words = words.iter().map(|word| String::from_utf8(word.clone()).map_err(damaged));
        self.classes = words.chain(numbers.iter().map(|n| Ok(n.to_string()))).collect::<Result<_>>()?;
        let rows = attribute(node, "intercepts").map_or(self.classes.len(), |own| own.floats.len());
        let outputs = self.by_outputs(node, rows)?;
        match (text(node, "post_transform"), &outputs[..]) {
            ("LOGISTIC", [one]) => Ok(Symbol::Activated(Rc::new(vec![one.clone()]), Response::Sigmoid)),
            ("LOGISTIC", [first, second]) => {
                let sum = self.graph.add(&vec![first.clone()], &vec![second.clone()], 1.0)?;
                if !sum[0].is_near_zero_beside(second) {
                    return Err(unsupported("a two-class classifier whose outputs are not opposites"));
                }
                Ok(Symbol::Activated(Rc::new(vec![second.clone()]), Response::Sigmoid))
            }
            ("SOFTMAX", _) => Ok(Symbol::Activated(Rc::new(outputs), Response::Softmax)),
            (post, _) => {
                Err(unsupported(&format!("a LinearClassifier with {} of {rows} classes", cut(post))))
            }
        }
    }

    fn by_outputs(&mut self, node: &NodeProto, n_outputs: usize) -> Result<Value> {
        let floats = |name: &str| -> Vec<f64> {
            attribute(node, name).iter().flat_map(|own| &own.floats).map(|f| f64::from(*f)).collect()
        };
        let columns = self.columns(node, 0)?;
        let coefficients = floats("coefficients");
        if n_outputs == 0 || columns.len().checked_mul(n_outputs) != Some(coefficients.len()) {
            return Err(Message::new(Code::ModelShape)
                .with("name", "coefficients")
                .with("found", coefficients.len())
                .with("expected", format!("{n_outputs} x {}", columns.len())));
        }
        let of = Constant { dims: vec![n_outputs, columns.len()], values: coefficients };
        let kernel = of.transposed().map(|kernel| kernel.values).unwrap_or_default();
        self.graph.dense(&columns, &kernel, n_outputs, &floats("intercepts"))
    }
}
