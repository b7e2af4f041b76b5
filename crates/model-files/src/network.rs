//! A model as a network of Keras or TensorFlow.js layers.
//!
//! A plain model is a chain, [scaling] -> `Dense`. Powers, levels and products need a few more
//! built-in layers. Let the row `r` be the scaled numbers and, for each category, one 0 or 1 per
//! level. A feature is a product of factors, each an entry of the row. So with matrices `S_i` of
//! zeros and ones (and a bias of 1 where a feature has fewer factors than others)
//!
//! `features = (r S_1 + b_1) * (r S_2 + b_2) * ...`, then scaling, then `Dense`.
//!
//! Everything that was not learned is frozen, so that further training changes only the weights.

use downhill::dataset::Term;
use downhill::model::Response;

use downhill::foreign::Model;

/// A network whose layers are in topological order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    /// The layers in topological order.
    pub(crate) nodes: Vec<Node>,
    /// The indices of the input layers, in the order of a row.
    pub(crate) inputs: Vec<usize>,
    /// The index of the output layer.
    pub(crate) output: usize,
}

/// A layer with its connections.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// The unique name of the layer.
    pub(crate) name: String,
    /// The operation of the layer.
    pub(crate) layer: Layer,
    /// The indices of the layers whose outputs this layer takes as inputs.
    pub(crate) from: Vec<usize>,
}

/// The operation of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layer {
    /// An input layer of numbers.
    Numbers {
        /// The number of columns, if known.
        width: Option<usize>,
    },
    /// An input layer of text.
    Word,
    /// `(x - mean) / sqrt(variance)`; a single number is applied to all columns.
    Normalization {
        /// The mean that is subtracted from each column.
        mean: Vec<f64>,
        /// The variance of each column, by whose square root is divided.
        variance: Vec<f64>,
    },
    /// `by * x + plus`; a single number is applied to all columns.
    Affine {
        /// The factor of each column.
        by: Vec<f64>,
        /// The summand of each column.
        plus: Vec<f64>,
    },
    /// One-hot encoding of text.
    Lookup {
        /// The vocabulary, including the entry for unknown words.
        levels: Vec<String>,
    },
    /// A dense layer, `activation(x W + b)`.
    Dense(Dense),
    /// Concatenation of the inputs' columns.
    Concatenate,
    /// The product of the inputs, column by column.
    Multiply,
    /// The sum of the inputs, column by column.
    Add,
    /// A layer that passes its input on unchanged.
    Identity,
    /// An activation as a separate layer.
    Activation(Function),
}

/// A dense layer, `activation(x W + b)`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dense {
    /// The kernel `W`, row-major, `[input][output]`.
    pub(crate) kernel: Vec<f32>,
    /// The number of outputs of the layer.
    pub(crate) units: usize,
    /// The bias of each output, if there is one.
    pub(crate) bias: Option<Vec<f32>>,
    /// The activation function.
    pub(crate) function: Function,
    /// Whether training changes the weights.
    pub(crate) trainable: bool,
}

/// An activation function of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Function {
    /// An activation that a model may have at its output.
    Of(Response),
    /// The rectified linear unit, `max(0, x)`.
    Relu,
    /// Any other activation, by its Keras name.
    Other(String),
}

impl Function {
    /// The Keras name of the activation.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Of(Response::Linear) => "linear",
            Self::Of(Response::Sigmoid) => "sigmoid",
            Self::Of(Response::Softmax) => "softmax",
            Self::Of(Response::Exponential) => "exponential",
            Self::Relu => "relu",
            Self::Other(name) => name,
        }
    }

    /// Returns the activation with this Keras name.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "linear" => Self::Of(Response::Linear),
            "sigmoid" => Self::Of(Response::Sigmoid),
            "softmax" => Self::Of(Response::Softmax),
            "exponential" => Self::Of(Response::Exponential),
            "relu" => Self::Relu,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// Which layers are used to express a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Keras's layers, including those for scaling and vocabulary lookup.
    Keras,
    /// TensorFlow.js's layers, without those two: scaling is a frozen `Dense`, and a category is given as the
    /// index of its level.
    Tfjs,
}

impl Network {
    /// Builds the network of a model. The layer named `dense` holds what was learned.
    pub(crate) fn of(model: &Model, manner: Manner) -> Self {
        let mut network = Self { nodes: Vec::new(), inputs: Vec::new(), output: 0 };
        let row = network.row(model, manner);
        let features = network.features(model, row);
        let map = &model.map;
        let scaled = network.scaled("scaled_features", features, (&map.center, &map.scale), manner);
        let dense = Dense {
            kernel: model.weights.iter().flatten().map(|w| *w as f32).collect(),
            units: model.n_outputs(),
            bias: model.bias.as_ref().map(|bias| bias.iter().map(|b| *b as f32).collect()),
            function: Function::Of(model.activation),
            trainable: true,
        };
        network.output = network.push("dense", Layer::Dense(dense), vec![scaled]);
        network
    }

