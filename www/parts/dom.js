// @ts-check
// Elements, and the frames in which they are drawn.

/**
 * Makes an element.
 * @param {string} tag
 * @param {string} [name] its classes
 * @param {string} [content] its text
 */
export function make(tag, name = '', content = '') {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (content) element.textContent = content;
  return element;
}

/**
 * Makes a button that submits no form.
 * @param {string} name its classes
 * @param {string} content its text
 * @param {(event: MouseEvent) => void} [press]
 */
export function makeButton(name, content, press) {
  const button = /** @type {HTMLButtonElement} */ (make('button', name, content));
  button.type = 'button';
  if (press) button.addEventListener('click', press);
  return button;
}

/**
 * Makes a select box.
 * @param {readonly (readonly string[])[]} options the value and the words of each
 * @param {string} [value] the chosen one
 */
export function makeSelect(options, value) {
  const control = document.createElement('select');
  control.append(...options.map(([of, words]) => new Option(words, of)));
  if (value !== undefined) control.value = value;
  return control;
}

/**
 * Makes a label for a control that has an id.
 * @param {HTMLElement} control
 * @param {string} words
 * @param {string} [name] its classes
 */
export function labelFor(control, words, name = '') {
  const label = make('label', name, words);
  label.setAttribute('for', control.id);
  return label;
}

/**
 * Makes a graphic, or a part of one.
 * @param {string} tag
 * @param {Record<string, string>} attributes
 * @param {SVGElement[]} parts
 */
export function makeSvg(tag, attributes, ...parts) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...parts);
  return element;
}

/**
 * The part of the page with a name (`data-part`).
 * @param {ParentNode} root
 * @param {string} name
 */
export const part = (root, name) => /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));

/**
 * Several parts of the page, by their names.
 * @template {string} Name
 * @param {ParentNode} root
 * @param {Name[]} names
 */
export const partsOf = (root, ...names) =>
  /** @type {Record<Name, HTMLElement>} */ (Object.fromEntries(names.map((name) => [name, part(root, name)])));

/**
 * Sets the text of an element. Assigning the same text again would make the browser lay out again.
 * @param {Element | null | undefined} element
 * @param {string} words
 */
export function put(element, words) {
  if (element && element.textContent !== words) element.textContent = words;
}

/**
 * What asks for a drawing in the next frame, however often it is asked.
 * @param {() => void} draw
 */
export function framed(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
