/** Making and changing elements. Strings of the gateway become text here, never markup. */

import { each } from './objects';
import { withoutOverrides } from './text';

const SVG = 'http://www.w3.org/2000/svg';

let nextId = 0;

export function uid(name: string) {
  nextId += 1;
  return 'ngb-' + name + '-' + nextId;
}

/** null removes an attribute. */
type Attributes = Record<string, string | number | boolean | null>;

type Child = Node | string | null | undefined;
type Children = Child | Child[];

/** Make an element: `el('div', 'ngb-x', {role: 'x'}, [children or text])`. Text goes in as text, never as markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  attributes?: Attributes | null,
  children?: Children
): HTMLElementTagNameMap[K] {
  let node = document.createElement(tag);
  if (className) {
    node.className = className;
  }
  setAttributes(node, attributes);
  append(node, children);
  return node;
}

export function setAttributes(node: HTMLElement, attributes: Attributes | null | undefined) {
  each(Object.keys(attributes || {}), (name) => {
    setAttribute(node, name, attributes![name]);
  });
}

/** Set an attribute, or remove it with null; one that has the value already isn't touched. */
export function setAttribute(node: HTMLElement, name: string, value: Attributes[string]) {
  if (value === null) {
    node.removeAttribute(name);
  } else if (node.getAttribute(name) !== value + '') {
    node.setAttribute(name, value + '');
  }
}

export function append(node: HTMLElement, children: Children) {
  const list = children instanceof Array ? children : [children];
  each(list, (one) => {
    if (one) {
      node.appendChild(typeof one === 'string' ? document.createTextNode(withoutOverrides(one)) : one);
    }
  });
  return node;
}

export function setText(node: HTMLElement, text: string) {
  const shown = withoutOverrides(text);
  if (node.textContent !== shown) {
    node.textContent = shown;
  }
}

export function remove(node: HTMLElement) {
  if (node.parentNode) {
    node.parentNode.removeChild(node);
  }
}

export function empty(node: HTMLElement) {
  while (node.firstChild) {
    node.removeChild(node.firstChild);
  }
}

export function toggleClass(node: HTMLElement, name: string, on: boolean) {
  node.classList[on ? 'add' : 'remove'](name);
}

export function hasClass(node: HTMLElement, name: string) {
  return !!node.classList && node.classList.contains(name); // Internet Explorer's elements of an SVG have none
}

/** Give an element a class for as long as an animation takes; one that runs is not begun again. */
export function flash(node: HTMLElement, name: string, milliseconds: number) {
  if (!hasClass(node, name)) {
    toggleClass(node, name, true);
    setTimeout(() => toggleClass(node, name, false), milliseconds);
  }
}

/** Find the element itself or the nearest one around it that has a class, up to and without `limit`. */
export function closest(node: HTMLElement, name: string, limit: Node) {
  while (node && node !== limit && node.nodeType === 1) {
    if (hasClass(node, name)) {
      return node;
    }
    node = node.parentNode as HTMLElement;
  }
  return null;
}

export function icon(path: string, className?: string) {
  const svg = document.createElementNS(SVG, 'svg');
  const line = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'ngb-svg' + (className ? ' ' + className : ''));
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  line.setAttribute('d', path);
  svg.appendChild(line);
  return svg;
}

/** Make a button that shows its name, '' for nothing yet. */
export function makeButton(className: string, name: Children, onclick: (event: MouseEvent) => void, attributes?: Attributes) {
  const button = el('button', className, attributes, name);
  button.type = 'button';
  button.onclick = onclick;
  return button;
}

/** Make a button that shows an icon and is named by its text. */
export function iconButton(path: string, label: string, className: string, onclick: () => void) {
  return makeButton('ngb-icon-button ' + className, icon(path), onclick, {'aria-label': label, title: label});
}

/** Return the name of a key, without `Arrow`, as some older engines name it; others name none. */
export function keyName(event: KeyboardEvent) {
  return String(event.key).replace('Arrow', '');
}

/** Older engines name the key `Esc`. */
export function isEscape(event: KeyboardEvent) {
  return /^Esc/.test(event.key);
}

/** Return whether keys in an element are for the element itself. */
export function isField(target: EventTarget | null) {
  return /^(?:INPUT|SELECT|TEXTAREA)$/.test((target as HTMLElement).nodeName);
}

export function isHidden() {
  return !!document.hidden;
}

function wantsLessMotion() {
  return !!(window.matchMedia && window.matchMedia('(prefers-reduced-motion: reduce)').matches);
}

export function focusables(node: HTMLElement): HTMLElement[] {
  const found = node.querySelectorAll<HTMLButtonElement>('a[href], button, input, select, textarea, [tabindex]');
  let list: HTMLElement[] = [];
  each(found, function (one) {
    if (!one.disabled && one.tabIndex >= 0 && (one.offsetWidth || one.offsetHeight)) {
      list.push(one);
    }
  });
  return list;
}

/** Take an element out of the page; where it is seen, and motion is wanted, it folds up first. */
export function foldAway(node: HTMLElement, isSeen: boolean) {
  if (!isSeen || wantsLessMotion()) {
    remove(node);
    return;
  }
  setAttribute(node, 'aria-hidden', 'true');
  each(focusables(node), (control) => {
    control.tabIndex = -1;
  });
  node.style.height = node.offsetHeight + 'px';
  window.getComputedStyle(node).height; // makes the browser see the height before it shrinks
  toggleClass(node, 'ngb-leaving', true);
  node.style.height = '0px';
  setTimeout(() => {
    remove(node);
  }, 240);
}

const CONTROL = /^(?:A|BUTTON|INPUT|LABEL|SELECT|TEXTAREA)$/i;

/** Return whether a click in a node was on none of its controls, and not the end of a selection of its text. */
export function isPlainClick(event: MouseEvent, node: HTMLElement) {
  const selection = window.getSelection();
  for (let one = event.target as HTMLElement; one && one !== node; one = one.parentNode as HTMLElement) {
    if (CONTROL.test(one.nodeName)) {
      return false;
    }
  }
  return !selection || selection.isCollapsed || !node.contains(selection.anchorNode);
}
