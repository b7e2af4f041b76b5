//! The helper worker, and both ends of the channel to it. Messages are typed arrays whose type states the
//! request: a `Uint32Array` reserves memory, an array of two `Float32Array`s adds rows, and a `Float32Array`
//! of weights asks for sums. Every answer is a `Float64Array`.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use js_sys::{Array, Error, Float32Array, Float64Array, Function, Reflect, Uint32Array};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker};

use crate::backend::cpu::pair::{Ask, Half, Heard, Link};
use crate::backend::{self, Backend};
use crate::dataset::Problem;
use crate::model::Layout;

/// Creates an engine that shares work between this worker and the helper that `spawn` starts. The error
/// states why this failed.
pub async fn open(spawn: &Function, problem: &Rc<Problem>, layout: &Layout) -> Result<Backend, String> {
    backend::pair(Rc::clone(problem), layout, link(spawn)?).await
}

/// The helper worker's end of the channel, with its half of the rows.
#[wasm_bindgen]
#[derive(Default)]
pub struct Partner(Option<Half>);

#[wasm_bindgen]
impl Partner {
    /// Creates a helper without rows.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers a request of the worker that owns the run.
    pub fn hear(&mut self, asked: &JsValue) -> Result<Float64Array, Error> {
        if let Some(room) = asked.dyn_ref::<Uint32Array>() {
            let half = Half::new(room.get_index(0), room.get_index(1), room.get_index(2));
            self.0 = Some(half.map_err(|detail| Error::new(&detail))?);
            return Ok(Float64Array::new_with_length(0));
        }
        let half = self.0.as_mut().ok_or_else(|| Error::new("no memory was reserved"))?;
        if let Some(parameters) = asked.dyn_ref::<Float32Array>() {
            return Ok(half.sums(&parameters.to_vec()).into());
        }
        let rows: &Array = asked.unchecked_ref();
        let [from_features, from_targets] = [0, 1].map(|i| rows.get(i).unchecked_into::<Float32Array>());
        let (features, targets) = half.more(from_targets.length() as usize);
        from_features.copy_to(features);
        from_targets.copy_to(targets);
        Ok(Float64Array::new_with_length(0))
    }
}

/// The sender that waits for an answer of the helper, and, if the helper has stopped, the reason.
#[derive(Default)]
struct Waiting {
    answer: Option<oneshot::Sender<Heard>>,
    gone: Option<String>,
}

/// The helper worker as its owner sees it; it is terminated on drop.
struct Second {
    worker: Worker,
    waiting: Rc<RefCell<Waiting>>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(JsValue)>,
}

impl Drop for Second {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        self.worker.set_onerror(None);
        self.worker.terminate();
    }
}

impl Second {
    fn ask(&self, ask: Ask<'_>) -> oneshot::Receiver<Heard> {
        let (sender, receiver) = oneshot::channel();
        let waiting = &mut *self.waiting.borrow_mut();
        let sent = match (&waiting.gone, ask) {
            (Some(gone), _) => Err(gone.clone()),
            (None, Ask::Room { n_rows, n_features, n_parameters }) => {
                self.post(&Uint32Array::from([n_rows, n_features, n_parameters].as_slice()), &Array::new())
            }
            (None, Ask::Rows { features, targets }) => {
                let [features, targets] = [features, targets].map(Float32Array::from);
                let buffers = Array::of2(&features.buffer(), &targets.buffer());
                self.post(&Array::of2(&features, &targets), &buffers)
            }
            (None, Ask::Sums { parameters }) => self.post(&Float32Array::from(parameters), &Array::new()),
        };
        match sent {
            Ok(()) => waiting.answer = Some(sender),
            // The receiver still exists, so this cannot fail.
            Err(detail) => _ = sender.send(Err(detail)),
        }
        receiver
    }

    fn post(&self, message: &JsValue, transfer: &Array) -> Result<(), String> {
        self.worker.post_message_with_transfer(message, transfer).map_err(|error| text(&error))
    }
}

fn link(spawn: &Function) -> Result<Link, String> {
    let worker: Worker = spawn.call0(&JsValue::NULL).map_err(|error| text(&error))?.unchecked_into();
    let waiting = Rc::new(RefCell::new(Waiting::default()));
    let heard = Rc::clone(&waiting);
    let on_message = Closure::new(move |event: MessageEvent| {
        if let Some(answer) = heard.borrow_mut().answer.take() {
            // If this fails, nobody waits any more.
            let _ = answer.send(Ok(event.data().unchecked_into::<Float64Array>().to_vec()));
        }
    });
    let heard = Rc::clone(&waiting);
    let on_error = Closure::new(move |event: JsValue| {
        // The page reports the error next to the engine, so it must not count as uncaught.
        event.unchecked_ref::<web_sys::Event>().prevent_default();
        let waiting = &mut *heard.borrow_mut();
        let detail = text(&event);
        waiting.gone = Some(detail.clone());
        if let Some(answer) = waiting.answer.take() {
            let _ = answer.send(Err(detail));
        }
    });
    worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
    let second = Second { worker, waiting, _on_message: on_message, _on_error: on_error };
    Ok(Link::new(move |ask| second.ask(ask)))
}

/// The text of an error, or of an error event.
fn text(error: &JsValue) -> String {
    let message = Reflect::get(error, &"message".into()).ok().and_then(|message| message.as_string());
    message.filter(|message| !message.is_empty()).unwrap_or_else(|| "its script did not load".to_owned())
}