    /// Whether the layers form a chain.
    pub(crate) fn is_chain(&self) -> bool {
        let fed = |(place, node): (usize, &Node)| match place {
            0 => node.from.is_empty(),
            _ => node.from == [place - 1],
        };
        self.nodes.iter().enumerate().all(fed) && self.output + 1 == self.nodes.len()
    }

    fn push(&mut self, name: &str, layer: Layer, from: Vec<usize>) -> usize {
        let mut unique = name.to_owned();
        let mut n = 1;
        while self.nodes.iter().any(|node| node.name == unique) {
            n += 1;
            unique = format!("{name}_{n}");
        }
        self.nodes.push(Node { name: unique, layer, from });
        self.nodes.len() - 1
    }

    /// Adds the layers that compute the row: the scaled numbers, then one 0 or 1 per level of each category.
    fn row(&mut self, model: &Model, manner: Manner) -> Row {
        let inputs = &model.map.inputs;
        let numbers: Vec<usize> = (0..inputs.len()).filter(|k| inputs[*k].n_levels == 0).collect();
        let categories: Vec<usize> = (0..inputs.len()).filter(|k| inputs[*k].n_levels > 0).collect();
        let (center, scale): (Vec<f64>, Vec<f64>) =
            numbers.iter().map(|k| (inputs[*k].center, inputs[*k].scale)).unzip();
        let (center, scale) = (&center[..], &scale[..]);
        let mut row =
            Row { places: vec![0; inputs.len()], first_level: 0, width: numbers.len(), nodes: Vec::new() };
        for (place, input) in numbers.iter().enumerate() {
            row.places[*input] = place;
        }
        if categories.is_empty() {
            let name =
                if let [only] = &model.inputs[..] { layer_name(&only.name) } else { "inputs".to_owned() };
            let input = self.push(&name, Layer::Numbers { width: Some(inputs.len()) }, Vec::new());
            self.inputs.push(input);
            row.nodes.push(self.scaled("scaled", input, (center, scale), manner));
            return row;
        }
        match manner {
            Manner::Keras => self.keras_row(model, &mut row, (&numbers, &categories), (center, scale)),
            Manner::Tfjs => self.tfjs_row(model, &mut row, (&numbers, &categories), (center, scale)),
        }
        row
    }

    /// Adds an input layer for each column; text is looked up in a vocabulary.
    fn keras_row(
        &mut self,
        model: &Model,
        row: &mut Row,
        (numbers, categories): (&[usize], &[usize]),
        scaling: (&[f64], &[f64]),
    ) {
        for input in &model.inputs {
            let layer = if input.levels.is_empty() { Layer::Numbers { width: Some(1) } } else { Layer::Word };
            let node = self.push(&layer_name(&input.name), layer, Vec::new());
            self.inputs.push(node);
        }
        let from: Vec<usize> = numbers.iter().map(|k| self.inputs[*k]).collect();
        match from[..] {
            [] => {}
            [only] => row.nodes.push(self.scaled("scaled", only, scaling, Manner::Keras)),
            _ => {
                let all = self.push("numbers", Layer::Concatenate, from);
                row.nodes.push(self.scaled("scaled", all, scaling, Manner::Keras));
            }
        }
        for k in categories {
            let name = format!("levels_of_{}", self.nodes[self.inputs[*k]].name);
            let levels = model.inputs[*k].levels.clone();
            row.places[*k] = row.width;
            row.width += levels.len();
            let node = self.push(&name, Layer::Lookup { levels }, vec![self.inputs[*k]]);
            row.nodes.push(node);
        }
    }

    /// Adds one input layer for all columns; a category is given as the index of its level.
    fn tfjs_row(
        &mut self,
        model: &Model,
        row: &mut Row,
        (numbers, categories): (&[usize], &[usize]),
        (center, scale): (&[f64], &[f64]),
    ) {
        let inputs = &model.map.inputs;
        let n_inputs = inputs.len();
        let input = self.push("inputs", Layer::Numbers { width: Some(n_inputs) }, Vec::new());
        self.inputs.push(input);
        if !numbers.is_empty() {
            let mut dense = Dense::frozen(n_inputs, numbers.len());
            for (place, input) in numbers.iter().enumerate() {
                dense.set(*input, place, (1.0 / scale[place]) as f32);
                dense.set_bias(place, (-center[place] / scale[place]) as f32);
            }
            row.nodes.push(self.push("scaled", Layer::Dense(dense), vec![input]));
        }
        // The first level has no feature, so levels start at the second. The hat function around
        // level l, max(0, 1 - max(0, x - l) - max(0, l - x)), is 1 at l and 0 at every other level.
        row.first_level = 1;
        let levels: Vec<(usize, u32)> =
            categories.iter().flat_map(|k| (1..inputs[*k].n_levels).map(move |l| (*k, l))).collect();
        let mut sides = Dense::frozen(n_inputs, 2 * levels.len());
        let mut hats = Dense::frozen(2 * levels.len(), levels.len());
        for (place, (input, level)) in levels.iter().enumerate() {
            for (side, sign) in [(2 * place, 1.0), (2 * place + 1, -1.0)] {
                sides.set(*input, side, sign);
                sides.set_bias(side, -sign * *level as f32);
                hats.set(side, place, -1.0);
            }
            hats.set_bias(place, 1.0);
        }
        sides.function = Function::Relu;
        hats.function = Function::Relu;
        for k in categories {
            row.places[*k] = row.width;
            row.width += inputs[*k].n_levels as usize - 1;
        }
        let sides = self.push("distances_to_levels", Layer::Dense(sides), vec![input]);
        row.nodes.push(self.push("levels", Layer::Dense(hats), vec![sides]));
    }

