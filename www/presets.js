// @ts-check
// Ready-made configurations, in the order in which they are offered: links, as the address has them.

/** @type {Record<string, string>} */
export const presets = {
  story_as_written: 'learning_rate=0.01&method=mini_batch&model.bias=false&model.initial_weights=glorot_uniform&stop.converged=false&stop.epochs=100',
  story_with_bias: 'learning_rate=0.01&method=mini_batch&model.initial_weights=glorot_uniform&stop.converged=false&stop.epochs=100',
  batch: '',
  mini_batch: 'method=mini_batch',
  stochastic: 'method=stochastic',
  decaying_rate: 'learning_rate=0.1&method=decaying_rate&schedule.kind=time_decay&schedule.decay_rate=1&schedule.decay_steps=1000',
  old_faithful: 'data.source.kind=shipped&data.source.table=old_faithful',
  galton_heights: 'data.source.kind=shipped&data.source.table=galton_heights',
  mtcars: 'data.source.kind=shipped&data.source.table=mtcars',
  overfitting: 'data.source.n_samples=24&data.source.noise=1&data.source.seed=4&learning_rate=0.1&model.degree=12&model.standardize=true&optimizer.kind=momentum&optimizer.momentum=0.9&steps_per_second=null&stop.converged=false&stop.patience=150&validation.fraction=0.3',
  lasso: 'data.source.kind=shipped&data.source.table=diabetes&learning_rate=0.1&penalty.strength=20&penalty.l1_ratio=1&penalty_path=24&steps_per_second=null&validation.fraction=0.2',
  yes_or_no: 'data.source.kind=shipped&data.source.table=challenger&learning_rate=0.5&loss.kind=logistic&steps_per_second=null',
  three_classes: 'data.columns.target=species&data.source.kind=shipped&data.source.table=iris&learning_rate=0.5&loss.kind=softmax&penalty.strength=0.001&steps_per_second=null',
};
