//! The constants of a graph.

use downhill::message::{Code, Message, Result};

use super::proto::{TensorProto, data_type};
use super::{cut, damaged, unsupported};

/// A constant array of numbers with its shape.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Constant {
    pub(super) fn of(tensor: &TensorProto) -> Result<Self> {
        let name = cut(&tensor.name);
        if tensor.data_location != 0 || !tensor.external_data.is_empty() {
            return Err(unsupported(&format!("\"{name}\" stored in another file")));
        }
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|dim| usize::try_from(*dim).ok()).collect();
        let n = dims.as_ref().and_then(|dims| dims.iter().try_fold(1_usize, |n, dim| n.checked_mul(*dim)));
        let (Some(dims), Some(n)) = (dims, n) else {
            return Err(damaged(format!("\"{name}\" has no shape")));
        };
        // Catches an empty tensor with a huge claimed dimension.
        if n == 0 && dims.len() > 1 {
            return Err(damaged(format!("\"{name}\" contains no numbers")));
        }
        let values = values(tensor, name)?;
        if values.len() != n {
            return Err(Message::new(Code::ModelShape)
                .with("name", name)
                .with("found", format!("{} numbers", values.len()))
                .with("expected", format!("{dims:?}")));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(Message::new(Code::ModelNotFinite).with("name", name));
        }
        Ok(Self { dims, values })
    }

    /// Whether the constant is a single row: one number per column, the same for all rows of the data.
    pub(super) fn is_row(&self) -> bool {
        self.dims.iter().rev().skip(1).all(|dim| *dim == 1)
    }

    /// The number of rows and columns, if the constant is a matrix.
    pub(super) fn shape(&self) -> Option<(usize, usize)> {
        match self.dims[..] {
            [rows, columns] => Some((rows, columns)),
            [n] => Some((n, 1)),
            _ => None,
        }
    }

    pub(super) fn transposed(&self) -> Option<Self> {
        let (rows, columns) = self.shape()?;
        let values =
            (0..columns).flat_map(|j| (0..rows).map(move |i| self.values[i * columns + j])).collect();
        Some(Self { dims: vec![columns, rows], values })
    }
}

fn values(tensor: &TensorProto, name: &str) -> Result<Vec<f64>> {
    let raw = &tensor.raw_data[..];
    Ok(match (tensor.data_type, raw.is_empty()) {
        (data_type::FLOAT, true) => tensor.float_data.iter().map(|f| f64::from(*f)).collect(),
        (data_type::FLOAT, false) => {
            raw.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect()
        }
        (data_type::DOUBLE, true) => tensor.double_data.clone(),
        (data_type::DOUBLE, false) => raw.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
        (data_type::INT64, true) => tensor.int64_data.iter().map(|n| *n as f64).collect(),
        (data_type::INT64, false) => {
            raw.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect()
        }
        (data_type::INT32, true) => tensor.int32_data.iter().map(|n| f64::from(*n)).collect(),
        (data_type::INT32, false) => {
            raw.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect()
        }
        (other, _) => return Err(unsupported(&format!("\"{name}\" with numbers of type {other}"))),
    })
}
