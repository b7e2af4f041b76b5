// @ts-check
// What is measured: the work, the participants, and the targets.

/**
 * Work in f32 with squared error and a bias. A `batch` of 0 means the full batch, whose loss covers
 * every row.
 * @typedef {{
 *   n: number, d: number, batch: number, shuffle: boolean, rate: number, unit: number, restart_every?: number,
 *   shown: string,
 * }} Work
 */

/**
 * A participant: a worker of the page or a Python program. `forms` are its ways of writing the
 * work, the fastest of which counts. With `same_loss`, its loss after a few steps must equal that
 * of the others. `work` replaces the work of its set.
 * @typedef {{
 *   name: string, kind: 'engine' | 'tfjs' | 'python' | 'page', program?: string, arguments?: string[],
 *   needs?: string[], engine?: string, forms: string[], same_loss: boolean, order_given?: boolean, work?: string,
 * }} Peer
 */

/** Every step sees the same rows in full. */
const full = { batch: 0, shuffle: false, unit: 1 };

/** @type {Record<string, Work>} */
export const works = {
  W1: { n: 100, d: 1, rate: 0.1, ...full, shown: '100 x 1, full batch' },
  W1k: {
    n: 100, d: 1, batch: 32, shuffle: true, rate: 0.01, unit: 400, restart_every: 400,
    shown: '100 x 1, batches of 32, reshuffled, 100 epochs',
  },
  W2: { n: 1_000_000, d: 1, rate: 0.1, ...full, shown: '1,000,000 x 1, full batch' },
  W3: { n: 100_000, d: 100, rate: 0.1, ...full, shown: '100,000 x 100, full batch' },
  W4: {
    n: 1_000_000, d: 10, batch: 1, shuffle: true, rate: 0.002, unit: 1_000_000,
    shown: '1,000,000 x 10, one by one, shuffled, an epoch',
  },
  W5: {
    n: 1_000_000, d: 100, batch: 256, shuffle: true, rate: 0.05, unit: 3907,
    shown: '1,000,000 x 100, batches of 256, shuffled, an epoch',
  },
  W6: { n: 10_000_000, d: 10, rate: 0.1, ...full, shown: '10,000,000 x 10, full batch' },
  n1e4: { n: 10_000, d: 1, rate: 0.1, ...full, shown: '10,000 x 1, full batch' },
  n1e5: { n: 100_000, d: 1, rate: 0.1, ...full, shown: '100,000 x 1, full batch' },
  n1e6: { n: 1_000_000, d: 1, rate: 0.1, ...full, shown: '1,000,000 x 1, full batch' },
  n1e7: { n: 10_000_000, d: 1, rate: 0.1, ...full, shown: '10,000,000 x 1, full batch' },
};

/** @type {Omit<Peer, 'name'>} */
const engine = { kind: 'engine', engine: 'cpu', forms: [''], same_loss: true };
/** @type {Omit<Peer, 'name'>} */
const tfjs = { kind: 'tfjs', engine: 'wasm', forms: ['matmul', 'elementwise'], same_loss: true };

/** @type {Record<string, Peer>} */
export const peers = {
  cpu: { name: 'Downhill, CPU', ...engine },
  pair: { name: 'Downhill, CPU, two workers', ...engine, engine: 'pair' },
  small: { name: 'Downhill, CPU, same setup, W1', ...engine, work: 'W1' },
  page: { name: 'the page', ...engine, kind: 'page', same_loss: false },
  statistics: { name: 'Downhill, sufficient statistics', ...engine, engine: 'statistics' },
  gpu: { name: 'Downhill, WebGPU', ...engine, engine: 'gpu' },
  tfjs: { name: 'tfjs wasm, hand-written gradient', ...tfjs },
  tfjs_ones: { name: 'tfjs wasm, the bias as a column of ones', ...tfjs, forms: ['ones'] },
  tfjs_optimizer: { name: 'tfjs wasm, optimizer', ...tfjs, forms: ['optimizer'] },
  tfjs_gpu: { name: 'tfjs WebGPU, hand-written gradient', ...tfjs, engine: 'webgpu' },
  numpy: {
    name: 'NumPy, out=, 1 thread', kind: 'python', program: 'numpy_peer.py', needs: ['numpy'],
    forms: ['apart', 'column'], same_loss: true,
  },
  numpy_ones: {
    name: 'NumPy, out=, the bias as a column of ones', kind: 'python', program: 'numpy_peer.py', needs: ['numpy'],
    forms: ['ones'], same_loss: true,
  },
  torch: {
    name: 'PyTorch, hand-written gradient, 1 thread', kind: 'python', program: 'torch_peer.py',
    needs: ['torch', 'numpy'], forms: [''], same_loss: true, order_given: true,
  },
  sklearn: {
    name: 'scikit-learn SGDRegressor', kind: 'python', program: 'sklearn_peer.py',
    needs: ['sklearn', 'numpy'], forms: [''], same_loss: false,
  },
  // With the TensorFlow backend, as Keras's own instructions install it, and with PyTorch.
  keras: {
    name: 'Keras example script', kind: 'python', program: 'keras_peer.py', arguments: ['tensorflow'],
    needs: ['keras', 'tensorflow', 'numpy'], forms: [''], same_loss: false,
  },
  keras_torch: {
    name: 'Keras example script on PyTorch', kind: 'python', program: 'keras_peer.py', arguments: ['torch'],
    needs: ['keras', 'torch', 'numpy'], forms: [''], same_loss: false,
  },
};

