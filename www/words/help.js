// @ts-check
// What a term means: two sentences, its formula as the code computes it, and where to read on.
export const help = {
  gradient_descent: {
    en: {
      title: 'Gradient descent',
      text: 'Gradient descent lowers the loss by moving all weights a small step against the gradient, the direction in which the loss rises fastest. The same rule trains models that are far too large to solve directly.',
      formula: 'w ← w − η ∇L(w)',
      link: 'https://d2l.ai/chapter_optimization/gd.html',
    },
    zh: {
      title: '梯度下降',
      text: '梯度指向损失上升最快的方向，梯度下降让所有权重逆着梯度移动一小步，从而降低损失。同样的规则也用来训练大到无法直接求解的模型。',
      formula: 'w ← w − η ∇L(w)',
      link: 'https://zh.d2l.ai/chapter_optimization/gd.html',
    },
  },
  learning_rate: {
    en: {
      title: 'Learning rate',
      text: 'The learning rate η sets how far one update moves the weights. Raise it while the loss falls smoothly but slowly, and lower it when the loss jumps about or grows.',
      formula: 'w ← w − η ∇L(w)',
      link: 'https://d2l.ai/chapter_optimization/gd.html',
    },
    zh: {
      title: '学习率',
      text: '学习率 η 决定一次更新让权重移动多远。损失下降平稳但缓慢时可以调大，损失剧烈跳动或上升时应当调小。',
      formula: 'w ← w − η ∇L(w)',
      link: 'https://zh.d2l.ai/chapter_optimization/gd.html',
    },
  },
  batch: {
    en: {
      title: 'Batch',
      text: 'Batch descent averages the gradient over all n rows before each update, so an epoch is a single step. Choose it for a smooth path when a pass over the whole data is cheap.',
      formula: 'g = 1/n Σᵢ₌₁ⁿ ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://d2l.ai/chapter_optimization/gd.html',
    },
    zh: {
      title: '全批量',
      text: '全批量梯度下降在每次更新前对全部 n 行的梯度取平均，因此一轮只有一步。数据不大、遍历一遍代价很低时选它，下降路径平滑。',
      formula: 'g = 1/n Σᵢ₌₁ⁿ ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://zh.d2l.ai/chapter_optimization/gd.html',
    },
  },
  mini_batch: {
    en: {
      title: 'Mini-batch',
      text: 'Mini-batch descent averages the gradient over a batch B of m rows, so an epoch has several updates, each with a little noise. It is the usual choice for larger data: it makes more progress per pass and still uses the hardware well.',
      formula: 'g = 1/m Σᵢ∈B ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
    zh: {
      title: '小批量',
      text: '小批量梯度下降每次对一个批次 B 中 m 行的梯度取平均，因此一轮包含多次更新，每次都带一点噪声。数据较大时通常选它，因为每遍历一遍数据进展更多，又能充分利用硬件。',
      formula: 'g = 1/m Σᵢ∈B ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://zh.d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
  },
  stochastic: {
    en: {
      title: 'Stochastic',
      text: 'Stochastic descent updates the weights after every single row i, using the gradient of that row alone. Early progress is quick and cheap, but the weights keep jittering around the best ones unless the learning rate decays.',
      formula: 'g = ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://d2l.ai/chapter_optimization/sgd.html',
    },
    zh: {
      title: '随机',
      text: '随机梯度下降每用一行 i 就更新一次权重，只用这一行的梯度。它前期进展快、每步代价小，但若学习率不衰减，权重会一直在最优值附近抖动。',
      formula: 'g = ∇ℓ(ŷᵢ, yᵢ)',
      link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
    },
  },
  decaying_rate: {
    en: {
      title: 'Decaying rate',
      text: 'This method uses one row at a time, like stochastic descent, while the time-decay schedule shrinks the learning rate at every step t. Choose it when stochastic descent bounces around the minimum and you want it to settle.',
      formula: 'ηₜ = η / (1 + decay rate · t / decay steps)',
      link: 'https://d2l.ai/chapter_optimization/sgd.html',
    },
    zh: {
      title: '衰减学习率',
      text: '这种方法和随机梯度下降一样每次只用一行，同时由逆时间衰减让学习率随步数 t 逐步减小。随机梯度下降在最小值附近来回跳动、而你希望它稳定下来时，可以选它。',
      formula: 'ηₜ = η / (1 + 衰减率 · t / 衰减步数)',
      link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
    },
  },
  epoch: {
    en: {
      title: 'Epoch',
      text: 'An epoch is one pass over the training data, using each of the n rows exactly once. Count in epochs to compare methods fairly, because an epoch processes the same number of rows whatever the batch size m.',
      formula: '1 epoch = ⌈n / m⌉ steps',
      link: 'https://d2l.ai/chapter_linear-regression/linear-regression-scratch.html',
    },
    zh: {
      title: '轮（epoch）',
      text: '一轮就是把训练数据完整遍历一遍，n 行中的每一行恰好用到一次。比较不同方法时宜按轮计，因为无论批量大小 m 是多少，一轮处理的行数都相同。',
      formula: '1 轮 = ⌈n / m⌉ 步',
      link: 'https://zh.d2l.ai/chapter_linear-networks/linear-regression-scratch.html',
    },
  },
  sgd: {
    en: {
      title: 'SGD',
      text: 'Plain SGD subtracts the gradient g of the current batch times the learning rate, and keeps no memory of earlier steps. Start here, because every other optimizer is best understood by what it adds.',
      formula: 'w ← w − η g',
      link: 'https://d2l.ai/chapter_optimization/sgd.html',
    },
    zh: {
      title: 'SGD',
      text: '普通 SGD 从权重中减去当前批次的梯度 g 乘以学习率，不记录之前的任何步。建议从它开始，因为其他优化器都可以看作在它的基础上有所添加。',
      formula: 'w ← w − η g',
      link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
    },
  },
  momentum: {
    en: {
      title: 'Momentum',
      text: 'Momentum keeps a velocity v, a fading sum of past gradients, and moves the weights along it. A larger coefficient μ crosses long narrow valleys faster but needs a smaller learning rate, since a steady gradient is amplified up to 1 / (1 − μ) times.',
      formula: 'v ← μ v + g,  w ← w − η v',
      link: 'https://d2l.ai/chapter_optimization/momentum.html',
    },
    zh: {
      title: '动量',
      text: '动量法维护一个速度 v，即逐渐淡出的历史梯度之和，并让权重沿它移动。增大动量系数 μ 可以更快穿过狭长的山谷，同时应减小学习率，因为方向一致的梯度最多会被放大到 1 / (1 − μ) 倍。',
      formula: 'v ← μ v + g，w ← w − η v',
      link: 'https://zh.d2l.ai/chapter_optimization/momentum.html',
    },
  },
  nesterov: {
    en: {
      title: 'Nesterov momentum',
      text: 'Nesterov momentum adds the velocity v to the current gradient once more, so that each step looks ahead to where the velocity leads. Try it instead of plain momentum when the loss overshoots and swings back.',
      formula: 'v ← μ v + g,  w ← w − η (g + μ v)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html',
    },
    zh: {
      title: 'Nesterov 动量',
      text: 'Nesterov 动量在当前梯度上再叠加一次速度 v，相当于朝速度的去向多看一步。普通动量使损失冲过头又摆回来时，可以换用它。',
      formula: 'v ← μ v + g，w ← w − η (g + μ v)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html',
    },
  },
  ada_grad: {
    en: {
      title: 'AdaGrad',
      text: 'AdaGrad divides the step of each weight by the square root of v, the sum of all its squared gradients so far. It suits features of very different scale, but its steps only ever shrink, so it needs a larger learning rate than SGD.',
      formula: 'v ← v + g²,  w ← w − η g / (√v + ε)',
      link: 'https://d2l.ai/chapter_optimization/adagrad.html',
    },
    zh: {
      title: 'AdaGrad',
      text: 'AdaGrad 把每个权重的步长除以它迄今所有梯度平方之和 v 的平方根。它适合尺度相差很大的特征，但步长只减不增，因此学习率要比 SGD 的大。',
      formula: 'v ← v + g²，w ← w − η g / (√v + ε)',
      link: 'https://zh.d2l.ai/chapter_optimization/adagrad.html',
    },
  },
  rms_prop: {
    en: {
      title: 'RMSProp',
      text: 'RMSProp divides the step of each weight by the square root of v, a running mean of its squared gradients that forgets old ones at the pace set by α. Use it when gradients differ in scale between weights or over time, with a small learning rate, because each step is about that long however small the gradient.',
      formula: 'v ← α v + (1 − α) g²,  w ← w − η g / (√v + ε)',
      link: 'https://d2l.ai/chapter_optimization/rmsprop.html',
    },
    zh: {
      title: 'RMSProp',
      text: 'RMSProp 把每个权重的步长除以其梯度平方的滑动平均 v 的平方根，α 决定遗忘旧梯度的快慢。梯度的尺度因权重而异或随训练变化时用它，学习率要取小，因为无论梯度多小，步长都大致等于学习率。',
      formula: 'v ← α v + (1 − α) g²，w ← w − η g / (√v + ε)',
      link: 'https://zh.d2l.ai/chapter_optimization/rmsprop.html',
    },
  },
  adam: {
    en: {
      title: 'Adam',
      text: 'Adam combines a running mean m of the gradients with a running mean v of their squares, both corrected for starting at zero. It needs little tuning, because the length of a step depends far more on the learning rate than on the size of the gradient.',
      formula: 'm ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  w ← w − η m̂ / (√v̂ + ε),  m̂ = m / (1 − β₁ᵗ),  v̂ = v / (1 − β₂ᵗ)',
      link: 'https://d2l.ai/chapter_optimization/adam.html',
    },
    zh: {
      title: 'Adam',
      text: 'Adam 结合了梯度的滑动平均 m 与梯度平方的滑动平均 v，并修正二者从零起步带来的偏差。它几乎不用调参，因为步长主要取决于学习率，而不是梯度的大小。',
      formula: 'm ← β₁ m + (1 − β₁) g，v ← β₂ v + (1 − β₂) g²，w ← w − η m̂ / (√v̂ + ε)，m̂ = m / (1 − β₁ᵗ)，v̂ = v / (1 − β₂ᵗ)',
      link: 'https://zh.d2l.ai/chapter_optimization/adam.html',
    },
  },
  adam_w: {
    en: {
      title: 'AdamW',
      text: 'AdamW first shrinks every weight, including the bias, by a fraction set by the weight decay λ, and then takes the step of Adam. Use it to keep weights small, for example at a high degree, and set the decay to 0 to reach the exact solution.',
      formula: 'w ← w − η λ w,  w ← w − η m̂ / (√v̂ + ε)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html',
    },
    zh: {
      title: 'AdamW',
      text: 'AdamW 先按权重衰减 λ 把所有权重（包括偏置）缩小一点，再走 Adam 的一步。想让权重保持较小（例如次数较高）时用它，想达到精确解时则应把权重衰减设为 0。',
      formula: 'w ← w − η λ w，w ← w − η m̂ / (√v̂ + ε)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html',
    },
  },
  constant: {
    en: {
      title: 'Constant',
      text: 'A constant schedule keeps the learning rate at the value you set. That is enough for full batches, while smaller batches keep bouncing around the minimum, more widely the larger the rate.',
      formula: 'ηₜ = η',
      link: 'https://d2l.ai/chapter_optimization/lr-scheduler.html',
    },
    zh: {
      title: '恒定',
      text: '恒定调度让学习率一直保持在设定值。对全批量来说这已足够，批量较小时损失会一直在最小值附近来回跳动，学习率越大，幅度越大。',
      formula: 'ηₜ = η',
      link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
    },
  },
  time_decay: {
    en: {
      title: 'Time decay',
      text: 'Time decay divides the learning rate by a number that grows steadily with the step t. Use it to let the noise of small batches die away, and raise the decay steps if the run slows down before it arrives.',
      formula: 'ηₜ = η / (1 + decay rate · t / decay steps)',
      link: 'https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/',
    },
    zh: {
      title: '逆时间衰减',
      text: '逆时间衰减把学习率除以一个随步数 t 均匀增长的数。用它可以让小批量的噪声逐渐平息，若还没到达最小损失就已变慢，可增大衰减步数。',
      formula: 'ηₜ = η / (1 + 衰减率 · t / 衰减步数)',
      link: 'https://keras.io/api/optimizers/learning_rate_schedules/inverse_time_decay/',
    },
  },
  step: {
    en: {
      title: 'Step',
      text: 'The step schedule multiplies the learning rate by γ each time as many steps have passed as the step size says. Use it when you know roughly when progress stalls and a smaller rate should take over.',
      formula: 'ηₜ = η γ^⌊t / step size⌋',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html',
    },
    zh: {
      title: '阶梯衰减',
      text: '阶梯衰减让学习率保持不变，每过间隔步数就乘以一次 γ。大致知道训练到多少步会停滞、需要换用更小的学习率时，适合用它。',
      formula: 'ηₜ = η γ^⌊t / 间隔步数⌋',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.StepLR.html',
    },
  },
  exponential: {
    en: {
      title: 'Exponential',
      text: 'The exponential schedule multiplies the learning rate by γ at every step. Keep γ just below 1, because even 0.999 halves the rate in about 700 steps.',
      formula: 'ηₜ = η γᵗ',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html',
    },
    zh: {
      title: '指数衰减',
      text: '指数衰减在每一步都把学习率乘以 γ。γ 应只略小于 1，因为即使是 0.999，约 700 步后学习率也会减半。',
      formula: 'ηₜ = η γᵗ',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ExponentialLR.html',
    },
  },
  polynomial: {
    en: {
      title: 'Polynomial',
      text: 'The polynomial schedule lowers the learning rate to zero over T total steps, along a straight line if the power p is 1 and along a curve otherwise. Use it when you know the length of the run in advance, because nothing moves once the rate is zero.',
      formula: 'ηₜ = η (1 − min(t, T) / T)ᵖ',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html',
    },
    zh: {
      title: '多项式衰减',
      text: '多项式衰减在总步数 T 内把学习率降到零，幂次 p 为 1 时沿直线下降，否则沿曲线下降。训练长度事先已知时适合用它，因为学习率为零之后权重便不再变化。',
      formula: 'ηₜ = η (1 − min(t, T) / T)ᵖ',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.PolynomialLR.html',
    },
  },
  cosine: {
    en: {
      title: 'Cosine',
      text: 'The cosine schedule lowers the learning rate to the minimum rate over a period of T steps along half a cosine wave, gently at both ends. Turn restarts on to begin again after each period, and raise the period factor to make each period longer than the last.',
      formula: 'ηₜ = ηₘᵢₙ + (η − ηₘᵢₙ) (1 + cos(π t / T)) / 2',
      link: 'https://arxiv.org/abs/1608.03983',
    },
    zh: {
      title: '余弦退火',
      text: '余弦退火让学习率在 T 步的周期内沿半个余弦波降到最小学习率，首尾两端都较平缓。开启热重启后，每个周期结束都会回到起点，增大周期倍数则让周期越来越长。',
      formula: 'ηₜ = ηₘᵢₙ + (η − ηₘᵢₙ) (1 + cos(π t / T)) / 2',
      link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
    },
  },
  reduce_on_plateau: {
    en: {
      title: 'Reduce on plateau',
      text: 'This schedule multiplies the learning rate by the factor when the loss has not improved on its best value by the threshold for more epochs than the patience allows. Use it when you cannot tell in advance where progress will stall.',
      formula: 'L ≥ (1 − threshold) L_best  for more than patience epochs:  η ← max(factor · η, ηₘᵢₙ)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html',
    },
    zh: {
      title: '停滞时降低',
      text: '若损失未能比最佳值再降低阈值所规定的比例，且这样的轮数超过容忍轮数，就把学习率乘以降低系数。无法事先判断训练会在哪里停滞时，适合用它。',
      formula: 'L ≥ (1 − 阈值) L_best  持续超过容忍轮数：η ← max(降低系数 · η, ηₘᵢₙ)',
      link: 'https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.ReduceLROnPlateau.html',
    },
  },
  bold_driver: {
    en: {
      title: 'Bold driver',
      text: 'The bold driver raises the learning rate a little after every epoch in which the loss fell, and otherwise lowers it and returns the weights to the start of the last good epoch. Use it with large batches to find a fast rate automatically, since the noise of small batches looks like bad epochs.',
      formula: 'L fell:  η ← increase · η;  otherwise:  η ← decrease · η,  w ← w at the start of the last good epoch',
      link: 'https://www.willamette.edu/~gorr/classes/cs449/momrate.html',
    },
    zh: {
      title: 'Bold driver',
      text: '若一轮的损失下降，Bold driver 就略微提高学习率，否则降低学习率，并把权重退回到最近一个损失下降的轮次开始时的值。它适合用较大的批量自动找到较快的学习率，因为小批量的噪声会被误认为变差。',
      formula: 'L 下降：η ← 增大系数 · η；否则：η ← 减小系数 · η，w ← 最近一个损失下降的轮次开始时的 w',
      link: 'https://www.willamette.edu/~gorr/classes/cs449/momrate.html',
    },
  },
  warmup: {
    en: {
      title: 'Warm-up',
      text: 'A warm-up raises the learning rate in a straight line over the first W steps, from the fraction s of its value to the full value, before the schedule begins. Use it when a rate that is good later makes the first steps jump.',
      formula: 'ηₜ = η (s + (1 − s) t / W),  t < W',
      link: 'https://d2l.ai/chapter_optimization/lr-scheduler.html',
    },
    zh: {
      title: '预热',
      text: '预热在最初的 W 步内让学习率从比例 s 线性升到完整的值，之后学习率调度才开始。某个学习率后期合适、却使最初几步剧烈跳动时，可以加上预热。',
      formula: 'ηₜ = η (s + (1 − s) t / W)，t < W',
      link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
    },
  },
  standardize: {
    en: {
      title: 'Standardize',
      text: 'Standardizing gives x and each of its powers mean 0 and standard deviation 1 inside the model (without a bias, only root mean square 1), while the weights shown stay in original units. Turn it on when x is far from 0 or its powers differ in size, because descent then takes a more direct path and tolerates a larger learning rate.',
      formula: 'z = (x − mean(x)) / std(x),  fₖ = (zᵏ − mean(zᵏ)) / std(zᵏ)',
      link: 'https://scikit-learn.org/stable/modules/preprocessing.html',
    },
    zh: {
      title: '标准化',
      text: '标准化在模型内部让 x 及其各次幂的均值为 0、标准差为 1（没有偏置时只让均方根为 1），而显示的权重仍按原始单位。x 远离 0 或各次幂大小悬殊时应开启，因为这样下降路径更直接，也能承受更大的学习率。',
      formula: 'z = (x − mean(x)) / std(x)，fₖ = (zᵏ − mean(zᵏ)) / std(zᵏ)',
      link: 'https://zh.wikipedia.org/wiki/%E7%89%B9%E5%BE%81%E7%BC%A9%E6%94%BE',
    },
  },
  bias: {
    en: {
      title: 'Bias',
      text: 'The bias b is a parameter that no feature multiplies: the prediction at x = 0. Turn it off only if you know that the line passes through (0, 0), because otherwise the loss stays higher than necessary.',
      formula: 'ŷ = w x + b',
      link: 'https://d2l.ai/chapter_linear-regression/linear-regression.html',
    },
    zh: {
      title: '偏置',
      text: '偏置 b 是不与任何特征相乘的参数，也就是 x = 0 处的预测值。只有确知直线经过 (0, 0) 时才应关闭，否则损失降不到直线本可达到的水平。',
      formula: 'ŷ = w x + b',
      link: 'https://zh.d2l.ai/chapter_linear-networks/linear-regression.html',
    },
  },
  degree: {
    en: {
      title: 'Degree',
      text: 'The degree k is the highest power of x in the model, from 1 (a straight line) up to 12. Raise it when the residuals show a bend that the line cannot follow, and standardize as well, because high powers make descent slow.',
      formula: 'ŷ = w₁ x + w₂ x² + … + wₖ xᵏ + b',
      link: 'https://scikit-learn.org/stable/modules/linear_model.html',
    },
    zh: {
      title: '次数',
      text: '次数 k 是模型中 x 的最高次幂，1 为直线，最高为 12。残差呈现直线跟不上的弯曲时可以提高，同时应开启标准化，因为高次幂会使下降变慢。',
      formula: 'ŷ = w₁ x + w₂ x² + … + wₖ xᵏ + b',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/underfit-overfit.html',
    },
  },
  loss: {
    en: {
      title: 'Loss',
      text: 'The loss measures how wrong the predictions are, averaged over the rows, and training lowers it. Compare it with the lowest possible loss to see how far there is to go, and reduce the learning rate if it rises.',
      formula: 'L(w) = 1/n Σᵢ₌₁ⁿ ℓ(ŷᵢ, yᵢ)',
      link: 'https://en.wikipedia.org/wiki/Loss_function',
    },
    zh: {
      title: '损失',
      text: '损失衡量预测偏离目标的程度，在各行上取平均，训练就是要降低它。与最低可达损失比较即可知道还有多少余地，若它上升则应减小学习率。',
      formula: 'L(w) = 1/n Σᵢ₌₁ⁿ ℓ(ŷᵢ, yᵢ)',
      link: 'https://zh.wikipedia.org/wiki/%E6%8D%9F%E5%A4%B1%E5%87%BD%E6%95%B0',
    },
  },
  r2: {
    en: {
      title: 'R²',
      text: 'R² is the fraction of the variance of y that the model explains: 1 is a perfect fit, 0 is no better than always predicting the mean, and below 0 is worse. Use it rather than the loss to compare data in different units.',
      formula: 'R² = 1 − MSE / Var(y)',
      link: 'https://en.wikipedia.org/wiki/Coefficient_of_determination',
    },
    zh: {
      title: 'R²',
      text: 'R²（决定系数）是模型所解释的 y 的方差比例：1 表示完美拟合，0 表示不比始终预测均值更好，小于 0 则更差。比较单位不同的数据时，应看它而不是损失。',
      formula: 'R² = 1 − MSE / Var(y)',
      link: 'https://zh.wikipedia.org/wiki/%E5%86%B3%E5%AE%9A%E7%B3%BB%E6%95%B0',
    },
  },
  validation: {
    en: {
      title: 'Validation loss',
      text: 'The validation loss is the loss on rows held out of training, so it shows how the model does on data it has not seen. If it stays above the training loss and the shaded gap between them grows, the model overfits: use a lower degree, fewer features or more rows, or stop early.',
      formula: 'L_val = 1/m Σ ℓ(ŷ, y) over the m held-out rows',
      link: 'https://d2l.ai/chapter_linear-regression/generalization.html',
    },
    zh: {
      title: '验证损失',
      text: '验证损失是在没有参与训练的留出行上计算的损失，说明模型对未见过的数据表现如何。若它一直高于训练损失，且两者之间的阴影越来越大，说明模型过拟合：请降低次数、减少特征、增加数据，或提前停止。',
      formula: 'L_val = 1/m Σ ℓ(ŷ, y)，对留出的 m 行求和',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/underfit-overfit.html',
    },
  },
  patience: {
    en: {
      title: 'Early stopping',
      text: 'With a patience of p, the run stops when the validation loss has not improved for p epochs. It then restores the best weights, which undoes the overfitting since.',
      formula: 'stop at epoch k if the lowest L_val was at epoch k − p or earlier',
      link: 'https://d2l.ai/chapter_multilayer-perceptrons/generalization-deep.html',
    },
    zh: {
      title: '提前停止',
      text: '设耐心为 p，若验证损失连续 p 轮没有改善，训练即停止。随后恢复最佳权重，从而撤销此后的过拟合。',
      formula: '若最低的 L_val 出现在第 k − p 轮或更早，则在第 k 轮停止',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/underfit-overfit.html',
    },
  },
  gradient_norm: {
    en: {
      title: 'Gradient norm',
      text: 'The gradient norm is the length of the gradient of the loss with respect to the parameters of the model, which belong to the scaled features if scaling is on. It approaches 0 at the minimum, so give it a target to end the run there.',
      formula: '‖∇L‖ = √(Σⱼ (∂L/∂wⱼ)²)',
      link: 'https://d2l.ai/chapter_preliminaries/calculus.html',
    },
    zh: {
      title: '梯度范数',
      text: '梯度范数是损失对模型参数的梯度的长度，开启缩放时，参数指缩放后特征的参数。它在最低点处趋于 0，因此可以为它设定目标值，让训练在到达时结束。',
      formula: '‖∇L‖ = √(Σⱼ (∂L/∂wⱼ)²)',
      link: 'https://zh.d2l.ai/chapter_preliminaries/calculus.html',
    },
  },
  seed: {
    en: {
      title: 'Seed',
      text: 'The seed fixes everything random in a run: the initial weights and the order of the rows. Keep it to repeat a run exactly, and change it to see how much of a result is chance.',
      formula: '',
      link: 'https://en.wikipedia.org/wiki/Random_seed',
    },
    zh: {
      title: '种子',
      text: '种子固定了一次训练中的随机因素，即初始权重和各行的顺序。保持不变可以精确重现训练，改变它则能看出结果中有多少出于偶然。',
      formula: '',
      link: 'https://en.wikipedia.org/wiki/Random_seed',
    },
  },
  exact: {
    en: {
      title: 'Exact solution',
      text: 'The exact solution w* is computed directly instead of by descent, and no other weights have a lower loss. Compare the current fit with it to see how far descent still has to go.',
      formula: 'w* = argmin L(w);  squared loss: AᵀA w* = Aᵀy',
      link: 'https://en.wikipedia.org/wiki/Ordinary_least_squares',
    },
    zh: {
      title: '精确解',
      text: '精确解 w* 直接求出而不经过下降，没有任何权重的损失比它更低。把当前拟合与它比较，就能判断下降还有多远。',
      formula: 'w* = argmin L(w)；平方损失：AᵀA w* = Aᵀy',
      link: 'https://zh.wikipedia.org/wiki/%E6%9C%80%E5%B0%8F%E4%BA%8C%E4%B9%98%E6%B3%95',
    },
  },
  divergence: {
    en: {
      title: 'Divergence',
      text: 'A run diverges when each update overshoots further than the last, and it stops once the weights are no longer finite or the loss has grown about a million-fold. Lower the learning rate, because plain batch descent is stable only below 2 / λₘₐₓ, where λₘₐₓ is the largest curvature of the loss.',
      formula: 'η < 2 / λₘₐₓ(∇²L)',
      link: 'https://distill.pub/2017/momentum/',
    },
    zh: {
      title: '发散',
      text: '每次更新都比上一次冲得更远，训练就会发散；当权重不再是有限数，或损失增大到约一百万倍时，训练会被停止。此时应减小学习率，因为普通全批量梯度下降只在学习率低于 2 / λₘₐₓ 时稳定，λₘₐₓ 是损失的最大曲率。',
      formula: 'η < 2 / λₘₐₓ(∇²L)',
      link: 'https://zh.d2l.ai/chapter_optimization/gd.html',
    },
  },
  initial_weights: {
    en: {
      title: 'Initial weights',
      text: 'Descent starts from these weights: zero, uniform within ±0.05, normal with standard deviation 0.05, or Glorot uniform, which depends on the number d of features; the bias starts at 0. Change them to watch another path: the loss of this model is shaped like a bowl, so every start leads down to the same lowest loss.',
      formula: 'Glorot:  w ~ U(−a, a),  a = √(6 / (d + 1))',
      link: 'https://d2l.ai/chapter_multilayer-perceptrons/numerical-stability-and-init.html',
    },
    zh: {
      title: '初始权重',
      text: '下降从这些权重出发：全零、±0.05 内的均匀分布、标准差为 0.05 的正态分布，或取决于特征数 d 的 Glorot 均匀分布，而偏置总是从 0 开始。改变它可以观察另一条路径，而这个模型的损失形如一只碗，因此无论从哪里出发，都通向同一个最低损失。',
      formula: 'Glorot：w ~ U(−a, a)，a = √(6 / (d + 1))',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/numerical-stability-and-init.html',
    },
  },
  batch_size: {
    en: {
      title: 'Batch size',
      text: 'The batch size m is the number of rows averaged in one mini-batch update, and the last batch of an epoch may be smaller. Raise it for less noise per step, or lower it for more steps per epoch.',
      formula: 'steps in an epoch = ⌈n / m⌉',
      link: 'https://d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
    zh: {
      title: '批量大小',
      text: '批量大小 m 是一次小批量更新所平均的行数，一轮中最后一个批次可能较小。调大可使每步的噪声更小，调小可使每轮的步数更多。',
      formula: '每轮步数 = ⌈n / m⌉',
      link: 'https://zh.d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
  },
  shuffle: {
    en: {
      title: 'Shuffle',
      text: 'Shuffling visits the rows in a new random order πₑ in every epoch e. Leave it on for batches smaller than the data, because rows in a fixed order, such as sorted by x, pull the weights one way and then the other.',
      formula: 'row at place i of epoch e = πₑ(i)',
      link: 'https://d2l.ai/chapter_optimization/sgd.html',
    },
    zh: {
      title: '打乱顺序',
      text: '打乱顺序使每一轮 e 都以新的随机顺序 πₑ 访问各行。批量小于数据量时应保持开启，因为固定的顺序（例如按 x 排序）会把权重先拉向一边，再拉向另一边。',
      formula: '第 e 轮位置 i 处的行 = πₑ(i)',
      link: 'https://zh.d2l.ai/chapter_optimization/sgd.html',
    },
  },
  distance: {
    en: {
      title: 'Distance to exact',
      text: 'This is the distance between the weights w and the exact weights w*, relative to the length of w* and in the units of the data. Watch it along with the loss, because in a flat valley the loss can be nearly minimal while the weights are still far off.',
      formula: '‖w − w*‖ / ‖w*‖',
      link: 'https://en.wikipedia.org/wiki/Approximation_error',
    },
    zh: {
      title: '与精确解的距离',
      text: '它表示当前权重 w 离精确解 w* 有多远，按数据的单位计算，并以 w* 的长度为基准。宜与损失一起看，因为在平坦的山谷中，损失几乎已最低，权重却可能仍相差很远。',
      formula: '‖w − w*‖ / ‖w*‖',
      link: 'https://zh.d2l.ai/chapter_preliminaries/linear-algebra.html',
    },
  },
  method: {
    en: {
      title: 'Method',
      text: 'The method sets how many rows m each update uses: all of them, a mini-batch, or a single one, the last also with a decaying rate. More rows give a steadier path, and fewer rows give cheaper and more frequent updates.',
      formula: 'g = 1/m Σᵢ∈B ∇ℓ(ŷᵢ, yᵢ),  |B| = m',
      link: 'https://d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
    zh: {
      title: '方法',
      text: '方法决定每次更新使用多少行 m：全部、一个小批量，或仅一行（后者还可配合衰减学习率）。行数越多路径越平稳，行数越少则每次更新越省、更新越频繁。',
      formula: 'g = 1/m Σᵢ∈B ∇ℓ(ŷᵢ, yᵢ)，|B| = m',
      link: 'https://zh.d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
  },
  optimizer: {
    en: {
      title: 'Optimizer',
      text: 'The optimizer is the rule u that turns a gradient g into a change of the weights. Use SGD to see plain descent, momentum for narrow valleys, and an adaptive rule such as Adam when the weights need steps of different sizes.',
      formula: 'w ← w − η u(g),  SGD: u(g) = g',
      link: 'https://cs231n.github.io/neural-networks-3/',
    },
    zh: {
      title: '优化器',
      text: '优化器是把梯度 g 变成权重变化量的规则 u。想看最普通的下降就用 SGD，山谷狭长时加上动量，各权重需要不同步长时选用 Adam 等自适应规则。',
      formula: 'w ← w − η u(g)，SGD：u(g) = g',
      link: 'https://zh.d2l.ai/chapter_optimization/index.html',
    },
  },
  schedule: {
    en: {
      title: 'Schedule',
      text: 'A schedule changes the learning rate during a run, depending on the step t or on how the loss behaves. Use one to start fast and finish calmly, especially with small batches, whose noise keeps the weights jittering at a constant rate.',
      formula: 'ηₜ = f(η, t)',
      link: 'https://d2l.ai/chapter_optimization/lr-scheduler.html',
    },
    zh: {
      title: '学习率调度',
      text: '学习率调度在训练过程中改变学习率，依据是步数 t 或损失的表现。用它可以起步快、收尾稳，尤其适合小批量，因为学习率恒定时，小批量的噪声会使权重不停抖动。',
      formula: 'ηₜ = f(η, t)',
      link: 'https://zh.d2l.ai/chapter_optimization/lr-scheduler.html',
    },
  },
  backend: {
    en: {
      title: 'Backend',
      text: 'The backend is the hardware that trains: the GPU through WebGPU, or the CPU through WebAssembly, where sufficient statistics (sums of products, computed once) can replace the rows of a full batch, so that a step costs the same for any number of rows. Leave it on Auto, which measures them all and uses the fastest.',
      formula: '',
      link: 'https://developer.mozilla.org/en-US/docs/Web/API/WebGPU_API',
    },
    zh: {
      title: '后端',
      text: '后端是执行训练的硬件：通过 WebGPU 使用 GPU，或通过 WebAssembly 使用 CPU；在 CPU 上，充分统计量（一次求得的乘积之和）可以代替全批量中的各行数据，使每一步的开销与行数无关。一般保持“自动”即可，它会逐一实测并选用最快的一个。',
      formula: '',
      link: 'https://developer.mozilla.org/zh-CN/docs/Web/API/WebGPU_API',
    },
  },
  speed: {
    en: {
      title: 'Speed',
      text: 'The speed is the number of updates per second, up to the limit of your device. Lower it to follow single steps, or raise it to finish sooner, since the path of the weights stays the same.',
      formula: 'steps = speed · seconds',
      link: 'https://d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
    zh: {
      title: '速度',
      text: '速度是每秒更新的次数，最快可达设备的极限。想看清每一步就调慢，想早些看到结果就调快，权重走过的路径并不会因此改变。',
      formula: '步数 = 速度 · 秒数',
      link: 'https://zh.d2l.ai/chapter_optimization/minibatch-sgd.html',
    },
  },
  squared: {
    en: {
      title: 'Squared loss',
      text: 'The squared loss is the mean of the squared residuals, so a residual twice as large counts four times, and its optimum is the mean of the targets. Use it when errors are roughly normal, and another loss when a few rows are far off.',
      formula: 'L = 1/n Σ (ŷ − y)²',
      link: 'https://d2l.ai/chapter_linear-regression/linear-regression.html',
    },
    zh: {
      title: '平方损失',
      text: '平方损失是残差平方的平均，残差大一倍，代价就是四倍，其最优解对应目标的均值。误差大致服从正态分布时选它；若有少数行偏离很远，请换用其他损失。',
      formula: 'L = 1/n Σ (ŷ − y)²',
      link: 'https://zh.d2l.ai/chapter_linear-networks/linear-regression.html',
    },
  },
  absolute: {
    en: {
      title: 'Absolute loss',
      text: 'The absolute loss is the mean size of the residuals, so its optimum is the median of the targets and outliers count less. Its slope does not shrink near the optimum, so let the learning rate decay.',
      formula: 'L = 1/n Σ |ŷ − y|',
      link: 'https://en.wikipedia.org/wiki/Least_absolute_deviations',
    },
    zh: {
      title: '绝对值损失',
      text: '绝对值损失是残差绝对值的平均，最优解对应目标的中位数，偏离很远的行不会被过分放大。它的斜率在最优点附近并不变小，因此应让学习率逐渐衰减。',
      formula: 'L = 1/n Σ |ŷ − y|',
      link: 'https://en.wikipedia.org/wiki/Least_absolute_deviations',
    },
  },
  huber: {
    en: {
      title: 'Huber loss',
      text: 'The Huber loss is a parabola for residuals up to delta and a straight line beyond, as smooth as the squared loss and nearly as robust to outliers as the absolute loss. Set delta to about the size of a typical residual.',
      formula: 'L = ½ r² if |r| ≤ δ, else δ (|r| − ½ δ)',
      link: 'https://en.wikipedia.org/wiki/Huber_loss',
    },
    zh: {
      title: 'Huber 损失',
      text: 'Huber 损失在残差不超过 delta 时是抛物线，超过后是直线：既像平方损失那样平滑，又几乎和绝对值损失一样不受离群点影响。delta 取通常残差的大小即可。',
      formula: 'L = ½ r² (|r| ≤ δ)，否则 δ (|r| − ½ δ)',
      link: 'https://en.wikipedia.org/wiki/Huber_loss',
    },
  },
  log_cosh: {
    en: {
      title: 'Log-cosh loss',
      text: 'The log-cosh loss is about half the square of a small residual and about the size of a large one minus ln 2, and it is smooth everywhere. It works like a Huber loss without a delta to choose.',
      formula: 'L = 1/n Σ ln cosh(ŷ − y)',
      link: 'https://keras.io/api/losses/regression_losses/',
    },
    zh: {
      title: '对数双曲余弦损失',
      text: '残差小时，它约为残差平方的一半；残差大时，约为其绝对值减去 ln 2，而且处处平滑。它好比无需选择 delta 的 Huber 损失，以目标的单位计。',
      formula: 'L = 1/n Σ ln cosh(ŷ − y)',
      link: 'https://keras.io/api/losses/regression_losses/',
    },
  },
  quantile: {
    en: {
      title: 'Quantile loss',
      text: 'The quantile loss charges tau for each unit that a prediction is too low and 1 − tau for each unit that it is too high, so that a fraction tau of the targets ends up below the line. Two such lines, at 0.05 and 0.95, enclose 90% of the rows.',
      formula: 'L = max(τ (y − ŷ), (τ − 1)(y − ŷ))',
      link: 'https://en.wikipedia.org/wiki/Quantile_regression',
    },
    zh: {
      title: '分位数损失',
      text: '预测每偏低一个单位计 tau，每偏高一个单位计 1 − tau，于是有 tau 比例的目标值落在直线之下。取 0.05 和 0.95 两条线，便有 90% 的行夹在其间。',
      formula: 'L = max(τ (y − ŷ), (τ − 1)(y − ŷ))',
      link: 'https://en.wikipedia.org/wiki/Quantile_regression',
    },
  },
  logistic: {
    en: {
      title: 'Logistic loss',
      text: 'The logistic loss is the cross-entropy for a target with two classes: the model predicts the log-odds of the second class, and confident mistakes cost the most. A coefficient is the change in the log-odds per unit of its input.',
      formula: 'L = ln(1 + eᶻ) − y z',
      link: 'https://en.wikipedia.org/wiki/Logistic_regression',
    },
    zh: {
      title: '逻辑损失',
      text: '逻辑损失是二分类目标的交叉熵：模型给出第二类的对数几率，越自信的错误代价越大。系数表示输入每增加一个单位，对数几率增加多少。',
      formula: 'L = ln(1 + eᶻ) − y z',
      link: 'https://en.wikipedia.org/wiki/Logistic_regression',
    },
  },
  softmax: {
    en: {
      title: 'Softmax loss',
      text: 'The softmax loss is the cross-entropy for a target with several classes: each class has its own weights, and their outputs become probabilities that add up to 1. Adding the same number to every class changes nothing, so only differences between weights are meaningful.',
      formula: 'L = ln Σₖ e^(zₖ) − z_y',
      link: 'https://d2l.ai/chapter_linear-classification/softmax-regression.html',
    },
    zh: {
      title: 'Softmax 损失',
      text: 'Softmax 损失是多分类目标的交叉熵：每个类别各有一组权重，其输出变为总和为 1 的概率。给所有类别加上同一个数不会改变结果，因此只有权重之差才有意义。',
      formula: 'L = ln Σₖ e^(zₖ) − z_y',
      link: 'https://zh.d2l.ai/chapter_linear-networks/softmax-regression.html',
    },
  },
  poisson: {
    en: {
      title: 'Poisson loss',
      text: 'The Poisson loss suits targets that are counts: the model predicts the logarithm of the expected count, so predictions are never negative. A coefficient b multiplies the expected count by e^b for each additional unit.',
      formula: 'L = eᶻ − y z',
      link: 'https://en.wikipedia.org/wiki/Poisson_regression',
    },
    zh: {
      title: '泊松损失',
      text: '泊松损失适合计数型目标：模型给出期望计数的对数，因此预测不会为负。输入每增加一个单位，期望计数就乘以 e 的 b 次方。',
      formula: 'L = eᶻ − y z',
      link: 'https://en.wikipedia.org/wiki/Poisson_regression',
    },
  },
  penalty: {
    en: {
      title: 'Penalty',
      text: 'The penalty adds the size of the weights to the loss, so that descent trades a little accuracy for smaller weights, which overfit less. Raise it until the validation loss is lowest; the bias is never penalized.',
      formula: 'α (q |w|₁ + (1 − q)/2 |w|²)',
      link: 'https://d2l.ai/chapter_linear-regression/weight-decay.html',
    },
    zh: {
      title: '惩罚',
      text: '惩罚把权重的大小加进损失，于是下降会牺牲一点拟合来换取更小的权重，从而减轻过拟合。逐渐加大它，直到验证损失最低；偏置从不受惩罚。',
      formula: 'α (q |w|₁ + (1 − q)/2 |w|²)',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/weight-decay.html',
    },
  },
  l1_ratio: {
    en: {
      title: 'L1 ratio',
      text: 'At 0 the penalty uses the squared weights (ridge), which shrinks them all; at 1 it uses their absolute values (lasso), which makes some weights exactly 0 and so selects features. Values in between give the elastic net.',
      formula: 'q |w|₁ + (1 − q)/2 |w|²',
      link: 'https://en.wikipedia.org/wiki/Elastic_net_regularization',
    },
    zh: {
      title: 'L1 比例',
      text: '取 0 时惩罚权重的平方（岭回归），把所有权重一起缩小；取 1 时惩罚权重的绝对值（lasso），使一些权重恰好为 0，从而挑选特征。介于两者之间的是弹性网。',
      formula: 'q |w|₁ + (1 − q)/2 |w|²',
      link: 'https://en.wikipedia.org/wiki/Elastic_net_regularization',
    },
  },
  penalty_path: {
    en: {
      title: 'Coefficient path',
      text: 'A path trains the model with many penalty strengths at once and draws every coefficient against the strength, live. It shows where each coefficient leaves zero and where the validation loss is lowest; click to use a strength.',
      formula: 'w(α), α₁ … αₖ',
      link: 'https://en.wikipedia.org/wiki/Lasso_(statistics)',
    },
    zh: {
      title: '系数路径',
      text: '系数路径同时训练许多种惩罚强度，并实时画出各系数随强度的变化。哪个系数何时离开零、验证损失在哪里最低，一目了然；点击即可采用该强度。',
      formula: 'w(α), α₁ … αₖ',
      link: 'https://en.wikipedia.org/wiki/Lasso_(statistics)',
    },
  },
  test: {
    en: {
      title: 'Test rows',
      text: 'Test rows are neither trained on nor used for any choice: their loss shows at the very end how the model performs on new data. If you choose by it, it becomes a validation loss, so look at it last.',
      formula: 'n = training + validation + test',
      link: 'https://d2l.ai/chapter_linear-regression/generalization.html',
    },
    zh: {
      title: '测试行',
      text: '测试行既不参与训练，也不用于做选择：它们的损失只在最后说明模型在新数据上的表现。如果用它来做选择，它就成了验证损失，因此请留到最后再看。',
      formula: 'n = 训练 + 验证 + 测试',
      link: 'https://zh.d2l.ai/chapter_multilayer-perceptrons/underfit-overfit.html',
    },
  },
  folds: {
    en: {
      title: 'Cross-validation',
      text: 'With k folds, the training rows are split into k parts, and k more runs train in parallel, each leaving out one part and measuring its loss there. Their mean is steadier than the loss of a single held-out part, and their spread shows how far to trust it.',
      formula: 'CV = 1/k Σ Lₖ(w₋ₖ)',
      link: 'https://scikit-learn.org/stable/modules/cross_validation.html',
    },
    zh: {
      title: '交叉验证',
      text: 'k 折交叉验证把训练行分成 k 份，并同时再训练 k 个模型，每个各留出一份并在其上计算损失。它们的均值比单独留出一份更稳定，离散程度则说明结果有多可信。',
      formula: 'CV = 1/k Σ Lₖ(w₋ₖ)',
      link: 'https://scikit-learn.org/stable/modules/cross_validation.html',
    },
  },
  folded: {
    en: {
      title: 'Folded into the weights',
      text: 'A model trained on scaled inputs can be rewritten for raw inputs: each weight absorbs its scale, and the bias absorbs the centers. The predictions stay the same, so the file can be used without knowing how the inputs were scaled.',
      formula: 'w′ = w / s,   b′ = b − Σ w c / s',
      link: 'https://scikit-learn.org/stable/modules/preprocessing.html',
    },
    zh: {
      title: '并入权重',
      text: '在缩放后的输入上训练的模型，可以改写成接受原始输入：每个权重吸收自己的尺度，偏置吸收各个中心。预测保持不变，因此使用该文件时无需知道输入是如何缩放的。',
      formula: 'w′ = w / s,   b′ = b − Σ w c / s',
      link: 'https://scikit-learn.org/stable/modules/preprocessing.html',
    },
  },
};
