//! Nodes that compute with columns and select columns.

use std::rc::Rc;

use downhill::config::MAX_DEGREE;
use downhill::message::Result;
use downhill::model::Response;

use super::proto::NodeProto;
use super::read::{MAX_COLUMNS, Symbol, Walk, attribute, integer};
use super::{damaged, too_large, unsupported};
use crate::graph::Value;

impl Walk<'_> {
    pub(super) fn arithmetic(&mut self, node: &NodeProto) -> Result<Symbol> {
        if let Some(complement) = self.complement(node) {
            return Ok(complement);
        }
        let both_constant =
            (0..node.input.len()).all(|place| matches!(self.symbol(node, place), Ok(Symbol::Constant(_))));
        if both_constant {
            return Err(unsupported("arithmetic on constants only"));
        }
        let mut result = self.columns(node, 0)?;
        for place in 1..node.input.len() {
            let other = self.columns(node, place)?;
            result = Rc::new(match node.op_type.as_str() {
                "Sub" => self.graph.add(&result, &other, -1.0)?,
                "Mul" => self.graph.multiply(&result, &other)?,
                "Div" => self.graph.divide(&result, &other)?,
                _ => self.graph.add(&result, &other, 1.0)?,
            });
        }
        Ok(Symbol::Columns(result))
    }

    /// The probability of the first of two classes as `1 - p`, as scikit-learn's converter writes
    /// it.
    fn complement(&self, node: &NodeProto) -> Option<Symbol> {
        match (node.op_type.as_str(), self.symbol(node, 0).ok()?, self.symbol(node, 1).ok()?) {
            ("Sub", Symbol::Constant(one), Symbol::Activated(outputs, Response::Sigmoid))
                if one.values[..] == [1.0] && outputs.len() == 1 =>
            {
                Some(Symbol::Complement(Rc::clone(outputs)))
            }
            _ => None,
        }
    }

    pub(super) fn power(&mut self, node: &NodeProto) -> Result<Symbol> {
        let (columns, exponent) = (self.columns(node, 0)?, self.constant(node, 1)?);
        let [exponent] = exponent.values[..] else { return Err(unsupported("several exponents in one Pow")) };
        if !(1.0..=f64::from(MAX_DEGREE)).contains(&exponent) || exponent.fract() != 0.0 {
            return Err(unsupported(&format!("the exponent {exponent}")));
        }
        let mut result = Value::clone(&columns);
        for _ in 1..exponent as u32 {
            result = self.graph.multiply(&result, &columns)?;
        }
        Ok(Symbol::Columns(Rc::new(result)))
    }

    /// The product of a row's columns, which scikit-learn's converter uses for polynomial features.
    pub(super) fn product(&mut self, node: &NodeProto) -> Result<Symbol> {
        let axes = match node.input.get(1).map(String::as_str) {
            None | Some("") => {
                attribute(node, "axes").map_or(Vec::new(), |own| own.ints.iter().map(|n| *n as f64).collect())
            }
            Some(_) => self.constant(node, 1)?.values.clone(),
        };
        let columns = self.columns(node, 0)?;
        if !matches!(axes[..], [1.0 | -1.0]) || integer(node, "keepdims") == Some(0) {
            return Err(unsupported("a product across rows"));
        }
        let Some((first, others)) = columns.split_first() else {
            return Err(damaged("an empty product"));
        };
        let mut product = vec![first.clone()];
        for column in others {
            product = self.graph.multiply(&product, &vec![column.clone()])?;
        }
        Ok(Symbol::Columns(Rc::new(product)))
    }

    pub(super) fn side_by_side(&mut self, node: &NodeProto) -> Result<Symbol> {
        let symbols = (0..node.input.len()).map(|place| self.symbol(node, place));
        let symbols = symbols.collect::<Result<Vec<_>>>()?;
        let axis = if node.op_type == "Concat" { integer(node, "axis") } else { Some(1) };
        let are_hot = symbols.iter().all(|symbol| matches!(symbol, Symbol::Hot(_)));
        if !(matches!((are_hot, axis), (false, Some(1)) | (true, Some(2))) || axis == Some(-1)) {
            return Err(unsupported("a Concat of rows"));
        }
        if let [Symbol::Complement(first), Symbol::Activated(second, Response::Sigmoid)] = symbols[..]
            && Rc::ptr_eq(first, second)
        {
            return Ok(Symbol::Activated(Rc::clone(second), Response::Sigmoid));
        }
        let words = symbols.iter().map(|symbol| match symbol {
            Symbol::Words(words) => Some(&words[..]),
            _ => None,
        });
        if let Some(words) = words.collect::<Option<Vec<_>>>() {
            let words = words.concat();
            let fit = words.len() <= MAX_COLUMNS;
            return if fit { Ok(Symbol::Words(words.into())) } else { Err(too_many()) };
        }
        let mut columns = Vec::new();
        for place in 0..node.input.len() {
            columns.extend(self.columns(node, place)?.iter().cloned());
            if columns.len() > MAX_COLUMNS {
                return Err(too_many());
            }
        }
        let columns = Rc::new(self.graph.copied(&columns)?);
        Ok(if are_hot { Symbol::Hot(columns) } else { Symbol::Columns(columns) })
    }

    pub(super) fn chosen(&mut self, node: &NodeProto) -> Result<Symbol> {
        if matches!(self.symbol(node, 1)?, Symbol::Label) {
            return Ok(Symbol::Label);
        }
        let which = self.constant(node, 1)?;
        let symbol = self.symbol(node, 0)?.clone();
        let axis = match (node.op_type.as_str(), &symbol) {
            // Along the last dimension.
            ("ArrayFeatureExtractor", _) => Some(-1),
            _ => integer(node, "axis"),
        };
        let own = if matches!(symbol, Symbol::Hot(_)) { 2 } else { 1 };
        if axis != Some(own) && axis != Some(-1) {
            return Err(unsupported("a Gather of rows"));
        }
        if which.values.len() > MAX_COLUMNS {
            return Err(too_many());
        }
        match symbol {
            // Selects both probabilities, or that of the second class.
            Symbol::Activated(outputs, Response::Sigmoid) if which.values == [0.0, 1.0] => {
                Ok(Symbol::Activated(outputs, Response::Sigmoid))
            }
            Symbol::Words(words) => {
                let chosen: Option<Rc<[usize]>> =
                    which.values.iter().map(|place| picked(&words, *place).copied()).collect();
                chosen.map(Symbol::Words).ok_or_else(not_there)
            }
            symbol => {
                let columns = self.columns(node, 0)?;
                let chosen: Option<Value> =
                    which.values.iter().map(|place| picked(&columns, *place).cloned()).collect();
                let chosen = Rc::new(self.graph.copied(&chosen.ok_or_else(not_there)?)?);
                let is_hot = matches!(symbol, Symbol::Hot(_));
                Ok(if is_hot { Symbol::Hot(chosen) } else { Symbol::Columns(chosen) })
            }
        }
    }

    /// Selects a range of columns of all rows; the inputs are starts, ends, axes and steps.
    pub(super) fn slice(&mut self, node: &NodeProto) -> Result<Symbol> {
        let Symbol::Columns(columns) = self.symbol(node, 0)?.clone() else {
            return Err(unsupported("a Slice of something other than columns"));
        };
        let mut numbers = |place: usize| -> Result<Option<Vec<f64>>> {
            match node.input.get(place).map(String::as_str) {
                None | Some("") => Ok(None),
                Some(_) => Ok(Some(self.constant(node, place)?.values.clone())),
            }
        };
        let [starts, ends, axes, steps] = [numbers(1)?, numbers(2)?, numbers(3)?, numbers(4)?];
        let (Some(starts), Some(ends)) = (starts, ends) else {
            return Err(unsupported("a Slice in an older format"));
        };
        let axes = axes.unwrap_or_else(|| (0..starts.len()).map(|axis| axis as f64).collect());
        let steps = steps.unwrap_or_else(|| vec![1.0; starts.len()]);
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
            return Err(damaged("a Slice with a different number of values than axes"));
        }
        let n = columns.len() as f64;
        let mut range = 0..columns.len();
        for (((start, end), axis), step) in starts.iter().zip(ends).zip(axes).zip(steps) {
            let all_rows = axis == 0.0 && *start == 0.0 && end >= f64::from(i32::MAX);
            if step != 1.0 || !(all_rows || axis == 1.0 || axis == -1.0) {
                return Err(unsupported("a Slice of rows"));
            }
            if !all_rows {
                let within =
                    |place: f64| (if place < 0.0 { place + n } else { place }).clamp(0.0, n) as usize;
                range = within(*start)..within(end);
            }
        }
        match columns.get(range) {
            Some(chosen) if !chosen.is_empty() => Ok(Symbol::Columns(Rc::new(self.graph.copied(chosen)?))),
            _ => Err(not_there()),
        }
    }
}

/// Returns an element by its index `place`; negative indices count from the end.
fn picked<T>(of: &[T], place: f64) -> Option<&T> {
    let place = if place < 0.0 { place + of.len() as f64 } else { place };
    of.get(place as usize).filter(|_| place >= 0.0)
}

fn not_there() -> downhill::message::Message {
    damaged("a selected column does not exist")
}

fn too_many() -> downhill::message::Message {
    too_large(format!("more than {MAX_COLUMNS} columns"))
}
