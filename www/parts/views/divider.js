// @ts-check
// The divider between the two pictures, by pointer and by keys.

/**
 * @param {HTMLElement} divider
 * @param {HTMLElement} stack both pictures
 */
export function startDivider(divider, stack) {
  const set = (/** @type {number} */ share) => {
    const bounded = Math.min(Math.max(share, 25), 75);
    stack.style.setProperty('--fit-share', String(bounded));
    divider.setAttribute('aria-valuenow', String(Math.round(bounded)));
  };
  divider.addEventListener('pointerdown', (event) => divider.setPointerCapture(event.pointerId));
  divider.addEventListener('pointermove', (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const { top, height } = stack.getBoundingClientRect();
    set((100 * (event.clientY - top)) / height);
  });
  divider.addEventListener('keydown', (event) => {
    const move = { ArrowUp: -5, ArrowDown: 5 }[event.key];
    if (move === undefined) return;
    event.preventDefault();
    set(Number(divider.getAttribute('aria-valuenow')) + move);
  });
}