    /// Adds layers that compute all features; if these are just numeric inputs, they are passed on. Returns
    /// the index of the last layer.
    fn features(&mut self, model: &Model, row: Row) -> usize {
        let whole = match row.nodes[..] {
            [only] => only,
            _ => self.push("row", Layer::Concatenate, row.nodes.clone()),
        };
        if model.is_plain() {
            return whole;
        }
        let terms = model.map.terms();
        let factors: Vec<Vec<usize>> = terms.iter().map(|term| row.factors(&terms, *term)).collect();
        let n_factors = factors.iter().map(Vec::len).max().unwrap_or(1);
        let mut nodes = Vec::new();
        for k in 0..n_factors {
            let mut dense = Dense::frozen(row.width, terms.len());
            for (feature, own) in factors.iter().enumerate() {
                match own.get(k) {
                    Some(place) => dense.set(*place, feature, 1.0),
                    None => dense.set_bias(feature, 1.0),
                }
            }
            let name = if n_factors == 1 { "features".to_owned() } else { format!("factor_{}", k + 1) };
            nodes.push(self.push(&name, Layer::Dense(dense), vec![whole]));
        }
        match nodes[..] {
            [only] => only,
            _ => self.push("features", Layer::Multiply, nodes),
        }
    }

    /// Adds a layer `(x - center) / scale` after layer `from`, unless that would change nothing. Returns its
    /// index.
    fn scaled(
        &mut self,
        name: &str,
        from: usize,
        (center, scale): (&[f64], &[f64]),
        manner: Manner,
    ) -> usize {
        if center.iter().all(|c| *c == 0.0) && scale.iter().all(|s| *s == 1.0) {
            return from;
        }
        // The normalization layer works in f32, including the variance, and divides by at least
        // 1e-7.
        let holds = scale.iter().all(|s| (1e-6..1e18).contains(s));
        let layer = if manner == Manner::Keras && holds {
            Layer::Normalization { mean: center.to_vec(), variance: scale.iter().map(|s| s * s).collect() }
        } else {
            let mut dense = Dense::frozen(center.len(), center.len());
            for (k, (center, scale)) in center.iter().zip(scale).enumerate() {
                dense.set(k, k, (1.0 / scale) as f32);
                dense.set_bias(k, (-center / scale) as f32);
            }
            Layer::Dense(dense)
        };
        self.push(name, layer, vec![from])
    }
}

/// The row in the network: the scaled numbers, then the levels of the categories.
struct Row {
    /// The indices of the layers whose concatenated outputs are the row.
    nodes: Vec<usize>,
    /// For each input, the column of its number, or of its first level that has a column.
    places: Vec<usize>,
    /// The first level that has a column.
    first_level: usize,
    /// The number of columns of the row.
    width: usize,
}

impl Row {
    /// Returns the columns whose product is a feature.
    fn factors(&self, terms: &[Term], term: Term) -> Vec<usize> {
        match term {
            Term::Power { input, power } => vec![self.places[input]; power as usize],
            Term::Level { input, level } => vec![self.places[input] + level - self.first_level],
            Term::Product { of } => of.iter().flat_map(|k| self.factors(terms, terms[*k])).collect(),
        }
    }
}

impl Dense {
    /// Creates a layer of zeros that training does not change.
    fn frozen(n_inputs: usize, units: usize) -> Self {
        Self {
            kernel: vec![0.0; n_inputs * units],
            units,
            bias: Some(vec![0.0; units]),
            function: Function::Of(Response::Linear),
            trainable: false,
        }
    }

    fn set(&mut self, input: usize, output: usize, weight: f32) {
        self.kernel[input * self.units + output] = weight;
    }

    fn set_bias(&mut self, output: usize, weight: f32) {
        if let Some(bias) = &mut self.bias {
            bias[output] = weight;
        }
    }
}

/// Converts a column name to a layer name: TensorFlow allows letters, digits, `_`, `.` and `-`.
fn layer_name(name: &str) -> String {
    let kept: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c } else { '_' }).collect();
    let kept = kept.trim_matches('_');
    match kept.chars().next() {
        None => "input".to_owned(),
        Some(first) if first.is_ascii_alphanumeric() => kept.to_owned(),
        Some(_) => format!("input_{kept}"),
    }
}