/**
 * Participants measured together: one set of rows, with interleaved rounds. `--only` names the
 * `group`.
 * @typedef {{ id: string, group: string, work: string, peers: string[], rounds: number }} Set
 */

/** The participants that support the full batch. */
const fullBatch = ['tfjs', 'tfjs_ones', 'tfjs_optimizer', 'numpy', 'numpy_ones', 'torch'];
/** The participants that support mini-batches. */
const miniBatch = ['tfjs_optimizer', 'numpy', 'keras', 'keras_torch'];

/** @type {Set[]} */
export const sets = [
  { id: 'W1', group: 'W1', work: 'W1', peers: ['cpu', ...fullBatch], rounds: 7 },
  { id: 'W1k', group: 'W1k', work: 'W1k', peers: ['cpu', ...miniBatch], rounds: 5 },
  { id: 'W2', group: 'W2', work: 'W2', peers: ['cpu', ...fullBatch], rounds: 7 },
  { id: 'W3', group: 'W3', work: 'W3', peers: ['cpu', 'pair', ...fullBatch], rounds: 7 },
  { id: 'W4', group: 'W4', work: 'W4', peers: ['cpu', 'sklearn'], rounds: 5 },
  { id: 'W5', group: 'W5', work: 'W5', peers: ['cpu', 'torch'], rounds: 5 },
  { id: 'W6', group: 'W6', work: 'W6', peers: ['cpu', 'pair'], rounds: 7 },
  { id: 'S2', group: 'statistics', work: 'W2', peers: ['cpu', 'statistics', 'small'], rounds: 5 },
  { id: 'S3', group: 'statistics', work: 'W3', peers: ['cpu', 'statistics'], rounds: 5 },
  { id: 'G1', group: 'webgpu', work: 'W1', peers: ['gpu', 'tfjs_gpu'], rounds: 5 },
  { id: 'G2', group: 'webgpu', work: 'W2', peers: ['gpu', 'tfjs_gpu'], rounds: 5 },
  { id: 'G3', group: 'webgpu', work: 'W3', peers: ['gpu', 'tfjs_gpu'], rounds: 3 },
  { id: 'n1e4', group: 'series', work: 'n1e4', peers: ['cpu'], rounds: 7 },
  { id: 'n1e5', group: 'series', work: 'n1e5', peers: ['cpu'], rounds: 7 },
  { id: 'n1e6', group: 'series', work: 'n1e6', peers: ['cpu'], rounds: 7 },
  { id: 'n1e7', group: 'series', work: 'n1e7', peers: ['cpu'], rounds: 7 },
  { id: 'P1', group: 'page', work: 'W1', peers: ['cpu', 'page'], rounds: 5 },
  { id: 'P2', group: 'page', work: 'W2', peers: ['cpu', 'page'], rounds: 5 },
];

/**
 * A target: at least `target` times as fast as `against`, another participant of the set; or a
 * fraction of a limit; or the heap at most this many times the data.
 * @typedef {{
 *   set: string, ours: string, target: number,
 *   against?: string, roof?: 'read' | 'multiply_add' | 'lower', heap?: true,
 * }} Target
 */

/** @type {Target[]} */
export const targets = [
  { set: 'W1', ours: 'cpu', against: 'tfjs', target: 400 },
  { set: 'W1', ours: 'cpu', against: 'numpy', target: 60 },
  { set: 'W1k', ours: 'cpu', against: 'keras', target: 5000 },
  { set: 'W1k', ours: 'cpu', against: 'tfjs_optimizer', target: 500 },
  { set: 'W2', ours: 'cpu', against: 'tfjs', target: 12 },
  { set: 'W2', ours: 'cpu', against: 'numpy', target: 2 },
  { set: 'W3', ours: 'cpu', against: 'tfjs', target: 14 },
  { set: 'W3', ours: 'cpu', against: 'numpy', target: 1.5 },
  { set: 'W3', ours: 'cpu', roof: 'lower', target: 0.8 },
  { set: 'W4', ours: 'cpu', against: 'sklearn', target: 8 },
  { set: 'W5', ours: 'cpu', against: 'torch', target: 3 },
  { set: 'W6', ours: 'cpu', roof: 'read', target: 0.7 },
  { set: 'S2', ours: 'statistics', against: 'small', target: 1 },
  { set: 'S3', ours: 'statistics', roof: 'multiply_add', target: 0.5 },
  { set: 'G1', ours: 'gpu', against: 'tfjs_gpu', target: 30 },
  { set: 'G2', ours: 'gpu', against: 'tfjs_gpu', target: 3 },
  { set: 'G3', ours: 'gpu', against: 'tfjs_gpu', target: 20 },
  { set: 'n1e4', ours: 'cpu', roof: 'read', target: 0.6 },
  { set: 'n1e5', ours: 'cpu', roof: 'read', target: 0.6 },
  { set: 'n1e6', ours: 'cpu', roof: 'read', target: 0.6 },
  { set: 'n1e7', ours: 'cpu', roof: 'read', target: 0.6 },
  { set: 'W6', ours: 'cpu', heap: true, target: 1.2 },
  { set: 'n1e7', ours: 'cpu', heap: true, target: 1.2 },
  { set: 'P1', ours: 'page', against: 'cpu', target: 0.9 },
  { set: 'P2', ours: 'page', against: 'cpu', target: 0.9 },
];
